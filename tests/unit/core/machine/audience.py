"""What readers do.

Owns the rules of those who join runs and watch threads, stop reading, are cut off and come back.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from graphwire_server.core.follow import Batches, Filter
from graphwire_server.core.model import Run, RunSpec
from tests.unit.core.fakes import ALL
from tests.unit.core.machine.callers import specs
from tests.unit.core.machine.readers import NOTHING, Reader
from tests.unit.core.machine.stage import TURNS, WHICH, Stage

MOST_READERS = 8

WANTED = st.sampled_from([ALL, ALL, ALL, NOTHING])


class Audience(Stage):
    """Rules of readers."""

    def has_room(self) -> bool:
        return self.is_open() and len(self.readers) < MOST_READERS

    @precondition(lambda self: self.has_room() and self.world.runs)
    @rule(which=WHICH, live=st.booleans(), wanted=WANTED, turns=TURNS)
    def join(self, which: int, live: bool, wanted: Filter, turns: int | None) -> None:
        run = self.world.runs[self.pick(list(self.world.runs)[-5:], which)]
        reader = Reader(self.world, run.thread_id, run.run_id, wanted)
        self.readers.append(reader)
        reader.come(self.process, None if live else 0)
        self.wait(turns)

    @precondition(has_room)
    @rule(which=WHICH, live=st.booleans(), wanted=WANTED, turns=TURNS)
    def watch(self, which: int, live: bool, wanted: Filter, turns: int | None) -> None:
        reader = Reader(self.world, self.pick(self.threads, which), None, wanted)
        self.readers.append(reader)
        reader.come(self.process, None if live else 0)
        self.wait(turns)

    @precondition(has_room)
    @rule(spec=specs(), turns=TURNS)
    def stream(self, spec: RunSpec, turns: int | None) -> None:
        self.send_and_read(spec)
        self.wait(turns)

    def send_and_read(self, spec: RunSpec) -> None:
        """Creates a run and reads it from its start."""
        process = self.process
        reader = Reader(self.world, spec.thread_id or "", "", ALL)

        @asynccontextmanager
        async def streaming() -> AsyncIterator[tuple[Run, Batches]]:
            async with process.house.runs.stream(spec, ALL) as (run, batches):
                if not process.killed:
                    self.acknowledge(spec, run)
                yield run, batches

        self.sent.append(spec)
        self.readers.append(reader)
        reader.attend(process, 0, streaming(), creates=True)

    @precondition(lambda self: self.readers)
    @rule(which=WHICH)
    def stop_reading(self, which: int) -> None:
        self.pick(self.readers, which).stop_reading()

    @precondition(lambda self: self.readers)
    @rule(which=WHICH, turns=TURNS)
    def read_on(self, which: int, turns: int | None) -> None:
        self.pick(self.readers, which).read_on()
        self.wait(turns)

    @precondition(lambda self: self.readers)
    @rule(which=WHICH, abandons=st.booleans(), turns=TURNS)
    def leave(self, which: int, abandons: bool, turns: int | None) -> None:
        reader = self.pick(self.readers, which)
        reader.leave()
        if abandons and reader.run_id and self.is_open():
            self.loop.call_soon(self.process.house.runs.abandon, reader.run_id)
        self.wait(turns)

    @precondition(lambda self: self.is_open() and self.away())
    @rule(which=WHICH, turns=TURNS)
    def come_back(self, which: int, turns: int | None) -> None:
        reader = self.pick(self.away(), which)
        reader.come(self.process, reader.cursor)
        self.wait(turns)
