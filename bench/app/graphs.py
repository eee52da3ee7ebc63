"""The graphs that are measured. They do as little as possible themselves, so that what is measured is what surrounds them."""

import asyncio
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
    done: bool


async def tick(state: Ticks) -> Ticks:
    """Writes `count` custom events with `pad` bytes each, and `pause` seconds before each."""
    write_event, pad, pause = get_stream_writer(), "x" * state.get("pad", 32), state.get("pause", 0)
    for number in range(state["count"]):
        if pause or number % TICKS_A_TURN == TICKS_A_TURN - 1:
            await asyncio.sleep(pause)
        write_event({"number": number, "pad": pad})
    return {"done": True}


ticks = StateGraph(Ticks).add_node(tick).add_edge(START, "tick").compile()


async def wait(state: Ticks) -> Ticks:
    """Waits until it is cancelled: what idle joiners join."""
    await asyncio.Event().wait()
    return {"done": True}


waiting = StateGraph(Ticks).add_node(wait).add_edge(START, "wait").compile()
