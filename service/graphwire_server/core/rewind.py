"""Where a reader starts that needs whole runs.

Owns the step from a cursor to the start of the run that it lies in: what a reader makes of an event may hang on those before it (a message on its
pieces, a subgraph on its first event), so it reads a run from its start, whatever of it it has seen. The invariant: what is read from there on has no gap.
"""

from collections.abc import Sequence

from graphwire_server.core.errors import CursorExpired
from graphwire_server.core.follow import Reading
from graphwire_server.core.model import Run

MOST_RUNS = 100
"""How many runs of a thread, the newest, are looked at."""


async def earliest(reading: Reading, runs: Sequence[Run]) -> int:
    """The cursor behind which all that can be read of a thread lies: what is held in memory and, before it, the runs whose events are kept.

    Args:
        reading: What can be read.
        runs: The newest runs of the thread.
    """
    start = min(reading.log.oldest_seq - 1, reading.log.newest_seq)
    starts = sorted({run.first_seq for run in runs if 0 < run.first_seq <= start}, reverse=True)
    for first in starts:
        if not await reading.holds(start - 1):
            return start
        if not await reading.holds(first - 1):
            return await reading.oldest_of_run(first - 1, start) - 1
        start = first - 1
    return start


async def start_of_run(reading: Reading, runs: Sequence[Run], after_seq: int) -> int:
    """The cursor behind which the run begins that goes on behind a cursor; the cursor itself where none does.

    Args:
        reading: What can be read.
        runs: The newest runs of the thread.
        after_seq: The cursor.

    Raises:
        CursorExpired: Events from there on are no longer held.
    """
    within = [run.first_seq for run in runs if 0 < run.first_seq <= after_seq and not 0 < run.last_seq <= after_seq]
    start = max(within) - 1 if within else after_seq
    if not await reading.holds(start):
        raise CursorExpired(after_seq, reading.log.oldest_seq, reading.log.newest_seq)
    return start
