"""The short way of tokens and custom data: the same events as LangGraph's own way, in the same order, from whichever thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from graphwire_server.core.events import Custom, Message, TaskStart, Updates
from graphwire_server.engine import execution
from graphwire_server.engine.tap import Tap
from tests.unit.engine.graphs import Bench, State, chain, speak, tell

Payloads = list[Any]


def model(text: str) -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage(text)]))


async def thinks(state: MessagesState) -> dict[str, Any]:
    get_stream_writer()({"before": 1})
    said = await model("a b c").ainvoke(state["messages"])
    get_stream_writer()({"after": 2})
    return {"messages": [said]}


def says(state: MessagesState) -> dict[str, Any]:
    """In a thread of its own."""
    return {"messages": [model("d e").invoke(state["messages"])]}


async def goes_on(state: MessagesState) -> Command[Any]:
    return Command(update={"messages": [AIMessage("whole", id="whole")]})


def inner() -> Any:
    return StateGraph(MessagesState).add_node("inner", thinks).add_edge(START, "inner").compile()


async def calls_a_graph(state: MessagesState) -> dict[str, Any]:
    """What a model says inside is streamed by nobody; the message that comes out of it is this node's."""
    inside = await inner().ainvoke({"messages": state["messages"]})
    return {"messages": inside["messages"]}


def conversation(*nodes: Callable[..., Any]) -> Any:
    graph = StateGraph(MessagesState)
    for node in nodes:
        graph.add_node(node)
    for before, after in zip((START, *(node.__name__ for node in nodes)), nodes, strict=False):
        graph.add_edge(before, after.__name__)
    return graph.compile()


def side_by_side() -> Any:
    graph = StateGraph(MessagesState).add_node(thinks).add_node(says)
    return graph.add_edge(START, "thinks").add_edge(START, "says").compile()


def shown(payloads: Payloads) -> list[tuple[Any, ...]]:
    """What is the same from run to run: ids are not."""
    made: list[tuple[Any, ...]] = []
    for payload in payloads:
        if isinstance(payload, Message):
            made.append(("message", payload.node, payload.type, payload.text, payload.first, payload.complete))
        elif isinstance(payload, Custom):
            made.append(("custom", payload.node, payload.data))
        elif isinstance(payload, Updates):
            made.append(("update", payload.node))
        else:
            made.append((payload.mode, getattr(payload, "name", "")))
    return made


async def streamed(graph: Any, *modes: str) -> Payloads:
    bench = Bench(graph)
    given = {"messages": [{"role": "user", "content": "hi", "id": "hi"}]}
    await bench.run(*modes, has_input=True, input=given)
    return bench.payloads


@pytest.mark.parametrize("modes", [("messages-tuple",), ("messages-tuple", "custom", "updates"), ("messages", "tasks")])
@pytest.mark.parametrize(
    "graph",
    [
        conversation(thinks),
        conversation(says),
        conversation(thinks, says, goes_on),
        conversation(calls_a_graph),
        conversation(calls_a_graph, thinks),
    ],
    ids=["async", "thread", "three", "nested", "nested-then-own"],
)
async def test_it_streams_what_langgraph_streams_and_in_its_order(
    graph: Any, modes: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = await streamed(graph, *modes)

    monkeypatch.setattr(execution, "_taps", lambda *_: False)
    assert shown(short) == shown(await streamed(graph, *modes))
    assert any(isinstance(payload, Message) for payload in short)


async def test_nodes_that_run_side_by_side_each_stream_in_order() -> None:
    payloads = [payload for payload in await streamed(side_by_side(), "messages-tuple") if payload.text]

    texts = {node: [payload.text for payload in payloads if payload.node == node] for node in ("thinks", "says")}
    assert texts == {"thinks": ["a", " ", "b", " ", "c"], "says": ["d", " ", "e"]}


async def test_a_task_is_told_of_before_what_it_streams() -> None:
    payloads = await streamed(conversation(thinks, says), "tasks", "messages-tuple", "custom")

    started: set[str] = set()
    for payload in payloads:
        if isinstance(payload, TaskStart):
            started.add(payload.name)
        elif isinstance(payload, Message | Custom):
            assert payload.node in started


async def test_an_event_is_what_the_data_was_when_it_was_written() -> None:
    async def changes(state: State) -> State:
        data = {"n": 1}
        get_stream_writer()(data)
        data["n"] = 2
        return {}

    bench = Bench(chain("changes", changes=changes))
    await bench.run("custom")

    assert [payload.data for payload in bench.payloads] == [b'{"n":1}']


async def test_what_a_node_writes_is_appended_before_it_goes_on() -> None:
    """Which the long way cannot do: there it is appended some turns of the loop later."""
    counts: list[int] = []

    async def looks(state: State) -> State:
        get_stream_writer()(1)
        counts.append(len(bench.payloads))
        return {}

    bench = Bench(chain("looks", looks=looks))
    await bench.run("custom")

    assert counts == [1]


async def test_the_modes_that_were_not_asked_for_are_not_streamed() -> None:
    bench = Bench(chain("speak", "tell", speak=speak, tell=tell("x")))

    await bench.run("updates")

    assert {type(payload) for payload in bench.payloads} == {Updates}


async def test_what_cannot_be_appended_ends_the_run_and_is_not_merely_logged() -> None:
    """LangChain catches what a handler of tokens raises."""

    class Full(Exception):
        pass

    def add(namespace: tuple[str, ...], mode: str, data: Any) -> None:
        raise Full

    def stream() -> None:
        with Tap(add) as tap:
            tap.put("messages", 1)
            tap.put("messages", 2)

    with pytest.raises(Full):
        stream()


async def test_a_thread_that_outlives_its_run_appends_nothing() -> None:
    added: list[Any] = []
    with Tap(lambda *chunk: added.append(chunk)) as tap:
        await asyncio.to_thread(tap.put, "custom", 1)
        await asyncio.sleep(0)
        late = threading.Thread(target=tap.put, args=("custom", 2))
    late.start()
    late.join()
    tap.put("custom", 3)
    await asyncio.sleep(0)

    assert added == [((), "custom", 1)]
