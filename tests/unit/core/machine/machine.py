"""The machine: callers, readers, graphs and misfortune, in any order.

Owns the rules of graphs, of time and of misfortune, and what is judged after each rule and at the end. The invariant: the core is asked for nothing that callers, graphs or
an operator could not ask for.
"""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from graphwire_server.core.model import RunSpec
from tests.unit.core.machine import judges, troupe
from tests.unit.core.machine.audience import Audience
from tests.unit.core.machine.callers import Callers, specs
from tests.unit.core.machine.process import Options, State
from tests.unit.core.machine.stage import TURNS, WHICH, options

MOVES = st.sampled_from(
    [timedelta(seconds=1), timedelta(seconds=6), timedelta(seconds=30), timedelta(minutes=6), timedelta(hours=3)]
)

ENDS = st.sampled_from([troupe.succeeds, troupe.succeeds, troupe.asks, troupe.fails])


class Machine(Callers, Audience):
    """All rules, and all judges."""

    @initialize(options=options(), read=st.lists(specs(), min_size=1, max_size=2), first=st.lists(specs(), max_size=2))
    def build(self, options: Options, read: list[RunSpec], first: list[RunSpec]) -> None:
        self.set_up(options)
        self.rest()
        for spec in read:
            self.send_and_read(spec)
        for spec in first:
            self.send(spec, waits=True)
        self.rest()

    # --- graphs

    @precondition(lambda self: self.parts)
    @rule(which=WHICH, count=st.integers(1, 4), weight=st.sampled_from([10, 10, 900]), turns=TURNS)
    def emit(self, which: int, count: int, weight: int, turns: int | None) -> None:
        self.say(which, troupe.emits(count, weight), turns)

    @precondition(lambda self: self.parts)
    @rule(count=st.integers(1, 4), turns=TURNS)
    def emit_all(self, count: int, turns: int | None) -> None:
        for part in self.parts:
            part.words.put_nowait(troupe.emits(count, 10))
        self.wait(turns)

    @precondition(lambda self: self.parts)
    @rule(which=WHICH, checkpoint=st.booleans(), turns=TURNS)
    def write(self, which: int, checkpoint: bool, turns: int | None) -> None:
        self.say(which, troupe.writes(checkpoint=checkpoint), turns)

    @precondition(lambda self: self.parts)
    @rule(which=WHICH, end=ENDS, turns=TURNS)
    def end(self, which: int, end: troupe.Word, turns: int | None) -> None:
        self.say(which, end, turns)

    @precondition(lambda self: self.parts)
    @rule(which=WHICH, turns=TURNS)
    def turn_stubborn(self, which: int, turns: int | None) -> None:
        self.say(which, troupe.turns_stubborn, turns)

    @precondition(lambda self: self.parts)
    @rule(which=WHICH, word=st.sampled_from([troupe.cancels_itself, troupe.breaks]), turns=TURNS)
    def go_wrong(self, which: int, word: troupe.Word, turns: int | None) -> None:
        self.say(which, word, turns)

    def say(self, which: int, word: troupe.Word, turns: int | None) -> None:
        self.pick(self.parts, which).words.put_nowait(word)
        self.wait(turns)

    # --- time and misfortune

    @rule(by=MOVES)
    def move(self, by: timedelta) -> None:
        self.pass_time(by)

    @precondition(lambda self: self.process.alive and not self.process.weather.away)
    @rule(reads=st.booleans(), turns=TURNS)
    def lose_store(self, reads: bool, turns: int | None) -> None:
        self.process.weather.change(away=True, reads_fail=reads)
        self.wait(turns)

    @precondition(lambda self: self.process.alive and self.process.weather.away)
    @rule(seconds=st.integers(0, 4))
    def find_store(self, seconds: int) -> None:
        """The store is back, after a while; whoever tried again has tried by the end."""
        self.pass_time(timedelta(seconds=seconds))
        self.process.weather.change(away=False)
        self.pass_time(timedelta(seconds=1))

    @precondition(lambda self: self.process.alive)
    @rule(back=st.booleans(), drains=st.booleans(), turns=TURNS)
    def lose_process(self, back: bool, drains: bool, turns: int | None) -> None:
        """The process stops or dies, and those who read come back to the next, or not so soon."""
        self.returning |= back
        if drains and self.process.state is State.OPEN:
            self.process.stop()
        elif not drains:
            self.process.die()
            self.up()
        self.wait(turns)

    @precondition(lambda self: not self.process.alive)
    @rule(turns=TURNS)
    def start(self, turns: int | None) -> None:
        self.judge_stop()
        self.up()
        self.wait(turns)

    # --- judges

    @invariant()
    def judge(self) -> None:
        self.failed = True  # unless this comes to its end
        self.world.check()
        judges.require(not self.loop.failures, f"{self.loop.failures}")
        judges.one_at_a_time(self.world.rows)
        judges.busy(self.world.threads, self.world.rows)
        judges.in_room(self.process.troupe.parts, self.options.slots)
        if self.at_rest:
            self.judge_rest()
        self.failed = False

    def judge_rest(self) -> None:
        """What holds when nothing is left to do at this moment."""
        if not self.process.alive:
            self.judge_stop()
        for reader in self.readers:
            reader.judge()
        self.judge_waiters()
        if not self.process.calm:
            return
        rows, parts, now = self.world.rows, self.process.troupe.parts, self.world.clock.now
        stubborn = {part.run.run_id for part in self.parts if part.swallowed}
        judges.in_hand(rows, self.process.jobs, parts)
        judges.stops(rows, stubborn)
        judges.in_time(rows, stubborn, self.options.time_limit, now)
        judges.nobody_waits(rows, parts, self.options.slots, now, self.options.most_losses)

    def judge_waiters(self) -> None:
        """Whoever waits for a run that has ended has been told how; and whoever waits for anything else has been answered."""
        for wait in self.waits:
            ended = self.world.endings.get(wait.run_id)
            if ended is not None and wait.process is self.process and self.process.alive:
                judges.require(wait.task.done(), f"{wait.run_id} has ended, and who waits for it has not been told")
            for run in wait.told:
                judges.require(run.status.ended, f"{wait.run_id} was told to have ended, and is {run.status}")
                judges.require(ended is not None and ended.run.status is run.status, f"it was told {run.status}")
        waiting = {wait.task for wait in self.waits}
        judges.require(self.process.calls.keys() <= waiting or not self.process.calm, "a call is not answered")

    def judge_stop(self) -> None:
        """Nothing is left of a process that has stopped."""
        for reader in self.readers:
            reader.leave()
        self.loop.rest()
        if not self.process.killed:
            judges.nothing_left({**self.process.left(), "calls": self.process.calls})

    # --- the end

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        try:
            if not self.failed:
                self.wind_up()
        finally:
            self.process.die()
            self.loop.close()

    def wind_up(self) -> None:
        """Brings everything to its end, and judges it."""
        self.judge()
        self.settle()
        self.read_all()
        self.judge_endings()
        self.expire()

    def settle(self) -> None:
        """Every run ends: the store is there, a process is up, graphs come to their end, delays pass."""
        self.process.weather.change(away=False)
        self.pass_time(timedelta(seconds=1))
        for reader in self.readers:
            reader.read_on()
        while self.process.state is not State.OPEN:
            self.pass_time(timedelta(seconds=11))
            if not self.process.alive:
                self.judge_stop()
                self.up()
            self.rest()
        for _ in range(200):
            if not any(not run.status.ended for run in self.world.rows):
                return
            for part in self.parts:
                part.words.put_nowait(troupe.succeeds)
            self.rest()
            self.judge()
            if not self.parts:
                self.pass_time(timedelta(seconds=1))
            if not self.parts:
                self.pass_time(timedelta(minutes=5))
        judges.require(None, f"{self.world.rows} never ended")

    def read_all(self) -> None:
        """Every reader that is away comes back with its cursor, and reads to the end."""
        self.rest()
        for reader in self.away():
            reader.come(self.process, reader.cursor)
        self.rest()
        for reader in self.readers:
            reader.judge_all()
        self.judge()

    def judge_endings(self) -> None:
        for run_id in self.acknowledged:
            judges.require(run_id in self.world.endings, f"{run_id} was acknowledged, and is lost")
        for run_id, promises in self.world.promised.items():
            ended = self.world.endings[run_id]
            judges.cancel_stands(
                ended.run.status,
                {action for action, _ in promises},
                rolled_back=ended.rolled_back,
                crashed=any(process < ended.process for _, process in promises),
            )
        for run_id, ended in self.world.endings.items():
            row = self.world.row(run_id)
            judges.require(not ended.rolled_back or row is None, f"{run_id} was rolled back, and is there")

    def expire(self) -> None:
        """What was kept for a time goes, the process stops, and nothing is left."""
        self.pass_time(timedelta(hours=25))
        self.pass_time(timedelta(minutes=10))
        judges.nothing_left(
            {
                "stateless runs": self.world.stateless.runs,
                "stateless threads": self.world.stateless.threads,
                "kept events": self.world.store._kept._events,
                "kept until": self.world.store._kept._retained,
                "keys": self.world.store._requests._known,
                "remains": len(self.process.house.worker.remains),
            }
        )
        self.process.stop()
        self.pass_time(timedelta(seconds=11))
        judges.require(not self.process.alive, "the process does not stop")
        self.judge_stop()
        self.world.check()
        judges.require(not self.loop.failures, f"{self.loop.failures}")
