"""Readers that come, stop reading for a while, are cut off, and come back with their cursor.

Owns what each reader saw, session by session. The invariant: what a reader saw is what it had in its hands before its process was gone.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from graphwire_server.core.errors import (
    CursorExpired,
    Draining,
    GraphwireError,
    InvalidField,
    ResourceNotFound,
    RunNotFound,
    SlowReader,
    StoreUnavailable,
    ThreadNotFound,
)
from graphwire_server.core.events import ALWAYS, Event
from graphwire_server.core.follow import Batches, Filter
from graphwire_server.core.model import Run, Thread
from tests.unit.core.machine import judges
from tests.unit.core.machine.process import REFUSALS, Process, State
from tests.unit.core.machine.world import World

NOTHING = Filter(modes=frozenset({"updates"}))
"""A filter that hides all but what no filter hides: the graphs here have no updates."""

Attached = AbstractAsyncContextManager[tuple[Run | Thread, Batches]]


@dataclass(eq=False)
class Session:
    """One stay of a reader.

    Attributes:
        process: Where.
        after: Its cursor.
        start: Behind which number it is to see all; None where it has not been let in.
        seen: What it saw.
        creates: Whether it creates its run.
        outages: How often the store had gone away, and come back, when it came.
        unborn: Whether its thread was not there when it came.
        slow: Whether it has ever stopped reading.
        outcome: Why it ended, None while it lasts: `end`, `left`, or an error.
    """

    process: Process
    after: int | None
    creates: bool = False
    outages: int = 0
    unborn: bool = False
    start: int | None = None
    seen: list[Event] = field(default_factory=list)
    slow: bool = False
    outcome: str | GraphwireError | None = None


class Reader:
    """A reader of a run, or of a thread.

    Args:
        world: What is shared.
        thread_id: The thread.
        run_id: The run; None is all of the thread's.
        wanted: What it wants of it.
    """

    def __init__(self, world: World, thread_id: str, run_id: str | None, wanted: Filter) -> None:
        self.world = world
        self.thread_id = thread_id
        self.run_id = run_id
        self.wanted = wanted
        self.place = world.place(thread_id)
        self.sessions: list[Session] = []
        self._reads = asyncio.Event()
        self._reads.set()
        self._task: asyncio.Task[None] | None = None

    @property
    def here(self) -> bool:
        """Whether it is attached, or about to be."""
        return self._task is not None and not self._task.done()

    @property
    def seen(self) -> list[Event]:
        """All that it saw."""
        return [event for session in self.sessions for event in session.seen]

    @property
    def done(self) -> bool:
        """Whether it saw the end of its run."""
        return self.run_id is not None and any(event.payload.mode == "end" for event in self.seen)

    @property
    def may_come_back(self) -> bool:
        """Whether it is away, and there may be something to come back for."""
        same = self.run_id is not None or self.world.place(self.thread_id) == self.place
        gone = bool(self.sessions) and isinstance(self.sessions[-1].outcome, ResourceNotFound)
        return not self.here and not self.done and self.run_id != "" and same and not gone

    @property
    def live_only(self) -> bool:
        """Whether it first came without a cursor."""
        return not self.sessions or self.sessions[0].after is None

    @property
    def cursor(self) -> int | None:
        """With which cursor it comes back."""
        seen = self.seen
        return seen[-1].seq if seen else next((session.after for session in self.sessions[:1]), None)

    def come(self, process: Process, after: int | None) -> None:
        """Attaches, or comes back."""
        house = process.house
        if self.run_id is None:
            self.attend(process, after, house.threads.watch(self.thread_id, after, self.wanted))
        else:
            self.attend(process, after, house.runs.join(self.run_id, None, after, self.wanted))

    def attend(self, process: Process, after: int | None, attached: Attached | Any, *, creates: bool = False) -> None:
        """Attaches in a given way."""
        unborn = self.thread_id not in self.world.threads
        session = Session(process, after, creates, process.weather.outages, unborn, slow=not self._reads.is_set())
        self.sessions.append(session)
        self._task = process.spawn(self._read(session, attached))

    async def _read(self, session: Session, attached: Attached) -> None:
        try:
            async with attached as (found, batches):
                self._let_in(session, found)
                async for batch in batches:
                    await self._reads.wait()
                    self._take(session, batch)
            outcome: str | GraphwireError = "end"
        except GraphwireError as error:
            outcome = error
        except asyncio.CancelledError:
            outcome = "left"
        if session.process.killed:
            outcome = "left"
        session.outcome = outcome
        self.world.judge(partial(_ended_well, self, session))

    def _let_in(self, session: Session, found: Run | Thread) -> None:
        if isinstance(found, Run):
            self.run_id, self.thread_id = found.run_id, found.thread_id
            self.place = self.world.places[found.run_id]
        newest = session.process.logs.newest(self.thread_id) or 0
        session.start = newest if session.after is None else session.after
        if isinstance(found, Run) and found.status.ended and session.after is None:
            session.start = max(0, found.last_seq - 1)

    def _take(self, session: Session, batch: Any) -> None:
        for event in batch:
            if not session.process.killed:
                session.seen.append(event)
                self.world.sees(event)

    def stop_reading(self) -> None:
        """It takes nothing for a while."""
        self._reads.clear()
        if self.here:
            self.sessions[-1].slow = True

    def read_on(self) -> None:
        """It takes what comes again."""
        self._reads.set()

    def leave(self) -> None:
        """It leaves, or its connection is cut."""
        if self._task is not None:
            self._task.cancel()

    def wants(self, event: Event) -> bool:
        """Whether an event is for this reader."""
        mine = self.world.places[event.run_id] == self.place if self.run_id is None else event.run_id == self.run_id
        return mine and (self.wanted.admits_all or event.payload.mode in ALWAYS)

    def judge(self) -> None:
        """Judges the session that lasts, or the last one, at a moment of rest."""
        judges.rising(self.seen)
        if not self.sessions or (session := self.sessions[-1]).start is None:
            return
        if self.here and not self._reads.is_set():
            return
        appended = [event for event in session.process.appended if self.wants(event)]
        if not appended:
            return  # what it saw is of another process
        first = min(event.seq for event in appended)
        newest = session.seen[-1].seq if session.seen else session.start
        if self.here:
            newest = session.process.logs.newest(self.thread_id) or newest
        of_it = [event for event in appended if session.start < event.seq <= newest]
        seen = [event for event in session.seen if event.seq >= first]
        judges.missed_nothing(seen, of_it)

    def judge_all(self) -> None:
        """Judges all that it saw, when its run has ended."""
        self.judge()
        seen, run_id = self.seen, self.run_id
        if run_id is None or not seen:
            return
        run, processes = self.world.runs[run_id], {session.process.number for session in self.sessions}
        if self.wanted.admits_all and not any(isinstance(s.outcome, CursorExpired) for s in self.sessions):
            foreign = self.world.foreign(run_id)
            judges.no_gap(seen, foreign, resumable=run.spec.stream_resumable, crashed=len(processes) > 1)
        if self.done:
            judges.end_is_last(seen, run_id)
            whole = self.wanted.admits_all and not self.live_only and len(processes) == 1
            judges.error_is_told(seen, from_start=whole, rolled_back=self.world.endings[run_id].rolled_back)


def _ended_well(reader: Reader, session: Session) -> None:
    """A session ends with the end of its run, because its reader left, or with an error that fits."""
    outcome, process, world = session.outcome, session.process, reader.world
    if outcome == "left":
        return
    if outcome == "end":
        judges.require(reader.run_id is not None, "a thread's stream ended")
        judges.require(reader.done, f"the stream of {reader.run_id} ended without its end")
        return
    if session.creates and isinstance(outcome, REFUSALS):
        return
    gone = reader.run_id is not None and world.row(reader.run_id) is None
    fits = {
        Draining: process.state in (State.STOPS, State.DOWN),
        RunNotFound: gone,
        ThreadNotFound: session.unborn or world.place(reader.thread_id)[1] > 1 or reader.thread_id not in world.threads,
        InvalidField: reader.run_id is None and world.place(reader.thread_id) != reader.place,
        StoreUnavailable: process.weather.failed_since(session.outages) or process.state in (State.STOPS, State.DOWN),
        # What is kept of a thread is that of some of its runs: a watch from an old cursor comes to a hole.
        SlowReader: session.slow or process.options.tight or reader.run_id is None,
        CursorExpired: _may_have_expired(reader, session),
    }
    judges.require(fits.get(type(outcome), False), f"a reader of {reader.run_id} was told {outcome!r}")


def _may_have_expired(reader: Reader, session: Session) -> bool:
    """Whether events behind the cursor may be gone."""
    process, world = session.process, reader.world
    if process.options.tight or not reader.run_id or world.row(reader.run_id) is None:
        return True
    ended = world.endings.get(reader.run_id)
    if ended is None:
        return False
    late = world.clock.now >= ended.run.updated_at + process.options.retention.ended_for
    here = any(event.run_id == reader.run_id and event.payload.mode == "metadata" for event in process.appended)
    return late or (not ended.run.spec.stream_resumable and not here)
