"""LangGraph's RemoteGraph against a server: by itself, as a node of a graph in this process, and as a node of a graph of the same server."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any, TypedDict

import pytest
import pytest_asyncio
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.pregel.remote import RemoteException, RemoteGraph
from langgraph.types import Command
from langgraph_sdk.client import LangGraphClient, SyncLangGraphClient, get_client, get_sync_client

from tests.conformance.sdk.app.remote import thread_for
from tests.support.serving import Server

FOO = {"foo": "foo"}
TOLD = {"topic": "ice and cats", "joke": "这是一个关于 ice and cats 的笑话"}


class Clients:
    """Both clients of one server, and remote graphs that use them."""

    def __init__(self, client: LangGraphClient, sync_client: SyncLangGraphClient) -> None:
        self.client = client
        self.sync_client = sync_client

    def graph(self, name: str) -> RemoteGraph:
        return RemoteGraph(name, client=self.client, sync_client=self.sync_client)


@pytest_asyncio.fixture(loop_scope="module")
async def remote(server: Server) -> AsyncIterator[Clients]:
    with get_sync_client(url=server.url, api_key=None) as sync_client:
        async with get_client(url=server.url, api_key=None) as client:
            yield Clients(client, sync_client)


def _on(thread_id: str | None = None) -> RunnableConfig:
    return {"configurable": {"thread_id": thread_id or str(uuid.uuid4())}}


async def test_invoke(remote: Clients) -> None:
    joke = remote.graph("joke")

    assert await joke.ainvoke({"topic": "ice"}) == TOLD
    assert await joke.ainvoke({"topic": "ice"}, _on()) == TOLD
    assert await asyncio.to_thread(joke.invoke, {"topic": "ice"}, _on()) == TOLD


async def test_an_assistant_that_a_caller_made(remote: Clients) -> None:
    made = await remote.client.assistants.create("context", context={"tone": "dry"})
    graph, on = remote.graph(made["assistant_id"]), _on()

    told = await graph.ainvoke({}, on)
    plain = await graph.ainvoke({})

    assert told["seen"]["tone"] == plain["seen"]["tone"] == "dry"
    assert (await graph.aget_state(on)).values == told
    assert list((await graph.aget_graph()).nodes) == ["__start__", "read", "__end__"]


async def test_stream(remote: Clients) -> None:
    nested = remote.graph("nested")

    updates = [chunk async for chunk in nested.astream(FOO)]
    sync_updates = await asyncio.to_thread(lambda: list(nested.stream(FOO)))
    inside = [chunk async for chunk in nested.astream(FOO, subgraphs=True, stream_mode=["updates", "values"])]

    assert updates == sync_updates == [{"node_1": {"foo": "嗨！foo"}}, {"node_2": {"foo": "嗨！foobar"}}]
    assert [mode for _, mode, _ in inside].count("values") == 6
    assert [(len(ns), *data) for ns, mode, data in inside if mode == "updates"] == [
        (0, "node_1"),
        (1, "subgraph_node_1"),
        (1, "subgraph_node_2"),
        (0, "node_2"),
    ]


async def test_tokens(remote: Clients) -> None:
    chunks: list[Any] = [
        chunk async for chunk in remote.graph("tokens").astream({"topic": "ice"}, stream_mode="messages")
    ]

    assert [message["content"] for message, _ in chunks if message["content"]] == ["为", "ice", "生成一个笑话"]


async def test_a_failure(remote: Clients) -> None:
    with pytest.raises(RemoteException, match="this node always fails"):
        await remote.graph("failing").ainvoke({})


async def test_state_and_history(remote: Clients) -> None:
    joke, at = remote.graph("joke"), _on()
    await joke.ainvoke({"topic": "ice"}, at)

    state = await joke.aget_state(at)
    sync_state = await asyncio.to_thread(joke.get_state, at)
    states = [each async for each in joke.aget_state_history(at)]
    sync_states = await asyncio.to_thread(lambda: list(joke.get_state_history(at, limit=2)))
    before = await joke.aget_state(states[1].config)

    assert state == sync_state == states[0]
    assert (state.values, state.next) == (TOLD, ())
    assert [each.next for each in states] == [(), ("generate_joke",), ("refine_topic",), ("__start__",)]
    assert sync_states == states[:2]
    assert before == states[1]
    assert states[0].parent_config == states[1].config


async def test_update_state(remote: Clients) -> None:
    joke, at = remote.graph("joke"), _on()
    await joke.ainvoke({"topic": "ice"}, at)

    made = await joke.aupdate_state(at, {"topic": "snow"}, as_node="refine_topic")
    await asyncio.to_thread(joke.update_state, at, {"topic": "rain"}, "refine_topic")

    assert (await joke.aget_state(made)).values["topic"] == "snow"
    assert (await joke.aget_state(at)).next == ("generate_joke",)
    assert await joke.ainvoke(None, at) == {"topic": "rain", "joke": "这是一个关于 rain 的笑话"}


async def test_the_graph_by_name(remote: Clients) -> None:
    drawn = await remote.graph("joke").aget_graph()
    inside = await asyncio.to_thread(lambda: remote.graph("nested").get_graph(xray=True))

    assert list(drawn.nodes) == ["__start__", "refine_topic", "generate_joke", "__end__"]
    assert ("__start__", "refine_topic") in [(edge.source, edge.target) for edge in drawn.edges]
    assert "node_2:subgraph_node_1" in inside.nodes
    assert "refine_topic" in drawn.draw_mermaid()


async def test_a_question_and_its_answer(remote: Clients) -> None:
    approval, at = remote.graph("approval"), _on()

    asked = await approval.ainvoke({"request": "lunch"}, at)
    state = await approval.aget_state(at)
    answered = await approval.ainvoke(Command(resume="yes"), at)

    assert asked["__interrupt__"][0]["value"] == {"question": "approve lunch?"}
    assert [task.interrupts[0].value for task in state.tasks] == [{"question": "approve lunch?"}]
    assert answered == {"request": "lunch", "decision": "yes", "log": ["asked", "acted on yes"]}


async def test_several_questions_and_their_answers_by_id(remote: Clients) -> None:
    pair, at = remote.graph("pair"), _on()

    await pair.ainvoke({}, at)
    # A remote graph gives the last of its events, which need not have all questions; the state has.
    ids = {each.value: each.id for each in (await pair.aget_state(at)).interrupts}
    await pair.ainvoke(Command(resume={ids["left?"]: "l"}), at)
    state = await pair.aget_state(at)
    both = await asyncio.to_thread(pair.invoke, Command(resume={ids["right?"]: "r"}), at)

    assert sorted(ids) == ["left?", "right?"]
    assert [each.value for each in state.interrupts] == ["right?"]
    assert sorted(both["log"]) == ["left l", "right r"]


async def test_a_question_in_a_stream(remote: Clients) -> None:
    approval, at = remote.graph("approval"), _on()

    asked = [chunk async for chunk in approval.astream({"request": "lunch"}, at, stream_mode="updates")]
    answered = [chunk async for chunk in approval.astream(Command(resume="no"), at, stream_mode="updates")]

    assert [each["value"] for each in asked[-1]["__interrupt__"]] == [{"question": "approve lunch?"}]
    assert answered == [{"ask": {"decision": "no", "log": ["asked"]}}, {"act": {"log": ["acted on no"]}}]


async def test_stops_updates_and_ways(remote: Clients) -> None:
    joke, approval = remote.graph("joke"), remote.graph("approval")
    at, other = _on(), _on()

    stopped = await joke.ainvoke({"topic": "ice"}, at, interrupt_before=["generate_joke"])
    went_on = await joke.ainvoke(None, at)
    await approval.ainvoke({"request": "lunch"}, other)
    went = await approval.ainvoke(Command(update={"decision": "mine"}, goto="act"), other)

    assert (stopped["topic"], "joke" in stopped) == ("ice and cats", False)
    assert went_on == TOLD
    assert (went["decision"], went["log"]) == ("mine", ["acted on mine"])


class Foo(TypedDict):
    foo: str


def first(state: Foo) -> dict[str, str]:
    return {"foo": state["foo"] + "!"}


def _parent(node: RemoteGraph) -> Any:
    builder = StateGraph(Foo).add_node(first).add_node("far", node).add_edge(START, "first").add_edge("first", "far")
    return builder.compile(checkpointer=InMemorySaver())


async def test_as_a_node_of_a_graph_in_this_process(remote: Clients) -> None:
    parent = _parent(remote.graph("nested"))

    streamed = [chunk async for chunk in parent.astream(FOO, _on(), stream_mode="updates", subgraphs=True)]
    sync_values = await asyncio.to_thread(parent.invoke, FOO, _on())

    assert [(len(ns), *data) for ns, data in streamed] == [
        (0, "first"),
        (1, "node_1"),
        (2, "subgraph_node_1"),
        (2, "subgraph_node_2"),
        (1, "node_2"),
        (0, "far"),
    ]
    assert streamed[-1][1] == {"far": {"foo": "嗨！foo!bar"}}
    assert sync_values == {"foo": "嗨！foo!bar"}


async def test_a_question_inside_a_remote_node_is_answered_from_outside(remote: Clients) -> None:
    class Approval(TypedDict, total=False):
        request: str
        decision: str

    builder = StateGraph(Approval).add_node("far", remote.graph("approval")).add_edge(START, "far")
    parent, at = builder.compile(checkpointer=InMemorySaver()), _on()

    asked = await parent.ainvoke({"request": "lunch"}, at)
    # The remote run is on a thread of the server's with the same id, and waits there.
    waiting = await remote.graph("approval").aget_state(at)
    client: Any = remote.client
    answered = await client.runs.wait(at["configurable"]["thread_id"], "approval", command={"resume": "yes"})

    assert asked["__interrupt__"][0].value == {"question": "approve lunch?"}
    assert asked["__interrupt__"][0].id == waiting.interrupts[0].id
    assert answered["decision"] == "yes"


async def test_as_a_node_of_a_graph_of_the_same_server(remote: Clients, server: Server) -> None:
    thread_id = (await remote.client.threads.create())["thread_id"]

    parts = [
        part
        async for part in remote.client.runs.stream(
            thread_id,
            "far",
            input=FOO,
            config={"configurable": {"url": server.url}},
            stream_mode="updates",
            stream_subgraphs=True,
        )
    ]

    assert [(part.event.count("|"), *part.data) for part in parts[1:]] == [
        (1, "node_1"),
        (2, "subgraph_node_1"),
        (2, "subgraph_node_2"),
        (1, "node_2"),
        (0, "beyond"),
    ]
    assert all(part.event.split("|")[1].startswith("beyond:") for part in parts[1:-1])
    assert parts[-1].data == {"beyond": {"foo": "嗨！foobar"}}


async def test_without_a_thread_too(remote: Clients, server: Server) -> None:
    values = await remote.client.runs.wait(None, "far", input=FOO, config={"configurable": {"url": server.url}})

    assert values == {"foo": "嗨！foobar"}


async def test_a_question_behind_two_graphs_of_the_same_server(remote: Clients, server: Server) -> None:
    client: Any = remote.client
    config = {"configurable": {"url": server.url}}
    thread_id = (await client.threads.create())["thread_id"]

    asked = await client.runs.wait(thread_id, "far_approval", input={"request": "lunch"}, config=config)
    waiting = [(await client.threads.get(each))["status"] for each in (thread_id, thread_for(thread_id))]
    answered = await client.runs.wait(thread_id, "far_approval", command={"resume": "yes"}, config=config)

    assert asked["__interrupt__"][0]["value"] == {"question": "approve lunch?"}
    assert waiting == ["interrupted", "interrupted"]
    assert answered["decision"] == "yes"
    assert answered["log"] == ["asked", "acted on yes"]
    assert (await client.threads.get(thread_for(thread_id)))["status"] == "idle"
