"""Graphs for the clients: models whose messages have ids of their own, an event too large for one message, and data that comes back as it was sent."""

from __future__ import annotations

import asyncio
import operator
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.config import get_stream_writer
from langgraph.graph import START, MessagesState, StateGraph


class Scripted(BaseChatModel):
    """Writes given pieces, one each `delay` seconds."""

    pieces: list[dict[str, Any]] = []
    delay: float = 0.02

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=""))])

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs: Any):
        for piece in self.pieces:
            await asyncio.sleep(self.delay)
            part = ChatGenerationChunk(message=AIMessageChunk(**piece))
            if run_manager:
                await run_manager.on_llm_new_token(str(part.text), chunk=part)
            yield part


# -- two_models: two nodes side by side, whose models write at once --------------------------------
def words(author: str, count: int) -> list[dict[str, Any]]:
    pieces: list[dict[str, Any]] = [{"content": f"{author}{index} ", "id": author} for index in range(count)]
    ending = {"response_metadata": {"finish_reason": "stop"}, "usage_metadata": usage(count)}
    return [*pieces, {"content": "", "id": author, "chunk_position": "last"} | ending]


def usage(count: int) -> dict[str, int]:
    return {"input_tokens": 3, "output_tokens": count, "total_tokens": 3 + count}


async def left(state: MessagesState):
    return {"messages": [await Scripted(pieces=words("left", 12)).ainvoke("")]}


async def right(state: MessagesState):
    return {"messages": [await Scripted(pieces=words("right", 12)).ainvoke("")]}


two_models = (
    StateGraph(MessagesState).add_node(left).add_node(right).add_edge(START, "left").add_edge(START, "right").compile()
)


# -- caller: a model that thinks, and calls two tools whose pieces interleave; one answers ----------------------
def call(index: int, args: str, name: str | None = None) -> dict[str, Any]:
    named = {"name": name, "id": f"call-{index}"} if name else {"name": None, "id": None}
    return {"index": index, "args": args, "type": "tool_call_chunk"} | named


async def ask(state: MessagesState):
    pieces = [
        {"content": [{"type": "reasoning", "reasoning": "two places: ", "index": 0}]},
        {"content": [{"type": "reasoning", "reasoning": "two calls", "index": 0}]},
        {"content": "Let me look.", "tool_call_chunks": [call(0, '{"city": ', "weather")]},
        {"content": "", "tool_call_chunks": [call(1, '{"city": "Ro', "weather")]},
        {"content": "", "tool_call_chunks": [call(0, '"Oslo"}'), call(1, 'me"}')]},
        {
            "content": "",
            "response_metadata": {"finish_reason": "tool_calls"},
            "usage_metadata": usage(9),
            "chunk_position": "last",
        },
    ]
    return {"messages": [await Scripted(pieces=[piece | {"id": "asks"} for piece in pieces]).ainvoke("")]}


def look(state: MessagesState):
    return {"messages": [ToolMessage(content="rain", tool_call_id="call-0", id="rain")]}


caller = StateGraph(MessagesState).add_node(ask).add_node(look).add_edge(START, "ask").add_edge("ask", "look").compile()


# -- slow_words: a message that takes a while, with one id in every attempt -------------------------
async def tell(state: MessagesState):
    return {"messages": [await Scripted(pieces=words("word", 40), delay=0.05).ainvoke("")]}


slow_words = StateGraph(MessagesState).add_node(tell).add_edge(START, "tell").compile()


# -- echo: what it is given, as custom data and in its state ----------------------------------------
class Given(TypedDict, total=False):
    data: Any


def back(state: Given):
    get_stream_writer()(state["data"])
    return {"data": state["data"]}


echo = StateGraph(Given).add_node(back).add_edge(START, "back").compile()


# -- large: one custom event with so many characters, between two small ones ------------------------
class Large(TypedDict, total=False):
    characters: int


def write_large(state: Large):
    write = get_stream_writer()
    write("before")
    write({"pad": "é" * state["characters"]})
    write("after")
    return {}


large = StateGraph(Large).add_node(write_large).add_edge(START, "write_large").compile()


# -- steps: so many supersteps, one each `delay` seconds --------------------------------------------
class Steps(TypedDict, total=False):
    left: int
    delay: float
    trail: Annotated[list[int], operator.add]


async def go_on(state: Steps):
    await asyncio.sleep(state.get("delay", 0))
    return {"left": state["left"] - 1, "trail": [state["left"]]}


steps = (
    StateGraph(Steps)
    .add_node("step", go_on)
    .add_edge(START, "step")
    .add_conditional_edges("step", lambda state: "step" if state["left"] > 0 else "__end__", ["step", "__end__"])
    .compile()
)
