"""An executor whose graphs run on loops of their own, on one small graph."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from langgraph.config import get_stream_writer

from graphwire_server.core.model import GraphInfo
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.execution import Savers
from graphwire_server.engine.factory import Factory, Graph
from graphwire_server.engine.isolation import IsolatedExecutor, IsolatedStates, opened_there
from graphwire_server.engine.loops import GraphLoops
from graphwire_server.engine.threads import NodeThreads, start
from graphwire_server.storage.memory.saver import MemorySaver
from tests.unit.engine.graphs import Bench, State


@contextmanager
def unwatched(name: str, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    yield


class Apart(Bench):
    """A bench whose graph runs on loops of its own."""

    def isolate(self, loops: GraphLoops, pool: NodeThreads) -> None:
        """Executes on these loops from now on."""
        catalogue = Catalogue([(GraphInfo(graph_id="agent"), self.graph)]).opening(opened_there(loops))
        savers = Savers(
            of_run=lambda _: self.saver, last_checkpoint_id=self.saver.last_checkpoint_id, ephemeral=MemorySaver
        )
        self.catalogue = catalogue
        self.executor = IsolatedExecutor(catalogue, savers, pool.lingering, loops)
        self.states = IsolatedStates(catalogue, self.saver, loops)


@asynccontextmanager
async def apart(graph: Graph | Factory, per_graph: int = 1) -> AsyncIterator[Apart]:
    """A bench for a graph on loops of its own, which end with the block."""
    pool = start(4)
    async with GraphLoops(pool, per_graph, unwatched) as loops:
        bench = Apart(graph)
        bench.isolate(loops, pool)
        yield bench
    pool.shutdown(wait=True)


@dataclass
class Blocking:
    """A node that blocks its event loop until the test lets it go on."""

    def __post_init__(self) -> None:
        self.reached, self.release = threading.Event(), threading.Event()
        self.after: list[str] = []

    async def block(self, state: State) -> State:
        self.reached.set()
        assert self.release.wait(10)
        get_stream_writer()({"goes": "on"})
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.after.append("cancelled")
            raise
        self.after.append("went on")
        return {"seen": ["blocked"]}

    async def blocks(self) -> None:
        """Waits until it does."""
        await asyncio.to_thread(self.reached.wait, 5)
