"""The events of each stream mode, with and without those of subgraphs, on a graph in a graph in a graph."""

import re
from typing import Any

import pytest

from tests.conformance.http.api import Api, Json, Streamed
from tests.conformance.http.sse import Frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELLO = {"messages": [{"role": "user", "content": "hello there", "id": "u1"}]}
PART = re.compile(r"[a-z_]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ROOT = ("", "", "", "")
IN_SUBGRAPHS: dict[str, tuple[str, ...]] = {
    "values": ("", "|middle", "|middle|inner", "|middle|inner", "|middle", ""),
    "updates": ("", "|middle|inner", "|middle", ""),
    "custom": ("", "|middle|inner"),
    "tasks": ("", "", "", "|middle", "|middle|inner", "|middle|inner", "|middle", ""),
    "checkpoints": (*ROOT[:3], *("|middle",) * 2, *("|middle|inner",) * 3, "|middle", ""),
    "debug": (*("",) * 6, *("|middle",) * 3, *("|middle|inner",) * 5, *("|middle",) * 2, "", ""),
    "messages-tuple": ("|middle|inner",) * 3,
}
"""By mode, where its events come from, in order, when those of subgraphs are asked for."""
AT_THE_ROOT = {"values": 2, "updates": 2, "custom": 1, "tasks": 4, "checkpoints": 4, "debug": 8, "messages-tuple": 1}
"""By mode, how many events come when they are not."""


def place(frame: Frame) -> str:
    return "".join(f"|{node}" for node in frame.nodes)


async def _deep(api: Api, mode: Any, **more: Any) -> Streamed:
    streamed = await api.stream("/runs/stream", {"assistant_id": "deep", "input": HELLO, "stream_mode": mode, **more})
    assert streamed.names[0] == "metadata"
    return streamed


@pytest.mark.parametrize("mode", IN_SUBGRAPHS)
async def test_events_of_subgraphs_are_named_for_their_place(api: Api, mode: str) -> None:
    frames = (await _deep(api, mode, stream_subgraphs=True)).frames[1:]

    assert tuple(map(place, frames)) == IN_SUBGRAPHS[mode]
    assert {frame.mode for frame in frames} == {"messages" if mode == "messages-tuple" else mode}
    assert all(PART.fullmatch(part) for frame in frames for part in frame.event.split("|")[1:])


@pytest.mark.parametrize("mode", AT_THE_ROOT)
async def test_without_subgraphs_only_the_root_speaks(api: Api, mode: str) -> None:
    names = (await _deep(api, mode)).names[1:]

    assert names == ["messages" if mode == "messages-tuple" else mode] * AT_THE_ROOT[mode]


async def test_a_subgraphs_place_is_one_name_in_all_its_events(api: Api) -> None:
    frames = (await _deep(api, ["updates", "values", "custom", "tasks"], stream_subgraphs=True)).frames[1:]

    by_nodes: dict[tuple[str, ...], set[str]] = {}
    for frame in frames:
        by_nodes.setdefault(frame.nodes, set()).add(frame.event.partition("|")[2])
    assert by_nodes.keys() == {(), ("middle",), ("middle", "inner")}
    assert all(len(paths) == 1 for paths in by_nodes.values())


async def test_tokens_of_a_subgraph_are_pairs_of_a_chunk_and_its_metadata(api: Api) -> None:
    frames = (await _deep(api, "messages-tuple", stream_subgraphs=True)).frames[1:]

    chunks = [frame.data[0] for frame in frames]
    assert [chunk["content"] for chunk in chunks] == ["deep", " ", "down"]
    assert {(chunk["type"], chunk["id"]) for chunk in chunks} == {("AIMessageChunk", "m-deep")}
    assert {frame.data[1]["langgraph_node"] for frame in frames} == {"speak"}


async def test_messages_grow_and_have_no_place(api: Api) -> None:
    frames = (await _deep(api, "messages", stream_subgraphs=True)).frames[1:]

    assert [frame.event for frame in frames] == ["messages/metadata", *["messages/partial"] * 3]
    assert list(frames[0].data) == ["m-deep"]
    assert frames[0].data["m-deep"]["metadata"]["langgraph_node"] == "speak"
    assert [[message["content"] for message in frame.data] for frame in frames[1:]] == [
        ["deep"],
        ["deep "],
        ["deep down"],
    ]
    assert {frame.data[0]["type"] for frame in frames[1:]} == {"ai"}


async def test_a_message_that_no_model_streamed_is_complete(api: Api) -> None:
    frames = (await _deep(api, "messages")).frames[1:]

    assert [frame.event for frame in frames] == ["messages/metadata", "messages/complete"]
    assert [message["content"] for message in frames[1].data] == ["deep down"]


@pytest.mark.parametrize("modes", [["messages", "messages-tuple"], ["messages-tuple", "messages"]])
async def test_of_both_forms_of_messages_the_pairs_are_sent(api: Api, modes: list[str]) -> None:
    frames = (await _deep(api, modes, stream_subgraphs=True)).frames[1:]

    assert [frame.mode for frame in frames] == ["messages"] * 3
    assert [frame.data[0]["content"] for frame in frames] == ["deep", " ", "down"]


@pytest.mark.parametrize("modes", [["updates", "values", "custom"], ["custom", "values", "updates"]])
async def test_the_order_of_modes_in_a_request_is_not_that_of_events(api: Api, modes: list[str]) -> None:
    streamed = await api.stream("/runs/stream", {"assistant_id": "custom", "input": {"n": 1}, "stream_mode": modes})

    assert streamed.names == ["metadata", "values", "custom", "updates", "values"]


@pytest.mark.parametrize("subgraphs", [False, True])
async def test_callback_events_come_from_everywhere_and_have_no_place(api: Api, subgraphs: bool) -> None:
    frames = (await _deep(api, "events", stream_subgraphs=subgraphs)).frames[1:]

    assert {frame.event for frame in frames} == {"events"}
    streamed = [frame.data for frame in frames if frame.data["event"] == "on_chat_model_stream"]
    assert [each["data"]["chunk"]["content"] for each in streamed] == ["deep", " ", "down"]
    assert {"event", "data", "name", "tags", "run_id", "metadata", "parent_ids"} == frames[0].data.keys()


async def test_callback_events_beside_other_modes(api: Api) -> None:
    alone = (await _deep(api, "events")).names.count("events")
    names = (await _deep(api, ["updates", "events"])).names

    assert (names.count("updates"), names.count("events")) == (2, alone)


async def test_tasks_have_a_start_and_a_result(api: Api) -> None:
    run = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "tasks"}
    frames = (await api.stream("/runs/stream", run)).frames[1:]

    start, result = frames[0].data, frames[1].data
    assert list(start) == ["id", "name", "input", "triggers", "metadata"]
    assert list(result) == ["id", "name", "error", "result", "interrupts"]
    assert start["id"] == result["id"]


async def test_debug_wraps_tasks_and_checkpoints(api: Api) -> None:
    run = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "debug"}
    frames = (await api.stream("/runs/stream", run)).frames[1:]

    assert all(list(frame.data) == ["step", "timestamp", "type", "payload"] for frame in frames)
    assert [frame.data["type"] for frame in frames[:5]] == [
        "checkpoint",
        "checkpoint",
        "task",
        "task_result",
        "checkpoint",
    ]


async def _interrupted(api: Api, mode: str, **more: Any) -> list[Json]:
    path = f"/threads/{await api.thread()}/runs/stream"
    run = {"assistant_id": "approval", "input": {"request": "launch"}, "stream_mode": mode, **more}
    return [frame.data for frame in (await api.stream(path, run)).frames[1:]]


async def test_an_interrupt_is_in_updates_and_in_values(api: Api) -> None:
    last_update = (await _interrupted(api, "updates"))[-1]
    *_, before, last_values = await _interrupted(api, "values")

    question = {"question": "approve launch?"}
    assert [item["value"] for item in last_update["__interrupt__"]] == [question]
    assert [item["value"] for item in last_values.pop("__interrupt__")] == [question]
    assert last_values == before
    assert list(last_update["__interrupt__"][0]) == ["value", "id", "response_schema"]


async def test_a_stop_before_a_node_is_an_empty_interrupt_in_updates_and_nothing_in_values(api: Api) -> None:
    updates = await _interrupted(api, "updates", interrupt_before=["ask"])
    values = await _interrupted(api, "values", interrupt_before=["ask"])

    assert updates[-1] == {"__interrupt__": []}
    assert not any("__interrupt__" in each for each in values)


async def test_a_failing_graph_ends_with_its_error(api: Api) -> None:
    streamed = await api.stream("/runs/stream", {"assistant_id": "failing", "input": {"a": 0}, "stream_mode": "values"})

    assert streamed.status == 200
    assert streamed.names == ["metadata", "values", "values", "error"]
    assert streamed.frames[-1].data == {"error": "ValueError", "message": "this node always fails"}


async def test_a_recursion_limit_is_an_error_with_its_text(api: Api) -> None:
    run = {"assistant_id": "counter", "input": {"until": 9}, "config": {"recursion_limit": 2}}
    error = (await api.stream("/runs/stream", run)).frames[-1]

    assert error.data["error"] == "GraphRecursionError"
    assert "Recursion limit of 2" in error.data["message"]


async def test_the_text_of_an_unknown_class_of_errors_is_not_shown(api: Api) -> None:
    streamed = await api.stream("/runs/stream", {"assistant_id": "secretive", "input": {}})

    assert streamed.frames[-1].data == {"error": "DatabaseDown", "message": "An internal error occurred"}
    assert b"hunter2" not in streamed.raw
