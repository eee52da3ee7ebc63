"""What callers ask for.

Owns the rules of those who create, cancel, delete, edit and copy, and what they were told. The invariant: what a caller was told is recorded when it was told, and not where
its process was dead by then.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from graphwire_server.core.errors import (
    RunActive,
    RunFinished,
    RunNotFound,
    ThreadBusy,
    ThreadHasNoGraph,
    ThreadNotFound,
)
from graphwire_server.core.model import CancelAction, CheckpointRef, MultitaskStrategy, Run, RunSpec, Thread
from graphwire_server.core.selection import ActiveStatus
from tests.unit.core.fakes import OTHER, THREAD
from tests.unit.core.machine.process import REFUSALS
from tests.unit.core.machine.stage import MOST_THREADS, TURNS, WHICH, Stage, Wait

PLACES: dict[str, dict[str, Any]] = {
    "here": {"thread_id": THREAD, "create_thread": True},
    "there": {"thread_id": OTHER, "create_thread": True},
    "there if it is": {"thread_id": OTHER},
    "a new one": {"keep_thread": True},
    "none": {},
}


def ask(where: str, **fields: Any) -> RunSpec:
    """A request for a run."""
    return RunSpec(assistant="agent", has_input=True, **PLACES[where], **fields)


def specs() -> st.SearchStrategy[RunSpec]:
    """Requests for runs."""
    return st.builds(
        ask,
        st.sampled_from(["here", *PLACES]),
        input=st.sampled_from([1, 2]),
        multitask_strategy=st.sampled_from([MultitaskStrategy.ENQUEUE, *MultitaskStrategy]),
        stream_resumable=st.booleans(),
        start_after=st.sampled_from([timedelta(0)] * 4 + [timedelta(seconds=5), timedelta(minutes=5)]),
        timeout=st.sampled_from([None, None, timedelta(seconds=20)]),
        request_id=st.sampled_from(["", "", "", "a", "b"]),
    )


def nothing(_: object) -> None:
    """What a caller does with an answer that says nothing."""


class Callers(Stage):
    """Rules of callers."""

    @precondition(Stage.is_open)
    @rule(spec=specs(), waits=st.booleans(), turns=TURNS)
    def create(self, spec: RunSpec, waits: bool, turns: int | None) -> None:
        self.send(spec, waits=waits)
        self.wait(turns)

    @precondition(lambda self: self.is_open() and self.sent)
    @rule(which=WHICH, other=st.booleans(), turns=TURNS)
    def send_again(self, which: int, other: bool, turns: int | None) -> None:
        spec = self.pick(self.sent[-6:], which)
        self.send(replace(spec, input=3) if other else spec, waits=True)
        self.wait(turns)

    def send(self, spec: RunSpec, *, waits: bool) -> None:
        runs, process = self.process.house.runs, self.process
        self.sent.append(spec)

        async def create() -> Run:
            run = await runs.create(spec)
            if waits:
                told: list[Run] = []
                task = process.call(runs.wait(run), told.append, RunNotFound)
                self.waits.append(Wait(run.run_id, process, task, told))
            return run

        process.call(create(), lambda run: self.acknowledge(spec, run), *REFUSALS)

    @precondition(Stage.is_open)
    @rule(batch=st.lists(specs(), min_size=1, max_size=4), turns=TURNS)
    def create_batch(self, batch: list[RunSpec], turns: int | None) -> None:
        def told(runs: Sequence[Run]) -> None:
            for spec, run in zip(batch, runs, strict=True):
                self.acknowledge(spec, run)

        self.process.call(self.process.house.runs.create_batch(batch), told, *REFUSALS)
        self.wait(turns)

    @precondition(lambda self: self.process.calls)
    @rule(which=WHICH, turns=TURNS)
    def hang_up(self, which: int, turns: int | None) -> None:
        self.process.hang_up(which)
        self.wait(turns)

    @precondition(Stage.is_open)
    @rule(which=WHICH, action=st.sampled_from(CancelAction), turns=TURNS)
    def cancel(self, which: int, action: CancelAction, turns: int | None) -> None:
        run_id = self.pick(self.recent, which)
        self.process.call(
            self.process.house.runs.cancel(run_id, action=action),
            partial(self.promise, self.process.number, action),
            RunNotFound,
            RunFinished,
        )
        self.wait(turns)

    def promise(self, process: int, action: CancelAction, run: Run) -> None:
        """A caller was told that a run is to stop."""
        self.world.promised[run.run_id].append((action, process))

    @precondition(Stage.is_open)
    @rule(
        status=st.sampled_from(["pending", "running", "all"]),
        which=WHICH,
        by_id=st.booleans(),
        action=st.sampled_from(CancelAction),
        turns=TURNS,
    )
    def cancel_many(
        self, status: ActiveStatus, which: int, by_id: bool, action: CancelAction, turns: int | None
    ) -> None:
        runs, thread_id = self.process.house.runs, self.pick([*self.threads, None], which)
        if by_id:
            thread_id = thread_id or THREAD
            work = runs.cancel_many(thread_id=thread_id, run_ids=self.recent, action=action)
        else:
            work = runs.cancel_many(status=status, thread_id=thread_id, action=action)

        def told(asked: Sequence[Run]) -> None:
            for run in asked:
                self.promise(self.process.number, action, run)

        self.process.call(work, told, RunNotFound)
        self.wait(turns)

    @precondition(Stage.is_open)
    @rule(which=WHICH, turns=TURNS)
    def abandon(self, which: int, turns: int | None) -> None:
        self.loop.call_soon(self.process.house.runs.abandon, self.pick(self.recent, which))
        self.wait(turns)

    @precondition(Stage.is_open)
    @rule(which=WHICH, turns=TURNS)
    def delete_run(self, which: int, turns: int | None) -> None:
        work = self.process.house.runs.delete(self.pick(self.recent, which))
        self.process.call(work, nothing, RunNotFound, RunActive)
        self.wait(turns)

    @precondition(Stage.is_open)
    @rule(which=WHICH, turns=TURNS)
    def delete_thread(self, which: int, turns: int | None) -> None:
        work = self.process.house.threads.delete(self.pick(self.threads, which))
        self.process.call(work, nothing, ThreadNotFound, ThreadBusy)
        self.wait(turns)

    @precondition(Stage.is_open)
    @rule(which=WHICH, turns=TURNS)
    def edit(self, which: int, turns: int | None) -> None:
        thread_id = self.pick(self.threads, which)
        work = self.process.house.threads.update_state(thread_id, CheckpointRef(), {}, None)
        self.process.call(work, nothing, ThreadNotFound, ThreadBusy, ThreadHasNoGraph)
        self.wait(turns)

    @precondition(lambda self: self.is_open() and len(self.threads) < MOST_THREADS)
    @rule(which=WHICH, turns=TURNS)
    def copy(self, which: int, turns: int | None) -> None:
        def told(made: Thread) -> None:
            self.threads.append(made.thread_id)

        work = self.process.house.threads.copy(self.pick(self.threads, which))
        self.process.call(work, told, ThreadNotFound)
        self.wait(turns)
