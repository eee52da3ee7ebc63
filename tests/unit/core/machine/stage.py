"""The stage: the world, the process that is up, and time.

Owns how what a rule began goes on, and how time passes. Whatever a rule begins goes on by itself; a rule may wait until nothing is left to do, or only for some turns of
the loop, so that the next meets it in the middle. The invariant: time passes in one place, and what is due is done at its time.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from graphwire_server.core.model import Retention, Run, RunSpec
from tests.unit.core.fakes import OTHER, THREAD
from tests.unit.core.machine import judges
from tests.unit.core.machine.loop import StillLoop
from tests.unit.core.machine.process import Options, Process, State
from tests.unit.core.machine.readers import Reader
from tests.unit.core.machine.troupe import Part
from tests.unit.core.machine.world import Ticking, World

T = TypeVar("T")

UNKNOWN = "018f2d3c-0a6b-7c1e-9b1a-ffffffffffff"

TIGHT = Retention(thread_bytes=3000, ended_bytes=4000, kept_bytes=4000, ended_for=timedelta(seconds=30))
"""So little that readers may come too late, and that a store that is away for long ends a run."""

WHICH = st.integers(0, 5)

TURNS = st.sampled_from([None, None, None, 0, 1, 2, 4, 7, 12])
"""For how many turns of the loop a rule waits; None is until nothing is left to do."""


def set_to(kept: str, **fields: Any) -> Options:
    """How a server is set."""
    tight = kept == "tight"
    return Options(retention=TIGHT if tight else Retention(), tight=tight, **fields)


def options() -> st.SearchStrategy[Options]:
    """All ways to set it."""
    return st.builds(
        set_to,
        st.sampled_from(["wide", "wide", "tight"]),
        slots=st.integers(1, 3),
        grace=st.sampled_from([timedelta(0), timedelta(seconds=10)]),
        slowness=st.sampled_from([0, 0, 1, 3]),
        tick=st.sampled_from([timedelta(0), timedelta(milliseconds=1)]),
        most_losses=st.sampled_from([1, 0, 3]),
        unreadable=st.sampled_from([False, False, False, True]),
        seed=st.integers(0, 1 << 16),
    )


MOST_THREADS = 4


@dataclass(eq=False)
class Wait:
    """Somebody who waits for the end of a run.

    Attributes:
        run_id: The run.
        process: Where.
        task: Ends when they are answered.
        told: With what.
    """

    run_id: str
    process: Process
    task: asyncio.Task[Run]
    told: list[Run]


class Stage(RuleBasedStateMachine):
    """What all rules stand on."""

    fixed: ClassVar[dict[str, Any]] = {}
    """How servers are set whatever is drawn: what a narrower machine is about."""

    def set_up(self, options: Options) -> None:
        self.options = replace(options, **self.fixed)
        clock = Ticking(options.tick)
        self.world = World(clock=clock, random=Random(options.seed), most_losses=self.options.most_losses)
        self.loop = StillLoop(clock)
        self.readers: list[Reader] = []
        self.sent: list[RunSpec] = []
        self.acknowledged: dict[str, Run] = {}
        self.waits: list[Wait] = []
        self.threads = [THREAD, OTHER]
        self.started = 0
        self.at_rest = True
        self.returning = False
        self.up()

    def up(self) -> None:
        """A process starts."""
        self.started += 1
        self.process = Process(self.world, self.started, self.options, self.loop)

    def wait(self, turns: int | None) -> None:
        """What a rule began goes on."""
        self.go_on(turns)
        if self.returning and self.process.state is State.OPEN:
            self.returning = False
            for reader in self.away():
                reader.come(self.process, reader.cursor)
            self.go_on(turns)

    def away(self) -> list[Reader]:
        """Readers that may come back."""
        return [reader for reader in self.readers if reader.may_come_back]

    def go_on(self, turns: int | None) -> None:
        if turns is None:
            self.rest()
        else:
            rests = self.loop.run_turns(turns) if turns else False
            self.at_rest = rests and self.alarm_in() != timedelta(0)

    def rest(self) -> None:
        """Everything goes on until nothing is left to do at this moment."""
        self.loop.rest()
        while self.alarm_in() == timedelta(0):
            self.ring()
        self.at_rest = True

    def ring(self) -> None:
        if self.process.alive:
            self.loop.call_soon(self.process.house.alarms.move, timedelta(0))
        self.loop.rest()

    def alarm_in(self) -> timedelta | None:
        """In what time something is to be done."""
        now, times = self.world.clock.now, list[timedelta]()
        if self.process.alive:
            times += [alarm.at - now for alarm in self.process.house.alarms.waiting]
        if self.loop.next_in is not None:
            times.append(timedelta(seconds=self.loop.next_in) + timedelta(microseconds=self.loop.next_in > 0))
        return max(timedelta(0), min(times)) if times else None

    def pass_time(self, by: timedelta) -> None:
        """Time passes, and what is due is done at its time. Where too much would be, what is left of it passes at once."""
        self.rest()
        until = self.world.clock.now + by
        for _ in range(60):
            due = self.alarm_in()
            if due is None or self.world.clock.now + due > until:
                break
            self.world.clock.now += due
            self.ring()
            self.rest()
        self.world.clock.now = max(self.world.clock.now, until)
        self.ring()
        self.rest()

    def pick(self, things: Sequence[T], which: int) -> T:
        return things[which % len(things)]

    @property
    def parts(self) -> list[Part]:
        return list(self.process.troupe.parts.values())

    @property
    def recent(self) -> list[str]:
        """The newest runs that callers know of, and one that nobody knows."""
        return [*list(self.world.runs)[-5:], UNKNOWN]

    def acknowledge(self, spec: RunSpec, run: Run) -> None:
        """A caller was told of its run."""
        self.acknowledged[run.run_id] = run
        same = replace(run.spec, headers={}) == spec
        self.world.judge(partial(judges.require, same, f"{spec} was sent, and made {run.spec}"))
        if run.spec.keep_thread and len(self.threads) < MOST_THREADS:
            self.threads.append(run.thread_id)

    def is_open(self) -> bool:
        return self.process.state in (State.OPEN, State.STOPS)
