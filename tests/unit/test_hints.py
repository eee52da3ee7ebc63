import json

import pytest

from graphwire_server.core.model import Schemas
from graphwire_server.hints import example_input


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        (None, {}),
        (True, {}),
        ({"type": "object"}, {}),
        ({"properties": {"topic": {"type": "string"}}}, {"topic": "ice cream"}),
        ({"properties": {"n": {"type": "integer"}}}, {"n": 3}),
        ({"properties": {"xs": {"type": "array"}, "n": {"type": "integer"}}}, {"n": 3}),
        (
            {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["b"]},
            {"b": 3},
        ),
        ({"properties": {"messages": {"type": "array"}}}, {"messages": [{"role": "user", "content": "hello"}]}),
    ],
)
def test_an_example_fits_the_schema(schema: object, example: object) -> None:
    text = None if schema is None else json.dumps(schema).encode()

    made = example_input(Schemas(graph_id="g", input=text, output=None, state=None, config=None, context=None))

    assert json.loads(made) == example
