"""Tokens from a model that a node merely invokes.

The model is scripted, so that this needs no key. A real one streams in the same way: see openai/.
"""

import time
from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langgraph.graph import END, START, MessagesState, StateGraph


class Storyteller(BaseChatModel):
    """Tells a story about the last message, word by word."""

    seconds_per_word: float = 0.05

    @property
    def _llm_type(self) -> str:
        return "storyteller"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        story = f"Once upon a time there was {messages[-1].text} and everyone was happy about it"
        words = story.split()
        for place, word in enumerate(words):
            time.sleep(self.seconds_per_word)
            text = word if place == 0 else f" {word}"
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        yield ChatGenerationChunk(message=_ending(len(messages), len(words)))


def _ending(read: int, told: int) -> AIMessageChunk:
    usage = UsageMetadata(input_tokens=read, output_tokens=told, total_tokens=read + told)
    return AIMessageChunk(
        content="", usage_metadata=usage, response_metadata={"finish_reason": "stop"}, chunk_position="last"
    )


model = Storyteller()


# The node is not async and does not stream; its words arrive one by one all the same. LangGraph runs it in a thread, so that
# its waiting stops nobody else.
def tell(state: MessagesState) -> dict[str, list[BaseMessage]]:
    return {"messages": [model.invoke(state["messages"])]}


graph = StateGraph(MessagesState).add_node(tell).add_edge(START, "tell").add_edge("tell", END).compile()
