# Everything a newcomer types. `make help` lists it. Nothing but Python 3.11 and the package index is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GEN_VENV := .venv-gen
STUBS := clients/python
# The stubs come from the oldest protobuf that we support, so that they run on it and on all that follow it.
GEN_TOOLS := grpcio-tools==1.76.0 protobuf==6.33.6 mypy-protobuf==5.1.0

JS := tests/conformance/js
GRPCURL := build/bin/grpcurl
GRPCURL_VERSION := v1.9.4

CLIENTS := clients
GO_CLIENT := $(CLIENTS)/go
JAVA_CLIENT := $(CLIENTS)/java
TS_CLIENT := $(CLIENTS)/typescript
PROTOC := $(CURDIR)/$(GEN_VENV)/bin/python -m grpc_tools.protoc

.PHONY: help run test test-clients check fix gen gen-clients protos bench guard clean client-go client-java client-typescript

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.server ## Serve the examples over gRPC and HTTP
	@$(BIN)/graphwire serve --config examples/langgraph.json

test: $(VENV)/.dev $(if $(shell command -v npm),$(JS)/node_modules/.stamp) $(if $(shell command -v go),$(GRPCURL)) ## Run the tests
	@$(BIN)/python -m pytest -q --ignore=tests/clients $(ARGS)

test-clients: $(VENV)/.dev $(GEN_VENV)/.tools client-go client-java client-typescript ## Build the clients of all languages, and hold them to what they promise
	@$(BIN)/python -m pytest -q tests/clients $(ARGS)

client-go: # An absent toolchain is told by the tests, which skip that language, or fail in CI.
	@if command -v go > /dev/null; then cd $(GO_CLIENT) && wrong=$$(gofmt -l .) && { test -z "$$wrong" || { echo "not as gofmt wants it: $$wrong"; exit 1; }; } \
	&& go vet ./... && go test ./... && go build -o build/conformance ./conformance; fi

client-java:
	@if command -v mvn > /dev/null; then cd $(JAVA_CLIENT) && mvn -B -q package; fi

client-typescript: $(if $(shell command -v npm),$(TS_CLIENT)/node_modules/.stamp)
	@if command -v npm > /dev/null; then cd $(TS_CLIENT) && { told=$$(npm test --silent 2>&1) || { echo "$$told"; exit 1; }; } && echo "typescript: tests passed"; fi

check: $(VENV)/.dev $(GEN_VENV)/.tools ## Check format, lint, types, layers, sizes, protos and generated code
	@PATH=$(CURDIR)/$(BIN):$$PATH GEN_PYTHON=$(GEN_VENV)/bin/python $(BIN)/python -m tools.check

fix: $(VENV)/.dev ## Mend what a tool can mend
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q . ; $(BIN)/buf format -w protos

gen: $(GEN_VENV)/.tools ## Generate the Python stubs from protos/, and the clients' copies of what they share
	@$(GEN_VENV)/bin/python tools/gen.py $(STUBS)
	@$(PYTHON) -m tools.copies

gen-clients: $(GEN_VENV)/.tools $(TS_CLIENT)/node_modules/.stamp ## Generate the stubs of the clients in Go and TypeScript from protos/
	@PROTOC="$(PROTOC)" $(GO_CLIENT)/generate $(GO_CLIENT)
	@PROTOC="$(PROTOC)" $(TS_CLIENT)/generate $(TS_CLIENT)

protos: $(VENV)/.dev ## Write the descriptor set and the tarball of the protos into dist/
	@PATH=$(CURDIR)/$(BIN):$$PATH $(BIN)/python -m tools.protos

bench: $(VENV)/.dev ## Measure, beside the bare graph
	@$(BIN)/python -m bench $(ARGS)

guard: $(VENV)/.dev ## Refuse what makes a hot path cost twice as much CPU
	@$(BIN)/python -m bench.guard

clean: ## Remove what the other commands made
	rm -rf $(VENV) $(GEN_VENV) $(JS)/node_modules $(TS_CLIENT)/node_modules $(TS_CLIENT)/dist $(GO_CLIENT)/build $(JAVA_CLIENT)/*/target $(JAVA_CLIENT)/*/*/target $(CLIENTS)/python/build .graphwire .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "graphwire needs Python 3.11 or newer; name one: make PYTHON=python3.11"; exit 2; }
	@echo "making the environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.server: $(VENV)/bin/python pyproject.toml
	@echo "installing graphwire and what it needs ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[server]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	@echo "installing graphwire and what its tests need ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.server

$(JS)/node_modules/.stamp: $(JS)/package-lock.json $(JS)/package.json
	@echo "installing the JavaScript SDK, for its tests ..."
	@cd $(JS) && npm ci --silent
	@touch $@

$(GRPCURL):
	@echo "building grpcurl, for the tests of docs/grpcurl.md ..."
	@GOBIN=$(CURDIR)/build/bin go install github.com/fullstorydev/grpcurl/cmd/grpcurl@$(GRPCURL_VERSION)

$(TS_CLIENT)/node_modules/.stamp: $(TS_CLIENT)/package-lock.json $(TS_CLIENT)/package.json
	@echo "installing what the TypeScript client needs ..."
	@cd $(TS_CLIENT) && npm ci --silent
	@touch $@

$(GEN_VENV)/.tools: Makefile
	@test -x $(GEN_VENV)/bin/python || $(PYTHON) -m venv $(GEN_VENV)
	@$(GEN_VENV)/bin/python -m pip install -q --disable-pip-version-check $(GEN_TOOLS)
	@touch $@
