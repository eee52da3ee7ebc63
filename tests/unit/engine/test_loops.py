"""Loops of graphs: where work goes, what it sees, and how loops end."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import uvloop

from graphwire_server.engine import loops as module
from graphwire_server.engine.loops import PATIENCE, Errand, Exited, GraphLoop, GraphLoops
from graphwire_server.engine.threads import NodeThreads, start
from tests.unit.engine.isolated import unwatched

LONG = timedelta(seconds=1)
"""A patience that a machine which does other things too does not use up."""


@pytest.fixture
async def pool() -> AsyncIterator[NodeThreads]:
    made = start(2)
    yield made
    made.shutdown(wait=True)


async def where() -> int:
    return threading.get_ident()


async def test_work_of_one_graph_is_on_one_loop_and_of_another_on_another(pool: NodeThreads) -> None:
    async with GraphLoops(pool, 1, unwatched) as loops:
        first, second, other = [await loops.do(graph, where()) for graph in ("a", "a", "b")]

    assert first == second
    assert len({first, other, threading.get_ident()}) == 3


async def test_what_work_raises_and_returns_comes_back(pool: NodeThreads) -> None:
    async def fail() -> None:
        raise LookupError("over there")

    async with GraphLoops(pool, 1, unwatched) as loops:
        with pytest.raises(LookupError, match="over there"):
            await loops.do("a", fail())


async def test_work_that_wants_to_end_the_program_ends_alone(pool: NodeThreads) -> None:
    async def leave() -> None:
        sys.exit(3)

    async with GraphLoops(pool, 1, unwatched) as loops:
        with pytest.raises(Exited, match="SystemExit"):
            await loops.do("a", leave())
        assert await loops.do("a", where()) != threading.get_ident()


async def test_the_end_of_loops_leaves_the_pool(pool: NodeThreads) -> None:
    async with GraphLoops(pool, 1, unwatched) as loops:
        name = await loops.do("a", asyncio.to_thread(lambda: threading.current_thread().name))

    assert name.startswith("graphwire-node")
    assert await asyncio.to_thread(lambda: "still there") == "still there"


async def test_tasks_that_work_has_left_are_ended(pool: NodeThreads) -> None:
    left: list[asyncio.Task[bool]] = []

    async def leave() -> None:
        left.append(asyncio.create_task(asyncio.Event().wait()))

    async with GraphLoops(pool, 1, unwatched) as loops:
        await loops.do("a", leave())
        assert not left[0].done()

    assert left[0].cancelled()
    assert not [thread for thread in threading.enumerate() if thread.name == "graphwire-loop-a"]


async def test_a_loop_that_does_not_end_is_left(pool: NodeThreads, caplog: pytest.LogCaptureFixture) -> None:
    blocked, release = threading.Event(), threading.Event()

    async def block() -> None:
        blocked.set()
        release.wait(60)

    with caplog.at_level(logging.WARNING, "graphwire.engine"):
        async with GraphLoops(pool, 1, unwatched) as loops:
            work = asyncio.create_task(loops.do("a", block()))
            await asyncio.to_thread(blocked.wait, 15)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            begun = time.monotonic()
        took = time.monotonic() - begun
    thread = next(thread for thread in threading.enumerate() if thread.name == "graphwire-loop-a")
    release.set()
    await asyncio.to_thread(thread.join, 15)

    assert 0.5 < took < 15
    assert [record.message for record in caplog.records] == ["a graph's loop does not end; leaving it"]
    assert thread.daemon


async def test_work_that_was_left_behind_is_told_of_when_it_ends(pool: NodeThreads) -> None:
    blocked, release, told = threading.Event(), threading.Event(), []

    async def block() -> None:
        blocked.set()
        release.wait(60)

    async with GraphLoops(pool, 1, unwatched) as loops:
        loop, ended = loops.of("a"), asyncio.Event()
        errand = Errand(loop, block(), left=lambda: told.append("left"), ended=ended.set)
        result = asyncio.create_task(errand.result())
        await asyncio.to_thread(blocked.wait, 15)
        begun = time.monotonic()
        result.cancel()
        await asyncio.gather(result, return_exceptions=True)
        took, works = time.monotonic() - begun, loop.works
        release.set()
        await asyncio.wait_for(ended.wait(), 15)

    assert result.cancelled()
    assert told == ["left"]
    assert took >= PATIENCE.total_seconds()
    assert (works, loop.works) == (1, 0)


async def test_work_that_swallows_a_cancel_is_cancelled_again(
    pool: NodeThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", LONG)
    begun, swallowed = threading.Event(), threading.Event()

    async def insist() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.Event().wait()

    async with GraphLoops(pool, 1, unwatched) as loops:
        work = asyncio.create_task(loops.do("a", insist()))
        await asyncio.to_thread(begun.wait, 15)
        work.cancel()
        await asyncio.to_thread(swallowed.wait, 15)
        await asyncio.sleep(
            1.5 * LONG.total_seconds()
        )  # longer than a loop may not turn: it turns, so the work is waited for
        assert not work.done()
        work.cancel()
        done, _ = await asyncio.wait([work], timeout=15)

    assert done
    assert work.cancelled()


def test_loops_are_of_the_servers_kind_and_bear_the_same() -> None:
    async def leave() -> None:
        sys.exit(3)

    async def kind() -> type[asyncio.AbstractEventLoop]:
        return type(asyncio.get_running_loop())

    async def made() -> type[asyncio.AbstractEventLoop]:
        pool = start(1)
        async with GraphLoops(pool, 1, unwatched) as loops:
            with pytest.raises(Exited):
                await loops.do("a", leave())
            return await loops.do("a", kind())

    assert uvloop.run(made()) is uvloop.Loop


async def test_where_home_is_late_a_loop_gets_its_time_again(pool: NodeThreads) -> None:
    """The process was stopped, say: neither of the two could do anything."""
    free = threading.Event()

    async with GraphLoops(pool, 1, unwatched) as loops:
        loop = loops.of("a")
        loop.soon(lambda: free.wait(60))
        asking = asyncio.create_task(loop.turns(LONG))
        await asyncio.sleep(0)
        time.sleep(1.6 * LONG.total_seconds())  # noqa: ASYNC251  home is blocked
        free.set()

        assert await asking


async def test_a_new_loop_is_made_when_all_are_busy(pool: NodeThreads) -> None:
    async with GraphLoops(pool, 2, unwatched) as loops:
        release: list[GraphLoop] = []
        first = loops.of("a")
        again = loops.of("a")
        first.works += 1
        second = loops.of("a")
        second.works += 2
        release.append(loops.of("a"))

    assert again is first
    assert second is not first
    assert release == [first]
