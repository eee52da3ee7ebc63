"""Graphs for the faults: slow ones, loud ones, ones that wait for the test, and ones that do not end well."""

from __future__ import annotations

import asyncio
import operator
import os
import socket
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
    rounds: int
    at: str
    name: str
    then: str
    trail: Annotated[list[str], operator.add]


# -- ticks: n custom events, one each `delay` seconds ------------------------------------------
async def tick(state: State):
    write = get_stream_writer()
    for index in range(state["n"]):
        write({"tick": index, "run": state.get("name", "")})
        await asyncio.sleep(state.get("delay", 0))
    return {"trail": [state.get("name", "ticked")]}


ticks = StateGraph(State).add_node(tick).add_edge(START, "tick").compile()


# -- burst: n custom events of `pad` bytes, `pause` seconds after each hundred ------------------
async def shout(state: State):
    await say(range(state["n"]), state)
    return {"trail": ["shouted"]}


async def say(numbers: range, state: State) -> None:
    write, pad = get_stream_writer(), "x" * state.get("pad", 0)
    for index in numbers:
        write({"i": index, "pad": pad})
        if index % 100 == 99:
            await asyncio.sleep(state.get("pause", 0))


burst = StateGraph(State).add_node(shout).add_edge(START, "shout").compile()


# -- bursts: so many rounds of n custom events; each goes when the test lets it, which so can keep up --
async def shout_again(state: State):
    for number in range(state["rounds"]):
        await stand_at(state, str(number))
        await say(range(number * state["n"], (number + 1) * state["n"]), state)
    return {"trail": ["shouted"]}


async def stand_at(state: State, name: str) -> None:
    """Waits at the gate until the test lets this name go on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", state["port"])
    try:
        writer.write(name.encode() + b"\n")
        await reader.readexactly(1)
    finally:
        writer.close()


bursts = StateGraph(State).add_node(shout_again).add_edge(START, "shout_again").compile()


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
    await stand_at(state, state.get("name", ""))
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


# -- held: the gate alone, where it stands under another name than it leaves --------------------
async def hold(state: State):
    await stand_at(state, state["at"])
    return {"trail": [state["name"]]}


held = StateGraph(State).add_node(hold).add_edge(START, "hold").compile()


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


# -- steps: two nodes side by side between two others, and a graph in a node; each says `n` times that it is there --
class Inner(TypedDict, total=False):
    n: int
    delay: float
    trail: Annotated[list[str], operator.add]


async def talk(state: State, at: str) -> None:
    write = get_stream_writer()
    for index in range(state.get("n", 0)):
        write({"at": at, "i": index})
        await asyncio.sleep(state.get("delay", 0))


def awaits(at: str):
    async def node(state: State):
        await talk(state, at)
        return {"trail": [f"{state.get('name', '')}{at}"]}

    return node


def blocks(at: str):
    def node(state: State):
        write = get_stream_writer()
        for index in range(state.get("n", 0)):
            write({"at": at, "i": index})
            time.sleep(state.get("delay", 0))
        return {"trail": [f"{state.get('name', '')}{at}"]}

    return node


deep = (
    StateGraph(Inner)
    .add_node("x", awaits("x"))
    .add_node("y", awaits("y"))
    .add_edge(START, "x")
    .add_edge("x", "y")
    .compile()
)


async def inner(state: State):
    left = await deep.ainvoke({"n": state.get("n", 0), "delay": state.get("delay", 0)})
    return {"trail": [f"{state.get('name', '')}{at}" for at in left["trail"]]}


steps = (
    StateGraph(State)
    .add_node("a", awaits("a"))
    .add_node("b", awaits("b"))
    .add_node("c", awaits("c"))
    .add_node(inner)
    .add_node("z", awaits("z"))
    .add_edge(START, "a")
    .add_edge("a", "b")
    .add_edge("a", "c")
    .add_edge(["b", "c"], "inner")
    .add_edge("inner", "z")
    .compile()
)

# -- blocks: nodes that are no coroutines ------------------------------------------------------
blocky = (
    StateGraph(State)
    .add_node("a", blocks("a"))
    .add_node("b", blocks("b"))
    .add_edge(START, "a")
    .add_edge("a", "b")
    .compile()
)


# -- poison: kills its process -----------------------------------------------------------------
async def kill(state: State):
    await asyncio.sleep(state.get("delay", 0))
    os._exit(9)


poison = StateGraph(State).add_node(knock).add_node(kill).add_edge(START, "knock").add_edge("knock", "kill").compile()


# -- stubborn: does not stop when it is cancelled ----------------------------------------------
async def refuse(state: State):
    while True:
        try:
            return await wait(state)
        except asyncio.CancelledError:
            get_stream_writer()({"refuses": state.get("name", "")})


stubborn = (
    StateGraph(State).add_node(knock).add_node(refuse).add_edge(START, "knock").add_edge("knock", "refuse").compile()
)


# -- lingering: a thread that goes on when its run has ended, and tries to write -----------------
def stand(state: State, name: str) -> None:
    with socket.create_connection(("127.0.0.1", state["port"])) as line:
        line.sendall(name.encode() + b"\n")
        line.recv(1)


def leave(state: Inner):
    return {"trail": ["below"]}


below = StateGraph(Inner).add_node(leave).add_edge(START, "leave").compile()


def stay(state: State):
    write = get_stream_writer()
    write({"stays": True})
    stand(state, "stays")
    try:
        write({"goes on": True})
        below.invoke({})
        said = "wrote"
    except Exception as error:
        said = type(error).__name__
    stand(state, said)
    return {"trail": ["stayed"]}


lingering = (
    StateGraph(State).add_node(knock).add_node(stay).add_edge(START, "knock").add_edge("knock", "stay").compile()
)


# -- snoozing: an async node that sleeps on its event loop, as a forgotten synchronous client does ---------
async def snooze(state: State):
    get_stream_writer()({"snoozes": True})
    await asyncio.sleep(0.05)
    time.sleep(state["delay"])
    return {"trail": ["snoozed"]}


snoozing = StateGraph(State).add_node(snooze).add_edge(START, "snooze").compile()


# -- sitting: an async node that blocks its event loop until the test lets it go on, and does not stop then --
async def sit(state: State):
    write = get_stream_writer()
    write({"sits": True})
    await asyncio.sleep(0.05)
    stand(state, "sits")
    write({"goes on": True})
    said = []
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        said.append("cancelled")
    try:
        await below.ainvoke({})
    except Exception as error:
        said.append(type(error).__name__)
    await asyncio.to_thread(stand, state, " ".join(said))
    return {"trail": ["sat"]}


sitting = StateGraph(State).add_node(knock).add_node(sit).add_edge(START, "knock").add_edge("knock", "sit").compile()
