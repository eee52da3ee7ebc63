"""Two steps, one after the other: a topic is made richer, then there is a joke about it."""

from typing import TypedDict

from langgraph.graph import END, START, StateGraph


class JokeState(TypedDict):
    topic: str
    joke: str


async def refine_topic(state: JokeState) -> dict[str, str]:
    return {"topic": f"{state['topic']} and cats"}


async def generate_joke(state: JokeState) -> dict[str, str]:
    return {"joke": f"This is a joke about {state['topic']}"}


graph = (
    StateGraph(JokeState)
    .add_node(refine_topic)
    .add_node(generate_joke)
    .add_edge(START, "refine_topic")
    .add_edge("refine_topic", "generate_joke")
    .add_edge("generate_joke", END)
    .compile()
)
