"""Graphs that do what the machine says, when it says so.

Owns the attempts that execute in one process, and what each writes on its thread. An attempt does nothing but what it is told, one word at a time. The invariant:
what an attempt writes it writes as a lease allows: while the run's row is running at this attempt, and while its process lives.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from graphwire_server.core.events import Error, Values
from graphwire_server.core.model import (
    CheckpointRef,
    JsonValue,
    Outcome,
    Run,
    RunError,
    RunStatus,
    TaskInterrupts,
    ThreadState,
)
from graphwire_server.core.model import Interrupt as Question
from graphwire_server.core.ports import Append, Room
from graphwire_server.core.threads import EMPTY_STATE
from tests.unit.core import fakes
from tests.unit.core.machine import judges
from tests.unit.core.machine.line import Weather
from tests.unit.core.machine.world import Mark, World

FAILED = RunError(type="ValueError", message="the graph failed")
ASKED = TaskInterrupts(task_id="task", interrupts=(Question(id="q", value=b"1"),))

Word = Callable[["Part"], Outcome | None]
"""What an attempt is told to do: it gives the outcome, where that ends it. It may raise."""


@dataclass(eq=False)
class Part:
    """One attempt as it executes.

    Attributes:
        run: The run.
        append: Takes its events.
        world: Where it writes.
        room: Whether more may be appended.
        swallows: How many cancels it will swallow.
        swallowed: Whether it has swallowed one, and goes on.
    """

    run: Run
    append: Append
    world: World
    room: Room | None
    words: asyncio.Queue[Word] = field(default_factory=asyncio.Queue)
    swallows: int = 0
    swallowed: bool = False
    told: int = 0

    async def play(self) -> Outcome:
        while True:
            try:
                if self.room is not None and self.room.full:
                    await self.room.wait()
                outcome = (await self.words.get())(self)
            except asyncio.CancelledError:
                if not self.swallows:
                    raise
                self.swallows -= 1
                self.swallowed = True
            else:
                if outcome is not None:
                    return outcome

    def holds(self) -> bool:
        """Whether this attempt may write."""
        row = self.world.row(self.run.run_id)
        return row is not None and row.status is RunStatus.RUNNING and row.attempt == self.run.attempt


def emits(count: int, weight: int) -> Word:
    """Appends so many events at once."""

    def word(part: Part) -> None:
        for _ in range(count):
            part.told += 1
            text = f"{part.run.run_id} {part.run.attempt} {part.told}"
            part.append((), Values(state=text.encode()), weight)

    return word


def writes(*, checkpoint: bool) -> Word:
    """Writes on the thread: a checkpoint of its own, or on top of that of another."""

    def word(part: Part) -> None:
        if part.holds() and not part.run.stateless:
            marks = part.world.marks.on[part.run.thread_id]
            marks.append(Mark(part.run.run_id, len(marks), checkpoint))

    return word


def succeeds(part: Part) -> Outcome:
    """Comes to its end."""
    return Outcome(status=RunStatus.SUCCESS, checkpoint_id="" if part.run.stateless else "last")


def asks(_: Part) -> Outcome:
    """Stops for a question."""
    return Outcome(
        status=RunStatus.SUCCESS, interrupts=ASKED.interrupts, task_interrupts=(ASKED,), next=("asker",), values=b"{}"
    )


def fails(part: Part) -> Outcome:
    """Raises, which the engine tells as an event and as the outcome."""
    part.append((), Error(error=FAILED), 100)
    return Outcome(status=RunStatus.ERROR, error=FAILED)


def turns_stubborn(part: Part) -> None:
    """Swallows the next cancel."""
    part.swallows = 1


def cancels_itself(_: Part) -> None:
    """Raises CancelledError, which nobody asked for."""
    raise asyncio.CancelledError


def breaks(_: Part) -> None:
    """A defect of the engine."""
    raise ZeroDivisionError


class Troupe(fakes.Executor):
    """The executor of one process.

    Args:
        world: What is shared.
        weather: How long anything takes.
        slots: How many may execute at once.
        unreadable: Whether what a run has left cannot be read.
    """

    def __init__(self, world: World, weather: Weather, slots: int, *, unreadable: bool = False) -> None:
        super().__init__()
        self._world = world
        self._weather = weather
        self._slots = slots
        self._unreadable = unreadable
        self.parts: dict[str, Part] = {}
        self.closed = False

    async def execute(self, run: Run, append: Append, *, goes_on: bool = False, room: Room | None = None) -> Outcome:
        self._judge(run, goes_on=goes_on)
        if not goes_on:
            self._world.marks.begins(run)
        part = self.parts[run.run_id] = Part(run=run, append=append, world=self._world, room=room)
        try:
            return await part.play()
        finally:
            del self.parts[run.run_id]

    async def has_begun(self, run: Run) -> bool:
        await self._weather.pass_by()
        return self._world.marks.begun(run)

    async def stopped_at(self, run: Run) -> Outcome:
        await self._weather.pass_by()
        if self._unreadable:
            raise ZeroDivisionError
        return Outcome(status=RunStatus.INTERRUPTED, next=("more",), checkpoint_id="kept")

    def _judge(self, run: Run, *, goes_on: bool) -> None:
        judge, row, own = self._world.judge, self._world.row(run.run_id), self._world.marks.of(run)
        held = row is not None and row.status is RunStatus.RUNNING and row.attempt == run.attempt
        judge(partial(judges.require, held, f"{run.run_id} executes, and its row is {row}"))
        judge(partial(judges.require, not self.closed, f"{run.run_id} executes in a process that is no more"))
        judge(partial(judges.in_room, [*self.parts, run.run_id], self._slots))
        threads = [part.run.thread_id for part in self.parts.values()]
        judge(partial(judges.require, run.thread_id not in threads, f"two execute on {run.thread_id}"))
        judge(partial(judges.require, goes_on or not own, f"{run.run_id} begins anew on top of {own}"))
        judge(partial(judges.require, own or not goes_on, f"{run.run_id} goes on from nothing"))


class Edits(fakes.States):
    """The states of threads: an edit is a mark like that of a run."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    async def get(self, graph_id: str, thread_id: str, at: CheckpointRef, *, subgraphs: bool) -> ThreadState | None:
        return EMPTY_STATE

    async def update(
        self, graph_id: str, thread_id: str, at: CheckpointRef, values: JsonValue, as_node: str | None
    ) -> CheckpointRef:
        marks = self._world.marks.on[thread_id]
        marks.append(Mark("edit", len(marks), checkpoint=True))
        return CheckpointRef(checkpoint_id="made")

    @staticmethod
    def edits(marks: Sequence[Mark]) -> int:
        """How many edits there are."""
        return sum(mark.writer == "edit" for mark in marks)
