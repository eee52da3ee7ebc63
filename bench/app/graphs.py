"""The graphs that are measured. They do as little as possible themselves, so that what is measured is what surrounds them."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, TypedDict

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph

TICKS_A_TURN = 64
"""How many custom events are written before the loop gets a turn, as a node that works in pieces does."""


class Counting(BaseChatModel):
    """A model that says `word ` so many times, as fast as it can."""

    words: int = 1000

    @property
    def _llm_type(self) -> str:
        return "counting"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="word " * self.words))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **_: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for _word in range(self.words):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content="word "))
            if run_manager:
                await run_manager.on_llm_new_token("word ", chunk=chunk)
            yield chunk


class Topic(TypedDict, total=False):
    """The state of the two-node graph."""

    topic: str
    text: str


async def refine(state: Topic) -> Topic:
    """The first of two nodes."""
    return {"topic": state["topic"] + " and more"}


async def write(state: Topic) -> Topic:
    """The second of two nodes."""
    return {"text": f"about {state['topic']}"}


two_nodes = (
    StateGraph(Topic)
    .add_node(refine)
    .add_node(write)
    .add_edge(START, "refine")
    .add_edge("refine", "write")
    .add_edge("write", END)
    .compile()
)


class Words(MessagesState):
    """The state of the token graph."""

    words: int


async def call_model(state: Words) -> dict[str, Any]:
    """Asks the model once."""
    return {"messages": [await Counting(words=state["words"]).ainvoke("count")]}


tokens = StateGraph(Words).add_node(call_model).add_edge(START, "call_model").compile()


class Ticks(TypedDict, total=False):
    """The state of the custom-event graph."""

    count: int
    pad: int
    pause: float
    turn: int
    delay: float
    done: bool


async def tick(state: Ticks) -> Ticks:
    """After `delay` seconds writes `count` custom events with `pad` bytes each; after each `turn` of them others have the loop, or `pause` seconds pass."""
    write_event, pad, pause = get_stream_writer(), "x" * state.get("pad", 32), state.get("pause", 0)
    turn = state.get("turn", 1 if pause else TICKS_A_TURN)
    await asyncio.sleep(state.get("delay", 0))
    for number in range(state["count"]):
        if number % turn == turn - 1:
            await asyncio.sleep(pause)
        write_event({"number": number, "pad": pad})
    return {"done": True}


ticks = StateGraph(Ticks).add_node(tick).add_edge(START, "tick").compile()


async def wait(state: Ticks) -> Ticks:
    """Waits until it is cancelled: what idle joiners join."""
    await asyncio.Event().wait()
    return {"done": True}


waiting = StateGraph(Ticks).add_node(wait).add_edge(START, "wait").compile()


class Steps(TypedDict, total=False):
    """The state of the graph of many supersteps."""

    left: int


async def step(state: Steps) -> Steps:
    """One superstep of `left`."""
    return {"left": state["left"] - 1}


steps = (
    StateGraph(Steps)
    .add_node(step)
    .add_edge(START, "step")
    .add_conditional_edges("step", lambda state: "step" if state["left"] > 0 else END, ["step", END])
    .compile()
)


class Pulse(TypedDict, total=False):
    """The state of the graph that mostly waits."""

    count: int
    pause: float


async def beat(state: Pulse) -> Pulse:
    """Waits `pause` seconds, then writes a custom event with the machine's monotonic time, and so `count` times: a node whose model is slow."""
    write_event = get_stream_writer()
    for _ in range(state["count"]):
        await asyncio.sleep(state["pause"])
        write_event({"at": time.monotonic()})
    return {"count": 0}


pulse = StateGraph(Pulse).add_node(beat).add_edge(START, "beat").compile()


LARGE_TURNS = 1_380
"""Turns of the large conversation: 5 MB as JSON."""


class Large(TypedDict, total=False):
    """The state of the graph of large values: a long conversation."""

    messages: list[dict[str, Any]]
    left: int


def conversation() -> list[dict[str, Any]]:
    """A conversation with a tool as an agent keeps it: LARGE_TURNS turns of a question, a call, its result and an answer, 5 MB as JSON."""
    return [message for turn in range(LARGE_TURNS) for message in _turn(turn)]


def _turn(turn: int) -> list[dict[str, Any]]:
    found = f'{{"rank": {turn}, "title": "Sales in Zürich", "text": "Sales rose by 4 % in the third quarter."}}\n'
    said = f"In the third quarter of year {turn} sales rose by 4 %, and the café in Zürich sold more than before. "
    call = {
        "name": "search",
        "args": {"query": f"sales {turn}", "limit": 10},
        "id": f"call_{turn}",
        "type": "tool_call",
    }
    return [
        _message("human", turn, f"What does the report of year {turn} say of sales, and of the café?"),
        _message("ai", turn, "", tool_calls=[call], invalid_tool_calls=[], usage_metadata=_usage(turn)),
        _message("tool", turn, found * 20, tool_call_id=call["id"], status="success", artifact=None),
        _message("ai", turn, said * 5, tool_calls=[], invalid_tool_calls=[], usage_metadata=_usage(turn)),
    ]


def _message(kind: str, turn: int, content: str, **more: Any) -> dict[str, Any]:
    told = {"finish_reason": "stop", "model_name": "counting"} if kind == "ai" else {}
    head = {"type": kind, "id": f"run-{turn:032x}", "content": content, "name": None}
    return head | {"additional_kwargs": {}, "response_metadata": told} | more


def _usage(turn: int) -> dict[str, int]:
    return {"input_tokens": turn, "output_tokens": 321, "total_tokens": turn + 321}


async def fill(state: Large) -> Large:
    """The first superstep: the state becomes large."""
    return {"messages": conversation(), "left": state["left"] - 1}


async def count_down(state: Large) -> Large:
    """Every other superstep: it stays large."""
    return {"left": state["left"] - 1}


def _onwards(state: Large) -> str:
    return "count_down" if state["left"] > 0 else END


large = (
    StateGraph(Large)
    .add_node(fill)
    .add_node(count_down)
    .add_edge(START, "fill")
    .add_conditional_edges("fill", _onwards, ["count_down", END])
    .add_conditional_edges("count_down", _onwards, ["count_down", END])
    .compile()
)


class Sleepy(TypedDict, total=False):
    """The state of the graph that blocks its loop."""

    seconds: float


async def oversleep(state: Sleepy) -> Sleepy:
    """Blocks the loop that it runs on, as a node does that calls what is not async."""
    time.sleep(state["seconds"])  # noqa: ASYNC251  that is what it shows
    return {"seconds": 0}


sleepy = StateGraph(Sleepy).add_node(oversleep).add_edge(START, "oversleep").compile()
