"""What nodes stream while they run: the tokens of models, and custom data.

Owns the short way of these into the log, for the root graph of a run. LangGraph puts each into a queue by way of the event loop, wakes a task that waits for the queue,
and yields it: a third of what a token costs, and the larger part of what custom data does. Here each is appended where it is made, by the same handler of LangGraph that
would have queued it. The invariant: the order is LangGraph's own. A superstep begins when all that the one before it has yielded was taken, so what nodes of
different supersteps stream is in order; within one superstep nodes run side by side. Subgraphs have their own supersteps, which wait for nobody, so runs that
stream those go the long way.
"""

import asyncio
import threading
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Self

from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel

# Nothing public makes LangGraph's handler of tokens; another one of our own would have to follow it from version to version.
from langgraph.pregel._messages import StreamMessagesHandler

from graphwire_server.engine.writer import CONFIG_KEY, WritingRuntime, naming

MODES = frozenset({"messages", "custom"})
"""The stream modes that go this way."""

Add = Callable[[tuple[str, ...], str, Any], None]
"""Appends what one chunk says: its namespace, its stream mode, its data."""


class Tap:
    """The short way of one run, open while its graph executes.

    Args:
        add: Appends one chunk; called on the loop that opened the tap, and never after it was closed.
    """

    def __init__(self, add: Add) -> None:
        self._add = add
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._closed = False
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes nothing more: a thread of a run that was cut short may go on for long. Raises what could not be appended."""
        self._closed = True
        if error is None and self._failure is not None:
            raise self._failure

    def into(self, config: RunnableConfig, graph: Pregel[Any, Any, Any, Any], modes: Collection[str]) -> None:
        """Lets a run stream this way.

        Args:
            config: The run's configuration, which is changed.
            graph: Its graph.
            modes: Which of MODES it streams.
        """
        if "messages" in modes:
            config["callbacks"] = [Tokens(self)]
        if "custom" in modes:
            write = naming(lambda written: self.put("custom", written))
            config["configurable"][CONFIG_KEY] = WritingRuntime(store=graph.store, stream_writer=write)

    def put(self, mode: str, data: Any) -> None:
        """Appends what a node streams, from whichever thread: a synchronous node has one of its own."""
        if self._closed:
            return
        if threading.get_ident() == self._thread:
            self._take(mode, data)
        else:
            self._loop.call_soon_threadsafe(self._take, mode, data)

    def _take(self, mode: str, data: Any) -> None:
        if self._closed:
            return
        try:
            self._add((), mode, data)
        except Exception as error:  # noqa: BLE001  LangChain logs what a callback raises and goes on, and the event would be lost
            self._failure = self._failure or error


class Tokens(StreamMessagesHandler):
    """LangGraph's handler of tokens, given to a run by its configuration.

    Args:
        tap: Where the tokens go.
    """

    def __init__(self, tap: Tap) -> None:
        # LangGraph clears a root graph of handlers that stream no subgraphs, since those it finds there are another graph's.
        super().__init__(lambda chunk: tap.put("messages", chunk[2]), subgraphs=True)

    def on_chain_start(self, *args: Any, **kwargs: Any) -> Any:
        """The start of the root graph, which has passed the clearing then, and of each node."""
        self.subgraphs = False
        return super().on_chain_start(*args, **kwargs)
