import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.manifest import read_manifest
from tests.support.project import project

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(name="examples")
def the_examples() -> Iterator[Catalogue]:
    with project(EXAMPLES):
        yield Catalogue.load(read_manifest(EXAMPLES / "langgraph.json"))


@contextlib.asynccontextmanager
async def on_a_thread(examples: Catalogue, name: str) -> AsyncIterator[Any]:
    async with examples.open(name) as graph:
        yield graph.copy({"checkpointer": InMemorySaver()})


def test_the_examples_are_all_described(examples: Catalogue) -> None:
    assert [info.graph_id for info in examples.list()] == [
        "agent",
        "joke",
        "subgraph",
        "tokens",
        "progress",
        "approval",
    ]
    assert all(info.description for info in examples.list())


@pytest.mark.parametrize("name", ["agent", "joke"])
async def test_the_joke(examples: Catalogue, name: str) -> None:
    async with examples.open(name) as graph:
        chunks = [chunk async for chunk in graph.astream({"topic": "ice cream"}, stream_mode="updates")]

    assert chunks == [
        {"refine_topic": {"topic": "ice cream and cats"}},
        {"generate_joke": {"joke": "This is a joke about ice cream and cats"}},
    ]


async def test_the_subgraph(examples: Catalogue) -> None:
    given = {"text": "  see   you soon "}
    async with examples.open("subgraph") as graph:
        chunks = [chunk async for chunk in graph.astream(given, stream_mode="updates", subgraphs=True)]

    assert [(len(namespace), update) for namespace, update in chunks] == [
        (0, {"tidy": {"text": "see you soon"}}),
        (1, {"count": {"words": 3}}),
        (1, {"sign": {"text": "see you soon (3 words)"}}),
        (0, {"desk": {"text": "see you soon (3 words)"}}),
    ]


async def test_the_tokens(examples: Catalogue) -> None:
    given = {"messages": [{"role": "user", "content": "a cat"}]}
    async with examples.open("tokens") as graph:
        chunks: list[Any] = [chunk async for chunk in graph.astream(given, stream_mode="messages")]

    texts = [message.text for message, _ in chunks]
    assert texts[:8] == ["Once", " upon", " a", " time", " there", " was", " a", " cat"]
    assert len({message.id for message, _ in chunks}) == 1
    assert chunks[-1][0].usage_metadata["output_tokens"] == len([text for text in texts if text])


async def test_the_progress(examples: Catalogue) -> None:
    async with examples.open("progress") as graph:
        chunks = [chunk async for chunk in graph.astream({"records": 2}, stream_mode=["custom", "updates"])]

    assert chunks == [
        ("custom", {"fetched": 1, "of": 2}),
        ("custom", {"fetched": 2, "of": 2}),
        ("updates", {"fetch": {"fetched": 2}}),
    ]


@pytest.mark.parametrize(
    ("answer", "result"),
    [({"approved": True}, "paid 30 to Ann"), ({"approved": False, "why": "too much"}, "not paid: too much")],
)
async def test_the_approval(examples: Catalogue, answer: dict[str, object], result: str) -> None:
    config = {"configurable": {"thread_id": "one"}}
    async with on_a_thread(examples, "approval") as graph:
        stopped = await graph.ainvoke({"to": "Ann", "amount": 30}, config)
        ended = await graph.ainvoke(Command(resume=answer), config)

    assert stopped["__interrupt__"][0].value == {"question": "Pay 30 to Ann?"}
    assert ended["result"] == result
