"""Streams of threads (the v2 event protocol) through both clients of the Python SDK: every projection, questions, failures, coming back.

A test collects what a projection gives and looks at it when the run is over: the SDK moves its projections on only while somebody iterates them.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any, Literal, TypeAlias

import pytest
from langgraph_sdk import get_client, get_sync_client

from tests.support.cutting import Cut, cutting
from tests.support.serving import Server

ADD = {"messages": [{"role": "user", "content": "add"}]}
PATIENCE = 60.0
Transport: TypeAlias = Literal["sse", "websocket"]

pytestmark = pytest.mark.parametrize("transport", ["sse", "websocket"])


@asynccontextmanager
async def opened(server: Server, graph: str, transport: Transport, thread_id: str | None = None) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(get_client(url=server.url, api_key=None))
        await stack.enter_async_context(asyncio.timeout(PATIENCE))
        yield await stack.enter_async_context(client.threads.stream(thread_id, assistant_id=graph, transport=transport))


async def collected(given: Any) -> list[Any]:
    return [each async for each in given]


async def test_values_and_output(server: Server, transport: Transport) -> None:
    async with opened(server, "joke", transport) as thread:
        started = await thread.run.start(input={"topic": "ice"}, metadata={"a": 1}, config={"tags": ["t"]})
        values = await collected(thread.values)
        output = await thread.output

    assert list(started) == ["run_id"]
    assert values[-1] == output
    assert output["topic"] == "ice and cats"


async def test_messages(server: Server, transport: Transport) -> None:
    async with opened(server, "agent", transport) as thread:
        await thread.run.start(input=ADD)
        streams = await collected(thread.messages)
        called, told, said = [await stream.output for stream in streams]
        texts = await collected(streams[2].text)

    assert [call["args"] for call in called.tool_calls] == [{"a": 1, "b": 2}]
    assert called.content_blocks[0]["reasoning"] == "let me add"
    assert (texts, told.text, said.text) == (["it is ", "3"], "3", "it is 3")
    assert said.usage_metadata["total_tokens"] == 5
    assert {stream.node for stream in streams} == {"think", "tools"}


async def test_tool_calls(server: Server, transport: Transport) -> None:
    async with opened(server, "agent", transport) as thread:
        await thread.run.start(input=ADD)
        (call,) = await collected(thread.tool_calls)
        deltas, output = await collected(call.deltas), await call.output

    assert (call.tool_call_id, call.name, call.input["a"]) == ("c1", "add", 1)
    assert (deltas, output["content"]) == (["adding"], "3")


async def test_subgraphs(server: Server, transport: Transport) -> None:
    async with opened(server, "crew", transport) as thread:
        await thread.run.start(input=ADD)
        (helper,) = await collected(thread.subgraphs)
        streams = await collected(helper.messages)
        (call,) = await collected(helper.tool_calls)

    assert (helper.graph_name, helper.status) == ("helper", "completed")
    assert [(await stream.output).text for stream in streams] == ["", "3", "it is 3"]
    assert (await call.output)["content"] == "3"


async def test_extensions(server: Server, transport: Transport) -> None:
    async with opened(server, "agent", transport) as thread:
        await thread.run.start(input=ADD)

        assert await collected(thread.extensions["chart"]) == [{"name": "chart", "payload": {"sum": 3}}]


async def test_several_projections_together(server: Server, transport: Transport) -> None:
    channels = ["values", "updates", "checkpoints", "tasks", "messages", "tool_calls", "subgraphs", "chart"]
    async with opened(server, "agent", transport) as thread:
        await thread.run.start(input=ADD)
        found = await collected(thread.interleave_projections(channels))

    assert {name for name, _ in found} == set(channels) - {"subgraphs"}
    assert [item["node"] for name, item in found if name == "updates"] == ["think", "tools", "think"]
    assert [item["step"] for name, item in found if name == "checkpoints"] == [-1, 0, 1, 2, 3]


async def test_events_and_subscriptions(server: Server, transport: Transport) -> None:
    async with opened(server, "joke", transport) as thread:
        await thread.run.start(input={"topic": "ice"})
        found = await collected(thread.subscribe(["updates", "lifecycle"], namespaces=[[]], depth=0))
        seen = []
        async for event in thread.events:  # over a WebSocket the SDK gives the answer to its subscription among them
            seen.append(event)
            if event.get("event_id") == found[-1]["event_id"]:
                break

    assert [event["method"] for event in found] == ["lifecycle", "updates", "updates", "lifecycle"]
    assert [event for event in seen if event.get("method") in ("updates", "lifecycle")] == found


async def test_the_graph(server: Server, transport: Transport) -> None:
    async with opened(server, "agent", transport) as thread:
        tree = await thread.agent.get_tree()

    assert {"think", "tools"} <= {node["id"] for node in tree["nodes"]}


async def test_a_question(server: Server, transport: Transport) -> None:
    async with opened(server, "deep", transport) as thread:
        await thread.run.start(input={"request": "lunch"})
        await collected(thread.values)
        (asked,) = thread.interrupts
        await thread.run.respond("yes")
        output = await thread.output

    assert asked["value"] == {"question": "approve lunch?"}
    assert asked["namespace"][0].startswith("inner:")
    assert output["log"] == ["asked", "acted on yes"]


async def test_a_failure(server: Server, transport: Transport) -> None:
    async with opened(server, "failing", transport) as thread:
        await thread.run.start(input={"a": 0})
        with pytest.raises(RuntimeError, match="this node always fails"):
            await thread.output


async def test_a_command_that_is_refused(server: Server, transport: Transport) -> None:
    async with opened(server, "nobody", transport) as thread:
        with pytest.raises(RuntimeError, match="invalid_argument"):
            await thread.run.start(input={})


async def test_run_after_run_on_one_thread(server: Server, transport: Transport) -> None:
    async with opened(server, "joke", transport) as thread:
        await thread.run.start(input={"topic": "ice"})
        first = await collected(thread.subscribe(["updates"]))
        # The stream is open, so whoever wants the next run from its start listens before it.
        listening = asyncio.create_task(collected(thread.subscribe(["updates"])))
        await asyncio.sleep(0)
        await thread.run.start(input={"topic": "tea"})
        second = await listening

    for topic, updates in (("ice", first), ("tea", second)):
        assert [event["params"]["data"]["node"] for event in updates] == ["refine_topic", "generate_joke"]
        assert updates[0]["params"]["data"]["values"]["topic"] == f"{topic} and cats"


async def test_a_thread_that_somebody_else_started(server: Server, transport: Transport) -> None:
    async with opened(server, "joke", transport) as first:
        await first.run.start(input={"topic": "ice"})
        await first.output
        async with opened(server, "joke", transport, first.thread_id) as second:
            output = await second.output

    assert output["topic"] == "ice and cats"


@contextmanager
def opened_sync(server: Server, graph: str, transport: Transport) -> Iterator[Any]:
    with ExitStack() as stack:
        client = stack.enter_context(get_sync_client(url=server.url, api_key=None))
        yield stack.enter_context(client.threads.stream(assistant_id=graph, transport=transport))


async def synchronously(use: Callable[[], Any]) -> Any:
    """Uses the other client in a thread. What it leaves goes there too: where it were collected on the thread of the loop, its connections would wait for the farewell
    of a server that they hold up, for ten seconds.
    """

    def apart() -> Any:
        try:
            return use()
        finally:
            gc.collect()

    async with asyncio.timeout(PATIENCE):
        return await asyncio.to_thread(apart)


async def test_the_other_client(server: Server, transport: Transport) -> None:
    def use() -> tuple[list[Any], ...]:
        found = []
        for read in (
            lambda thread: [message.output.text for message in thread.messages],
            lambda thread: [(call.name, list(call.deltas), call.output["content"]) for call in thread.tool_calls],
            lambda thread: list(thread.extensions["chart"]),
            lambda thread: [each["params"]["data"]["node"] for each in thread.subscribe(["updates"])],
            lambda thread: [name for name, _ in thread.interleave_projections(["updates", "chart"])],
            lambda thread: [list(thread.values)[-1] == thread.output == thread.values.get()],
            lambda thread: sorted(node["id"] for node in thread.agent.get_tree()["nodes"])[-2:],
        ):
            with opened_sync(server, "agent", transport) as thread:
                thread.run.start(input=ADD)
                found.append(read(thread))
        return tuple(found)

    texts, calls, charts, nodes, together, same, graph = await synchronously(use)

    assert texts == ["", "3", "it is 3"]
    assert calls == [("add", ["adding"], "3")]
    assert charts == [{"name": "chart", "payload": {"sum": 3}}]
    assert nodes == ["think", "tools", "think"]
    assert sorted(together) == ["chart", *["updates"] * 3]
    assert same == [True]
    assert graph == ["think", "tools"]


async def test_subgraphs_with_the_other_client(server: Server, transport: Transport) -> None:
    def use() -> list[Any]:
        with opened_sync(server, "crew", transport) as thread:
            thread.run.start(input=ADD)
            helpers = list(thread.subgraphs)
            said = [list(each.messages) for each in helpers]
            return [
                (each.graph_name, each.status, [m.output.text for m in of])
                for each, of in zip(helpers, said, strict=True)
            ]

    assert await synchronously(use) == [("helper", "completed", ["", "3", "it is 3"])]


async def test_a_question_with_the_other_client(server: Server, transport: Transport) -> None:
    def use() -> Any:
        with opened_sync(server, "deep", transport) as thread:
            thread.run.start(input={"request": "lunch"})
            while not thread.interrupts:  # a thread of the SDK's own fills it
                time.sleep(0.01)
            thread.run.respond("yes", interrupt_id=thread.interrupts[0]["interrupt_id"])
            return thread.output

    assert (await synchronously(use))["log"] == ["asked", "acted on yes"]


async def test_a_line_that_breaks(server: Server, transport: Transport) -> None:
    """The SDK comes back with the number of its last envelope, and the reader sees each event once."""
    behind = b'"node":"refine_topic"'
    async with (
        cutting(server.url, [Cut(behind=behind)]) as cutter,
        asyncio.timeout(PATIENCE),
        get_client(url=cutter.url, api_key=None) as client,
        client.threads.stream(assistant_id="joke", transport=transport) as thread,
    ):
        await thread.run.start(input={"topic": "ice"})
        updates = await collected(thread.subscribe(["updates"]))

    assert cutter.made == 1
    assert [event["params"]["data"]["node"] for event in updates] == ["refine_topic", "generate_joke"]
