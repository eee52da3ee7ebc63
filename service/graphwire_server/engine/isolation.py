"""Executes runs on loops of their graphs, so that a node that blocks its loop stalls no stream, no heartbeat, no probe of health.

Owns what happens where: a graph, its factory, its nodes and the functions of its edges on the graph's loop; the log, the database and all that decides at home, on
the server's. The invariant: a run that was given up because its loop does not turn delivers nothing more; what it would still write, the checkpointer
refuses, since the run has ended.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from graphwire_server.core.model import CheckpointRef, JsonValue, Outcome, Run, RunStatus, StateUpdate
from graphwire_server.core.ports import Append, Room
from graphwire_server.engine.catalogue import Catalogue, Opening
from graphwire_server.engine.crossing import Crossing
from graphwire_server.engine.execution import GraphExecutor, Savers
from graphwire_server.engine.factory import Graph
from graphwire_server.engine.loops import Errand, GraphLoop, GraphLoops, at_home, tell
from graphwire_server.engine.states import GraphStates


class IsolatedExecutor:
    """Executes runs on loops of their graphs (port `Executor`).

    What an earlier attempt has left is read at home: that is the checkpointer's matter and no code of the graph's, and it must be possible while a node blocks the
    graph's loop.

    Args:
        catalogue: The graphs.
        savers: Where checkpoints go. `of_run` and `ephemeral` are called on graphs' loops, `last_checkpoint_id` at home.
        lingering: The synchronous nodes of a run that execute in threads at this moment, by its id.
        loops: The loops.
    """

    def __init__(
        self, catalogue: Catalogue, savers: Savers, lingering: Callable[[str], tuple[str, ...]], loops: GraphLoops
    ) -> None:
        self._catalogue = catalogue
        self._last_checkpoint_id = savers.last_checkpoint_id
        self._loops = loops
        self._in_threads = lingering
        self._left_behind: dict[str, str] = {}
        # Which checkpoint is the last one is asked at home, when the graph has ended.
        self._there = GraphExecutor(catalogue, replace(savers, last_checkpoint_id=lambda _: None))
        self._here = GraphExecutor(catalogue, savers, self._lingering)

    async def execute(self, run: Run, append: Append, *, goes_on: bool = False, room: Room | None = None) -> Outcome:
        """Runs the graph to its end, on a loop of its own (port `Executor`).

        Cancelling it stops the graph at its next await. Where a node blocks the loop, it raises CancelledError after a tenth of a second all the same; the node
        lingers then.
        """
        loop, crossing = self._loops.of(run.graph_id), Crossing(append, room)
        errand = Errand(
            loop,
            self._there.execute(run, crossing.put, goes_on=goes_on, room=crossing),
            left=lambda: self._leave(run, loop),
            ended=lambda: self._left_behind.pop(run.run_id, None),
        )
        try:
            outcome = await errand.result()
            await crossing.delivered()
        finally:
            crossing.close()
        if run.stateless or outcome.checkpoint_id:
            return outcome
        return replace(outcome, checkpoint_id=self._last_checkpoint_id(run.thread_id) or "")

    async def has_begun(self, run: Run) -> bool:
        """Whether an earlier attempt has left a checkpoint to go on from (port `Executor`)."""
        return await self._here.has_begun(run)

    async def stopped_at(self, run: Run) -> Outcome:
        """What a run that was cut short has left (port `Executor`). A factory whose loop a node blocks is not waited for: what it would say is left out."""
        if run.run_id not in self._left_behind or not self._catalogue.makes(run.graph_id):
            return await self._here.stopped_at(run)
        last = "" if run.stateless else self._last_checkpoint_id(run.thread_id) or ""
        return Outcome(status=RunStatus.INTERRUPTED, checkpoint_id=last, lingering=self._lingering(run.run_id))

    def _leave(self, run: Run, loop: GraphLoop) -> None:
        """Notes which node of a run blocks its loop; none where another run's does, since then this one stops as soon as the loop turns."""
        found = loop.standing()
        self._left_behind[run.run_id] = found.node if found.run_id == run.run_id else ""

    def _lingering(self, run_id: str) -> tuple[str, ...]:
        nodes = {*self._in_threads(run_id), self._left_behind.get(run_id, "")}
        return tuple(sorted(nodes - {""}))


class IsolatedStates(GraphStates):
    """The states of threads (port `States`), where changes run the graph's code (reducers, functions of edges) on its loop. Reading runs at home.

    Args:
        catalogue: The graphs.
        checkpointer: Keeps the checkpoints.
        loops: The loops.
    """

    def __init__(self, catalogue: Catalogue, checkpointer: BaseCheckpointSaver[str], loops: GraphLoops) -> None:
        super().__init__(catalogue, checkpointer)
        self._loops = loops

    async def update(
        self, graph_id: str, thread_id: str, at: CheckpointRef, values: JsonValue, as_node: str | None
    ) -> CheckpointRef:
        """Writes a change as if a node had returned it (port `States`)."""
        return await self._loops.do(graph_id, super().update(graph_id, thread_id, at, values, as_node))

    async def bulk_update(
        self, graph_id: str, thread_id: str, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> CheckpointRef:
        """Writes several supersteps, as if nodes had returned their changes (port `States`)."""
        return await self._loops.do(graph_id, super().bulk_update(graph_id, thread_id, supersteps))


def opened_there(loops: GraphLoops) -> Opening:
    """How a factory's graph is opened for somebody at home: on a loop of the graph, since what a factory makes, or has made before, belongs to that."""

    def opened(graph_id: str, use: AbstractAsyncContextManager[Graph]) -> AbstractAsyncContextManager[Graph]:
        return _held(loops.of(graph_id), use) if loops.here else use

    return opened


@asynccontextmanager
async def _held(loop: GraphLoop, use: AbstractAsyncContextManager[Graph]) -> AsyncIterator[Graph]:
    """A factory's graph, held open on a loop of the graph while it is used at home. The factory sees the exception that ends the use."""
    home, closing = asyncio.get_running_loop(), asyncio.Event()
    opened: asyncio.Future[Graph] = home.create_future()
    fault: BaseException | None = None

    async def hold() -> None:
        async with use as graph:
            at_home(home, lambda: tell(opened, graph))
            await closing.wait()
            if fault is not None:
                raise fault

    holding = asyncio.create_task(Errand(loop, hold()).result())
    try:
        both: list[asyncio.Future[Any]] = [opened, holding]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if opened.done():
            yield opened.result()
    except BaseException as error:
        fault = error
        if not opened.done():
            holding.cancel()
        raise
    finally:
        loop.soon(closing.set)
        await _over(holding, fault)


async def _over(holding: asyncio.Task[None], fault: BaseException | None) -> None:
    """Waits until a use is over, and raises what its factory raised, unless the use itself has failed."""
    await asyncio.wait([holding])
    if fault is None:
        holding.result()
    elif not holding.cancelled():
        holding.exception()
