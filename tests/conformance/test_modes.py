"""Each stream mode of the two seeds over gRPC: the order of events, and what they carry."""

import json
from typing import Any

from graphwire.v1.event_pb2 import StreamEvent
from graphwire.v1.run_pb2 import RUN_STATUS_ERROR, RUN_STATUS_SUCCESS, Command, RunConfig
from graphwire.v1.thread_service_pb2 import CreateThreadRequest
from tests.support.serving import Server, cases, text

ICE = '{"topic": "ice cream"}'
REFINED = {"topic": "ice cream and cats"}
JOKE = "这是一个关于 ice cream and cats 的笑话"
HELLO = '{"messages": [{"role": "user", "content": "hello there", "id": "u1"}]}'
USE_TOOL = '{"messages": [{"role": "user", "content": "please use tool", "id": "u1"}]}'


def updates(events: list[StreamEvent]) -> list[tuple[str, Any]]:
    return [
        (event.updates.node, json.loads(event.updates.update.text))
        for event in events
        if event.HasField("updates") and not event.updates.interrupted
    ]


def states(events: list[StreamEvent]) -> list[Any]:
    return [json.loads(event.values.state.text) for event in events if event.HasField("values")]


async def test_updates_of_the_seeds_joke(server: Server) -> None:
    events = await server.stream("joke", ICE, stream_mode=["updates"])

    assert cases(events) == ["metadata", "updates", "updates", "end"]
    assert events[0].metadata.run_id == events[0].run_id
    assert events[0].metadata.attempt == 1
    assert updates(events) == [("refine_topic", REFINED), ("generate_joke", {"joke": JOKE})]
    assert events[-1].end.status == RUN_STATUS_SUCCESS
    assert events[-1].end.event_count == 4
    assert [event.seq for event in events] == [1, 2, 3, 4]


async def test_values_start_with_the_input(server: Server) -> None:
    events = await server.stream("joke", ICE, stream_mode=["values"])

    assert cases(events) == ["metadata", "values", "values", "values", "end"]
    assert states(events) == [{"topic": "ice cream"}, REFINED, {**REFINED, "joke": JOKE}]


async def test_values_are_the_default(server: Server) -> None:
    events = await server.stream("joke", ICE)

    assert cases(events) == ["metadata", "values", "values", "values", "end"]


async def test_messages_tuple_gives_tokens(server: Server) -> None:
    events = await server.stream("chat", HELLO, stream_mode=["messages-tuple"])

    pieces = [event.messages for event in events if event.HasField("messages") and event.messages.id == "run-msg-1"]
    assert [piece.text for piece in pieces] == ["echo: ", "hello ", "there"]
    assert {(piece.type, piece.node, piece.step, tuple(piece.tags)) for piece in pieces} == {
        ("ai", "agent", 1, ("answer",))
    }
    assert [piece.HasField("metadata") for piece in pieces] == [True, False, False]
    assert json.loads(pieces[0].metadata.text)["langgraph_node"] == "agent"
    assert pieces[-1].finish_reason == "stop"
    assert pieces[-1].usage.total_tokens == 6
    assert not any(piece.complete for piece in pieces)


async def test_messages_is_another_name_for_tokens(server: Server) -> None:
    events = await server.stream("chat", HELLO, stream_mode=["messages"])

    assert "".join(event.messages.text for event in events if event.HasField("messages")) == "echo: hello there"


async def test_tool_calls_come_in_pieces_and_the_tools_answer_whole(server: Server) -> None:
    events = await server.stream("chat", USE_TOOL, stream_mode=["messages-tuple"])

    messages = [event.messages for event in events if event.HasField("messages")]
    calls = [chunk for message in messages for chunk in message.tool_call_chunks]
    assert (calls[0].id, calls[0].name, calls[0].index) == ("call_1", "lookup", 0)
    assert json.loads("".join(call.args for call in calls)) == {"query": "weather"}
    answer = next(message for message in messages if message.type == "tool")
    assert (answer.text, answer.tool_call_id, answer.complete, answer.node) == (
        "looked up weather",
        "call_1",
        True,
        "tools",
    )


async def test_custom_data_names_its_node(server: Server) -> None:
    events = await server.stream("custom", '{"n": 3}', stream_mode=["custom"])

    assert cases(events) == ["metadata", "custom", "custom", "custom", "end"]
    written = [event.custom for event in events if event.HasField("custom")]
    assert [json.loads(item.data.text) for item in written] == [{"progress": n, "of": 3} for n in (1, 2, 3)]
    assert {item.node for item in written} == {"work"}


async def test_tasks_start_and_end(server: Server) -> None:
    events = await server.stream("joke", ICE, stream_mode=["tasks"])

    tasks = [event.tasks for event in events if event.HasField("tasks")]
    assert [task.WhichOneof("phase") for task in tasks] == ["start", "result", "start", "result"]
    assert tasks[0].start.name == "refine_topic"
    assert json.loads(tasks[0].start.input.text) == {"topic": "ice cream"}
    assert list(tasks[0].start.triggers) == ["branch:to:refine_topic"]
    assert tasks[0].start.id == tasks[1].result.id
    assert json.loads(tasks[3].result.result.text) == {"joke": JOKE}


async def test_checkpoints_form_a_chain(server: Server) -> None:
    events = await server.stream("joke", ICE, stream_mode=["checkpoints"])

    made = [event.checkpoints for event in events if event.HasField("checkpoints")]
    assert [(item.step, item.source, list(item.next)) for item in made] == [
        (-1, "input", ["__start__"]),
        (0, "loop", ["refine_topic"]),
        (1, "loop", ["generate_joke"]),
        (2, "loop", []),
    ]
    assert [item.parent_checkpoint_id for item in made[1:]] == [item.checkpoint_id for item in made[:-1]]
    assert json.loads(made[-1].values.text) == {**REFINED, "joke": JOKE}
    assert "__pregel" not in made[0].config.text


async def test_debug_has_checkpoints_tasks_and_results_with_steps(server: Server) -> None:
    events = await server.stream("joke", ICE, stream_mode=["debug"])

    details = [(event.debug.step, event.debug.WhichOneof("detail")) for event in events if event.HasField("debug")]
    assert details == [
        (-1, "checkpoint"),
        (0, "checkpoint"),
        (1, "task"),
        (1, "task_result"),
        (1, "checkpoint"),
        (2, "task"),
        (2, "task_result"),
        (2, "checkpoint"),
    ]


async def test_callback_events(server: Server) -> None:
    events = await server.stream("joke", ICE, stream_mode=["events"])

    seen = [(event.events.event, event.events.name) for event in events if event.HasField("events")]
    assert seen == [
        ("on_chain_start", "joke"),
        ("on_chain_start", "refine_topic"),
        ("on_chain_stream", "refine_topic"),
        ("on_chain_end", "refine_topic"),
        ("on_chain_start", "generate_joke"),
        ("on_chain_stream", "generate_joke"),
        ("on_chain_end", "generate_joke"),
        ("on_chain_end", "joke"),
    ]
    inner = next(event.events for event in events if event.events.name == "refine_topic")
    assert inner.node == "refine_topic"
    assert list(inner.parent_ids) == [events[0].run_id]


async def test_callback_events_beside_other_modes(server: Server) -> None:
    events = await server.stream("joke", ICE, stream_mode=["events", "updates", "values"])

    assert updates(events) == [("refine_topic", REFINED), ("generate_joke", {"joke": JOKE})]
    assert states(events)[-1] == {**REFINED, "joke": JOKE}
    assert cases(events).count("events") == 8


async def test_several_modes_at_once(server: Server) -> None:
    events = await server.stream("custom", '{"n": 2}', stream_mode=["updates", "custom"])

    assert cases(events) == ["metadata", "custom", "custom", "updates", "end"]


async def test_subgraphs_have_namespaces(server: Server) -> None:
    events = await server.stream("nested", '{"foo": "foo"}', stream_mode=["updates"], stream_subgraphs=True)

    seen = [
        (event.namespace[0].partition(":")[0] if event.namespace else "", event.updates.node)
        for event in events
        if event.HasField("updates")
    ]
    assert seen == [
        ("", "node_1"),
        ("node_2", "subgraph_node_1"),
        ("node_2", "subgraph_node_2"),
        ("", "node_2"),
    ]


async def test_subgraphs_are_silent_unless_asked_for(server: Server) -> None:
    events = await server.stream("nested", '{"foo": "foo"}', stream_mode=["updates"])

    assert [node for node, _ in updates(events)] == ["node_1", "node_2"]


async def test_several_updates_of_one_superstep_are_several_events(server: Server) -> None:
    events = await server.stream("fanout", '{"items": ["a", "b", "c"]}', stream_mode=["updates"])

    assert [node for node, _ in updates(events)].count("each") == 3


async def test_a_graph_that_raises_is_data(server: Server) -> None:
    events = await server.stream("failing", '{"a": 0}', stream_mode=["updates"])

    assert cases(events) == ["metadata", "updates", "error", "end"]
    assert (events[2].error.error.type, events[2].error.error.message) == ("ValueError", "this node always fails")
    assert events[3].end.status == RUN_STATUS_ERROR
    assert events[3].end.error == events[2].error.error


async def test_a_recursion_limit_is_an_error_of_the_run(server: Server) -> None:
    config = RunConfig(recursion_limit=2)
    events = await server.stream("counter", '{"until": 9}', stream_mode=["values"], config=config)

    assert cases(events)[-2:] == ["error", "end"]
    assert events[-1].end.error.type == "GraphRecursionError"
    assert "Recursion limit of 2" in events[-1].end.error.message


async def test_an_interrupt_is_an_event_and_waits_on_the_thread(server: Server) -> None:
    thread = (await server.threads.CreateThread(CreateThreadRequest())).thread.thread_id
    events = await server.stream(
        "approval", '{"request": "launch"}', thread_id=thread, stream_mode=["updates", "values"]
    )

    assert cases(events) == ["metadata", "values", "updates", "values", "updates", "values", "end"]
    assert events[4].updates.interrupted
    question = json.loads(events[4].updates.interrupts[0].value.text)
    assert question == {"question": "approve launch?"}
    assert events[5].values.interrupts == events[4].updates.interrupts == events[6].end.interrupts
    assert list(events[6].end.next) == ["ask"]

    resumed = await server.stream(
        "approval", thread_id=thread, command=Command(resume=text('"yes"')), stream_mode=["updates"]
    )

    assert updates(resumed) == [
        ("ask", {"decision": "yes", "log": ["asked"]}),
        ("act", {"log": ["acted on yes"]}),
    ]
    assert resumed[0].seq == events[-1].seq + 1
