"""The life of a run through both clients of the Python SDK: runs that meet, that start later, that are cancelled; histories from elsewhere; watching."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from langgraph_sdk.errors import BadRequestError, ConflictError, NotFoundError

from tests.conformance.sdk.clients import Sdk, connected, named, tells_answers
from tests.faults.gate import Gate
from tests.support.serving import Server

ICE = {"topic": "ice"}
TOLD = {"topic": "ice and cats", "joke": "这是一个关于 ice and cats 的笑话"}
TEA = {"values": {"topic": "tea"}, "as_node": "refine_topic"}


def _name() -> str:
    return uuid.uuid4().hex


async def _held(sdk: Sdk, thread_id: str, gate: Gate, **options: Any) -> tuple[str, str]:
    """A run that stands at the gate: its id, and its name there."""
    name = _name()
    given = {"port": gate.port, "name": name}
    run = await sdk(lambda c: c.runs.create(thread_id, "gate", input=given, **options))
    await gate.entered(name)
    return run["run_id"], name


async def _statuses(sdk: Sdk, thread_id: str) -> list[str]:
    """Of the runs of a thread, the oldest first."""
    return [run["status"] for run in reversed(await sdk(lambda c: c.runs.list(thread_id)))]


STRATEGIES: list[tuple[str, list[str]]] = [
    ("enqueue", ["success"] * 3),
    ("interrupt", ["interrupted", "interrupted", "success"]),
    ("rollback", ["success"]),
]


@pytest.mark.parametrize("way", ["create", "wait", "stream"])
@pytest.mark.parametrize(("strategy", "left"), STRATEGIES)
async def test_runs_that_meet(
    sdk: Sdk, thread_id: str, gate: Gate, way: str, strategy: str, left: Sequence[str]
) -> None:
    _, name = await _held(sdk, thread_id, gate)
    await sdk(lambda c: c.runs.create(thread_id, "joke", input={"topic": "tea"}))
    new = asyncio.create_task(
        sdk(lambda c: getattr(c.runs, way)(thread_id, "joke", input=ICE, multitask_strategy=strategy))
    )
    if strategy == "enqueue":
        gate.release(name)
    await gate.left(name)
    await new
    newest = (await sdk(lambda c: c.runs.list(thread_id, limit=1)))[0]
    values = await sdk(lambda c: c.runs.join(thread_id, newest["run_id"]))

    assert {key: values[key] for key in TOLD} == TOLD
    assert newest["multitask_strategy"] == strategy
    assert await _statuses(sdk, thread_id) == left


async def test_reject_counts_runs_that_wait_for_their_time(sdk: Sdk, thread_id: str) -> None:
    late = await sdk(lambda c: c.runs.create(thread_id, "joke", input=ICE, after_seconds=600))

    with pytest.raises(ConflictError):
        await sdk(lambda c: c.runs.create(thread_id, "joke", input=ICE, multitask_strategy="reject"))

    assert late["status"] == "pending"
    assert (await sdk(lambda c: c.threads.get(thread_id)))["status"] == "busy"
    await sdk(lambda c: c.runs.cancel(thread_id, late["run_id"], wait=True, action="rollback"))
    assert (await sdk(lambda c: c.threads.get(thread_id)))["status"] == "idle"


@pytest.mark.parametrize("way", ["wait", "stream"])
async def test_a_run_that_starts_later(sdk: Sdk, thread_id: str, way: str) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()

    given = await sdk(lambda c: getattr(c.runs, way)(thread_id, "joke", input=ICE, after_seconds=0.1))

    assert loop.time() - begun >= 0.1
    assert (given[-1].data if way == "stream" else given) == TOLD


async def test_cancel_with_rollback(sdk: Sdk, thread_id: str, gate: Gate) -> None:
    await sdk(lambda c: c.runs.wait(thread_id, "joke", input=ICE))
    before = await sdk(lambda c: c.threads.get_history(thread_id))
    run_id, _ = await _held(sdk, thread_id, gate)

    answer = await sdk(lambda c: c.runs.cancel(thread_id, run_id, wait=True, action="rollback"))

    thread = await sdk(lambda c: c.threads.get(thread_id))
    assert answer == {}
    assert (thread["status"], thread["values"], thread["error"]["error"]) == ("idle", TOLD, "UserRollback")
    assert await sdk(lambda c: c.threads.get_history(thread_id)) == before
    for use in (lambda c: c.runs.get(thread_id, run_id), lambda c: c.runs.cancel(thread_id, run_id)):
        with pytest.raises(NotFoundError):
            await sdk(use)


async def test_many_are_rolled_back(sdk: Sdk, thread_id: str, gate: Gate) -> None:
    first, name = await _held(sdk, thread_id, gate)
    others = [(await sdk(lambda c: c.runs.create(thread_id, "joke", input=ICE)))["run_id"] for _ in range(2)]

    await sdk(lambda c: c.runs.cancel_many(thread_id=thread_id, run_ids=[first, others[0]], action="rollback"))
    await gate.left(name)
    values = await sdk(lambda c: c.runs.join(thread_id, others[1]))

    assert values == TOLD
    assert await _statuses(sdk, thread_id) == ["success"]
    with pytest.raises(NotFoundError):
        await sdk(lambda c: c.runs.cancel_many(thread_id=thread_id, run_ids=[first], action="rollback"))


async def test_readers_of_a_run_that_is_rolled_back(sdk: Sdk, thread_id: str, gate: Gate) -> None:
    """They see it end, and take that for the end (wire facts 25 and 27): the SDK asks for the run, and it is gone."""
    run_id, _ = await _held(sdk, thread_id, gate, stream_mode="custom", stream_resumable=True)
    attached = tells_answers(sdk)
    joined = asyncio.create_task(sdk(lambda c: c.runs.join_stream(thread_id, run_id, last_event_id="-1")))
    async with asyncio.timeout(60):
        await attached.wait()
    waited = asyncio.create_task(sdk(lambda c: c.runs.join(thread_id, run_id)))
    async with connected("async", str(sdk.client.http.client.base_url)) as reader:
        stream = reader.client.runs.join_stream(thread_id, run_id, last_event_id="-1")
        seen = [await anext(stream) for _ in range(2)]
        await sdk(lambda c: c.runs.cancel(thread_id, run_id, wait=True, action="rollback"))
        rest = [part async for part in stream]

    assert named([*seen, *rest])[1:] == named(await joined)[1:] == [("custom", "knocked")]
    assert (await waited) in ({}, {"__error__": {"error": "HTTPException", "message": "404: Run not found"}})


async def _behind(sdk: Sdk, thread_id: str, run_id: str, last: str) -> list[Any]:
    parts: list[Any] = await sdk(lambda c: c.runs.join_stream(thread_id, run_id, last_event_id=last))
    return parts


async def test_joining_behind_an_id(sdk: Sdk, thread_id: str) -> None:
    run = await sdk(
        lambda c: c.runs.create(thread_id, "progress", input={"n": 9}, stream_mode="custom", stream_resumable=True)
    )
    run_id = run["run_id"]
    await sdk(lambda c: c.runs.join(thread_id, run_id))

    whole = await sdk(lambda c: c.runs.join_stream(thread_id, run_id, last_event_id="-1"))
    parts = [await _behind(sdk, thread_id, run_id, each.id) for each in whole]
    live = await sdk(lambda c: c.runs.join_stream(thread_id, run_id))
    filtered = await sdk(lambda c: c.runs.join_stream(thread_id, run_id, last_event_id="0", stream_mode=["values"]))

    assert named(whole)[1:] == [("custom", {"step": step}) for step in range(9)]
    assert [len(each) for each in parts] == list(range(9, -1, -1))
    assert parts[3] == whole[4:]
    assert (live, [part.event for part in filtered]) == ([], ["metadata"])


async def test_answers_to_several_questions(sdk: Sdk, thread_id: str) -> None:
    asked = await sdk(lambda c: c.runs.wait(thread_id, "pair", input={}))
    ids = {each["value"]: each["id"] for each in asked["__interrupt__"]}

    first = await sdk(lambda c: c.runs.wait(thread_id, "pair", command={"resume": {ids["right?"]: "r"}}))
    between = await sdk(lambda c: c.threads.get(thread_id))
    second = await sdk(lambda c: c.runs.wait(thread_id, "pair", command={"resume": {ids["left?"]: "l"}}))

    assert [each["value"] for each in first["__interrupt__"]] == ["left?"]
    assert between["status"] == "interrupted"
    assert sorted(second["log"]) == ["left l", "right r"]


async def test_a_fork_and_an_edit(sdk: Sdk, thread_id: str) -> None:
    await sdk(lambda c: c.runs.wait(thread_id, "joke", input=ICE))
    states = await sdk(lambda c: c.threads.get_history(thread_id, limit=10))
    at = states[1]["checkpoint"]

    forked = await sdk(lambda c: c.runs.wait(thread_id, "joke", checkpoint_id=at["checkpoint_id"]))
    edited = await sdk(
        lambda c: c.threads.update_state(thread_id, {"topic": "snow"}, as_node="refine_topic", checkpoint=at)
    )
    told = await sdk(lambda c: c.runs.wait(thread_id, "joke", checkpoint=edited["checkpoint"]))
    with pytest.raises(BadRequestError):
        await sdk(lambda c: c.threads.update_state(thread_id, {"topic": "x"}, as_node="nobody"))

    assert (forked, told["joke"]) == (TOLD, "这是一个关于 snow 的笑话")


async def _told(sdk: Sdk, thread_id: str, topic: str) -> None:
    await sdk(lambda c: c.runs.wait(thread_id, "joke", input={"topic": topic}, metadata={"t": topic}))


async def test_history_in_pages(sdk: Sdk, thread_id: str) -> None:
    for topic in ("ice", "tea"):
        await _told(sdk, thread_id, topic)
    whole = await sdk(lambda c: c.threads.get_history(thread_id, limit=100))

    second = await sdk(lambda c: c.threads.get_history(thread_id, limit=3, before=whole[2]["checkpoint"]))
    by_id = await sdk(lambda c: c.threads.get_history(thread_id, before=whole[5]["checkpoint"]["checkpoint_id"]))
    of_one = await sdk(lambda c: c.threads.get_history(thread_id, metadata={"t": "ice"}))
    root = await sdk(lambda c: c.threads.get_history(thread_id, limit=2, checkpoint={"checkpoint_ns": ""}))

    assert len(whole) == 8
    assert (second, by_id, of_one, root) == (whole[3:6], whole[6:], whole[4:], whole[:2])


async def test_a_thread_that_begins_with_supersteps(sdk: Sdk) -> None:
    thread = await sdk(lambda c: c.threads.create(graph_id="joke", supersteps=[{"updates": [TEA]}], metadata={"k": 1}))
    values = await sdk(lambda c: c.runs.wait(thread["thread_id"], "joke"))
    states = await sdk(lambda c: c.threads.get_history(thread["thread_id"]))

    assert (thread["values"], thread["metadata"]["k"]) == ({"topic": "tea"}, 1)
    assert values["joke"] == "这是一个关于 tea 的笑话"
    assert states[-1]["values"] == {"topic": "tea"}


@pytest.mark.parametrize("update", [{**TEA, "as_node": "nobody"}, {**TEA, "values": "x"}])
async def test_supersteps_that_are_wrong_leave_no_thread(sdk: Sdk, update: Any) -> None:
    thread_id = str(uuid.uuid4())
    steps = [{"updates": [TEA]}, {"updates": [update]}]

    with pytest.raises(BadRequestError):
        await sdk(lambda c: c.threads.create(thread_id=thread_id, graph_id="joke", supersteps=steps))
    with pytest.raises(NotFoundError):
        await sdk(lambda c: c.threads.get(thread_id))


async def test_a_key_against_doubled_runs(sdk: Sdk, thread_id: str) -> None:
    """The SDK has no option for it, but headers for each call (wire fact 40)."""
    key = {"Idempotency-Key": str(uuid.uuid4())}

    def ask(client: Any, topic: str = "ice") -> Any:
        return client.runs.create(thread_id, "joke", input={"topic": topic}, headers=key)

    first, again = [await sdk(ask) for _ in range(2)]
    with pytest.raises(ConflictError):
        await sdk(lambda c: ask(c, "tea"))
    streamed = await sdk(lambda c: c.runs.stream(thread_id, "joke", input=ICE, headers=key))

    assert first["run_id"] == again["run_id"] == streamed[0].data["run_id"]
    assert len(await sdk(lambda c: c.runs.list(thread_id))) == 1


@pytest.mark.parametrize("mode", ["run_modes", "lifecycle"])
async def test_watching_a_thread_on_which_runs_meet(
    sdk: Sdk, server: Server, thread_id: str, gate: Gate, mode: Any
) -> None:
    async with connected("async", server.url) as reader:
        stream = await reader.client.threads.join_stream(thread_id, stream_mode=mode, last_event_id="-")
        first, _ = await _held(sdk, thread_id, gate)
        second = await sdk(lambda c: c.runs.create(thread_id, "joke", input=ICE, multitask_strategy="interrupt"))
        async with asyncio.timeout(60):
            parts: list[Any] = []
            while sum(_is_done(part) for part in parts) < 2:
                parts.append(await anext(stream))
            again = await reader.client.threads.join_stream(
                thread_id, stream_mode=mode, last_event_id=next(part.id for part in parts if _is_done(part))
            )
            rest: list[Any] = []
            while not rest or not _is_done(rest[-1]):
                rest.append(await anext(again))
        for each in (stream, again):
            await each.aclose()

    assert [part.data["run_id"] for part in parts if _is_done(part)] == [first, second["run_id"]]
    assert rest == parts[len(parts) - len(rest) :]
    assert mode == "run_modes" or {part.event for part in parts} == {"metadata"}


def _is_done(part: Any) -> bool:
    return bool(part.event == "metadata" and part.data.get("status") == "run_done")
