"""Readers that join one run: events delivered to many, what one more costs, and what an idle one holds.

Owns those measures, and the curve over the number of joiners. They ask for the server's CPU and memory, so they are those of ours alone.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from bench.face import Face
from bench.grpc_face import GrpcFace
from bench.loads import events
from bench.reader import Read, attach, crowd
from bench.rows import DELIVERED_EVENTS, FAST_JOINERS, IDLE_JOINERS, SEVERAL_JOINERS, SHARED_EVENTS

JOIN_WITHIN = 1.5
"""Seconds that the run waits until its readers have joined."""
READER_PROCESSES = 2
_BUSY = 0.9


async def delivered(face: Face) -> float:
    """Events a second that arrive at many readers of one run, all together.

    Says so on standard error where the processes of the readers were as good as always running: then it is they who are measured.
    """
    found = await _read(face, DELIVERED_EVENTS, FAST_JOINERS, READER_PROCESSES)
    _whole(found, DELIVERED_EVENTS * FAST_JOINERS)
    if max(read.cpu for read in found) > _BUSY:
        print(
            f"the readers bound it: their processes ran {max(read.cpu for read in found):.0%} of the time",
            file=sys.stderr,
        )
    begun, ended = min(read.begun for read in found), max(read.ended for read in found)
    return sum(read.events for read in found) / (ended - begun)


async def one_more(face: Face) -> float:
    """CPU of the server for an event delivered to one more joiner, over that to the first; the run's own cost is in neither."""
    alone, first, several = [await cpu_of(face, count) for count in (0, 1, SEVERAL_JOINERS)]
    return (several - first) / (SEVERAL_JOINERS - 1) / (first - alone)


async def cpu_of(face: Face, joiners: int) -> float:
    """Seconds of the server's CPU for a run of SHARED_EVENTS events that so many readers follow."""
    assert isinstance(face, GrpcFace)  # noqa: S101  rows.py asks for no other
    target = face.target
    line = await face.line()
    before = target.cpu()
    if joiners == 0:
        await line.wait(await line.start(events(SHARED_EVENTS)))
    else:
        _whole(await _read(face, SHARED_EVENTS, joiners, 1), SHARED_EVENTS * joiners)
    return target.cpu() - before


async def _read(face: Face, count: int, joiners: int, processes: int) -> list[Read]:
    """What readers in so many processes get of a run."""
    async with AsyncExitStack() as stack:
        crowds = [
            await stack.enter_async_context(crowd(face.target.address, joiners // processes)) for _ in range(processes)
        ]
        started = await (await face.line()).start(events(count, delay=JOIN_WITHIN))
        await asyncio.gather(*(each.join(started.run_id) for each in crowds))
        return [await each.read() for each in crowds]


def _whole(found: list[Read], least: int) -> None:
    """Raises RuntimeError where readers came too late for a measure."""
    got = sum(read.events for read in found)
    if got < least:
        raise RuntimeError(f"{got} events were delivered, fewer than {least}: readers joined too late")


async def idle(face: Face) -> float:
    """KiB of memory that each idle reader adds to the server, its part of a connection of a hundred among it."""
    assert isinstance(face, GrpcFace)  # noqa: S101  rows.py asks for no other
    started = await (await face.line()).start(events(0, delay=3600))
    before = face.target.memory()
    connections, _ = await attach(face.target.address, started.run_id, IDLE_JOINERS, lambda: bytes.__len__)
    more = face.target.memory() - before
    for connection in connections:
        await connection.aclose()
    return more * 1024 / IDLE_JOINERS
