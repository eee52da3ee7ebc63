from collections.abc import Iterable

import pytest
from starlette.routing import Match, Route

from graphwire_server.rest.calls import Operations
from graphwire_server.rest.later import later
from graphwire_server.rest.routes import _covers
from graphwire_server.rest.v2_paths import COMMANDS, EVENTS
from tests.unit.core.fakes import house
from tests.unit.rest.visits import table

DOCUMENTED = """
POST /assistants
POST /assistants/search
POST /assistants/count
GET PATCH DELETE /assistants/{id}
GET /assistants/{id}/graph
GET /assistants/{id}/schemas
GET /assistants/{id}/subgraphs
GET /assistants/{id}/subgraphs/{ns}
POST /assistants/{id}/versions
POST /assistants/{id}/latest
POST /threads
POST /threads/search
POST /threads/count
POST /threads/prune
GET PATCH DELETE /threads/{id}
GET /threads/{id}/storage
GET /threads/{id}/stream
GET POST /threads/{id}/state
GET /threads/{id}/state/{cp}
POST /threads/{id}/state/checkpoint
GET POST /threads/{id}/history
POST /threads/{id}/copy
POST /threads/{id}/commands
POST /threads/{id}/stream/events
GET POST /threads/{id}/runs
POST /threads/{id}/runs/stream
POST /threads/{id}/runs/wait
POST /threads/{id}/runs/crons
GET DELETE /threads/{id}/runs/{r}
GET /threads/{id}/runs/{r}/join
GET /threads/{id}/runs/{r}/stream
POST /threads/{id}/runs/{r}/cancel
POST /runs
POST /runs/stream
POST /runs/wait
POST /runs/batch
POST /runs/cancel
GET DELETE /runs/{r}
GET /runs/{r}/join
GET /runs/{r}/stream
POST /runs/{r}/cancel
POST /runs/crons
POST /runs/crons/search
POST /runs/crons/count
GET PATCH DELETE /runs/crons/{id}
PUT GET DELETE /store/items
POST /store/items/search
POST /store/namespaces
GET /ok
GET /
GET /info
GET /metrics
GET /docs
GET /openapi.json
"""
"""The documented surface (wire B9), and the routes of runs without a thread that an SDK asks for (wire A1)."""


def asked() -> list[tuple[str, str]]:
    return [
        (method, line.split()[-1])
        for line in DOCUMENTED.strip().splitlines()
        for method in line.split()[:-1]
    ]  # fmt: skip


def taken(made: Operations, path: str) -> str:
    """Which row of the table takes a request: the first, as in the site."""
    scope = {"type": "http", "path": path, "method": "GET"}
    return next(row for row in made if Route(row, lambda: None, methods=["GET"]).matches(scope)[0] is not Match.NONE)


def names(made: Operations) -> list[str]:
    return [operation.name for methods in made.values() for operation in methods.values()]


@pytest.mark.parametrize(("method", "path"), asked())
def test_the_documented_surface_is_whole(method: str, path: str) -> None:
    made = table(house())

    row = taken(made, path.replace("{", "").replace("}", "1"))

    assert method in made[row]
    assert row.count("{") == path.count("{")


def test_nothing_else_is_there() -> None:
    assert sum(len(methods) for methods in table(house()).values()) == len(asked())


def test_every_operation_has_a_name_of_its_own() -> None:
    found = names(table(house()))

    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("/runs/crons", "/runs/crons"),
        ("/runs/crons/search", "/runs/crons/search"),
        ("/runs/crons/1", "/runs/crons/{cron_id}"),
        ("/runs/batch", "/runs/batch"),
        ("/runs/1", "/runs/{run_id}"),
        ("/threads/prune", "/threads/prune"),
        ("/threads/search", "/threads/search"),
        ("/threads/1/runs/crons", "/threads/{thread_id}/runs/crons"),
        ("/threads/1/runs/stream", "/threads/{thread_id}/runs/stream"),
        ("/threads/1/state/checkpoint", "/threads/{thread_id}/state/checkpoint"),
        ("/threads/1/state/2", "/threads/{thread_id}/state/{checkpoint_id}"),
        ("/assistants/count", "/assistants/count"),
    ],
)
def test_a_word_is_not_taken_for_an_id(path: str, row: str) -> None:
    assert taken(table(house()), path) == row


def test_no_row_hides_another() -> None:
    rows = list(table(house()))

    hidden = [(rows[i], row) for at, row in enumerate(rows) for i in range(at) if _covers(rows[i], row)]

    assert hidden == []


def test_what_is_hot_comes_first() -> None:
    assert next(iter(table(house()))) == "/threads/{thread_id}/runs/stream"


@pytest.mark.parametrize(
    ("disabled", "prefixes"),
    [
        ({"assistants"}, ["/assistants"]),
        ({"runs"}, ["/runs", "/threads/{thread_id}/runs/stream", "/threads/{thread_id}/runs/{run_id}"]),
        ({"threads"}, ["/threads"]),
        ({"store"}, ["/store"]),
        ({"meta"}, ["/info", "/metrics", "/docs", "/openapi.json"]),
        ({"threads", "runs"}, ["/threads", "/runs"]),
    ],
)
def test_a_group_that_is_not_served_has_no_rows(disabled: Iterable[str], prefixes: list[str]) -> None:
    whole, made = set(table(house())), set(table(house(), frozenset(disabled)))

    assert not any(path.startswith(prefix) for path in made for prefix in prefixes)
    assert made < whole
    assert whole - made == {path for path in whole if _in(path, frozenset(disabled))}


def _in(path: str, disabled: frozenset[str]) -> bool:
    group = path.split("/")[1]
    meta = group in ("", "info", "metrics", "docs", "openapi.json")
    of_runs = ("/runs" in path and path not in later()) or path in (EVENTS, COMMANDS)
    return group in disabled or (meta and "meta" in disabled) or (of_runs and "runs" in disabled)


def test_whether_the_server_is_well_is_always_told() -> None:
    everything = frozenset({"assistants", "threads", "runs", "store", "meta", "mcp", "a2a", "ui", "webhooks"})

    assert set(table(house(), everything)) == {"/ok"}
