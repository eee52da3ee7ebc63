"""docs/compatibility.md says what is: every route, field and RPC of the running server is in it, and nothing that is not."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf.descriptor import Descriptor

from graphwire_server.rpc.server import SERVICES
from tests.conformance.compatibility.page import Row, Section, section, sections
from tests.support.serving import running
from tests.unit.rest.test_routes import asked

VERDICTS = {"same", "better", "beyond", "no effect", "not offered"}
BODY = "application/json"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the running server says of its routes."""
    return asyncio.run(_document(tmp_path_factory.mktemp("data")))


async def _document(data_dir: Path) -> dict[str, Any]:
    async with running(data_dir) as server, httpx.AsyncClient(base_url=server.url) as client:
        made: dict[str, Any] = (await client.get("/openapi.json")).json()
        return made


@pytest.fixture
def routes() -> list[Row]:
    return section("Routes").rows


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The routes of a document, such as `GET /ok`."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def rpcs() -> dict[str, Any]:
    """The RPCs of the protos, such as `RunService.GetRun`."""
    return {f"{service.name}.{method.name}": method for service in SERVICES for method in service.methods}


def messages() -> dict[str, Descriptor]:
    """The messages of the protos of all services, and of what those import."""
    files, found = [service.file for service in SERVICES], {}
    while files:
        file = files.pop()
        for message in file.message_types_by_name.values():
            found[message.name] = message
        files += [each for each in file.dependencies if each.package == "graphwire.v1"]
    return found


def test_a_row_says_how_it_is_and_why_where_it_is_not_the_same() -> None:
    rows = [row for each in sections() for row in each.rows]

    assert {row.verdict for row in rows} <= VERDICTS
    assert [row.name for row in rows if not row.why and row.verdict != "same"] == []


def test_every_route_that_is_served_is_in_the_table(routes: list[Row], document: dict[str, Any]) -> None:
    served = {name for name, made in operations(document).items() if "501" not in made["summary"]}
    offered = {row.name for row in routes if row.verdict != "not offered"}

    assert offered == served


def test_every_documented_route_is_in_the_table(routes: list[Row]) -> None:
    documented = {f"{method} {_shape(path)}" for method, path in asked()}

    assert documented - {" ".join((row.name.split()[0], _shape(row.name.split()[1]))) for row in routes} == set()


def _shape(path: str) -> str:
    """A path without the names of its parameters."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


async def test_what_is_not_offered_says_so(routes: list[Row], tmp_path: Path) -> None:
    async with running(tmp_path) as server, httpx.AsyncClient(base_url=server.url) as client:
        for row in routes:
            if row.verdict == "not offered":
                method, path = row.name.replace("{", "").replace("}", "").split()
                assert (await client.request(method, path)).status_code in (404, 501), row.name


def test_every_rpc_is_in_the_table(routes: list[Row]) -> None:
    assert {twin for row in routes for twin in row.twins} == set(rpcs())


def fields() -> Iterator[Section]:
    return (each for each in sections() if each.routes)


def test_every_field_of_a_request_is_in_a_table(document: dict[str, Any]) -> None:
    told = {route: each.names for each in fields() for route in each.routes}

    for route, operation in operations(document).items():
        taken = taken_by(document, operation)
        assert told.get(route, set()) == taken, route


def taken_by(document: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    """The fields of a route's body, query and headers."""
    found = {each["name"] for each in operation.get("parameters", ()) if each["in"] != "path"}
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"][BODY]["schema"]
        found |= properties(document, schema.get("items", schema))
    return found


def properties(document: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return set(schema.get("properties", ()))


@pytest.mark.parametrize("each", [each for each in sections() if each.shown], ids=lambda each: str(each.title))
def test_every_field_that_is_shown_is_in_a_table(each: Section, document: dict[str, Any]) -> None:
    shown = {name for schema in each.shown for name in document["components"]["schemas"][schema]["properties"]}

    assert each.names - {row.name for row in each.rows if row.verdict == "not offered"} == shown


@pytest.mark.parametrize("each", [each for each in sections() if each.messages], ids=lambda each: str(each.title))
def test_twins_are_fields_of_the_messages(each: Section) -> None:
    known = {name for message in each.messages for name in messages()[message].fields_by_name}

    assert {twin for row in each.rows for twin in row.twins} - known == set()


@pytest.mark.parametrize("each", [each for each in sections() if each.messages], ids=lambda each: str(each.title))
def test_every_field_of_the_messages_is_in_a_table(each: Section) -> None:
    """Only-gRPC fields are named by themselves in the second column."""
    known = {name for message in each.messages for name in messages()[message].fields_by_name}

    assert known - {twin for row in each.rows for twin in row.twins} == set()
