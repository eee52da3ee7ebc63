"""One small graph: what a server that is only started serves."""

from typing import TypedDict

from langgraph.graph import END, START, StateGraph


class Topic(TypedDict, total=False):
    """Its state."""

    topic: str


async def refine(state: Topic) -> Topic:
    """Its node."""
    return {"topic": state["topic"] + " and more"}


small = StateGraph(Topic).add_node(refine).add_edge(START, "refine").add_edge("refine", END).compile()
