"""The OpenAPI document.

Owns the step from the table of routes to a document of version 3.1. Whatever the table says is in it; nothing else is.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from graphwire_server.rest.calls import Operation, Operations
from graphwire_server.rest.shapes import Shape
from graphwire_server.rest.shown import Failure

_REFERENCE = "#/components/schemas/{model}"
_TAGS = {"runs": "Runs", "threads": "Threads", "assistants": "Assistants", "store": "Store", "crons": "Crons"}
_UUIDS = frozenset({"thread_id", "run_id", "checkpoint_id", "cron_id"})


def document(
    table: Operations, version: str, prefix: str, *, keys: bool, custom: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The document.

    Args:
        table: The operations, by path and method.
        version: The server's version.
        prefix: What all paths begin with.
        keys: Whether callers need a key.
        custom: The document of the user's own app, whose paths come first.
    """
    schemas: dict[str, Any] = {}
    paths = {
        path: {method.lower(): _operation(path, operation, schemas) for method, operation in methods.items()}
        for path, methods in table.items()
    }
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "graphwire",
            "version": version,
            "description": "LangGraph graphs over HTTP: the documented surface of the LangGraph server.",
        },
        "servers": [{"url": prefix or "/"}],
        "paths": paths,
        "components": {"schemas": schemas},
    }
    theirs = custom or {}
    made["paths"] = {
        **theirs.get("paths", {}),
        **{path: paths[path] for path in paths if path not in theirs.get("paths", {})},
    }
    schemas.update(theirs.get("components", {}).get("schemas", {}))
    if keys:
        made["components"]["securitySchemes"] = {
            "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
        made["security"] = [{"key": []}, {"bearer": []}]
    return made


def _operation(path: str, operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [_tag(path)],
        "responses": _responses(operation, schemas),
    }
    parameters = [
        *_path_parameters(path),
        *_query_parameters(operation.query),
        *(_header(name, text) for name, text in operation.headers.items()),
    ]
    if parameters:
        made["parameters"] = parameters
    if operation.body is not None:
        schema = _schema(operation.body, schemas, mode="validation")
        content = (
            {"type": "array", "items": schema, "minItems": 1, "maxItems": operation.many} if operation.many else schema
        )
        made["requestBody"] = {"required": operation.needs_body, "content": {"application/json": {"schema": content}}}
    return made


def _tag(path: str) -> str:
    words = path.strip("/").split("/")
    if "crons" in words:
        return "Crons"
    return "Runs" if "runs" in words else _TAGS.get(words[0], "Server")


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"} if name in _UUIDS else {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(shape: type[Shape] | None) -> list[dict[str, Any]]:
    if shape is None:
        return []
    described = shape.model_json_schema(by_alias=False)
    made = []
    for name, schema in described["properties"].items():
        text = schema.pop("description", "")
        schema.pop("title", None)
        made.append({"name": name, "in": "query", "required": False, "description": text, "schema": _present(schema)})
    return made


def _present(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter that is there: a query cannot say null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else schema


def _header(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}


def _responses(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    failure = {
        "description": "The request failed.",
        "content": {"application/json": {"schema": _schema(Failure, schemas, mode="serialization")}},
    }
    if operation.stream:
        made: dict[str, Any] = {"200": _response("Server-sent events.", "text/event-stream", {})}
    else:
        made = {
            str(status): {"description": "No body."}
            if kind is None
            else _response("The answer.", "application/json", _schema(kind, schemas, mode="serialization"))
            for status, kind in operation.answers.items()
        }
        if operation.media_type:
            text = _response("The answer.", operation.media_type, {"type": "string"})
            text["content"].update(made.get("200", {}).get("content", {}))
            made["200"] = text
    return {**made, "default": failure}


def _response(text: str, media_type: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {media_type: {"schema": schema}}}


def _schema(kind: Any, schemas: dict[str, Any], *, mode: Any) -> dict[str, Any]:
    """The schema of a type; the models in it go to the components."""
    made = TypeAdapter(kind).json_schema(by_alias=False, ref_template=_REFERENCE, mode=mode)
    schemas.update(made.pop("$defs", {}))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        schemas[kind.__name__] = made
        return {"$ref": _REFERENCE.format(model=kind.__name__)}
    return made
