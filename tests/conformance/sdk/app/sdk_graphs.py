"""Graphs that tell what the SDKs' users do with them: long ones, ones that wait, ones that ask, ones that fail."""

import asyncio
import operator
from collections.abc import AsyncIterator
from typing import Annotated, Any, TypedDict

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt


class Work(TypedDict, total=False):
    n: int
    delay: float
    done: int


async def work(state: Work) -> dict[str, int]:
    write = get_stream_writer()
    for index in range(state["n"]):
        await asyncio.sleep(state.get("delay", 0))
        write({"step": index})
    return {"done": state["n"]}


progress = StateGraph(Work).add_node(work).add_edge(START, "work").compile()


class Counting(BaseChatModel):
    """Says as many words as it is asked for."""

    @property
    def _llm_type(self) -> str:
        return "counting"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=messages[-1].text))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for index in range(int(messages[-1].text)):
            await asyncio.sleep(0.01)
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"w{index} "))


async def say(state: MessagesState) -> dict[str, list[BaseMessage]]:
    return {"messages": [await Counting().ainvoke(state["messages"])]}


words = StateGraph(MessagesState).add_node(say).add_edge(START, "say").compile()


class Knock(TypedDict, total=False):
    port: int
    name: str
    trail: Annotated[list[str], operator.add]


async def knock(state: Knock) -> dict[str, list[str]]:
    get_stream_writer()("knocked")
    return {"trail": ["knocked"]}


async def wait(state: Knock) -> dict[str, list[str]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", state["port"])
    try:
        writer.write(state.get("name", "").encode() + b"\n")
        await reader.readexactly(1)
    finally:
        writer.close()
    get_stream_writer()("passed")
    return {"trail": ["passed"]}


gate = StateGraph(Knock).add_node(knock).add_node(wait).add_edge(START, "knock").add_edge("knock", "wait").compile()


class Approval(TypedDict, total=False):
    request: str
    decision: str
    log: Annotated[list[str], operator.add]


def ask(state: Approval) -> dict[str, Any]:
    return {"decision": interrupt({"question": f"approve {state['request']}?"}), "log": ["asked"]}


def act(state: Approval) -> dict[str, list[str]]:
    return {"log": [f"acted on {state['decision']}"]}


approval = (
    StateGraph(Approval)
    .add_node(ask)
    .add_node(act)
    .add_edge(START, "ask")
    .add_edge("ask", "act")
    .add_edge("act", END)
    .compile()
)


def left(state: Approval) -> dict[str, list[str]]:
    return {"log": [f"left {interrupt('left?')}"]}


def right(state: Approval) -> dict[str, list[str]]:
    return {"log": [f"right {interrupt('right?')}"]}


pair = StateGraph(Approval).add_node(left).add_node(right).add_edge(START, "left").add_edge(START, "right").compile()


deep = StateGraph(Approval).add_node("inner", approval).add_edge(START, "inner").compile()


class Nothing(TypedDict, total=False):
    a: int


def good(state: Nothing) -> dict[str, int]:
    return {"a": 1}


def bad(state: Nothing) -> dict[str, int]:
    raise ValueError("this node always fails")


failing = StateGraph(Nothing).add_node(good).add_node(bad).add_edge(START, "good").add_edge("good", "bad").compile()


class Seen(TypedDict, total=False):
    seen: dict[str, Any]


def look(state: Seen, config: RunnableConfig) -> dict[str, Any]:
    found = config["configurable"]
    return {"seen": {name: found[name] for name in sorted(found) if "-" in name or name == "user"}}


headers = StateGraph(Seen).add_node(look).add_edge(START, "look").compile()
