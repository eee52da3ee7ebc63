import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from graphwire_server.rest.calls import Operations
from graphwire_server.rest.openapi import document
from tests.unit.core.fakes import house
from tests.unit.rest.visits import table

THEIRS = {
    "paths": {"/mine": {"get": {"operationId": "mine"}}, "/info": {"get": {"operationId": "their_info"}}},
    "components": {"schemas": {"Mine": {"type": "object"}}},
}


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return document(table(house()), "1.2.3", "/api", keys=False)


@pytest.fixture(scope="module")
def rows() -> Operations:
    return table(house())


def operations(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in made["paths"].values() for operation in methods.values()]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_what_the_document_is_of(made: dict[str, Any]) -> None:
    assert (made["openapi"], made["info"]["title"], made["info"]["version"]) == ("3.1.0", "graphwire", "1.2.3")
    assert made["servers"] == [{"url": "/api"}]
    assert "security" not in made


def test_without_a_prefix_the_server_is_the_root(rows: Operations) -> None:
    assert document(rows, "1", "", keys=False)["servers"] == [{"url": "/"}]


def test_it_is_json(made: dict[str, Any]) -> None:
    assert json.loads(json.dumps(made)) == made


def test_every_operation_is_in_it_and_nothing_else(made: dict[str, Any], rows: Operations) -> None:
    assert {(path, method.upper()) for path, methods in made["paths"].items() for method in methods} == {
        (path, method) for path, methods in rows.items() for method in methods
    }


def test_every_operation_has_an_id_of_its_own(made: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in operations(made)]

    assert len(set(ids)) == len(ids)


def test_every_operation_says_what_it_is_and_how_it_fails(made: dict[str, Any]) -> None:
    assert all(operation["summary"].endswith(".") and operation["tags"] for operation in operations(made))
    assert all("default" in operation["responses"] for operation in operations(made))


def test_every_reference_leads_somewhere(made: dict[str, Any]) -> None:
    found = set(references(made))

    assert found
    assert {each.removeprefix("#/components/schemas/") for each in found} <= set(made["components"]["schemas"])


def test_no_schema_is_there_for_nothing(made: dict[str, Any]) -> None:
    assert set(made["components"]["schemas"]) == {each.rpartition("/")[2] for each in references(made)}


def test_every_parameter_of_a_path_is_described(made: dict[str, Any]) -> None:
    for path, methods in made["paths"].items():
        for operation in methods.values():
            described = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
            assert described == re.findall(r"{(\w+)}", path)


def test_every_field_of_a_request_is_described_in_snake_case(made: dict[str, Any]) -> None:
    body = made["components"]["schemas"]["RunBody"]["properties"]

    assert "stream_mode" in body
    assert all(name == name.lower() and field["description"].endswith(".") for name, field in body.items())


def test_every_parameter_of_a_query_is_described(made: dict[str, Any]) -> None:
    found = [
        each for operation in operations(made) for each in operation.get("parameters", ()) if each["in"] == "query"
    ]

    assert found
    assert all(each["description"].endswith((".", "(501).")) for each in found)
    assert all({"type": "null"} not in each["schema"].get("anyOf", []) for each in found)


def test_a_body_that_may_be_left_out_says_so(made: dict[str, Any]) -> None:
    paths = made["paths"]

    assert paths["/runs"]["post"]["requestBody"]["required"]
    assert not paths["/threads"]["post"]["requestBody"]["required"]


def test_a_batch_is_an_array(made: dict[str, Any]) -> None:
    body = made["paths"]["/runs/batch"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert (body["type"], body["items"]["$ref"]) == ("array", "#/components/schemas/RunBody")


@pytest.mark.parametrize(
    ("path", "method", "media"),
    [
        ("/runs/stream", "post", "text/event-stream"),
        ("/threads/{thread_id}/stream", "get", "text/event-stream"),
        ("/docs", "get", "text/html"),
        ("/metrics", "get", "text/plain"),
        ("/runs", "post", "application/json"),
    ],
)
def test_what_an_answer_is(made: dict[str, Any], path: str, method: str, media: str) -> None:
    assert next(iter(made["paths"][path][method]["responses"]["200"]["content"])) == media


def test_an_answer_without_a_body_has_no_content(made: dict[str, Any]) -> None:
    assert made["paths"]["/runs/{run_id}"]["delete"]["responses"]["204"] == {"description": "No body."}


HEADERS = {
    ("/runs/{run_id}/stream", "get"): ["Last-Event-ID"],
    ("/threads/{thread_id}/runs/{run_id}/stream", "get"): ["Last-Event-ID"],
    ("/threads/{thread_id}/stream", "get"): ["Last-Event-ID"],
    ("/threads/{thread_id}/stream/events", "post"): ["Last-Event-ID"],
    ("/threads/{thread_id}/commands", "post"): ["Idempotency-Key"],
    **{
        (f"{base}{what}", "post"): ["Idempotency-Key"]
        for base in ("/runs", "/threads/{thread_id}/runs")
        for what in ("", "/stream", "/wait")
    },
    ("/runs/batch", "post"): ["Idempotency-Key"],
}


def test_every_header_that_is_read_is_described(made: dict[str, Any]) -> None:
    found = {
        (path, method): [each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"]
        for path, methods in made["paths"].items()
        for method, operation in methods.items()
    }

    assert {place: names for place, names in found.items() if names} == HEADERS


def test_how_long_a_run_waits_and_takes_has_bounds(made: dict[str, Any]) -> None:
    fields = made["components"]["schemas"]["RunBody"]["properties"]
    after, limit = (fields[name]["anyOf"][0] for name in ("after_seconds", "timeout_seconds"))

    assert after == {"type": "number", "minimum": 0, "maximum": 315360000}
    assert limit == {"type": "number", "exclusiveMinimum": 0, "maximum": 315360000}


def test_what_a_thread_begins_with_is_described(made: dict[str, Any]) -> None:
    schemas = made["components"]["schemas"]
    supersteps = schemas["ThreadBody"]["properties"]["supersteps"]["anyOf"][0]

    assert (supersteps["maxItems"], supersteps["items"]["$ref"]) == (1000, "#/components/schemas/SuperstepBody")
    assert set(schemas["StateUpdateBody"]["properties"]) == {"values", "command", "as_node"}


def test_only_one_run_can_be_waited_for(made: dict[str, Any]) -> None:
    def names(path: str) -> list[str]:
        return [each["name"] for each in made["paths"][path]["post"]["parameters"] if each["in"] == "query"]

    assert names("/runs/cancel") == ["action"]
    assert names("/runs/{run_id}/cancel") == ["action", "wait"]


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        ("/threads/{thread_id}/runs", "Runs"),
        ("/runs/crons", "Crons"),
        ("/threads/{thread_id}/runs/crons", "Crons"),
        ("/threads", "Threads"),
        ("/assistants", "Assistants"),
        ("/store/items", "Store"),
        ("/ok", "Server"),
        ("/", "Server"),
    ],
)
def test_what_belongs_together(made: dict[str, Any], path: str, tag: str) -> None:
    assert {tag} == {tag for operation in made["paths"][path].values() for tag in operation["tags"]}


def test_where_a_key_is_needed_the_document_says_how_it_is_shown(rows: Operations) -> None:
    made = document(rows, "1", "", keys=True)

    assert made["security"] == [{"key": []}, {"bearer": []}]
    assert set(made["components"]["securitySchemes"]) == {"key", "bearer"}


def test_the_paths_of_the_users_app_are_in_it_and_come_first(rows: Operations) -> None:
    made = document(rows, "1", "", keys=False, custom=THEIRS)

    assert list(made["paths"])[:2] == ["/mine", "/info"]
    assert made["paths"]["/info"]["get"]["operationId"] == "their_info"
    assert "/ok" in made["paths"]
    assert {"Mine", "RunBody"} <= set(made["components"]["schemas"])


@pytest.mark.parametrize("custom", [None, {}, {"paths": {}}])
def test_an_app_that_describes_nothing_changes_nothing(made: dict[str, Any], rows: Operations, custom: Any) -> None:
    assert document(rows, "1.2.3", "/api", keys=False, custom=custom) == made
