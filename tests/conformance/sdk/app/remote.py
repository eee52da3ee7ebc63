"""Graphs with a node that is a graph of the same server, reached over HTTP.

Where the server is comes in `configurable`, since a test's server has another port each time. A remote graph would take the thread of its
caller, which is busy with the caller's own run for as long as that waits; so each gets one of its own.
"""

from typing import Any, TypedDict
from uuid import NAMESPACE_URL, uuid5

from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph
from langgraph.pregel.remote import RemoteGraph
from langgraph.types import Command, interrupt
from langgraph_sdk import get_client


def thread_for(thread_id: str) -> str:
    """The thread of the remote graph, for a thread of the caller."""
    return str(uuid5(NAMESPACE_URL, thread_id))


def own_thread(config: RunnableConfig) -> RunnableConfig:
    configurable = config["configurable"]
    return {**config, "configurable": {**configurable, "thread_id": thread_for(configurable["thread_id"])}}


class Foo(TypedDict):
    foo: str


async def beyond(state: Foo, config: RunnableConfig) -> dict[str, Any]:
    async with get_client(url=config["configurable"]["url"], api_key=None) as client:
        result: dict[str, Any] = await RemoteGraph("nested", client=client).ainvoke(state, own_thread(config))
    return {"foo": result["foo"]}


far = StateGraph(Foo).add_node(beyond).add_edge(START, "beyond").compile()


class Approval(TypedDict, total=False):
    request: str
    decision: str
    log: list[str]


async def approve(state: Approval, config: RunnableConfig) -> dict[str, Any]:
    """Asks the remote graph. When that waits for an answer, so does this one; and when the answer is here, it goes there."""
    at = own_thread(config)
    async with get_client(url=config["configurable"]["url"], api_key=None) as client:
        thread = await client.threads.create(thread_id=at["configurable"]["thread_id"], if_exists="do_nothing")
        waits = thread["status"] == "interrupted"
        given: Any = Command(resume=interrupt("the remote graph waits")) if waits else {"request": state["request"]}
        result: dict[str, Any] = await RemoteGraph("approval", client=client).ainvoke(given, at)
    return {"decision": result["decision"], "log": result["log"]}


far_approval = StateGraph(Approval).add_node(approve).add_edge(START, "approve").compile()
