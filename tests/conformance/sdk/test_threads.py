"""Threads and their states, through both clients of the Python SDK."""

import asyncio
import uuid
from typing import Any

import pytest
import pytest_asyncio
from langgraph_sdk.errors import ConflictError, NotFoundError

from tests.conformance.sdk.clients import Sdk, connected, named
from tests.support.serving import Server

TOLD = "这是一个关于 ice and cats 的笑话"


@pytest_asyncio.fixture(loop_scope="module")
async def told(sdk: Sdk, thread_id: str) -> str:
    """A thread on which the joke was told."""
    await sdk(lambda c: c.runs.wait(thread_id, "joke", input={"topic": "ice"}))
    return thread_id


async def test_create_get_update_delete(sdk: Sdk) -> None:
    wanted = str(uuid.uuid4())

    made = await sdk(lambda c: c.threads.create(thread_id=wanted, metadata={"n": 1}, graph_id="joke"))
    changed = await sdk(lambda c: c.threads.update(wanted, metadata={"m": [2]}))
    found = await sdk(lambda c: c.threads.get(wanted))
    await sdk(lambda c: c.threads.delete(wanted))

    assert (made["thread_id"], made["status"]) == (wanted, "idle")
    assert {"n": 1, "graph_id": "joke"}.items() <= made["metadata"].items()
    assert changed["metadata"] == found["metadata"] == {**made["metadata"], "m": [2]}
    with pytest.raises(NotFoundError):
        await sdk(lambda c: c.threads.get(wanted))


async def test_a_change_that_wants_no_answer(sdk: Sdk, thread_id: str) -> None:
    assert await sdk(lambda c: c.threads.update(thread_id, metadata={"m": 1}, return_minimal=True)) is None
    assert (await sdk(lambda c: c.threads.get(thread_id)))["metadata"] == {"m": 1}


async def test_an_id_that_is_taken(sdk: Sdk, thread_id: str) -> None:
    same = await sdk(lambda c: c.threads.create(thread_id=thread_id, if_exists="do_nothing"))

    assert same["thread_id"] == thread_id
    with pytest.raises(ConflictError):
        await sdk(lambda c: c.threads.create(thread_id=thread_id, if_exists="raise"))


async def test_a_thread_shows_what_ran_on_it(sdk: Sdk, told: str) -> None:
    thread = await sdk(lambda c: c.threads.get(told))

    assert thread["values"] == {"topic": "ice and cats", "joke": TOLD}
    assert thread["metadata"]["graph_id"] == "joke"
    assert (thread["status"], thread["interrupts"], thread["error"]) == ("idle", {}, None)


async def _numbered(sdk: Sdk, series: str, n: int) -> str:
    thread_id: str = (await sdk(lambda c: c.threads.create(metadata={"series": series, "n": n})))["thread_id"]
    return thread_id


async def test_search_and_count(sdk: Sdk, told: str) -> None:
    series = str(uuid.uuid4())
    await sdk(lambda c: c.threads.update(told, metadata={"series": series}))
    others = [await _numbered(sdk, series, n) for n in range(3)]
    ours = {"series": series}

    by_metadata = await sdk(lambda c: c.threads.search(metadata={**ours, "n": 1}))
    by_graph = await sdk(
        lambda c: c.threads.search(metadata={**ours, "graph_id": "joke"}, select=["thread_id", "values"])
    )
    by_id = await sdk(lambda c: c.threads.search(ids=others[1:], sort_by="created_at", sort_order="asc"))
    paged = await sdk(
        lambda c: c.threads.search(metadata=ours, sort_by="created_at", sort_order="desc", limit=2, offset=1)
    )

    assert [thread["thread_id"] for thread in by_metadata] == [others[1]]
    assert by_graph == [{"thread_id": told, "values": {"topic": "ice and cats", "joke": TOLD}}]
    assert [thread["thread_id"] for thread in by_id] == others[1:]
    assert [thread["thread_id"] for thread in paged] == [others[1], others[0]]
    assert await sdk(lambda c: c.threads.count(metadata=ours)) == 4
    assert await sdk(lambda c: c.threads.count(metadata={**ours, "n": 2})) == 1
    assert await sdk(lambda c: c.threads.count(metadata=ours, status="busy")) == 0


async def test_search_and_count_by_values(sdk: Sdk, told: str) -> None:
    series = str(uuid.uuid4())
    await sdk(lambda c: c.threads.update(told, metadata={"series": series}))
    await _numbered(sdk, series, 1)
    ours = {"series": series}

    told_ones = await sdk(lambda c: c.threads.search(metadata=ours, values={"joke": TOLD}))
    none = await sdk(lambda c: c.threads.search(metadata=ours, values={"joke": "another"}))

    assert [thread["thread_id"] for thread in told_ones] == [told]
    assert none == []
    assert await sdk(lambda c: c.threads.count(metadata=ours, values={"topic": "ice and cats"})) == 1


async def test_parts_of_threads(sdk: Sdk, told: str) -> None:
    paths = {"joke": "values.joke", "graph": "metadata.graph_id", "nothing": "values.messages[-1].content"}
    parts = {"joke": TOLD, "graph": "joke", "nothing": None}

    (found,) = await sdk(lambda c: c.threads.search(ids=[told], select=["thread_id"], extract=paths))
    (whole,) = await sdk(lambda c: c.threads.search(ids=[told], extract=paths))

    assert found == {"thread_id": told, "extracted": parts}
    assert (whole["extracted"], whole["values"]["joke"]) == (parts, TOLD)


async def test_parts_of_states(sdk: Sdk, told: str) -> None:
    now = await sdk(lambda c: c.threads.get_state(told, select=["values.joke", "next"]))
    states = await sdk(lambda c: c.threads.get_history(told, select=["values.topic", "checkpoint"]))
    at = states[1]["checkpoint"]
    by_id = await sdk(lambda c: c.threads.get_state(told, checkpoint_id=at["checkpoint_id"], select=["values"]))
    by_checkpoint = await sdk(lambda c: c.threads.get_state(told, checkpoint=at, select=["values.topic"]))

    assert now == {"values": {"joke": TOLD}, "next": []}
    assert [set(state) for state in states] == [{"values", "checkpoint"}] * 4
    assert [state["values"] for state in states[:2]] == [{"topic": "ice and cats"}] * 2
    assert by_id == by_checkpoint == {"values": {"topic": "ice and cats"}}


async def test_how_long_a_thread_lives(sdk: Sdk) -> None:
    made = await sdk(lambda c: c.threads.create(ttl=5))
    thread_id = made["thread_id"]
    minutes = await sdk(lambda c: c.threads.get(thread_id, include=["ttl"]))
    await sdk(lambda c: c.threads.update(thread_id, metadata={}, ttl={"ttl": 7.5, "strategy": "keep_latest"}))
    changed = await sdk(lambda c: c.threads.get(thread_id, include=["ttl"]))

    assert "ttl" not in made
    assert (minutes["ttl"]["ttl_minutes"], minutes["ttl"]["strategy"]) == (5, "delete")
    assert (changed["ttl"]["ttl_minutes"], changed["ttl"]["strategy"]) == (7.5, "keep_latest")


async def test_prune(sdk: Sdk, told: str) -> None:
    kept = await sdk(lambda c: c.threads.prune([told], strategy="keep_latest"))
    states = await sdk(lambda c: c.threads.get_history(told))
    again = await sdk(lambda c: c.runs.wait(told, "joke", input={"topic": "fire"}))
    gone = await sdk(lambda c: c.threads.prune([told, str(uuid.uuid4())]))

    assert (kept["pruned_count"], gone["pruned_count"], len(states)) == (1, 1, 1)
    assert states[0]["values"] == {"topic": "ice and cats", "joke": TOLD}
    assert again["topic"] == "fire and cats"
    with pytest.raises(NotFoundError):
        await sdk(lambda c: c.threads.get(told))


async def test_copy(sdk: Sdk, told: str) -> None:
    copied = await sdk(lambda c: c.threads.copy(told))
    await sdk(lambda c: c.threads.update_state(copied["thread_id"], {"topic": "fire"}))

    assert copied["thread_id"] != told
    assert (await sdk(lambda c: c.threads.get_state(copied["thread_id"])))["values"]["topic"] == "fire"
    assert (await sdk(lambda c: c.threads.get_state(told)))["values"]["topic"] == "ice and cats"


async def test_the_state_of_a_thread_without_runs(sdk: Sdk, thread_id: str) -> None:
    state = await sdk(lambda c: c.threads.get_state(thread_id))

    assert (state["values"], state["next"], state["checkpoint"]) == ({}, [], None)


async def test_state_now_and_before(sdk: Sdk, told: str) -> None:
    now = await sdk(lambda c: c.threads.get_state(told))
    states = await sdk(lambda c: c.threads.get_history(told))
    middle = states[1]
    at = middle["checkpoint"]

    by_id = await sdk(lambda c: c.threads.get_state(told, checkpoint_id=at["checkpoint_id"]))
    by_checkpoint = await sdk(lambda c: c.threads.get_state(told, checkpoint=at, subgraphs=True))

    assert now == states[0]
    assert [state["next"] for state in states] == [[], ["generate_joke"], ["refine_topic"], ["__start__"]]
    assert by_id == by_checkpoint == middle
    assert middle["values"] == {"topic": "ice and cats"}
    assert [task["name"] for task in middle["tasks"]] == ["generate_joke"]
    assert states[0]["parent_checkpoint"] == at


async def test_history_in_parts(sdk: Sdk, told: str) -> None:
    states = await sdk(lambda c: c.threads.get_history(told, limit=10))
    first = await sdk(lambda c: c.threads.get_history(told, limit=1))
    rest = await sdk(lambda c: c.threads.get_history(told, before=states[0]["checkpoint"]))
    entered = await sdk(lambda c: c.threads.get_history(told, metadata={"source": "input"}))

    assert first == states[:1]
    assert rest == states[1:]
    assert entered == states[3:]


async def test_update_state_and_go_on_from_there(sdk: Sdk, told: str) -> None:
    states = await sdk(lambda c: c.threads.get_history(told))
    before = states[2]["checkpoint"]

    made = await sdk(
        lambda c: c.threads.update_state(told, {"topic": "snow"}, as_node="refine_topic", checkpoint=before)
    )
    values = await sdk(lambda c: c.runs.wait(told, "joke", checkpoint=made["checkpoint"]))

    assert made["checkpoint"]["thread_id"] == told
    assert values == {"topic": "snow", "joke": "这是一个关于 snow 的笑话"}


async def test_a_subgraphs_state_while_it_waits(sdk: Sdk, thread_id: str) -> None:
    await sdk(lambda c: c.runs.wait(thread_id, "deep", input={"request": "x"}))

    state = await sdk(lambda c: c.threads.get_state(thread_id, subgraphs=True))
    inside = state["tasks"][0]["state"]
    alone = await sdk(lambda c: c.threads.get_state(thread_id, checkpoint=inside["checkpoint"]))
    states = await sdk(lambda c: c.threads.get_history(thread_id, checkpoint=inside["checkpoint"]))

    assert state["next"] == ["inner"]
    assert inside["values"] == {"request": "x", "log": []}
    assert inside["next"] == alone["next"] == ["ask"]
    assert alone["values"] == inside["values"]
    assert [each["next"] for each in states] == [["ask"], ["__start__"]]


@pytest.mark.parametrize("mode", ["run_modes", "lifecycle", ["run_modes", "lifecycle"]])
async def test_joining_a_thread(sdk: Sdk, server: Server, thread_id: str, mode: Any) -> None:
    last = "-"
    await sdk(lambda c: _told(c, thread_id))

    async with connected("async", server.url) as reader:
        stream = await reader.client.threads.join_stream(thread_id, stream_mode=mode, last_event_id=last)
        async with asyncio.timeout(60):
            first = [await anext(stream) for _ in range(2 if mode == "lifecycle" else 4)]
            await sdk(lambda c: _told(c, thread_id))
            second = [await anext(stream) for _ in range(len(first))]
        await stream.aclose()

    names = ["metadata", "metadata"] if mode == "lifecycle" else ["metadata", "updates", "updates", "metadata"]
    for parts in (first, second):
        assert [name for name, _ in named(parts)] == names
        assert parts[-1].data == {"status": "run_done", "run_id": parts[0].data["run_id"]}
    ids = [int(part.id) for part in (*first, *second)]
    assert ids == sorted(set(ids))
    assert first[0].data["run_id"] != second[0].data["run_id"]


def _told(client: Any, thread_id: str) -> Any:
    return client.runs.stream(thread_id, "joke", input={"topic": "ice"}, stream_mode="updates")


async def test_what_is_not_there(sdk: Sdk) -> None:
    nobody = str(uuid.uuid4())
    for use in (
        lambda c: c.threads.get(nobody),
        lambda c: c.threads.update(nobody, metadata={"a": 1}),
        lambda c: c.threads.delete(nobody),
        lambda c: c.threads.copy(nobody),
        lambda c: c.threads.get_state(nobody),
        lambda c: c.threads.update_state(nobody, {"a": 1}),
        lambda c: c.threads.get_history(nobody),
        lambda c: c.runs.create(nobody, "joke", input={"topic": "ice"}),
        lambda c: c.runs.stream(nobody, "joke", input={"topic": "ice"}),
        lambda c: c.runs.list(nobody),
    ):
        with pytest.raises(NotFoundError):
            await sdk(use)
