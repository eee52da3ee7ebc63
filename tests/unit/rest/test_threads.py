"""Threads over HTTP, on a core of fakes."""

import asyncio
from typing import Any

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import CheckpointRef, Retention, ThreadState
from graphwire_server.rest.site import site
from graphwire_server.rest.threads import pagination
from tests.unit.core.fakes import OTHER, THREAD, House, house, on_thread, running
from tests.unit.rest.visits import options, table, visiting
from tests.unit.rest.wire import GONE, Caller, frames, tasks

AT = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a00"
PATH = f"/threads/{THREAD}"
MINE: dict[str, Any] = {"thread_id": THREAD, "metadata": {"a": 1, "graph_id": "agent"}}


def state(checkpoint_id: str = AT) -> ThreadState:
    return ThreadState(
        values=b'{"v":1}',
        next=("n",),
        tasks=(),
        checkpoint=CheckpointRef(checkpoint_id=checkpoint_id),
        parent_checkpoint=None,
        metadata=b"{}",
        created_at=None,
        interrupts=(),
    )


def remembering() -> House:
    """A core whose threads have a state."""
    core = house()
    core.states.known = {None: state(), AT: state()}
    return core


async def test_a_thread_is_created_read_and_deleted() -> None:
    async with visiting() as client:
        made, found = await client.post("/threads", json=MINE), await client.get(PATH)
        deleted, gone = await client.delete(PATH), await client.get(PATH)

    assert (made.status_code, made.json()) == (200, found.json())
    assert (made.json()["thread_id"], made.json()["metadata"]["a"], made.json()["status"]) == (THREAD, 1, "idle")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (gone.status_code, gone.json()["code"]) == (404, "THREAD_NOT_FOUND")


HISTORY = [
    {"updates": [{"values": {"n": 1}, "command": None, "as_node": "__input__"}]},
    {"updates": [{"values": {"n": 2}, "as_node": "a"}, {"values": {"n": 3}, "as_node": "b"}]},
]


async def test_a_thread_may_begin_with_a_history() -> None:
    core = house()
    async with visiting(core) as client:
        answer = await client.post("/threads", json={**MINE, "supersteps": HISTORY})

    assert (answer.status_code, answer.json()["thread_id"]) == (200, THREAD)
    assert core.states.updates == [({"n": 1}, "__input__"), ({"n": 2}, "a"), ({"n": 3}, "b")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"thread_id": THREAD, "supersteps": HISTORY}, "supersteps"),
        ({"thread_id": THREAD, "metadata": {"graph_id": "nobody"}, "supersteps": HISTORY}, "supersteps"),
        ({**MINE, "supersteps": [*HISTORY, {"updates": []}]}, "supersteps[2].updates"),
        ({**MINE, "supersteps": [{}]}, "supersteps[0].updates"),
    ],
)
async def test_a_history_that_cannot_be_meant_makes_no_thread(body: dict[str, Any], field: str) -> None:
    core = house()
    async with visiting(core) as client:
        answer, found = await client.post("/threads", json=body), await client.get(PATH)

    assert (answer.status_code, answer.json()["field"], found.status_code) == (422, field, 404)
    assert core.states.updates == []


async def test_a_history_that_the_graph_does_not_take_makes_no_thread() -> None:
    core = house()

    async def refuse(graph_id: str, thread_id: str, supersteps: Any) -> CheckpointRef:
        raise InvalidField("supersteps[1].updates[0].as_node", "is no node of the graph")

    core.states.bulk_update = refuse  # type: ignore[method-assign]  # the graph says no
    async with visiting(core) as client:
        answer = await client.post("/threads", json={**MINE, "supersteps": HISTORY})
        found = await client.get(PATH)

    assert (answer.status_code, answer.json()["field"]) == (422, "supersteps[1].updates[0].as_node")
    assert found.status_code == 404


async def test_a_thread_of_nothing_has_an_id_of_the_servers() -> None:
    async with visiting() as client:
        answer = await client.post("/threads")

    assert (answer.status_code, len(answer.json()["thread_id"]), answer.json()["metadata"]) == (200, 36, {})


@pytest.mark.parametrize(("given", "status"), [(None, 409), ("raise", 409), ("do_nothing", 200)])
async def test_an_id_that_is_taken(given: str | None, status: int) -> None:
    async with visiting() as client:
        await client.post("/threads", json=MINE)
        answer = await client.post("/threads", json={"thread_id": THREAD, "metadata": {"b": 2}, "if_exists": given})
        found = await client.get(PATH)

    assert answer.status_code == status
    assert "b" not in found.json()["metadata"]


@pytest.mark.parametrize("graph", ["nobody", 5, ""])
async def test_metadata_may_name_a_graph_that_is_not_there(graph: Any) -> None:
    async with visiting() as client:
        answer = await client.post("/threads", json={"metadata": {"graph_id": graph}})

    assert (answer.status_code, answer.json()["metadata"]["graph_id"]) == (200, graph)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/threads", {"thread_id": "x"}, 422),
        ("POST", "/threads", {"ttl": -1}, 422),
        ("PATCH", PATH, {"ttl": 5}, 404),
        ("POST", "/threads/prune", None, 422),
        ("POST", "/threads/prune", {"thread_ids": []}, 422),
        ("POST", "/threads/prune", {"thread_ids": ["x"]}, 422),
        ("GET", f"{PATH}?include=x", None, 422),
        ("PATCH", PATH, {"metadata": {}}, 404),
        ("GET", "/threads/x", None, 422),
        ("POST", f"{PATH}/copy", None, 404),
        ("GET", f"{PATH}/state", None, 404),
        ("GET", f"{PATH}/state/x", None, 422),
        ("POST", f"{PATH}/history", {}, 404),
        ("GET", f"{PATH}/history?before=x", None, 422),
        ("GET", "/threads/x/stream", None, 422),
        ("GET", f"{PATH}/stream?stream_modes=state_update", None, 501),
    ],
)
async def test_what_cannot_be_done(method: str, path: str, body: Any, status: int) -> None:
    async with visiting() as client:
        answer = await client.request(method, path, json=body)

    assert answer.status_code == status


async def test_metadata_is_merged() -> None:
    async with visiting() as client:
        await client.post("/threads", json=MINE)
        answer = await client.patch(PATH, json={"metadata": {"b": 2}})
        nothing = await client.patch(PATH, json={"metadata": {"c": 3}}, headers={"prefer": "return=minimal"})
        found = await client.get(PATH)

    assert answer.json()["metadata"].items() >= {"a": 1, "graph_id": "agent", "b": 2}.items()
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert found.json()["metadata"]["c"] == 3


async def test_how_long_a_thread_lives_is_shown_where_it_is_asked_for() -> None:
    async with visiting() as client:
        made = (await client.post("/threads", json={**MINE, "ttl": 1.5})).json()
        found = (await client.get(f"{PATH}?include=ttl")).json()
        await client.patch(PATH, json={"ttl": {"ttl": 0}})
        for_ever = (await client.get(f"{PATH}?include=ttl")).json()

    assert "ttl" not in made
    assert found == {
        **made,
        "ttl": {"strategy": "delete", "ttl_minutes": 1.5, "expires_at": found["ttl"]["expires_at"]},
    }
    assert for_ever["ttl"] is None


async def test_threads_are_pruned() -> None:
    async with visiting() as client:
        await client.post("/threads", json=MINE)
        kept = await client.post("/threads/prune", json={"thread_ids": [THREAD], "strategy": "keep_latest"})
        gone = await client.post("/threads/prune", json={"thread_ids": [THREAD, OTHER]})
        found = await client.get(PATH)

    assert kept.json() == gone.json() == {"pruned_count": 1, "busy_thread_ids": []}
    assert found.status_code == 404


async def test_a_thread_is_copied() -> None:
    async with visiting() as client:
        await client.post("/threads", json={"thread_id": THREAD, "metadata": {"a": 1}})
        answer = await client.post(f"{PATH}/copy")

    assert (answer.status_code, answer.json()["thread_id"] != THREAD) == (200, True)
    assert answer.json()["metadata"]["a"] == 1


async def test_threads_are_searched_page_by_page() -> None:
    async with visiting() as client:
        for number in range(3):
            await client.post("/threads", json={"metadata": {"n": number}})
        search = {"limit": 2, "sort_by": "created_at", "sort_order": "asc"}
        first = await client.post("/threads/search", json=search)
        last = await client.post("/threads/search", json={**search, "offset": 2})

    assert [each["metadata"]["n"] for each in first.json()] == [0, 1]
    assert (first.headers["x-pagination-total"], first.headers["x-pagination-next"]) == ("3", "2")
    assert [each["metadata"]["n"] for each in last.json()] == [2]
    assert (last.headers["x-pagination-total"], "x-pagination-next" in last.headers) == ("3", False)


async def test_threads_are_searched_and_counted_by_what_they_are() -> None:
    async with visiting() as client:
        await client.post("/threads", json=MINE)
        await client.post("/threads", json={"metadata": {"a": 2}})
        found = await client.post("/threads/search", json={"metadata": {"a": 1}, "select": ["thread_id", "status"]})
        counted = [
            (await client.post("/threads/count", json=body)).json()
            for body in ({}, {"metadata": {"a": 2}}, {"status": "busy"})
        ]

    assert found.json() == [{"thread_id": THREAD, "status": "idle"}]
    assert counted == [2, 1, 0]


@pytest.mark.parametrize(
    ("offset", "limit", "found", "headers"),
    [
        (0, 10, 0, {"x-pagination-total": "0"}),
        (0, 10, 10, {"x-pagination-total": "10"}),
        (20, 10, 3, {"x-pagination-total": "23"}),
        (20, 10, 11, {"x-pagination-total": "31", "x-pagination-next": "30"}),
    ],
)
def test_where_the_next_page_begins(offset: int, limit: int, found: int, headers: dict[str, str]) -> None:
    assert dict(pagination(offset, limit, found)) == headers


async def test_a_state() -> None:
    async with visiting(remembering()) as client:
        await client.post("/threads", json=MINE)
        answers = [
            await client.get(f"{PATH}/state"),
            await client.get(f"{PATH}/state/{AT}"),
            await client.post(f"{PATH}/state/checkpoint", json={"checkpoint": {"checkpoint_id": AT}}),
        ]
        missing = await client.get(f"{PATH}/state/{OTHER}")

    assert [answer.json()["values"] for answer in answers] == [{"v": 1}] * 3
    assert {answer.json()["metadata"]["thread_id"] for answer in answers} == {THREAD}
    assert (missing.status_code, missing.json()["code"]) == (404, "CHECKPOINT_NOT_FOUND")


async def test_a_thread_that_has_none_has_an_empty_state() -> None:
    async with visiting() as client:
        await client.post("/threads", json={"thread_id": THREAD})
        answer = await client.get(f"{PATH}/state")

    assert (answer.status_code, answer.json()["values"], answer.json()["next"]) == (200, {}, [])
    assert answer.json()["checkpoint"] is None


async def test_a_state_is_changed() -> None:
    core = remembering()
    async with visiting(core) as client:
        await client.post("/threads", json=MINE)
        answer = await client.post(f"{PATH}/state", json={"values": {"v": 2}, "as_node": "n"})

    assert (answer.status_code, answer.json()["checkpoint_id"]) == (200, "made")
    assert answer.json()["checkpoint"] == {"thread_id": THREAD, "checkpoint_ns": "", "checkpoint_id": "made"}
    assert core.states.updates == [({"v": 2}, "n")]


async def test_a_state_without_a_graph_cannot_be_changed() -> None:
    async with visiting() as client:
        await client.post("/threads", json={"thread_id": THREAD})
        answer = await client.post(f"{PATH}/state", json={"values": {}})

    assert (answer.status_code, answer.json()["code"]) == (400, "THREAD_HAS_NO_GRAPH")


async def test_a_history() -> None:
    core = remembering()
    async with visiting(core) as client:
        await client.post("/threads", json=MINE)
        short = await client.get(f"{PATH}/history")
        asked = {"limit": 5, "before": {"configurable": {"checkpoint_id": AT}}, "checkpoint": {"checkpoint_ns": "n:1"}}
        await client.post(f"{PATH}/history", json=asked)

    assert [each["checkpoint_id"] for each in short.json()] == [AT, AT]
    assert core.states.asked == [("", None, 1), ("n:1", AT, 5)]


class Watch:
    """A thread's stream that is open."""

    def __init__(self, core: House, query: bytes = b"", last: str | None = None) -> None:
        self.caller = Caller()
        headers = [] if last is None else [(b"last-event-id", last.encode())]
        scope = self.caller.scope(path=f"{PATH}/stream", query_string=query, headers=headers)
        app: Any = site(table(core), options())
        self._task = asyncio.create_task(app(scope, self.caller.receive, self.caller.send))

    async def until(self, count: int) -> list[tuple[str, Any]]:
        """As many frames."""
        async with asyncio.timeout(15):
            while len(found := frames(self.caller.body.decode() if self.caller.sent else "")) < count:
                self.caller.moved.clear()
                await self.caller.moved.wait()
        return list(found)

    async def close(self) -> None:
        self.caller.say(GONE)
        async with asyncio.timeout(15):
            await self._task


async def run_on_thread(core: House) -> None:
    await core.end(await core.runs.create(on_thread()))


async def test_a_watch_goes_on_from_run_to_run() -> None:
    async with running(house()) as core:
        await core.threads.create(THREAD, {}, keep_existing=True, graph=None)
        watch = Watch(core)
        await watch.caller.until(1)
        for _ in range(2):
            await run_on_thread(core)
        found = await watch.until(6)
        await watch.close()

    assert [name for name, _ in found] == ["metadata", "values", "metadata"] * 2
    assert [data["status"] for _, data in found[2::3]] == ["run_done"] * 2
    assert [line for line in watch.caller.body.decode().split("\r\n") if line.startswith("id")] == [
        f"id: {number}" for number in range(1, 7)
    ]
    assert tasks() == set()


async def test_a_watch_of_starts_and_ends_alone() -> None:
    async with running(house()) as core:
        await run_on_thread(core)
        watch = Watch(core, b"stream_mode=lifecycle", last="-")
        found = await watch.until(2)
        await watch.close()

    assert [data.get("status", "begun") for _, data in found] == ["begun", "run_done"]


@pytest.mark.parametrize(("last", "count"), [("-", 3), ("0", 3), ("2", 1), ("2-0", 1)])
async def test_who_comes_back_to_a_watch_gets_what_is_missing(last: str, count: int) -> None:
    async with running(house()) as core:
        await run_on_thread(core)
        watch = Watch(core, last=last)
        found = await watch.until(count)
        await watch.close()

    assert found[-1][1]["status"] == "run_done"
    assert len(found) == count


async def test_all_that_is_held_may_not_begin_at_the_beginning() -> None:
    async with running(house(retention=Retention(thread_bytes=1))) as core:
        await run_on_thread(core)
        watch = Watch(core, last="-")
        found = await watch.until(1)
        await watch.close()

    assert watch.caller.status == 200
    assert [data["status"] for _, data in found] == ["run_done"]


async def test_a_place_that_is_no_longer_held_is_refused() -> None:
    core = house(retention=Retention(thread_bytes=1))
    async with visiting(core) as client:
        await run_on_thread(core)
        answer = await client.get(f"{PATH}/stream", headers={"last-event-id": "1"})

    assert (answer.status_code, answer.json()["code"]) == (416, "CURSOR_EXPIRED")
    assert answer.json()["metadata"] == {"after_seq": "1", "oldest_seq": "3", "newest_seq": "3"}


@pytest.mark.parametrize(("last", "status"), [("-1", 422), ("abc", 422), ("99", 422)])
async def test_who_comes_back_from_nowhere_is_refused(last: str, status: int) -> None:
    async with visiting() as client:
        await client.post("/threads", json=MINE)
        answer = await client.get(f"{PATH}/stream", headers={"last-event-id": last})

    assert (answer.status_code, answer.json()["field"]) == (status, "Last-Event-ID")
