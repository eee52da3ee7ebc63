import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk

from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.factory import Graph
from graphwire_server.engine.manifest import read_manifest
from tests.support.openai_endpoint import PIECES, openai_endpoint
from tests.support.project import Project, project

pytest.importorskip("langchain_openai", reason="the extra `examples` is not installed")

FOLDER = Path(__file__).parents[3] / "examples" / "openai"


@pytest.fixture(autouse=True)
def example() -> Iterator[Project]:
    with project(FOLDER) as it:
        yield it


def serve(monkeypatch: pytest.MonkeyPatch, base_url: str) -> Catalogue:
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return Catalogue.load(read_manifest(FOLDER / "langgraph.json"))


async def messages(graph: Graph) -> AsyncIterator[tuple[AIMessageChunk, dict[str, Any]]]:
    async for chunk, metadata in graph.astream({"topic": "ice cream"}, stream_mode="messages"):
        assert isinstance(chunk, AIMessageChunk)
        assert isinstance(metadata, dict)
        yield chunk, metadata


async def test_tokens_arrive_in_pieces_while_the_model_still_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    hold = asyncio.Event()
    texts = []

    async with (
        openai_endpoint(hold=hold) as endpoint,
        serve(monkeypatch, endpoint.base_url).open("openai") as graph,
    ):
        async for chunk, metadata in messages(graph):
            assert metadata["langgraph_node"] == "call_model"
            texts.append(chunk.text)
            hold.set()  # without the first piece here, there would be no second

    assert [text for text in texts if text] == list(PIECES)


async def test_the_request_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    async with openai_endpoint() as endpoint, serve(monkeypatch, endpoint.base_url).open("openai") as graph:
        state = await graph.ainvoke({"topic": "ice cream"})

    assert state["joke"] == "".join(PIECES)
    [request] = endpoint.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer test"
    assert request.body["model"] == "gpt-4o-mini"
    assert request.body["messages"] == [{"role": "user", "content": "Tell a joke about ice cream"}]


async def test_usage_comes_with_the_last_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    async with openai_endpoint() as endpoint, serve(monkeypatch, endpoint.base_url).open("openai") as graph:
        chunks = [chunk async for chunk, _ in messages(graph)]

    assert [chunk.usage_metadata["total_tokens"] for chunk in chunks if chunk.usage_metadata] == [12]
