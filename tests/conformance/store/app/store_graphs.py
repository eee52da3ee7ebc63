"""Graphs that use the store as users do."""

from typing import Any, TypedDict

from langgraph.config import get_store
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph_sdk.runtime import ServerRuntime


class State(TypedDict, total=False):
    namespace: list[str]
    how: str
    text: str
    key: str
    found: Any


async def embed(texts: list[str]) -> list[list[float]]:
    """How often a text has an a, a b, a c. One that says so fails."""
    if any("fail" in text for text in texts):
        raise ConnectionError("the provider is away")
    return [[float(text.count(letter)) for letter in "abc"] for text in texts]


def _store(runtime: Runtime[Any]) -> BaseStore:
    assert runtime.store is not None
    return runtime.store


def put_in_a_thread(state: State, runtime: Runtime[Any]) -> State:
    if state["how"] == "sync":
        _store(runtime).put(tuple(state["namespace"]), state["key"], {"text": state["text"]})
        item = _store(runtime).get(tuple(state["namespace"]), state["key"])
        return {"found": item and item.value["text"]}
    return {}


async def put_on_the_loop(state: State, runtime: Runtime[Any]) -> State:
    namespace = tuple(state["namespace"])
    if state["how"] == "async":
        await _store(runtime).aput(namespace, state["key"], {"text": state["text"]})
        (found,) = await _store(runtime).asearch(namespace, query=state["text"], limit=1)
        return {"found": found.value["text"]}
    if state["how"] == "sync on the loop":
        _store(runtime).put(namespace, state["key"], {"text": state["text"]})
        return {"found": [list(each) for each in _store(runtime).list_namespaces(prefix=namespace)]}
    if state["how"] == "by get_store":
        await get_store().aput(namespace, state["key"], {"text": state["text"]}, ttl=5)
        item = await get_store().aget(namespace, state["key"])
        return {"found": item and item.dict()["key"]}
    if state["how"] == "wrong":
        await _store(runtime).aput(namespace, state["key"], {"text": object()})
    return {}


builder = StateGraph(State)
builder.add_node(put_in_a_thread)
builder.add_node(put_on_the_loop)
builder.add_edge(START, "put_in_a_thread")
builder.add_edge("put_in_a_thread", "put_on_the_loop")
notes = builder.compile()
own = builder.compile(store=InMemoryStore())
outer = StateGraph(State).add_node("inner", own).add_edge(START, "inner").compile()


def make(runtime: ServerRuntime[Any]) -> StateGraph[State]:
    """A graph whose factory has looked into the store, where it is made for a run."""
    seen = runtime.store is not None

    async def tell(state: State) -> State:
        item = await runtime.store.aget(tuple(state["namespace"]), state["key"])
        return {"found": [seen, item and item.value["text"]]}

    return StateGraph(State).add_node(tell).add_edge(START, "tell")
