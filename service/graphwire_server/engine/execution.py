"""Executes one run through LangGraph's own streaming.

Owns how a run is streamed, and what its outcome is. It appends and never reads; it decides nothing about what becomes of the run.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, cast
from weakref import WeakKeyDictionary

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.pregel import Pregel

from graphwire_server.core.events import Error
from graphwire_server.core.model import Outcome, Run, RunStatus
from graphwire_server.core.ports import Append, Room
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.chunks import ENVELOPE, Chunks, plain_values
from graphwire_server.engine.encoding import dumps
from graphwire_server.engine.failures import run_error
from graphwire_server.engine.request import (
    given_context,
    graph_config,
    graph_context,
    graph_input,
    private_names,
    resumes_with_null,
)
from graphwire_server.engine.resuming import stops_here
from graphwire_server.engine.states import answered, stopped, with_checkpointer
from graphwire_server.engine.tap import MODES as TAPPED
from graphwire_server.engine.tap import Tap
from graphwire_server.engine.threads import RUN
from graphwire_server.engine.writer import CONFIG_KEY, NamingRuntime

_log = logging.getLogger("graphwire.engine")

_SLICE = 0.002
"""For how many seconds events of one run may be appended before others get the loop: a burst that LangGraph has queued arrives without a
single suspension, and would hold back every stream, its own readers' included.
"""
_LOOK_EVERY = 32
_MODES = {"messages-tuple": "messages"}
_HIDDEN_TAG = "langsmith:hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Savers:
    """Where the checkpoints of runs go.

    Attributes:
        of_run: The checkpointer of a run on a thread: what is written through it after the run has ended is refused.
        last_checkpoint_id: The latest checkpoint of a thread's root graph, without reading its state.
        ephemeral: Makes a checkpointer for one stateless run, which nothing outlives.
    """

    of_run: Callable[[Run], BaseCheckpointSaver[Any]]
    last_checkpoint_id: Callable[[str], str | None]
    ephemeral: Callable[[], BaseCheckpointSaver[Any]]


class GraphExecutor:
    """Executes runs (port `Executor`).

    Args:
        catalogue: The graphs.
        savers: Where checkpoints go.
        lingering: The synchronous nodes of a run that execute in threads at this moment, by its id.
    """

    def __init__(
        self, catalogue: Catalogue, savers: Savers, lingering: Callable[[str], tuple[str, ...]] = lambda _: ()
    ) -> None:
        self._catalogue = catalogue
        self._savers = savers
        self._lingering = lingering
        self._needs_saver: WeakKeyDictionary[Pregel[Any, Any, Any, Any], bool] = WeakKeyDictionary()

    async def execute(self, run: Run, append: Append, *, goes_on: bool = False, room: Room | None = None) -> Outcome:
        """Runs the graph to its end (port `Executor`)."""
        RUN.set(run.run_id)
        config = graph_config(run, goes_on=goes_on)
        try:
            async with self._catalogue.open(run.graph_id, config, context=given_context(run.spec)) as opened:
                graph = with_checkpointer(opened, self._saver(run, opened))
                if goes_on and await stops_here(graph, run):
                    return await stopped(graph, run.thread_id, RunStatus.SUCCESS)
                chunks = Chunks(
                    append, _hidden(run), whole_messages=_whole_messages(run), private=private_names(run.spec)
                )
                given = None if goes_on else await self._given(graph, run)
                await self._stream(graph, run, given, config, chunks, _Pace(room))
                return await self._outcome(graph, run, chunks)
        except Exception as error:  # noqa: BLE001  whatever a graph raises is its outcome
            _log.info("graph failed", exc_info=error, extra={"run_id": run.run_id, "graph_id": run.graph_id})
            failure = run_error(error)
            append((), Error(error=failure), ENVELOPE + len(failure.message))
            return Outcome(status=RunStatus.ERROR, error=failure, checkpoint_id=self._last_checkpoint(run))

    async def has_begun(self, run: Run) -> bool:
        """Whether an earlier attempt has left a checkpoint to go on from (port `Executor`)."""
        if run.stateless:
            return False
        config: RunnableConfig = {"configurable": {"thread_id": run.thread_id, "checkpoint_ns": ""}}
        latest = await self._savers.of_run(run).aget_tuple(config)
        return latest is not None and latest.metadata.get("run_id") == run.run_id

    async def stopped_at(self, run: Run) -> Outcome:
        """What a run that was cut short has left (port `Executor`)."""
        lingering = self._lingering(run.run_id)
        if run.stateless:
            return Outcome(status=RunStatus.INTERRUPTED, lingering=lingering)
        async with self._catalogue.open(run.graph_id, graph_config(run), context=given_context(run.spec)) as opened:
            graph = with_checkpointer(opened, self._savers.of_run(run))
            left = await stopped(graph, run.thread_id, RunStatus.INTERRUPTED)
        return replace(left, lingering=lingering)

    async def _stream(
        self,
        graph: Pregel[Any, Any, Any, Any],
        run: Run,
        given: Any,
        config: RunnableConfig,
        chunks: Chunks,
        pace: "_Pace",
    ) -> None:
        modes = _asked(run) | _hidden(run)
        if _taps(graph, run):
            with Tap(chunks.add) as tap:
                tap.into(config, graph, modes & TAPPED)
                return await _plain(graph, given, config, _arguments(graph, run, modes - TAPPED), chunks, pace)
        if "custom" in modes:
            config["configurable"][CONFIG_KEY] = NamingRuntime(store=graph.store)
        follow = _events if "events" in run.spec.stream_modes else _plain
        return await follow(graph, given, config, _arguments(graph, run, modes), chunks, pace)

    async def _given(self, graph: Pregel[Any, Any, Any, Any], run: Run) -> Any:
        return await answered(graph, run) if resumes_with_null(run.spec) else graph_input(run.spec)

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
            return self._savers.of_run(run)
        spec = run.spec
        seen = spec.interrupt_before or spec.interrupt_after or not _asked(run).isdisjoint({"checkpoints", "debug"})
        return self._savers.ephemeral() if seen or self._stops_or_remembers(graph) else None

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
        return self._savers.last_checkpoint_id(run.thread_id) or ""


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


def _taps(graph: Pregel[Any, Any, Any, Any], run: Run) -> bool:
    """Whether what nodes stream may go the short way: where only the root graph streams, it runs here and from its root, and nobody asks for its callback events,
    which carry the chunks of all modes.
    """
    spec = run.spec
    inside = spec.checkpoint is not None and spec.checkpoint.checkpoint_ns
    return isinstance(graph, Pregel) and not spec.stream_subgraphs and not inside and "events" not in spec.stream_modes


def _arguments(graph: Pregel[Any, Any, Any, Any], run: Run, modes: frozenset[str]) -> dict[str, Any]:
    spec = run.spec
    made: dict[str, Any] = {
        "context": graph_context(graph, spec),
        "stream_mode": sorted(modes),
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

    __slots__ = ("_resumed", "_room", "_seen")

    def __init__(self, room: Room | None) -> None:
        self._room = room
        self._seen = 0
        self._resumed = time.monotonic()

    def due(self) -> bool:
        """Whether the time is up, or there is no room; asked once for each chunk."""
        if self._room is not None and self._room.full:
            return True
        self._seen += 1
        return self._seen % _LOOK_EVERY == 0 and time.monotonic() - self._resumed > _SLICE

    async def rest(self) -> None:
        """Lets others have the loop, and waits for room."""
        await asyncio.sleep(0)
        if self._room is not None:
            await self._room.wait()
        self._resumed = time.monotonic()


async def _plain(
    graph: Pregel[Any, Any, Any, Any],
    given: Any,
    config: RunnableConfig,
    arguments: dict[str, Any],
    chunks: Chunks,
    pace: _Pace,
) -> None:
    add, nested = chunks.add, arguments["subgraphs"]
    made = graph.astream(given, config, **arguments)
    async with aclosing(cast("AsyncGenerator[Any, None]", made)) as stream:
        async for chunk in stream:
            if nested:
                add(*chunk)
            else:
                add((), *chunk)
            if pace.due():
                await pace.rest()


async def _events(
    graph: Pregel[Any, Any, Any, Any],
    given: Any,
    config: RunnableConfig,
    arguments: dict[str, Any],
    chunks: Chunks,
    pace: _Pace,
) -> None:
    """The run by its callback events. The root graph's own stream events carry the chunks of the other modes (wire fact 19)."""
    run_id = str(config["run_id"])
    made = graph.astream_events(given, config, version="v2", **arguments)
    async with aclosing(cast("AsyncGenerator[Any, None]", made)) as stream:
        async for event in stream:
            if event["event"] == "on_chain_stream" and event["run_id"] == run_id:
                *namespace, mode, data = event["data"]["chunk"]
                chunks.add(tuple(namespace[0]) if namespace else (), mode, data)
            elif _HIDDEN_TAG not in (event.get("tags") or ()):
                chunks.add_callback(event)
            if pace.due():
                await pace.rest()
