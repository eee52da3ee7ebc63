"""Event loops on which graphs run, each in a thread of its own.

Owns the threads, which loop a piece of work goes to, and what becomes of loops that do not end. The server's own loop is called home here. The invariant: what
belongs to home (the log, the database, both faces) is touched at home alone, and what belongs to a graph on a loop of that graph.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, suppress
from contextvars import copy_context
from datetime import timedelta
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from graphwire_server.engine.standing import Standing, standing
from graphwire_server.engine.threads import LOOP_PREFIX, Lent, NodeThreads

_log = logging.getLogger("graphwire.engine")

PATIENCE = timedelta(milliseconds=100)
"""For how long a loop may not turn before work on it that is to stop is left behind. One that a node blocks cannot be told anything."""

_AGAIN = 5
"""How often in all it gets that time, where home is late each time."""

_LEAVE = timedelta(seconds=1)
"""How long loops may take to end when the server stops."""

_SWITCH = 0.0005
"""How long a thread may keep the interpreter while others want it, in seconds. With Python's 5 ms, a node that computes holds up each step of everything else by as
much: the first event of a run beside it came after 56 ms, with this after 14. The node computes as fast.
"""

T = TypeVar("T")

Watch = Callable[[str, asyncio.AbstractEventLoop], AbstractContextManager[None]]
"""Watches a graph's loop, from its own thread, as long as the context is open."""


class GraphLoop:
    """One loop of a graph, with its thread. Made at home.

    Args:
        graph_id: The graph.
        pool: Where its synchronous nodes run.
        watch: Watches it.

    Attributes:
        works: How many pieces of work are on it, those that were left behind too.
    """

    def __init__(self, graph_id: str, pool: NodeThreads, watch: Watch) -> None:
        self.works = 0
        self._graph_id = graph_id
        self._watch = watch
        self._home = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop = type(self._home)()  # uvloop's where home is
        self._loop.set_default_executor(Lent(pool))
        self._thread = threading.Thread(target=self._turn, name=f"{LOOP_PREFIX}{graph_id}", daemon=True)
        self._thread.start()

    def standing(self) -> Standing:
        """Where its thread stands at this moment."""
        return standing(self._thread.ident or 0)

    def soon(self, act: Callable[[], object]) -> None:
        """Does something there, in the context of the caller; from any thread. Nothing happens where the loop is closed."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act)

    async def turns(self, within: timedelta) -> bool:
        """Whether it comes to something new within a time: it does not while a node blocks it.

        Where home itself is late, the process did not live meanwhile, or home was blocked: that says nothing of this loop, and it gets its time again.
        """
        turned: asyncio.Future[None] = self._home.create_future()
        self.soon(lambda: at_home(self._home, lambda: tell(turned, None)))
        patience = within.total_seconds()
        for _ in range(_AGAIN):
            begun = self._home.time()
            await asyncio.wait([turned], timeout=patience)
            if turned.done() or self._home.time() - begun < 1.5 * patience:
                break
        return turned.done()

    async def end(self) -> None:
        """Stops it, and returns when its thread has ended. Cancelling it leaves the thread behind, which keeps no process alive."""
        self.soon(self._stop)
        await self._ended.wait()
        self._thread.join()

    def leave(self) -> None:
        """Says that it is left behind, where it has not ended."""
        if not self._ended.is_set():
            _log.warning("a graph's loop does not end; leaving it", extra={"graph_id": self._graph_id})

    def _turn(self) -> None:
        asyncio.set_event_loop(self._loop)
        with self._watch(self._graph_id, self._loop):
            while not self._stopping:
                # asyncio lets these through, so that a program ends; a node that calls sys.exit is to end its own run alone.
                with suppress(SystemExit, KeyboardInterrupt):
                    self._loop.run_forever()
            self._loop.run_until_complete(_wound_up())
        self._loop.close()
        at_home(self._home, self._ended.set)

    def _stop(self) -> None:
        self._stopping = True
        self._loop.stop()


async def _wound_up() -> None:
    """Ends the tasks that a graph has left on its loop."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=_LEAVE.total_seconds() / 2)
    await asyncio.get_running_loop().shutdown_asyncgens()


def at_home(home: asyncio.AbstractEventLoop, act: Callable[[], object]) -> None:
    """Does something at home, from any thread. Nothing happens where home is closed: nobody is there who waits for it."""
    with suppress(RuntimeError):
        home.call_soon_threadsafe(act)


def tell(waiting: "asyncio.Future[T]", result: T) -> None:
    """Gives whoever waits what it waits for, unless it has left."""
    if not waiting.done():
        waiting.set_result(result)


class Exited(Exception):
    """Work wanted to end the program, by `sys.exit` say. It has ended itself alone."""


class Errand(Generic[T]):
    """Work on a graph's loop, as whoever sent it sees it at home. It gets the sender's context.

    What is scheduled at home from over there comes in order, so whatever the work has reported is there when its end is.

    Args:
        loop: The loop.
        work: What to do there.
        left: Called when the work does not stop, since something blocks its loop; it ends some day, or never.
        ended: Called at home when the work has ended, also when it was left behind before.
    """

    def __init__(
        self,
        loop: GraphLoop,
        work: Coroutine[Any, Any, T],
        *,
        left: Callable[[], object] = lambda: None,
        ended: Callable[[], object] = lambda: None,
    ) -> None:
        self._loop = loop
        self._work = work
        self._left = left
        self._told = ended
        self._home = asyncio.get_running_loop()
        self._ended: asyncio.Future[T] = self._home.create_future()
        self._task: asyncio.Task[T] | None = None
        loop.works += 1
        context = copy_context()
        loop.soon(lambda: context.run(self._begin))

    async def result(self) -> T:
        """What comes of the work, or what it raises.

        Cancelling this cancels the work, and returns or raises what it makes of that, as if it were awaited here. Work that awaits ends at once, work that
        insists is waited for, and cancelled again as often as this is. Work whose loop does not turn is left behind.
        """
        try:
            await asyncio.wait([self._ended])
        except asyncio.CancelledError:
            if not await self._stopped():
                raise
        return self._ended.result()

    async def _stopped(self) -> bool:
        """Cancels the work until it has ended; False where it is left behind.

        The race: the loop may be free again in the very moment in which the work is given up. The cancel was sent before, and a loop does what it is sent in
        order, so the work sees it before anything that it awaits comes back. What it still reports until then is dropped by `left`.
        """
        self._cancel()
        while not self._ended.done():
            try:
                if not await self._loop.turns(PATIENCE) and not self._ended.done():
                    self._left()
                    return False
                await asyncio.wait([self._ended], timeout=PATIENCE.total_seconds())
            except asyncio.CancelledError:
                self._cancel()  # a node may have swallowed the first one, and await something else now
        return True

    def _cancel(self) -> None:
        self._loop.soon(lambda: self._task and self._task.cancel())

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work)
        self._task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[T]) -> None:
        error = None if task.cancelled() else task.exception()  # asked for here: nobody may be left to do it
        if error is not None and not isinstance(error, Exception):
            error = Exited(repr(error))
        at_home(self._home, lambda: self._end(task, error))

    def _end(self, task: asyncio.Task[T], error: BaseException | None) -> None:
        self._loop.works -= 1
        if task.cancelled():
            self._ended.cancel()
        elif error is not None:
            self._ended.set_exception(error)
            self._ended.exception()  # nobody may wait for work that was left behind
        else:
            self._ended.set_result(task.result())
        self._told()


class GraphLoops:
    """The loops of all graphs. A graph's first loop is made when it is first needed, a further one when all that it has are busy.

    Args:
        pool: Where synchronous nodes run.
        per_graph: The most loops that a graph has, at least 1. With 1, all that the graph's module holds (clients, locks, queues) is used on one loop alone.
        watch: Watches each loop.
    """

    def __init__(self, pool: NodeThreads, per_graph: int, watch: Watch) -> None:
        self._pool = pool
        self._per_graph = per_graph
        self._watch = watch
        self._loops: dict[str, list[GraphLoop]] = {}
        self._switch = 0.0
        self._home = asyncio.get_running_loop()

    async def __aenter__(self) -> Self:
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends all loops. One that a node blocks is left behind after a second; its thread keeps no process alive."""
        sys.setswitchinterval(self._switch)
        loops = [loop for loops in self._loops.values() for loop in loops]
        if not loops:
            return
        ends = [asyncio.create_task(loop.end()) for loop in loops]
        _, left = await asyncio.wait(ends, timeout=_LEAVE.total_seconds())
        for task in left:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        for loop in loops:
            loop.leave()

    @property
    def here(self) -> bool:
        """Whether the caller is at home, and not on the loop of a graph."""
        return asyncio.get_running_loop() is self._home

    def of(self, graph_id: str) -> GraphLoop:
        """The loop of a graph that has the least to do."""
        loops = self._loops.setdefault(graph_id, [])
        if len(loops) < self._per_graph and all(loop.works for loop in loops):
            loops.append(GraphLoop(graph_id, self._pool, self._watch))
        return min(loops, key=lambda loop: loop.works)

    async def do(self, graph_id: str, work: Coroutine[Any, Any, T]) -> T:
        """Does something on a loop of a graph, and returns what comes of it; see `Errand.result`."""
        return await Errand(self.of(graph_id), work).result()
