"""Graphs for the faults: slow ones, loud ones, ones that wait for the test, and ones that do not end well."""

from __future__ import annotations

import asyncio
import operator
import time
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt


class State(TypedDict, total=False):
    n: int
    delay: float
    pad: int
    pause: float
    more: int
    port: int
    name: str
    then: str
    seconds: float
    trail: Annotated[list[str], operator.add]


# -- ticks: n custom events, one each `delay` seconds ------------------------------------------
async def tick(state: State):
    write = get_stream_writer()
    for index in range(state["n"]):
        write({"tick": index, "run": state.get("name", "")})
        await asyncio.sleep(state.get("delay", 0))
    return {"trail": [state.get("name", "ticked")]}


ticks = StateGraph(State).add_node(tick).add_edge(START, "tick").compile()


# -- burst: n custom events of `pad` bytes, `pause` seconds after each hundred; says how long it took --
async def shout(state: State):
    write, pad = get_stream_writer(), "x" * state.get("pad", 0)
    begun = time.monotonic()
    for index in range(state["n"]):
        write({"i": index, "pad": pad})
        if index % 100 == 99:
            await asyncio.sleep(state.get("pause", 0))
    return {"seconds": time.monotonic() - begun}


burst = StateGraph(State).add_node(shout).add_edge(START, "shout").compile()


# -- tokens: a model that writes n tokens ------------------------------------------------------
class Typist(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "typist"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=messages[-1].content))])

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs: Any):
        for index in range(int(messages[-1].content)):
            await asyncio.sleep(0.002)
            part = ChatGenerationChunk(message=AIMessageChunk(content=f"word{index} ", id="m1"))
            if run_manager:
                await run_manager.on_llm_new_token(part.text, chunk=part)
            yield part


async def type_it(state: MessagesState):
    return {"messages": [await Typist().ainvoke(state["messages"])]}


tokens = StateGraph(MessagesState).add_node(type_it).add_edge(START, "type_it").compile()


# -- gate: tells the test that it runs, and goes on when the test says so ----------------------
async def knock(state: State):
    write = get_stream_writer()
    write({"knocks": state.get("name", "")})
    for index in range(state.get("n", 0)):
        write({"i": index, "pad": "x" * state.get("pad", 0)})
    return {"trail": [f"{state.get('name', '')} knocked"]}


async def wait(state: State):
    reader, writer = await asyncio.open_connection("127.0.0.1", state["port"])
    try:
        writer.write(state.get("name", "").encode() + b"\n")
        await reader.readexactly(1)
    finally:
        writer.close()
    write = get_stream_writer()
    write({"passed": state.get("name", "")})
    for index in range(state.get("more", 0)):
        write({"i": index, "pad": "x" * state.get("pad", 0)})
        if index % 100 == 99:
            await asyncio.sleep(0)
    return {"trail": [f"{state.get('name', '')} passed"]}


def after(state: State):
    then = state.get("then", "rest")
    if then == "fail":
        raise ValueError("this graph fails")
    if then == "ask":
        return {"trail": [f"answer {interrupt({'question': 'go on?'})}"]}
    return {}


gate = (
    StateGraph(State)
    .add_node(knock)
    .add_node(wait)
    .add_node(after)
    .add_edge(START, "knock")
    .add_edge("knock", "wait")
    .add_edge("wait", "after")
    .compile()
)


# -- approval: stops for a person --------------------------------------------------------------
def ask(state: State):
    return {"trail": [f"answer {interrupt({'question': 'go on?'})}"]}


approval = StateGraph(State).add_node(knock).add_node(ask).add_edge(START, "knock").add_edge("knock", "ask").compile()


# -- failing: one good superstep, then an exception --------------------------------------------
def fail(state: State):
    raise ValueError("this graph fails")


failing = StateGraph(State).add_node(knock).add_node(fail).add_edge(START, "knock").add_edge("knock", "fail").compile()


# -- blocking: a synchronous node that nothing can stop -----------------------------------------
def block(state: State):
    get_stream_writer()({"blocks": True})
    time.sleep(state["delay"])
    return {"trail": ["blocked"]}


blocking = StateGraph(State).add_node(block).add_edge(START, "block").compile()
