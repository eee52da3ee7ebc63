"""The seed's examples, through both clients of the Python SDK, event by event."""

import asyncio
from typing import Any

import pytest

from tests.conformance.sdk.clients import Sdk, named, tells_answers
from tests.faults.gate import Gate

ICE = {"topic": "ice cream"}
REFINED = {"refine_topic": {"topic": "ice cream and cats"}}
TOLD = "这是一个关于 ice cream and cats 的笑话"
JOKED = {"generate_joke": {"joke": TOLD}}
STEPS = [ICE, {"topic": "ice cream and cats"}, {"topic": "ice cream and cats", "joke": TOLD}]
WORDS = ["为", "ice", "cream", "生成一个笑话"]


async def _stream(sdk: Sdk, thread_id: str | None, graph: str, given: Any, **options: Any) -> list[tuple[str, Any]]:
    """The events of a run, without the first, which is the same for all."""
    parts = await sdk(lambda c: c.runs.stream(thread_id, graph, input=given, **options))
    first, *others = named(parts)
    assert first[0] == "metadata"
    assert sorted(first[1]) == ["attempt", "run_id"]
    assert all(part.id is None for part in parts), "ids are for resumable runs"
    return others


async def test_updates(sdk: Sdk, thread_id: str) -> None:
    assert await _stream(sdk, thread_id, "joke", ICE, stream_mode="updates") == [
        ("updates", REFINED),
        ("updates", JOKED),
    ]


async def test_values(sdk: Sdk, thread_id: str) -> None:
    assert await _stream(sdk, thread_id, "joke", ICE, stream_mode="values") == [("values", step) for step in STEPS]


async def test_values_are_the_default(sdk: Sdk, thread_id: str) -> None:
    assert await _stream(sdk, thread_id, "joke", ICE) == [("values", step) for step in STEPS]


async def test_several_modes(sdk: Sdk, thread_id: str) -> None:
    events = await _stream(sdk, thread_id, "joke", ICE, stream_mode=["updates", "values", "custom"])

    assert events == [
        ("values", STEPS[0]),
        ("updates", REFINED),
        ("values", STEPS[1]),
        ("updates", JOKED),
        ("values", STEPS[2]),
    ]


async def test_subgraphs(sdk: Sdk, thread_id: str) -> None:
    events = await _stream(sdk, thread_id, "nested", {"foo": "foo"}, stream_mode="updates", stream_subgraphs=True)

    inside = events[1][0]
    assert inside.startswith("updates|node_2:")
    assert events == [
        ("updates", {"node_1": {"foo": "嗨！foo"}}),
        (inside, {"subgraph_node_1": {"bar": "bar"}}),
        (inside, {"subgraph_node_2": {"foo": "嗨！foobar"}}),
        ("updates", {"node_2": {"foo": "嗨！foobar"}}),
    ]


async def test_subgraphs_are_silent_unless_asked_for(sdk: Sdk, thread_id: str) -> None:
    events = await _stream(sdk, thread_id, "nested", {"foo": "foo"}, stream_mode="updates")

    assert [name for name, _ in events] == ["updates", "updates"]


async def test_debug(sdk: Sdk, thread_id: str) -> None:
    events = await _stream(sdk, thread_id, "joke", ICE, stream_mode="debug")

    assert {name for name, _ in events} == {"debug"}
    assert [(data["step"], data["type"], data["payload"].get("name")) for _, data in events] == [
        (-1, "checkpoint", None),
        (0, "checkpoint", None),
        (1, "task", "refine_topic"),
        (1, "task_result", "refine_topic"),
        (1, "checkpoint", None),
        (2, "task", "generate_joke"),
        (2, "task_result", "generate_joke"),
        (2, "checkpoint", None),
    ]
    assert events[-1][1]["payload"]["values"] == STEPS[2]
    assert events[-1][1]["payload"]["next"] == []


async def test_tasks_and_checkpoints(sdk: Sdk, thread_id: str) -> None:
    events = await _stream(sdk, thread_id, "joke", ICE, stream_mode=["tasks", "checkpoints"])

    tasks = [data for name, data in events if name == "tasks"]
    checkpoints = [data for name, data in events if name == "checkpoints"]
    assert [(task["name"], task.get("result")) for task in tasks] == [
        ("refine_topic", None),
        ("refine_topic", REFINED["refine_topic"]),
        ("generate_joke", None),
        ("generate_joke", JOKED["generate_joke"]),
    ]
    assert [point["next"] for point in checkpoints] == [["__start__"], ["refine_topic"], ["generate_joke"], []]


async def test_tokens_as_tuples(sdk: Sdk, thread_id: str) -> None:
    events = await _stream(sdk, thread_id, "tokens", ICE, stream_mode="messages-tuple")

    assert {name for name, _ in events} == {"messages"}
    assert [chunk["content"] for _, (chunk, _) in events if chunk["content"]] == WORDS
    assert {chunk["type"] for _, (chunk, _) in events} == {"AIMessageChunk"}
    assert {metadata["langgraph_node"] for _, (_, metadata) in events} == {"call_model"}


async def test_tokens_as_whole_messages(sdk: Sdk, thread_id: str) -> None:
    events = await _stream(sdk, thread_id, "tokens", ICE, stream_mode="messages")

    (first, about), *partial = events
    assert first == "messages/metadata"
    assert {name for name, _ in partial} == {"messages/partial"}
    assert [message["content"] for _, (message,) in partial][:4] == ["".join(WORDS[:n]) for n in (1, 2, 3, 4)]
    assert {message["type"] for _, (message,) in partial} == {"ai"}
    assert {message["id"] for _, (message,) in partial} == set(about)


async def test_custom_data(sdk: Sdk, thread_id: str) -> None:
    events = await _stream(sdk, thread_id, "progress", {"n": 3}, stream_mode="custom")

    assert events == [("custom", {"step": step}) for step in range(3)]


async def test_events(sdk: Sdk, thread_id: str) -> None:
    events = await _stream(sdk, thread_id, "joke", ICE, stream_mode="events")

    assert {name for name, _ in events} == {"events"}
    named_events = [(data["event"], data["name"]) for _, data in events]
    assert [event for event in named_events if event[1] == "refine_topic"] == [
        ("on_chain_start", "refine_topic"),
        ("on_chain_stream", "refine_topic"),
        ("on_chain_end", "refine_topic"),
    ]
    assert named_events[0] == ("on_chain_start", "joke")
    assert named_events[-1] == ("on_chain_end", "joke")
    assert events[-1][1]["data"]["output"] == STEPS[2]


async def test_a_run_without_a_thread(sdk: Sdk) -> None:
    threads = await sdk(lambda c: c.threads.count())

    assert await _stream(sdk, None, "joke", ICE, stream_mode="updates") == [("updates", REFINED), ("updates", JOKED)]
    assert await sdk(lambda c: c.threads.count()) == threads


async def test_parts_of_the_second_version(sdk: Sdk, thread_id: str) -> None:
    parts = await sdk(
        lambda c: c.runs.stream(
            thread_id, "nested", input={"foo": "foo"}, stream_mode="updates", stream_subgraphs=True, version="v2"
        )
    )

    assert [(part["type"], len(part["ns"])) for part in parts] == [
        ("metadata", 0),
        ("updates", 0),
        ("updates", 1),
        ("updates", 1),
        ("updates", 0),
    ]


async def test_joining_a_run_that_is_on(sdk: Sdk, thread_id: str, gate: Gate) -> None:
    run = await sdk(
        lambda c: c.runs.create(thread_id, "gate", input={"port": gate.port}, stream_mode=["custom", "updates"])
    )
    await gate.entered()
    attached = tells_answers(sdk)

    joining = asyncio.create_task(sdk(lambda c: c.runs.join_stream(thread_id, run["run_id"])))
    async with asyncio.timeout(60):
        await attached.wait()
    gate.release()

    assert named(await joining) == [("custom", "passed"), ("updates", {"wait": {"trail": ["passed"]}})]


@pytest.mark.parametrize(
    ("modes", "expected"), [("custom", ["custom"] * 2), (["updates", "custom"], ["custom", "updates"] * 2)]
)
async def test_joining_with_a_filter(sdk: Sdk, thread_id: str, gate: Gate, modes: Any, expected: list[str]) -> None:
    run = await sdk(
        lambda c: c.runs.create(
            thread_id,
            "gate",
            input={"port": gate.port},
            stream_mode=["custom", "updates", "values"],
            stream_resumable=True,
        )
    )
    await gate.entered()
    gate.release()

    parts = await sdk(lambda c: c.runs.join_stream(thread_id, run["run_id"], stream_mode=modes, last_event_id="-1"))

    names = [name for name, _ in named(parts)]
    assert [name for name in names if name != "metadata"] == expected
    assert "values" not in names
