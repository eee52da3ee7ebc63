"""What to type next: an input that fits a graph, made from its schema.

Owns the examples that a server prints when it is ready.
"""

import orjson

from graphwire_server.core.model import Schemas

_BY_TYPE = {"string": "ice cream", "integer": 3}


def example_input(schemas: Schemas) -> str:
    """A small JSON input for a graph: the first field of its input schema that has a plain type; `{}` where there is none."""
    schema = orjson.loads(schemas.input) if schemas.input else {}
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    for name in sorted(properties, key=lambda name: name not in schema.get("required", ())):
        if name == "messages":
            return '{"messages": [{"role": "user", "content": "hello"}]}'
        kind = properties[name].get("type")
        if kind in ("string", "integer"):
            return orjson.dumps({name: _BY_TYPE[kind]}).decode().replace('":', '": ')
    return "{}"
