"""Progress of a long piece of work, as data of our own choosing."""

import asyncio
from typing import TypedDict

from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph


class WorkState(TypedDict, total=False):
    records: int
    fetched: int


async def fetch(state: WorkState) -> WorkState:
    write = get_stream_writer()
    records = state.get("records", 5)
    for done in range(1, records + 1):
        await asyncio.sleep(0.1)
        write({"fetched": done, "of": records})
    return {"fetched": records}


graph = StateGraph(WorkState).add_node(fetch).add_edge(START, "fetch").add_edge("fetch", END).compile()
