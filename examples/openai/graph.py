"""Tokens of a real model, from a node that merely invokes it."""

from dataclasses import dataclass

from langchain.chat_models import init_chat_model
from langgraph.graph import START, StateGraph


@dataclass
class MyState:
    topic: str
    joke: str = ""


# Takes OPENAI_API_KEY from the environment, and OPENAI_BASE_URL for a model that is somewhere else.
model = init_chat_model("openai:gpt-4o-mini")


def call_model(state: MyState) -> dict[str, object]:
    """Asks the model for a joke about the topic."""
    # The tokens are streamed although this is `invoke` and not `stream`.
    answer = model.invoke([{"role": "user", "content": f"Tell a joke about {state.topic}"}])
    return {"joke": answer.content}


graph = StateGraph(MyState).add_node(call_model).add_edge(START, "call_model").compile()
