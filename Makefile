# Everything a newcomer types. `make help` lists it. Nothing but Python 3.11 and the package index is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
GEN_VENV := .venv-gen
STUBS := clients/python
PROTOS := $(sort $(wildcard protos/graphwire/v1/*.proto))
SERVICES := $(filter %_service.proto,$(PROTOS))
# The stubs come from the oldest protobuf that we support, so that they run on it and on all that follow it.
GEN_TOOLS := grpcio-tools==1.76.0 protobuf==6.33.6 mypy-protobuf==5.1.0

JS := tests/conformance/js

.PHONY: help run test check fix gen bench clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

run: $(VENV)/.server ## Serve the examples over gRPC and HTTP
	@$(BIN)/graphwire serve --config examples/langgraph.json

test: $(VENV)/.dev $(if $(shell command -v npm),$(JS)/node_modules/.stamp) ## Run the tests
	@$(BIN)/python -m pytest -q $(ARGS)

check: $(VENV)/.dev $(GEN_VENV)/.tools ## Check format, lint, types, layers, sizes, protos and generated code
	@PATH=$(CURDIR)/$(BIN):$$PATH GEN_PYTHON=$(GEN_VENV)/bin/python $(BIN)/python -m tools.check

fix: $(VENV)/.dev ## Mend what a tool can mend
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q . ; $(BIN)/buf format -w protos

gen: $(GEN_VENV)/.tools ## Generate the Python stubs from protos/
	@$(GEN_VENV)/bin/python tools/gen.py $(STUBS)

bench: $(VENV)/.dev ## Measure, beside the bare graph
	@$(BIN)/python -m bench $(ARGS)

clean: ## Remove what the other commands made
	rm -rf $(VENV) $(GEN_VENV) $(JS)/node_modules .graphwire .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis build dist

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

$(GEN_VENV)/.tools: Makefile
	@test -x $(GEN_VENV)/bin/python || $(PYTHON) -m venv $(GEN_VENV)
	@$(GEN_VENV)/bin/python -m pip install -q --disable-pip-version-check $(GEN_TOOLS)
	@touch $@
