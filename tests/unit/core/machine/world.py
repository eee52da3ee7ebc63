"""What outlives the processes of the machine: its stores, its time, and the record that the judges look at.

Owns the rows, which are the stores' own dictionaries and tell of each change before it is made, what runs have written on their threads, and the record of what was
appended, seen and ended. The invariant: what is recorded here was durable, or was seen by somebody.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import NamedTuple, TypeVar

from graphwire_server.core.events import Event
from graphwire_server.core.model import KEYS_FOR, CancelAction, Run, RunStatus, Thread
from graphwire_server.core.ports import Ending
from graphwire_server.storage.memory.requests import RequestKeys
from graphwire_server.storage.memory.store import MemoryStore
from tests.unit.core.fakes import Clock
from tests.unit.core.machine import judges

T = TypeVar("T")


class Ticking(Clock):
    """A clock that moves by a little each time that it is read, or not at all."""

    def __init__(self, tick: timedelta) -> None:
        super().__init__()
        self._tick = tick
        self.began = self.now

    def __call__(self):  # type: ignore[no-untyped-def]  # as the clock that it replaces
        self.now += self._tick
        return self.now


class Rows(dict[str, T]):
    """Rows by id. Each change is told before it is made."""

    def __init__(self, told: Callable[[T | None, T | None], None]) -> None:
        super().__init__()
        self._told = told

    def __setitem__(self, row_id: str, row: T) -> None:
        self._told(self.get(row_id), row)
        super().__setitem__(row_id, row)

    def __delitem__(self, row_id: str) -> None:
        self._told(self[row_id], None)
        super().__delitem__(row_id)


class Mark(NamedTuple):
    """What somebody has written on a thread: a run, or an edit. A run goes on from its checkpoints, and not from what it wrote on top of others."""

    writer: str
    number: int
    checkpoint: bool


class Marks:
    """What is written on threads; the checkpoints of this world."""

    def __init__(self) -> None:
        self.on: defaultdict[str, list[Mark]] = defaultdict(list)
        self.before: dict[str, list[Mark]] = {}

    def of(self, run: Run) -> list[Mark]:
        return [mark for mark in self.on[run.thread_id] if mark.writer == run.run_id]

    def begun(self, run: Run) -> bool:
        return any(mark.checkpoint for mark in self.of(run))

    def begins(self, run: Run) -> None:
        """A run executes for the first time, or from its request again."""
        self.before.setdefault(run.run_id, list(self.on[run.thread_id]))

    def delete_thread(self, thread_id: str) -> None:
        self.on.pop(thread_id, None)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        self.on[target_thread_id] = list(self.on[source_thread_id])

    def latest_values(self, thread_id: str) -> dict[str, object]:
        """No act of this play searches."""
        return {}

    def keep_latest(self, thread_id: str) -> None:
        """No act of this play prunes."""

    def undo_run(self, run_id: str, thread_id: str) -> None:
        self.on[thread_id] = [mark for mark in self.on[thread_id] if mark.writer != run_id]

    def forget_run(self, run_id: str) -> None:
        """Nothing is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended: in which process, and whether it was rolled back."""

    run: Run
    rolled_back: bool
    process: int


class Books(MemoryStore):
    """A store whose rows are watched.

    Args:
        world: Who is told.
        marks: What runs have written.
        keys: The request keys.
    """

    def __init__(self, world: "World", marks: Marks, keys: RequestKeys) -> None:
        super().__init__(marks, keys)
        self._world = world
        self._marks = marks
        self._runs._runs = Rows[Run](self._run_changes)
        self._threads = Rows[Thread](world.thread_changes)
        self._ending: Ending | None = None
        self.process = 0  # whose call it is

    @property
    def runs(self) -> list[Run]:
        return list(self._runs)

    @property
    def threads(self) -> dict[str, Thread]:
        return dict(self._threads)

    async def finish_run(self, ending: Ending) -> bool:
        self._ending = ending
        try:
            done = await super().finish_run(ending)
        finally:
            self._ending = None
        if done:
            self._world.run_ended(ending, self._marks, self.process)
        return done

    async def undo_run(self, run: Run) -> None:
        row = self._runs.get(run.run_id)
        if row is not None and row.attempt == run.attempt and row.cancel is not CancelAction.ROLLBACK:
            again = row.attempt > 1 and not self._marks.begun(run)
            self._world.judge(partial(judges.require, again, f"what {run.run_id} did was undone, and nobody had asked"))
        await super().undo_run(run)

    def _run_changes(self, before: Run | None, after: Run | None) -> None:
        others = [run for run in self.runs if run.status is RunStatus.PENDING]
        self._world.run_changes(before, after, self._ending, others)


@dataclass
class World:
    """Everything but the processes.

    Attributes:
        clock: The time.
        random: What happens in which order where nothing says; always the same for one seed.
        most_losses: How often a run may lose its process.
        broken: What the judges found while something was under way.
        runs: All runs that were ever made, as they were then.
        places: The thread of each run, told from another that had its id before.
        endings: How runs ended.
        appended: What each process appended, in its order.
        promised: What was asked of runs, with the process that answered.
    """

    clock: Ticking
    random: Random
    most_losses: int
    broken: list[AssertionError] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    endings: dict[str, Ended] = field(default_factory=dict)
    appended: defaultdict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))
    promised: defaultdict[str, list[tuple[CancelAction, int]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        keys = RequestKeys()
        self.marks = Marks()
        self.store = Books(self, self.marks, keys)
        self.stateless = Books(self, Marks(), keys)
        # As in the embedded engine: one of the two removes what has expired of both.
        self.stateless._kept = self.store._kept
        self._made: Counter[str] = Counter()
        self._known: dict[tuple[object, int], judges.Identity] = {}
        self._ends: dict[str, judges.Identity] = {}

    @property
    def rows(self) -> list[Run]:
        return [*self.store.runs, *self.stateless.runs]

    @property
    def threads(self) -> dict[str, Thread]:
        return {**self.store.threads, **self.stateless.threads}

    def row(self, run_id: str) -> Run | None:
        return self.store._runs.get(run_id) or self.stateless._runs.get(run_id)

    def judge(self, judged: Callable[[], None]) -> None:
        """Judges in the middle of something that would pass over what is raised: it is raised later."""
        try:
            judged()
        except judges.Broken as broken:
            self.broken.append(broken)

    def check(self) -> None:
        """Raises what was found."""
        if self.broken:
            raise self.broken[0]

    def place(self, thread_id: str) -> tuple[str, int]:
        """The thread as it is now, told from those that had its id before."""
        return thread_id, self._made[thread_id]

    def thread_changes(self, before: Thread | None, after: Thread | None) -> None:
        if before is None and after is not None:
            self._made[after.thread_id] += 1
        self.judge(partial(judges.numbers_rise, before, after))

    def run_changes(self, before: Run | None, after: Run | None, ending: Ending | None, pending: list[Run]) -> None:
        ended_as = ending.run.status if ending is not None else None
        self.judge(partial(judges.allowed, before, after, ended_as))
        self.judge(partial(judges.attempts_counted, before, after, self.most_losses))
        if after is None:
            return
        if before is None:
            self.runs[after.run_id] = after
            self.places[after.run_id] = self.place(after.thread_id)
            self.judge(partial(judges.one_run_a_key, self.runs.values(), KEYS_FOR))
        if after.status is RunStatus.RUNNING and (before is None or before.status is RunStatus.PENDING):
            others = [run for run in pending if run.thread_id == after.thread_id and run.run_id != after.run_id]
            self.judge(partial(judges.in_turn, before or after, others, after.updated_at))

    def run_ended(self, ending: Ending, marks: Marks, process: int) -> None:
        run = ending.run
        once = run.run_id not in self.endings
        self.judge(partial(judges.require, once, f"{run.run_id} ended twice"))
        self.endings[run.run_id] = Ended(run=run, rolled_back=ending.rolled_back, process=process)
        if ending.rolled_back and run.run_id in marks.before:
            left = [mark for mark in marks.on[run.thread_id] if mark.writer != "edit"]
            before = [mark for mark in marks.before[run.run_id] if mark.writer != "edit"]
            self.judge(partial(judges.restored, before, left))

    def sees(self, event: Event) -> None:
        """A reader saw an event."""
        place = self.places[event.run_id]
        self.judge(partial(judges.same_event, self._known, place, event))
        self.judge(partial(judges.one_end, self._ends, event))
        if event.payload.mode == "end":
            told = event.run_id in self.endings
            self.judge(partial(judges.require, told, f"the end of {event.run_id} was seen before it was written"))

    def foreign(self, run_id: str) -> set[int]:
        """Numbers that events of other runs on a run's thread have had."""
        place = self.places[run_id]
        return {
            event.seq
            for events in self.appended.values()
            for event in events
            if event.run_id != run_id and self.places[event.run_id] == place
        }
