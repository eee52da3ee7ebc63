"""The OpenAPI document as a page for people.

Owns the page. It needs nothing from other hosts and no script, so it works offline and behind any policy.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})
"""What a path holds operations under; the document of the user's app may have more beside them, and less in them, than ours."""

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h2{margin-top:2.5rem;border-bottom:1px solid #d0d7de}details{border:1px solid #d0d7de;border-radius:6px;margin:.4rem 0;padding:.3rem .8rem}
summary{cursor:pointer}b{display:inline-block;min-width:4.5rem}code{font:13px ui-monospace,monospace}
td{padding:.15rem .8rem .15rem 0;vertical-align:top}small{color:#57606a}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}h2,details{border-color:#30363d}small{color:#8b949e}}
"""


def page(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>",
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
        f"<p>{escape(info['description'])}</p><p>For programs: <a href='openapi.json'>openapi.json</a></p>",
    ]
    tag = None
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in _METHODS:
                continue
            if _tag(operation) != tag:
                tag = _tag(operation)
                parts.append(f"<h2>{escape(tag)}</h2>")
            parts.extend(_operation(document, path, method, operation))
    return "".join(parts)


def _tag(operation: Mapping[str, Any]) -> str:
    return next(iter(operation.get("tags", ())), "Custom")


def _operation(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
    yield f"<small>{escape(operation.get('summary', ''))}</small></summary><table>"
    for parameter in operation.get("parameters", ()):
        yield _row(f"{parameter.get('name', '')} ({parameter.get('in', '')})", parameter.get("description", ""))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        for name, field in _fields(document, content.get("schema", {})):
            yield _row(name, field.get("description", ""))
    yield f"</table><p><small>answers: {escape(', '.join(operation.get('responses', ())))}</small></p></details>"


def _row(name: str, text: str) -> str:
    return f"<tr><td><code>{escape(name)}</code><td>{escape(text)}"


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "items" in schema:
        schema = schema["items"]
    if "$ref" in schema:
        schema = document["components"]["schemas"].get(schema["$ref"].rpartition("/")[2], {})
    yield from schema.get("properties", {}).items()
