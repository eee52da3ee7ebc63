"""The embedding function that langgraph.json names.

Owns how it is had and called. It runs on a loop of its own, in a thread of its own, so that the clients it holds meet one loop alone, and one that blocks holds up
nothing else. The invariant: what is handed on are vectors of the stated length, one for each text.
"""

import asyncio
import logging
import math
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from langchain_core.embeddings import Embeddings
from langgraph.store.base.embed import ensure_embeddings, get_text_at_path

from graphwire_server.core.errors import EmbeddingFailed
from graphwire_server.core.model import JsonObject
from graphwire_server.engine.loading import Loader
from graphwire_server.engine.store_section import EmbedEntry, IndexSection, StoreSection

_log = logging.getLogger("graphwire.engine")

PATIENCE = 60.0
"""How long the function may take for one call, in seconds."""


def load_embedding(section: StoreSection, loader: Loader) -> "Embedding | None":
    """The embedding function of langgraph.json; None where it names none. Arguments and errors as `load_embeddings` has them."""
    index = section.index
    return None if index is None else Embedding(index, load_embeddings(index.embed, loader))


def load_embeddings(entry: EmbedEntry, loader: Loader) -> Embeddings:
    """The embedding function of an entry.

    Args:
        entry: What langgraph.json names.
        loader: What loaded the graphs, so that a file that has both runs once.

    Raises:
        ManifestError: It cannot be had.
    """
    if entry.by_provider:
        return _by_provider(entry)
    value = loader.load_value(entry)
    if isinstance(value, type) or not (isinstance(value, Embeddings) or callable(value)):
        raise entry.wrong(
            f"{entry.attribute!r} must be a function from texts to vectors, or a LangChain Embeddings object"
        )
    return ensure_embeddings(value)


def _by_provider(entry: EmbedEntry) -> Embeddings:
    try:
        return ensure_embeddings(entry.target)
    except Exception as error:
        problem = f"{entry.target!r} cannot be made: {type(error).__name__}: {error}"
        raise entry.wrong(f"{problem}; a function of yours is named as './embed.py:embed'") from error


class Embedding:
    """Turns texts into vectors (port `Embedder`). Entered when the server starts.

    Args:
        index: What langgraph.json says.
        embeddings: The function.
        patience: How long it may take, in seconds.
    """

    def __init__(self, index: IndexSection, embeddings: Embeddings, patience: float = PATIENCE) -> None:
        self._index = index
        self._embeddings = embeddings
        self._patience = patience
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._turn, name="graphwire-embed", daemon=True)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends what is under way. A function that blocks is left behind after a second; its thread keeps no process alive."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1.0)

    def texts(self, value: JsonObject, fields: Sequence[str] | None) -> Sequence[tuple[str, str]]:
        """The texts of a value (port `Embedder`)."""
        found = []
        for path in self._index.fields if fields is None else fields:
            texts = get_text_at_path(value, path)
            found += [(path if len(texts) == 1 else f"{path}.{at}", text) for at, text in enumerate(texts)]
        return found

    def embed(self, texts: Sequence[str]) -> "Future[Sequence[Sequence[float]]]":
        """The vectors of texts (port `Embedder`)."""
        return asyncio.run_coroutine_threadsafe(self._embedded(list(texts)), self._loop)

    async def _embedded(self, texts: list[str]) -> Sequence[Sequence[float]]:
        try:
            async with asyncio.timeout(self._patience):
                made = await self._embeddings.aembed_documents(texts)
            return [self._vector(each) for each in _as_many(made, len(texts))]
        except Exception as error:
            _log.warning("the embedding function failed", exc_info=error)
            raise EmbeddingFailed(
                f"the embedding function failed ({type(error).__name__}); the server's log says why"
            ) from error

    def _vector(self, made: Any) -> list[float]:
        numbers = [float(number) for number in made]
        if len(numbers) != self._index.dims or not all(map(math.isfinite, numbers)):
            raise ValueError(
                f"a vector has {len(numbers)} numbers, all of which must be finite; store.index.dims says {self._index.dims}"
            )
        return numbers

    def _turn(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()


def _as_many(made: Sequence[Any], texts: int) -> Sequence[Any]:
    if len(made) != texts:
        raise ValueError(f"{texts} texts gave {len(made)} vectors")
    return made
