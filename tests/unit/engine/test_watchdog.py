"""Blocked loops: who is named, once, and what is no blocking."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from graphwire_server.engine import watchdog as module
from graphwire_server.engine.watchdog import SERVER, LostTime, Watchdog

BOUND = timedelta(seconds=0.2)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, "graphwire.watchdog"):
        yield caplog


def fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: vars(record)[name] for name in ("loop", "seconds", "node", "run_id", "at") if name in vars(record)}


WIDE = timedelta(seconds=0.6)
"""A bound for what is not told of: a machine that does other things too may keep a loop from its processor for a while."""


def block(log: pytest.LogCaptureFixture, least: float = 0.0) -> None:
    """Blocks the caller's loop until that was told, and for some time at least."""
    begun = time.monotonic()
    while not log.records and time.monotonic() - begun < 15:
        time.sleep(0.01)
    time.sleep(max(0.0, begun + least - time.monotonic()))


async def until(true: Any) -> None:
    async with asyncio.timeout(15):
        while not true():  # noqa: ASYNC110  another thread writes the log
            await asyncio.sleep(0.01)


async def test_a_loop_that_is_blocked_is_told_of_once_and_when_it_turns_again(log: pytest.LogCaptureFixture) -> None:
    with Watchdog(BOUND) as watchdog, watchdog.watching(SERVER, asyncio.get_running_loop()):
        await asyncio.sleep(0.1)
        block(log, 1.0)
        await until(lambda: len(log.records) == 2)

    blocked, again = log.records
    assert "--isolate-graphs" in blocked.message
    assert fields(blocked)["loop"] == fields(again)["loop"] == SERVER
    assert BOUND.total_seconds() <= fields(blocked)["seconds"] <= fields(again)["seconds"]
    assert "test_watchdog.py:" in fields(blocked)["at"]


async def test_a_loop_that_is_busy_but_turns_is_not_told_of(log: pytest.LogCaptureFixture) -> None:
    with Watchdog(WIDE) as watchdog, watchdog.watching(SERVER, asyncio.get_running_loop()):
        ends = time.monotonic() + 1.5
        while time.monotonic() < ends:  # noqa: ASYNC110  nothing is waited for
            await asyncio.sleep(0)

    assert not log.records


async def test_a_loop_that_has_ended_is_not_told_of(log: pytest.LogCaptureFixture) -> None:
    with Watchdog(BOUND) as watchdog:
        with watchdog.watching("a", asyncio.get_running_loop()):
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)

    assert not log.records


async def test_the_loop_of_a_graph_gets_other_advice(log: pytest.LogCaptureFixture) -> None:
    with Watchdog(BOUND) as watchdog, watchdog.watching("agent", asyncio.get_running_loop()):
        await asyncio.sleep(0.1)
        block(log)
        await until(lambda: log.records)

    assert "--isolate-graphs" not in log.records[0].message
    assert fields(log.records[0])["loop"] == "agent"


async def test_without_a_bound_nothing_watches(log: pytest.LogCaptureFixture) -> None:
    with Watchdog(timedelta(0)) as watchdog, watchdog.watching(SERVER, asyncio.get_running_loop()):
        names = {thread.name for thread in threading.enumerate()}
        time.sleep(0.5)  # noqa: ASYNC251  see above

    assert "graphwire-watchdog" not in names
    assert not log.records


class Clocks:
    """The two clocks of a process, moved by hand."""

    def __init__(self) -> None:
        self.seen = self.worked = 0.0

    def monotonic(self) -> float:
        return self.seen

    def process_time(self) -> float:
        return self.worked


@pytest.mark.parametrize(
    ("slept", "worked", "lost"),
    [(0.25, 0.0, 0.0), (10.0, 0.0, 9.75), (10.0, 9.75, 0.0), (10.0, 4.0, 5.75), (0.2, 0.2, 0.0)],
)
def test_time_is_lost_in_which_nobody_worked(
    monkeypatch: pytest.MonkeyPatch, slept: float, worked: float, lost: float
) -> None:
    clocks = Clocks()
    monkeypatch.setattr(module, "time", clocks)
    time_lost = LostTime()
    clocks.seen, clocks.worked = slept, worked

    time_lost.woken(0.25)

    assert time_lost.seconds == pytest.approx(lost)


async def test_time_that_was_lost_is_no_blocking(log: pytest.LogCaptureFixture) -> None:
    with Watchdog(BOUND) as watchdog, watchdog.watching(SERVER, asyncio.get_running_loop()):
        await asyncio.sleep(0.1)
        watchdog._lost.seconds += 100.0
        time.sleep(0.5)  # noqa: ASYNC251  the process did not live meanwhile
        await asyncio.sleep(0.1)

    assert not log.records
