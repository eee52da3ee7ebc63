"""The judges of the machine: what must hold of rows, of what readers saw, and of what is left.

Owns one function for each thing that must hold. Each looks at a record and raises `Broken` with what is wrong; none asks the core. What a status may become is the
table's of the core alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from graphwire_server.core.events import End, Error, Event, Metadata
from graphwire_server.core.lifecycle import MOVES
from graphwire_server.core.model import CancelAction, Run, RunStatus, Thread, ThreadStatus


class Broken(AssertionError):
    """Something that must hold does not."""


def require(held: object, problem: str) -> None:
    """Raises Broken unless it holds."""
    if not held:
        raise Broken(problem)


def allowed(before: Run | None, after: Run | None, ended_as: RunStatus | None) -> None:
    """A change of a run's row is a move of the table.

    Args:
        before: The row before it; None where there was none.
        after: The row after it; None where it goes.
        ended_as: The status with which the run ends in this moment, where it does.
    """
    if before is None:
        require(after is not None and after.status not in _LAST, f"{_name(after)} begins with its end")
        return
    status = ended_as if after is None else after.status
    if status is None:
        require(before.status in _LAST, f"{_name(before)} went while it was {before.status}")
    elif status is not before.status:
        require(status in MOVES[before.status], f"{_name(before)}: {before.status} -> {status} is no move")


_LAST = frozenset(status for status, moves in MOVES.items() if not moves)


def attempts_counted(before: Run | None, after: Run | None, most_losses: int) -> None:
    """An attempt more is a start more, and a run loses its process no more often than it may, but for one that is to stop."""
    if before is None or after is None:
        return
    again = before.status is RunStatus.PENDING and after.status is RunStatus.RUNNING and before.started_at is not None
    require(after.attempt == before.attempt + again, f"{_name(after)}: attempt {before.attempt} -> {after.attempt}")
    require(
        after.losses <= most_losses or after.cancel is not None,
        f"{_name(after)} has lost {after.losses} processes and goes on",
    )


def in_turn(starts: Run, waiting: Iterable[Run], now: datetime) -> None:
    """Runs of a thread start in the order of their creation among those that may, one that was given back before all.

    Args:
        starts: The run that starts, as it was before.
        waiting: The others that are pending on its thread.
        now: The time.
    """
    for other in waiting:
        if other.cancel is None and other.due(now):
            before = (other.started_at is None, other.created_at, other.run_id)
            require(before > (starts.started_at is None, starts.created_at, starts.run_id), _overtaken(starts, other))


def one_at_a_time(runs: Iterable[Run]) -> None:
    """No thread has two runs that are running."""
    running = [run.thread_id for run in runs if run.status is RunStatus.RUNNING]
    twice = {thread_id for thread_id in running if running.count(thread_id) > 1}
    require(not twice, f"two runs are running on {sorted(twice)}")


def in_room(executing: Collection[str], slots: int) -> None:
    """No more runs execute than there is room for."""
    require(len(executing) <= slots, f"{len(executing)} runs execute in {slots} slots")


def busy(threads: Mapping[str, Thread], runs: Iterable[Run]) -> None:
    """A thread is busy exactly while a run on it has not ended."""
    active = {run.thread_id for run in runs if not run.status.ended}
    said = {thread_id for thread_id, thread in threads.items() if thread.status is ThreadStatus.BUSY}
    require(active <= said, f"a run is on {sorted(active - said)}, which is not busy")
    require(said <= active, f"{sorted(said - active)} is busy, and no run is on it")


def nobody_waits(runs: Sequence[Run], executing: Collection[str], slots: int, now: datetime, most_losses: int) -> None:
    """Where there is room, every run executes that may; but of those that may be what kills their process, one at a time.

    Args:
        runs: All runs that have not ended.
        executing: Those whose graphs execute.
        slots: How many there is room for.
        now: The time.
        most_losses: How often a run may lose its process; one that did is suspected.
    """
    if len(executing) >= slots:
        return
    running = {run.thread_id for run in runs if run.status is RunStatus.RUNNING}
    suspected = {run.thread_id for run in runs if run.losses and run.losses >= most_losses}
    for run in runs:
        alone = run.thread_id in suspected and running & suspected
        waits = run.status is RunStatus.PENDING and run.cancel is None and run.due(now)
        require(not waits or run.thread_id in running or alone, f"{_name(run)} waits, and there is room")


def in_hand(runs: Iterable[Run], jobs: Collection[str], executing: Collection[str]) -> None:
    """Every run that has not ended is somebody's, and every running one executes."""
    for run in runs:
        require(run.status.ended or run.run_id in jobs, f"{_name(run)} is {run.status} and in nobody's hands")
        idle = run.status is RunStatus.RUNNING and run.run_id not in executing
        require(not idle, f"{_name(run)} is running and does not execute")


def stops(runs: Iterable[Run], stubborn: Collection[str]) -> None:
    """A run that was asked to stop has stopped, but for one whose graph goes on all the same."""
    for run in runs:
        going = run.cancel is not None and not run.status.ended
        require(not going or run.run_id in stubborn, f"{_name(run)} was asked to stop and is {run.status}")


def in_time(runs: Iterable[Run], stubborn: Collection[str], limit: timedelta, now: datetime) -> None:
    """No run executes for longer than it may."""
    for run in runs:
        if run.status is RunStatus.RUNNING and run.started_at is not None and run.run_id not in stubborn:
            late = now - run.started_at - (run.spec.timeout or limit)
            require(late < timedelta(seconds=2), f"{_name(run)} executes {late} longer than it may")


def one_run_a_key(created: Iterable[Run], kept_for: timedelta) -> None:
    """No two runs were made of one request key within its time."""
    newest: dict[str, Run] = {}
    for run in created:
        key = run.spec.request_id
        if not key:
            continue
        if key in newest:
            between = run.created_at - newest[key].created_at
            require(between > kept_for - timedelta(seconds=5), f"{key} made {_name(newest[key])} and then {_name(run)}")
        newest[key] = run


def numbers_rise(before: Thread | None, after: Thread | None) -> None:
    """The newest number of a thread's row never falls, and lies within what is reserved."""
    if after is None:
        return
    require(after.last_seq <= after.reserved_seq, f"{after.thread_id}: {after.last_seq} is not reserved")
    fell = before is not None and after.last_seq < before.last_seq
    require(not fell, f"{after.thread_id}: its newest number fell to {after.last_seq}")


Identity = tuple[int, str, str, float, tuple[str, ...], object, int]


def identity(event: Event) -> Identity:
    """All that an event says, but for what somebody asked of a run as it ended: see `KNOWN`."""
    payload = replace(event.payload, cancel=None) if isinstance(event.payload, End) else event.payload
    return (
        event.seq,
        event.run_id,
        event.thread_id,
        event.time,
        event.namespace,
        payload,
        event.weight,
    )


def same_event(known: dict[tuple[object, int], Identity], place: object, event: Event) -> None:
    """A number names one event of a thread for ever.

    Args:
        known: What was seen until now; it grows.
        place: The thread: one that was deleted and made anew is another.
        event: What a reader saw.
    """
    require(event.seq > 0, f"an event of {event.run_id} has number {event.seq}")
    first = known.setdefault((place, event.seq), identity(event))
    require(first == identity(event), f"{place} {event.seq} is {identity(event)}, and was {first}")


def one_end(known: dict[str, Identity], event: Event) -> None:
    """A run has one terminal event, whoever sees it and however often."""
    if isinstance(event.payload, End):
        first = known.setdefault(event.run_id, identity(event))
        require(first == identity(event), f"the end of {event.run_id} is {identity(event)}, and was {first}")


def rising(seen: Sequence[Event]) -> None:
    """A reader's numbers rise."""
    for before, after in pairwise(seen):
        require(after.seq > before.seq, f"{after.seq} came after {before.seq}")


def end_is_last(seen: Sequence[Event], run_id: str) -> None:
    """What a reader of a run saw to its end has one terminal event, as the last."""
    ends = [event for event in seen if isinstance(event.payload, End) and event.run_id == run_id]
    require(len(ends) == 1, f"a reader of {run_id} saw {len(ends)} ends")
    require(seen[-1] is ends[0], f"a reader of {run_id} saw {seen[-1]} after the end")


def error_is_told(seen: Sequence[Event], *, from_start: bool, rolled_back: bool) -> None:
    """Before the end of a run that failed, its error was told, and of no other: of the last attempt, as earlier ones may have been lost after it was told.

    Args:
        seen: What a reader of the run saw, to its end.
        from_start: Whether it has seen all of the last attempt.
        rolled_back: Whether the run was rolled back: it may have failed before.
    """
    end = seen[-1].payload
    assert isinstance(end, End)
    last = max((index for index, event in enumerate(seen) if isinstance(event.payload, Metadata)), default=0)
    errors = [event.payload for event in seen[last:] if isinstance(event.payload, Error)]
    if end.error is None:
        require(not errors or rolled_back, f"a run that ended as {end.status} told {errors}")
    elif from_start:
        require([error.error for error in errors] == [end.error], f"a run with {end.error} told {errors}")
        require(isinstance(seen[-2].payload, Error), "a run's error was not the last before its end")


def missed_nothing(seen: Sequence[Event], appended: Iterable[Event]) -> None:
    """A reader saw what was appended, all of it and nothing else."""
    wanted, had = [identity(event) for event in appended], [identity(event) for event in seen]
    missed = [one[0] for one in wanted if one not in had]
    made_up = [one[0] for one in had if one not in wanted]
    require(not missed, f"{missed} were missed, of {[one[0] for one in wanted]}")
    require(not made_up, f"{made_up} were never appended")
    require(wanted == had, "the order is another")


def no_gap(seen: Sequence[Event], foreign: Collection[int], *, resumable: bool, crashed: bool) -> None:
    """Between two events of a run that a reader saw lie those of other runs alone, over reconnects and crashes. Where a run's events are not kept, numbers may
    jump where a new attempt begins, or where nobody takes the run up again.

    Args:
        seen: What a reader of the run saw, unfiltered.
        foreign: Numbers that other runs of the thread had.
        resumable: Whether the run's events are kept.
        crashed: Whether a process has died or stopped meanwhile.
    """
    for before, after in pairwise(seen):
        lost = [seq for seq in range(before.seq + 1, min(after.seq, before.seq + 50)) if seq not in foreign]
        anew = isinstance(after.payload, Metadata) and after.payload.attempt > 1
        jumps = crashed and not resumable and (anew or isinstance(after.payload, End | Error))
        require(not lost or jumps, f"after {before} a reader saw {after}, and not {lost}")


def cancel_stands(status: RunStatus, actions: Collection[CancelAction], *, rolled_back: bool, crashed: bool) -> None:
    """A cancel whose caller was told of it is not undone by a crash, and a rollback is done whatever the run did meanwhile.

    Args:
        status: With which status the run ended.
        actions: What was asked of it, and answered.
        rolled_back: Whether it was rolled back.
        crashed: Whether its process died after the answer.
    """
    if CancelAction.ROLLBACK in actions:
        require(rolled_back, f"a rollback was promised, and the run ended as {status}")
    if actions and crashed:
        require(status is RunStatus.INTERRUPTED, f"a cancel was promised, its process died, and it ended as {status}")


def restored(before: Sequence[object], after: Sequence[object]) -> None:
    """After a rollback a thread's state is what it was before the run."""
    require(list(before) == list(after), f"a rollback left {list(after)} of {list(before)}")


def nothing_left(left: Mapping[str, object]) -> None:
    """At the end nothing is left over.

    Args:
        left: What might be, by its name.
    """
    over = {name: what for name, what in left.items() if what}
    require(not over, f"at the end there is still {over}")


def _name(run: Run | None) -> str:
    return "a run" if run is None else f"run {run.run_id[-6:]} of {run.thread_id[-6:]}"


def _overtaken(starts: Run, other: Run) -> str:
    return f"{_name(starts)} of {starts.created_at} starts before {_name(other)} of {other.created_at}"
