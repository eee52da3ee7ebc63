"""Very many runs that mostly wait: how late their events come.

Owns the measure. A run emits its machine's monotonic time once a second, and the reader, on the same machine, compares. Runs start one after the other over some seconds, as users do, so
that their beats are spread over the second; only what is emitted once all of them run is counted.
"""

import asyncio
import re
import statistics
import sys
import time

from bench.face import Asked, Face, Line
from bench.rows import WAITING_RUNS

START_OVER = 10.0
"""Seconds over which the runs are started."""
SETTLE = 2.0
"""Seconds between the last start and the first event that counts."""
WINDOW = 10.0
"""Seconds in which events count."""
_PAUSE = 1.0
_LEAST = 0.9
_AT = re.compile(rb'"at": ?([0-9.]+)')


async def many(face: Face) -> float:
    """Milliseconds behind their emission at which 99 of 100 events have come.

    Prints the largest delay, and the server's CPU in that time, to standard error. Raises RuntimeError where the runs do not all emit: a server that executes only some at once.
    """
    arrivals: list[tuple[float, float]] = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_follow(await face.line(), number, arrivals)) for number in range(WAITING_RUNS)]
        await asyncio.sleep(START_OVER + SETTLE)
        begun, cpu = time.monotonic(), face.target.cpu() if face.target.pid else 0.0
        await asyncio.sleep(WINDOW)
        used = face.target.cpu() - cpu if face.target.pid else 0.0
        for task in tasks:
            task.cancel()
    delays = [came - at for came, at in arrivals if at >= begun]
    expected = WAITING_RUNS * WINDOW / _PAUSE
    if len(delays) < _LEAST * expected:
        raise RuntimeError(f"{len(delays)} events came of about {expected:.0f}")
    told = f"{len(delays)} events, the latest {max(delays) * 1e3:.0f} ms behind"
    print(f"{WAITING_RUNS} waiting runs: {told}; server CPU {used / WINDOW:.0%}", file=sys.stderr)
    return statistics.quantiles(delays, n=100)[98] * 1e3


async def _follow(line: Line, number: int, arrivals: list[tuple[float, float]]) -> None:
    """One run and its reader, started in its turn; it is cancelled when enough was seen."""
    await asyncio.sleep(number * START_OVER / WAITING_RUNS)
    beats = int((START_OVER + SETTLE + WINDOW) / _PAUSE) + 5
    asked = Asked(graph="pulse", given={"count": beats, "pause": _PAUSE}, mode="custom")

    def take(piece: bytes) -> None:
        now = time.monotonic()
        arrivals.extend((now, float(at)) for at in _AT.findall(piece))

    await line.drain(asked, take)
