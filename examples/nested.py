"""A graph inside a graph: a text is cleaned, then a subgraph counts its words and signs it.

The subgraph shares `text` with its parent and keeps `words` to itself.
"""

from typing import TypedDict

from langgraph.graph import END, START, StateGraph


class Letter(TypedDict):
    text: str


class Desk(TypedDict):
    text: str
    words: int


async def tidy(state: Letter) -> dict[str, str]:
    return {"text": " ".join(state["text"].split())}


async def count(state: Desk) -> dict[str, int]:
    return {"words": len(state["text"].split())}


async def sign(state: Desk) -> dict[str, str]:
    return {"text": f"{state['text']} ({state['words']} words)"}


desk = (
    StateGraph(Desk)
    .add_node(count)
    .add_node(sign)
    .add_edge(START, "count")
    .add_edge("count", "sign")
    .add_edge("sign", END)
    .compile()
)

graph = (
    StateGraph(Letter)
    .add_node(tidy)
    .add_node("desk", desk)
    .add_edge(START, "tidy")
    .add_edge("tidy", "desk")
    .add_edge("desk", END)
    .compile()
)
