"""Where a reader starts that needs whole runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from graphwire_server.core.errors import CursorExpired
from graphwire_server.core.events import Event, Values
from graphwire_server.core.follow import Reading
from graphwire_server.core.lull import Lull
from graphwire_server.core.model import Run, RunSpec, RunStatus
from graphwire_server.core.rewind import earliest, start_of_run
from graphwire_server.storage.memory.log import MemoryThreadLog

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run(first_seq: int, last_seq: int = 0) -> Run:
    status = RunStatus.SUCCESS if last_seq else RunStatus.RUNNING
    return Run(
        run_id=f"r{first_seq}",
        thread_id="t",
        assistant_id="a",
        graph_id="g",
        status=status,
        created_at=NOW,
        updated_at=NOW,
        spec=RunSpec(assistant="a", thread_id="t"),
        first_seq=first_seq,
        last_seq=last_seq,
    )


@dataclass
class Kept:
    """Events that are kept: numbers from one to another, each included."""

    spans: Sequence[tuple[int, int]]

    async def __call__(self, after_seq: int, max_bytes: int) -> Sequence[Event]:
        seq = after_seq + 1
        held = any(first <= seq <= last for first, last in self.spans)
        return [Event(seq, "r", "t", 0.0, (), Values(state=b""), 1)] if held else []


def reading(newest: int, in_memory: int, *kept: tuple[int, int]) -> Reading:
    """A thread with so many events, of which the last are in memory."""
    log = MemoryThreadLog("t", newest - in_memory, 1 << 20, lambda: 0.0, Lull(0))
    for _ in range(in_memory):
        log.append("r", (), Values(state=b""), 1)
    return Reading(log, Kept(kept))


@pytest.mark.parametrize(
    ("given", "runs", "start"),
    [
        (reading(0, 0), [], 0),
        (reading(9, 9), [run(1, 9)], 0),
        (reading(9, 0), [run(1, 9)], 9),
        (reading(9, 0, (1, 9)), [run(1, 9)], 0),
        (reading(9, 2, (4, 9)), [run(4), run(1, 3)], 3),
        (reading(9, 0, (1, 3), (6, 9)), [run(6, 9), run(4, 5), run(1, 3)], 5),
        (reading(9, 0, (5, 9)), [run(1, 9)], 4),
    ],
    ids=["nothing", "memory", "nothing held", "kept", "both", "a gap", "the newest part of a run"],
)
async def test_all_that_can_be_read(given: Reading, runs: Sequence[Run], start: int) -> None:
    assert await earliest(given, runs) == start


@pytest.mark.parametrize(
    ("cursor", "start"),
    [(0, 0), (1, 0), (3, 0), (4, 4), (5, 4), (9, 4)],
    ids=["before all", "in the first", "near its end", "between", "in the second", "at the newest"],
)
async def test_the_run_that_goes_on_behind_a_cursor(cursor: int, start: int) -> None:
    assert await start_of_run(reading(9, 9), [run(5), run(1, 4)], cursor) == start


async def test_a_run_whose_start_is_gone() -> None:
    with pytest.raises(CursorExpired):
        await start_of_run(reading(9, 3), [run(5)], 8)


async def test_a_cursor_that_is_gone() -> None:
    with pytest.raises(CursorExpired):
        await start_of_run(reading(9, 3), [], 2)


async def test_a_cursor_at_the_end_needs_nothing_of_what_was() -> None:
    assert await start_of_run(reading(9, 0), [run(1, 9)], 9) == 9
