"""Executes one run through LangGraph's own streaming.

Owns how a run is streamed, and what its outcome is. It appends and never reads; it decides nothing about what becomes of the run.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, cast
from weakref import WeakKeyDictionary

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.pregel import Pregel

from graphwire_server.core.events import Error
from graphwire_server.core.model import Outcome, Run, RunStatus
from graphwire_server.core.ports import Append
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.chunks import ENVELOPE, Chunks, plain_values
from graphwire_server.engine.encoding import dumps
from graphwire_server.engine.failures import run_error
from graphwire_server.engine.request import (
    graph_config,
    graph_context,
    graph_input,
    private_names,
    resumes_with_null,
)
from graphwire_server.engine.states import answered, stopped, with_checkpointer
from graphwire_server.engine.writer import CONFIG_KEY, NamingRuntime

_log = logging.getLogger("graphwire.engine")

_SLICE = 0.002
"""For how many seconds events of one run may be appended before others get the loop: a burst that LangGraph has queued arrives without a
single suspension, and would hold back every stream, its own readers' included.
"""
_LOOK_EVERY = 32
_MODES = {"messages-tuple": "messages"}
_HIDDEN_TAG = "langsmith:hidden"


class GraphExecutor:
    """Executes runs (port `Executor`).

    Args:
        catalogue: The graphs.
        checkpointer: Keeps the checkpoints of threads.
        last_checkpoint_id: The latest checkpoint of a thread's root graph, without reading its state.
        ephemeral: Makes a checkpointer for one stateless run, which nothing outlives.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        checkpointer: BaseCheckpointSaver[Any],
        last_checkpoint_id: Callable[[str], str | None],
        ephemeral: Callable[[], BaseCheckpointSaver[Any]],
    ) -> None:
        self._catalogue = catalogue
        self._checkpointer = checkpointer
        self._last_checkpoint_id = last_checkpoint_id
        self._ephemeral = ephemeral
        self._needs_saver: WeakKeyDictionary[Pregel[Any, Any, Any, Any], bool] = WeakKeyDictionary()

    async def execute(self, run: Run, append: Append) -> Outcome:
        """Runs the graph to its end (port `Executor`)."""
        config = graph_config(run)
        try:
            async with self._catalogue.open(run.graph_id, config) as opened:
                graph = with_checkpointer(opened, self._saver(run, opened))
                chunks = Chunks(
                    append, _hidden(run), whole_messages=_whole_messages(run), private=private_names(run.spec)
                )
                await self._stream(graph, run, config, chunks)
                return await self._outcome(graph, run, chunks)
        except Exception as error:  # noqa: BLE001  whatever a graph raises is its outcome
            _log.info("graph failed", exc_info=error, extra={"run_id": run.run_id, "graph_id": run.graph_id})
            failure = run_error(error)
            append((), Error(error=failure), ENVELOPE + len(failure.message))
            return Outcome(status=RunStatus.ERROR, error=failure, checkpoint_id=self._last_checkpoint(run))

    async def stopped_at(self, run: Run) -> Outcome:
        """What a run that was cut short has left (port `Executor`)."""
        if run.stateless:
            return Outcome(status=RunStatus.INTERRUPTED)
        async with self._catalogue.open(run.graph_id, graph_config(run)) as opened:
            graph = with_checkpointer(opened, self._checkpointer)
            return await stopped(graph, run.thread_id, RunStatus.INTERRUPTED)

    async def _stream(
        self, graph: Pregel[Any, Any, Any, Any], run: Run, config: RunnableConfig, chunks: Chunks
    ) -> None:
        if "custom" in run.spec.stream_modes:
            config["configurable"][CONFIG_KEY] = NamingRuntime(store=graph.store)
        given = await answered(graph, run) if resumes_with_null(run.spec) else graph_input(run.spec)
        follow = _events if "events" in run.spec.stream_modes else _plain
        await follow(graph, run, given, config, chunks)

    async def _outcome(self, graph: Pregel[Any, Any, Any, Any], run: Run, chunks: Chunks) -> Outcome:
        kept = run.stateless or (chunks.interrupted and chunks.values is not None)
        values = dumps(plain_values(chunks.values)) if kept else None
        if chunks.interrupted and isinstance(graph.checkpointer, BaseCheckpointSaver):
            return await stopped(graph, run.thread_id, RunStatus.SUCCESS, values)
        if chunks.interrupted:
            return Outcome(status=RunStatus.SUCCESS, interrupts=chunks.interrupts, values=values)
        return Outcome(status=RunStatus.SUCCESS, checkpoint_id=self._last_checkpoint(run), values=values)

    def _saver(self, run: Run, graph: Pregel[Any, Any, Any, Any]) -> BaseCheckpointSaver[Any] | None:
        """The checkpointer of a run. Nothing outlives a stateless run, so it has one of its own only where checkpoints are seen while it runs:
        when they are streamed, when it is to stop at nodes, when subgraphs remember from call to call. Without, it takes a third less time.
        """
        if not run.stateless:
            return self._checkpointer
        spec = run.spec
        seen = spec.interrupt_before or spec.interrupt_after or not _asked(run).isdisjoint({"checkpoints", "debug"})
        return self._ephemeral() if seen or self._stops_or_remembers(graph) else None

    def _stops_or_remembers(self, graph: Pregel[Any, Any, Any, Any]) -> bool:
        """Whether the graph was compiled to stop at nodes, or has a subgraph with a memory of its own. Found out once for each graph."""
        known = self._needs_saver.get(graph)
        if known is None:
            nested = (
                getattr(subgraph, "checkpointer", None) is True for _, subgraph in graph.get_subgraphs(recurse=True)
            )
            known = bool(graph.interrupt_before_nodes or graph.interrupt_after_nodes or any(nested))
            self._needs_saver[graph] = known
        return known

    def _last_checkpoint(self, run: Run) -> str:
        if run.stateless:
            return ""
        return self._last_checkpoint_id(run.thread_id) or ""


def _asked(run: Run) -> frozenset[str]:
    return frozenset(_MODES.get(mode, mode) for mode in run.spec.stream_modes) - {"events"}


def _hidden(run: Run) -> frozenset[str]:
    """Modes that are streamed for the server: updates say that a run was interrupted, values are what it leaves to whoever waits for it.

    A checkpoint would not do: a stateless run has none, and that of a run that stopped lacks what the finished nodes of its last superstep wrote.
    """
    needed = {"updates", "values"} if run.spec.keep_output else {"updates"}
    return frozenset(needed) - _asked(run)


def _whole_messages(run: Run) -> bool:
    """Whether messages are streamed as they grow; where both forms are asked for, the pieces alone are (wire facts 16 and 17)."""
    return "messages" in run.spec.stream_modes and "messages-tuple" not in run.spec.stream_modes


def _arguments(graph: Pregel[Any, Any, Any, Any], run: Run) -> dict[str, Any]:
    spec = run.spec
    made: dict[str, Any] = {
        "context": graph_context(graph, spec),
        "stream_mode": sorted(_asked(run) | _hidden(run)),
        "subgraphs": spec.stream_subgraphs,
    }
    if graph.checkpointer is not None:
        made["durability"] = _durability(run)
    for name, nodes in (("interrupt_before", spec.interrupt_before), ("interrupt_after", spec.interrupt_after)):
        if nodes:
            made[name] = "*" if "*" in nodes else list(nodes)
    return made


def _durability(run: Run) -> str:
    """A stateless run's checkpoints serve its own interrupts and subgraphs alone, so they are written once, at its end; unless they are
    watched, since checkpoints that are not written have no parents.
    """
    if run.spec.durability is None and run.stateless and _asked(run).isdisjoint({"checkpoints", "debug"}):
        return "exit"
    return run.spec.durability or "async"


class _Pace:
    """Tells a burst when to let others have the loop. A call is cheaper than one more generator around each chunk."""

    __slots__ = ("_resumed", "_seen")

    def __init__(self) -> None:
        self._seen = 0
        self._resumed = time.monotonic()

    def due(self) -> bool:
        """Whether the time is up; asked once for each chunk."""
        self._seen += 1
        return self._seen % _LOOK_EVERY == 0 and time.monotonic() - self._resumed > _SLICE

    async def rest(self) -> None:
        """Lets others have the loop."""
        await asyncio.sleep(0)
        self._resumed = time.monotonic()


async def _plain(
    graph: Pregel[Any, Any, Any, Any], run: Run, given: Any, config: RunnableConfig, chunks: Chunks
) -> None:
    add, pace, nested = chunks.add, _Pace(), run.spec.stream_subgraphs
    made = graph.astream(given, config, **_arguments(graph, run))
    async with aclosing(cast("AsyncGenerator[Any, None]", made)) as stream:
        async for chunk in stream:
            if nested:
                add(*chunk)
            else:
                add((), *chunk)
            if pace.due():
                await pace.rest()


async def _events(
    graph: Pregel[Any, Any, Any, Any], run: Run, given: Any, config: RunnableConfig, chunks: Chunks
) -> None:
    """The run by its callback events. The root graph's own stream events carry the chunks of the other modes (wire fact 19)."""
    pace = _Pace()
    made = graph.astream_events(given, config, version="v2", **_arguments(graph, run))
    async with aclosing(cast("AsyncGenerator[Any, None]", made)) as stream:
        async for event in stream:
            if event["event"] == "on_chain_stream" and event["run_id"] == run.run_id:
                *namespace, mode, data = event["data"]["chunk"]
                chunks.add(tuple(namespace[0]) if namespace else (), mode, data)
            elif _HIDDEN_TAG not in (event.get("tags") or ()):
                chunks.add_callback(event)
            if pace.due():
                await pace.rest()
