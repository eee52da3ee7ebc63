"""Graphs for the HTTP face: one with a graph in a graph, one that asks from there, one that tells what it finds in its configuration, one that fails with a secret,
one that nothing can stop, one that waits between a person and its end, and one with many large events.
"""

import asyncio
import operator
import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any, TypedDict
from uuid import UUID

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel


# -- deep: a model two graphs down ---------------------------------------------------------------
async def speak(state: MessagesState) -> dict[str, Any]:
    get_stream_writer()({"from": "speak"})
    model = GenericFakeChatModel(messages=iter([AIMessage(content="deep down", id="m-deep")]))
    return {"messages": [await model.ainvoke(state["messages"])]}


def open_up(state: MessagesState) -> dict[str, Any]:
    get_stream_writer()({"from": "open_up"})
    return {}


_inner = StateGraph(MessagesState).add_node(speak).add_edge(START, "speak").compile()
_middle = StateGraph(MessagesState).add_node("inner", _inner).add_edge(START, "inner").compile()
deep = (
    StateGraph(MessagesState)
    .add_node(open_up)
    .add_node("middle", _middle)
    .add_edge(START, "open_up")
    .add_edge("open_up", "middle")
    .compile()
)


# -- asking: asks a person one graph down --------------------------------------------------------
def ask(state: MessagesState) -> dict[str, Any]:
    return {"messages": [("human", str(interrupt("what?")))]}


_asker = StateGraph(MessagesState).add_node(ask).add_edge(START, "ask").compile()
asking = StateGraph(MessagesState).add_node("below", _asker).add_edge(START, "below").compile()


# -- odd: writes what JSON has no word for ---------------------------------------------------------
class Plain(BaseModel):
    n: int


class Nothing(TypedDict, total=False):
    a: int


def write_odd(state: Nothing) -> Nothing:
    get_stream_writer()(
        {
            "bytes": b"abc",
            "uuid": UUID(int=1),
            "path": PurePosixPath("/tmp/x"),
            "set": {1},
            "tuple": (1, 2),
            "decimals": [Decimal(2), Decimal("0.5")],
            "seconds": timedelta(minutes=1),
            "time": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "model": Plain(n=1),
            "unknown": object(),
            "nan": float("nan"),
            "zero": "a\x00b",
            "surrogate": "a\ud800b",
            "large": 2**70,
            1: "key",
        }
    )
    return state


odd = StateGraph(Nothing).add_node(write_odd).add_edge(START, "write_odd").compile()


# -- configured: what a node finds in its configuration; asks first, so that there is something to resume ------
class Found(TypedDict, total=False):
    ask: bool
    found: dict[str, Any]


def look(state: Found, config: RunnableConfig) -> Found:
    if state.get("ask"):
        interrupt("go on?")
    found = {key: value for key, value in config["configurable"].items() if "-" in key or key in ("user", "baggage")}
    # The names alone: a test looks for the values in all that is streamed.
    return {"found": {key: len(str(value)) for key, value in found.items()}}


configured = StateGraph(Found).add_node(look).add_edge(START, "look").compile()


# -- secretive: fails with a class whose texts are not known to be harmless ---------------------------------------
class DatabaseDown(Exception):
    pass


def connect(state: Found) -> Found:
    raise DatabaseDown("postgres://user:hunter2@example/db")


secretive = StateGraph(Found).add_node(connect).add_edge(START, "connect").compile()


# -- stubborn: stands at the gate in a thread, which nothing can stop -------------------------------------------------
class Stubborn(TypedDict, total=False):
    port: int
    name: str
    trail: Annotated[list[str], operator.add]


def stay(state: Stubborn) -> Stubborn:
    with socket.create_connection(("127.0.0.1", state["port"])) as line:
        line.sendall(state["name"].encode() + b"\n")
        line.recv(1)
    return {"trail": [f"{state['name']} stayed"]}


stubborn = StateGraph(Stubborn).add_node(stay).add_edge(START, "stay").compile()


# -- doubtful: asks, and stands at the gate with the answer ---------------------------------------------------------------
class Doubtful(TypedDict, total=False):
    port: int
    name: str
    decision: str


def doubt(state: Doubtful) -> Doubtful:
    return {"decision": interrupt("sure?")}


async def wait(state: Doubtful) -> Doubtful:
    reader, writer = await asyncio.open_connection("127.0.0.1", state["port"])
    try:
        writer.write(state["name"].encode() + b"\n")
        await reader.readexactly(1)
    finally:
        writer.close()
    return {}


doubtful = StateGraph(Doubtful).add_node(doubt).add_node(wait).add_edge(START, "doubt").add_edge("doubt", "wait").compile()


# -- loud: n events of `pad` bytes in each of some rounds. A run that writes its checkpoints synchronously goes no faster than the store. ------
class Loud(TypedDict, total=False):
    n: int
    pad: int
    rounds: int
    round: int


async def shout(state: Loud) -> Command[str]:
    write, pad, before = get_stream_writer(), "x" * state["pad"], state.get("round", 0)
    for index in range(state["n"]):
        write({"i": before * state["n"] + index, "pad": pad})
    return Command(update={"round": before + 1}, goto="shout" if before + 1 < state["rounds"] else END)


loud = StateGraph(Loud).add_node("shout", shout, destinations=("shout", END)).add_edge(START, "shout").compile()
