"""Graphs for streams of threads: an agent that thinks, calls a tool and says what it found, and one that has another do it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.tools import tool
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, ToolRuntime

IMAGE = {"type": "image", "base64": "aGVsbG8=", "mime_type": "image/png"}


class Adding(BaseChatModel):
    """Thinks and calls a tool; where the tool has answered, says what it said, with a picture."""

    @property
    def _llm_type(self) -> str:
        return "adding"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="whole"))])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        answered = isinstance(messages[-1], ToolMessage)
        for piece in _saying(messages[-1]) if answered else _calling():
            yield ChatGenerationChunk(message=piece)


def _calling() -> list[AIMessageChunk]:
    parts = ['{"a": 1,', ' "b": 2}']
    calls = [
        AIMessageChunk(
            content="",
            tool_call_chunks=[tool_call_chunk(name="add" if not at else None, args=args, id="c1" if not at else None, index=0)],
        )
        for at, args in enumerate(parts)
    ]
    return [AIMessageChunk(content=[{"type": "reasoning", "reasoning": "let me add"}]), *calls]


def _saying(found: BaseMessage) -> list[AIMessageChunk]:
    usage = UsageMetadata(input_tokens=3, output_tokens=2, total_tokens=5)
    return [
        AIMessageChunk(content=[{"type": "text", "text": "it is ", "index": 0}]),
        AIMessageChunk(content=[{"type": "text", "text": str(found.text), "index": 0}]),
        AIMessageChunk(content=[IMAGE], usage_metadata=usage),
    ]


@tool
async def add(a: int, b: int, runtime: ToolRuntime) -> str:
    """Adds two numbers. Where the conversation names a port, it knocks there first, and waits to be let in."""
    runtime.emit_output_delta("adding")
    _, _, port = runtime.state["messages"][0].text.partition(" at ")
    if port:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(b"\n")
        await reader.readexactly(1)
        writer.close()
    get_stream_writer()({"name": "chart", "payload": {"sum": a + b}})
    return str(a + b)


async def think(state: MessagesState) -> dict[str, list[BaseMessage]]:
    return {"messages": [await Adding().ainvoke(state["messages"])]}


def more(state: MessagesState) -> str:
    return "tools" if getattr(state["messages"][-1], "tool_calls", None) else END


agent = (
    StateGraph(MessagesState)
    .add_node(think)
    .add_node("tools", ToolNode([add]))
    .add_edge(START, "think")
    .add_conditional_edges("think", more, ["tools", END])
    .add_edge("tools", "think")
    .compile()
)

crew = StateGraph(MessagesState).add_node("helper", agent).add_edge(START, "helper").compile()
