"""Assistants that callers make: versions, runs, threads that go with them, and what comes of them after a restart (wire facts 75, 78 to 80 and 83)."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conformance.http.api import Api, Json
from tests.conformance.http.lives import AT_ONCE, life
from tests.faults.gate import Gate, gated
from tests.support.serving import running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with life(tmp_path_factory.mktemp("data")) as made:
        yield made


async def made(api: Api, graph_id: str = "joke", **body: Any) -> Json:
    found: Json = await api.post("/assistants", {"graph_id": graph_id, **body})
    return found


async def path_of(api: Api, graph_id: str = "joke", **body: Any) -> str:
    return f"/assistants/{(await made(api, graph_id, **body))['assistant_id']}"


async def patched(api: Api, path: str, **body: Any) -> Json:
    answer = await api.client.patch(path, json=body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_what_was_given_is_there(api: Api) -> None:
    config = {"tags": ["x"], "recursion_limit": 7, "configurable": {"tone": "dry", "big": 2**70}}
    given: Json = {"name": "Ann", "description": "d", "config": config, "metadata": {"a": [1, None]}}

    found = await made(api, **given)

    assert uuid.UUID(found["assistant_id"]).version == 4
    assert {name: found[name] for name in given} == given
    assert (found["context"], found["version"]) == (config["configurable"], 1)
    assert await api.get(f"/assistants/{found['assistant_id']}") == found


async def test_an_id_of_the_callers_own(api: Api) -> None:
    mine = str(uuid.uuid4())

    first = await made(api, assistant_id=mine.upper(), name="first")
    kept = await made(api, assistant_id=mine, name="second", if_exists="do_nothing")
    taken = await api.client.post("/assistants", json={"graph_id": "joke", "assistant_id": mine, "if_exists": "raise"})

    assert first["assistant_id"] == mine
    assert kept == first
    assert (taken.status_code, taken.json()["code"]) == (409, "ASSISTANT_EXISTS")


async def test_many_who_create_one_id_at_once_get_one_assistant(api: Api) -> None:
    mine = {"graph_id": "joke", "assistant_id": str(uuid.uuid4()), "if_exists": "do_nothing"}

    answers = await asyncio.gather(*(api.client.post("/assistants", json={**mine, "name": str(n)}) for n in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


async def test_updates_at_once_make_a_version_each(api: Api) -> None:
    path = await path_of(api)

    await asyncio.gather(*(patched(api, path, metadata={str(n): n}) for n in range(30)))
    latest, versions = await api.get(path), await api.post(f"{path}/versions", {"limit": 100})

    assert (latest["version"], latest["metadata"]) == (31, {str(n): n for n in range(30)})
    assert [each["version"] for each in versions] == list(range(31, 0, -1))
    assert [len(each["metadata"]) for each in versions] == list(range(30, -1, -1))


async def test_versions_are_paged_and_chosen(api: Api) -> None:
    path = await path_of(api, name="one", metadata={"n": 1})
    await patched(api, path, name="two", metadata={"n": 2})
    await patched(api, path, name="three")

    async def versions(**body: Any) -> list[int]:
        return [each["version"] for each in await api.post(f"{path}/versions", body)]

    assert await versions() == [3, 2, 1]
    assert await versions(limit=1, offset=1) == [2]
    assert await versions(metadata={"n": 2}) == [3, 2]
    assert (await api.post(f"{path}/latest", {"version": 1}))["name"] == "one"
    assert (await patched(api, path, description="d"))["version"] == 4
    assert (await api.get(path))["name"] == "one"


async def test_searches_have_both_kinds_and_true_pages(api: Api) -> None:
    mark = {"mark": str(uuid.uuid4())}
    for number in range(5):
        await made(api, name=f"Página {number}", metadata={**mark, "n": number})
    total = await api.post("/assistants/count")

    async def found(**body: Any) -> list[str]:
        return [each["name"] for each in await api.post("/assistants/search", body)]

    pages = [await found(limit=3, offset=offset, sort_by="name") for offset in range(0, total, 3)]
    assert [name for page in pages for name in page] == await found(limit=1000, sort_by="name")
    assert await found(metadata=mark, sort_by="created_at", sort_order="desc", limit=2) == ["Página 4", "Página 3"]
    assert await found(name="PÁGINA 3", metadata=mark) == ["Página 3"]
    assert await api.post("/assistants/count", {"metadata": {**mark, "n": 4}}) == 1
    page = await api.client.post(
        "/assistants/search", json={"metadata": mark, "limit": 2, "offset": 2, "select": ["name"]}
    )
    assert (page.headers["x-pagination-total"], page.headers["x-pagination-next"]) == ("5", "4")
    assert page.json() == [{"name": "Página 2"}, {"name": "Página 3"}]


async def test_a_run_takes_what_its_assistant_brings(api: Api) -> None:
    mine = (await made(api, "context", context={"tone": "dry"}))["assistant_id"]
    dry = {"tone": "dry", "user": None, "thread": True}

    async def seen(**body: Any) -> Json:
        answer: Json = (await api.post("/runs/wait", {"assistant_id": mine, "input": {}, **body}))["seen"]
        return answer

    assert await seen() == dry
    assert await seen(context={}) == dry
    assert await seen(context={"user": "Ann"}) == {**dry, "user": "Ann"}
    assert await seen(config={"configurable": {"user": "Ann"}}) == {**dry, "user": "Ann"}
    assert await seen(config={"configurable": {"tone": "warm"}}) == {**dry, "tone": "warm"}


async def test_metadata_of_a_run_is_that_of_all_it_comes_from(api: Api) -> None:
    mine = (await made(api, metadata={"a": 1, "b": 1, "c": 1, "d": 1}))["assistant_id"]
    thread = (await api.post("/threads", {"metadata": {"b": 2, "c": 2, "d": 2}}))["thread_id"]
    body = {
        "assistant_id": mine,
        "input": {"topic": "x"},
        "config": {"metadata": {"c": 3, "d": 3}},
        "metadata": {"d": 4},
    }

    run = await api.post(f"/threads/{thread}/runs", body)

    assert run["metadata"] == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert await api.get(f"/threads/{thread}/runs/{run['run_id']}/join")
    state = await api.get(f"/threads/{thread}/state")
    assert {name: state["metadata"][name] for name in "abcd"} == run["metadata"]


async def test_an_update_does_not_reach_a_run_that_waits(api: Api) -> None:
    path = await path_of(api, "context", context={"tone": "old"})
    mine = path.rpartition("/")[2]
    thread = await api.thread()
    async with gated() as gate:
        await api.post(f"/threads/{thread}/runs", {"assistant_id": "gate", "input": {"port": gate.port, "name": "run"}})
        await gate.entered("run")
        waiting = await api.post(f"/threads/{thread}/runs", {"assistant_id": mine, "input": {}})
        await patched(api, path, graph_id="joke", context={"tone": "new"})
        gate.release("run")
        values = await api.get(f"/threads/{thread}/runs/{waiting['run_id']}/join")

    assert values["seen"]["tone"] == "old"


async def test_threads_go_with_an_assistant(api: Api) -> None:
    path = await path_of(api)
    mine = path.rpartition("/")[2]
    theirs, other = [await api.thread() for _ in range(3)], await api.thread()
    for thread in theirs:
        await api.post(f"/threads/{thread}/runs/wait", {"assistant_id": mine, "input": {"topic": "x"}})
    await api.post(f"/threads/{other}/runs/wait", {"assistant_id": "joke", "input": {"topic": "x"}})

    answer = await api.client.delete(path, params={"delete_threads": "true"})

    assert (answer.status_code, answer.content) == (204, b"")
    statuses = [(await api.client.get(f"/threads/{thread}")).status_code for thread in (*theirs, other)]
    assert statuses == [404, 404, 404, 200]
    assert (await api.client.get(path)).status_code == 404


async def _held(api: Api, mine: str, gate: Gate) -> str:
    thread = await api.thread()
    await api.post(f"/threads/{thread}/runs", {"assistant_id": mine, "input": {"port": gate.port, "name": "run"}})
    await gate.entered("run")
    return thread


async def test_a_busy_thread_stays_and_so_does_all_else(api: Api) -> None:
    path = await path_of(api, "gate")
    mine = path.rpartition("/")[2]
    idle = (await api.post("/threads", {"metadata": {"graph_id": "gate", "assistant_id": mine}}))["thread_id"]
    async with gated() as gate:
        busy = await _held(api, mine, gate)
        answer = await api.client.delete(path, params={"delete_threads": "true"})
        there = [(await api.client.get(each)).status_code for each in (path, f"/threads/{idle}", f"/threads/{busy}")]
        kept = await api.client.delete(path)
        gate.release("run")

    assert (answer.status_code, answer.json()["code"]) == (409, "THREAD_BUSY")
    assert there == [200, 200, 200]
    assert kept.status_code == 204


# -- restarts ------------------------------------------------------------------------------------------------------------


async def test_assistants_and_what_waits_for_them_survive_a_restart(tmp_path: Path) -> None:
    async with life(tmp_path) as api:
        path = await path_of(api, "context", name="Ann", context={"tone": "old"}, metadata={"a": 1})
        await patched(api, path, context={"tone": "new"})
        await patched(api, path, name="Bob")
        await api.post(f"{path}/latest", {"version": 2})
        before = [await api.get(path), await api.post(f"{path}/versions")]

    async with life(tmp_path) as api:
        after = [await api.get(path), await api.post(f"{path}/versions")]
        values = await api.post("/runs/wait", {"assistant_id": path.rpartition("/")[2], "input": {}})
        fourth = await patched(api, path)

    assert after == before
    assert values["seen"]["tone"] == "new"
    assert (fourth["version"], fourth["name"]) == (4, "Ann")


GRAPHS = """
import asyncio
from typing import TypedDict

from langgraph.graph import START, StateGraph

class State(TypedDict, total=False):
    text: str

async def wait(state: State):
    await asyncio.Event().wait()

def plain(state: State):
    return {"text": "here"}

stays = StateGraph(State).add_node(plain).add_edge(START, "plain").compile()
goes = StateGraph(State).add_node(wait).add_edge(START, "wait").compile()
"""


@asynccontextmanager
async def _serving(folder: Path, *names: str) -> AsyncIterator[Api]:
    graphs = ", ".join(f'"{name}": "./graphs.py:{name}"' for name in names)
    (folder / "graphs.py").write_text(GRAPHS)
    config = folder / "langgraph.json"
    config.write_text(f'{{"dependencies": ["."], "graphs": {{{graphs}}}}}')
    async with (
        running(folder / "data", config, drain_grace=AT_ONCE) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as client,
    ):
        yield Api(client)


async def test_a_graph_that_is_gone_after_a_restart_is_named(tmp_path: Path) -> None:
    async with _serving(tmp_path, "stays", "goes") as api:
        path = await path_of(api, "goes")
        mine = path.rpartition("/")[2]
        thread = await api.thread()
        run = await api.post(f"/threads/{thread}/runs", {"assistant_id": mine, "input": {}, "stream_resumable": True})

    async with _serving(tmp_path, "stays") as api:
        ended = await api.get(f"/threads/{thread}/runs/{run['run_id']}/join")
        refused = [
            await api.client.post("/runs", json={"assistant_id": mine, "input": {}}),
            await api.client.get(f"{path}/schemas"),
            await api.client.get(f"/threads/{thread}/state"),
        ]
        listed = [await api.get(f"/threads/{thread}"), *await api.post("/threads/search", {"ids": [thread]})]
        named = await api.post("/threads", {"metadata": {"graph_id": mine}})
        kept = await api.get(path)
        moved = await patched(api, path, graph_id="stays")
        values = await api.post("/runs/wait", {"assistant_id": mine, "input": {}})

    assert ended["__error__"]["error"] == "GraphNotFound"
    assert "graph 'goes' does not exist; langgraph.json does not have it" in ended["__error__"]["message"]
    assert [(each.status_code, each.json()["code"]) for each in refused] == [(404, "GRAPH_NOT_FOUND")] * 3
    assert [(each["thread_id"], each["values"]) for each in listed] == [(thread, None)] * 2
    assert named["metadata"] == {"graph_id": mine}
    assert (kept["graph_id"], moved["graph_id"], values) == ("goes", "stays", {"text": "here"})
