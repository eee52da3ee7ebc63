import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.embeddings import Embeddings
from langgraph.store.base.embed import ensure_embeddings

from graphwire_server.core.errors import EmbeddingFailed
from graphwire_server.engine.document import ManifestError
from graphwire_server.engine.embedding import Embedding, load_embedding
from graphwire_server.engine.loading import Loader
from graphwire_server.engine.store_section import EmbedEntry, IndexSection
from tests.support.project import GRAPH, Project, project

INDEX = IndexSection(embed=EmbedEntry(target="./e.py", attribute="embed"), dims=2, fields=("text", "tags[*]"))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        made.write("graphs.py", GRAPH)
        yield made


def embedding(function: Any, patience: float = 60.0) -> Embedding:
    return Embedding(INDEX, ensure_embeddings(function), patience)


def lengths(texts: list[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0] for text in texts]


def test_a_plain_function_an_async_one_and_an_object() -> None:
    async def later(texts: list[str]) -> list[list[float]]:
        return lengths(texts)

    class Mine(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return lengths(texts)

        def embed_query(self, text: str) -> list[float]:
            return lengths([text])[0]

    for function in (lengths, later, Mine()):
        with embedding(function) as opened:
            assert opened.embed(["a", "bcd"]).result(10) == [[1.0, 1.0], [3.0, 1.0]]


def test_it_runs_on_one_loop_of_its_own() -> None:
    threads = set()

    async def where(texts: list[str]) -> list[list[float]]:
        threads.add(threading.current_thread().name)
        return lengths(texts)

    with embedding(where) as opened:
        for _ in range(3):
            opened.embed(["a"]).result(10)

    assert threads == {"graphwire-embed"}


def test_the_texts_of_a_value() -> None:
    opened = embedding(lengths)
    value = {"text": "a", "tags": ["x", "y"], "other": 5}

    assert opened.texts(value, None) == [("text", "a"), ("tags[*].0", "x"), ("tags[*].1", "y")]
    assert opened.texts(value, ["other", "missing"]) == [("other", "5")]
    assert opened.texts(value, []) == []


@pytest.mark.parametrize(
    "function",
    [
        lambda _: [[1.0]],
        lambda _: [],
        lambda _: [[1.0, float("nan")]],
        lambda _: [["a", "b"]],
        lambda _: 1 / 0,
    ],
)
def test_what_is_no_vector_is_a_failure(function: Any) -> None:
    with embedding(function) as opened, pytest.raises(EmbeddingFailed, match="the embedding function failed"):
        opened.embed(["a"]).result(10)


def test_one_that_takes_too_long_is_a_failure() -> None:
    async def never(texts: list[str]) -> list[list[float]]:
        await asyncio.Event().wait()
        return []

    with embedding(never, patience=0.01) as opened, pytest.raises(EmbeddingFailed, match="TimeoutError"):
        opened.embed(["a"]).result(10)


def test_a_function_of_a_graphs_file_is_of_the_same_module(here: Project) -> None:
    here.write("graphs.py", GRAPH + "\nloads = []\n\ndef embed(texts):\n    return [[0.0, 1.0] for _ in texts]\n")
    manifest = here.manifest(store={"index": {"embed": "./graphs.py:embed", "dims": 2}})
    loader = Loader(manifest)
    for entry in manifest.graphs:
        loader.load(entry)

    made = load_embedding(manifest.store, loader)

    assert made is not None
    with made:
        assert made.embed(["a"]).result(10) == [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("embed", "says"),
    [
        ("./graphs.py:nothing", "has no attribute 'nothing'; it has 'shout'"),
        ("./graphs.py:State", "'State' must be a function from texts to vectors"),
        ("./nowhere.py:embed", "there is no file ./nowhere.py"),
        ("nobody:model", "'nobody:model' cannot be made"),
    ],
)
def test_what_cannot_be_had_is_refused_where_it_is_named(here: Project, embed: str, says: str) -> None:
    manifest = here.manifest(store={"index": {"embed": embed, "dims": 2}})

    with pytest.raises(ManifestError, match=says):
        load_embedding(manifest.store, Loader(manifest))
