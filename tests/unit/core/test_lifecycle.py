import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from graphwire_server.core.lifecycle import MOVES, IllegalMove, finish, move, thread_error, thread_status
from graphwire_server.core.model import Interrupt, Outcome, Run, RunError, RunSpec, RunStatus, ThreadStatus

NOW, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
RUN = Run(
    run_id="r",
    thread_id="t",
    assistant_id="a",
    graph_id="g",
    status=RunStatus.PENDING,
    created_at=NOW,
    updated_at=NOW,
    spec=RunSpec(assistant="g"),
)
P, R, S, E, T, I = RunStatus  # noqa: E741  their first letters
ALLOWED = {(P, R), (P, I), (R, P), (R, S), (R, E), (R, T), (R, I)}


@pytest.mark.parametrize(("old", "new"), [pair for pair in product(RunStatus, repeat=2) if pair in ALLOWED])
def test_a_move_of_the_table_is_made(old: RunStatus, new: RunStatus) -> None:
    moved = move(replace(RUN, status=old), new, LATER)

    assert (moved.status, moved.updated_at, moved.created_at) == (new, LATER, NOW)


@pytest.mark.parametrize(("old", "new"), [pair for pair in product(RunStatus, repeat=2) if pair not in ALLOWED])
def test_any_other_move_is_illegal(old: RunStatus, new: RunStatus) -> None:
    with pytest.raises(IllegalMove):
        move(replace(RUN, status=old), new, LATER)


def test_finishing_keeps_how_it_ended() -> None:
    outcome = Outcome(status=S, checkpoint_id="c")

    ended = finish(replace(RUN, status=R), outcome, 7, LATER)

    assert (ended.status, ended.outcome, ended.last_seq, ended.status.ended) == (S, outcome, 7, True)


def test_a_run_ends_once() -> None:
    ended = finish(replace(RUN, status=R), Outcome(status=S), 7, LATER)

    with pytest.raises(IllegalMove):
        finish(ended, Outcome(status=E), 8, LATER)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome(status=S), ThreadStatus.IDLE),
        (Outcome(status=S, next=("a",)), ThreadStatus.INTERRUPTED),
        (Outcome(status=S, interrupts=(Interrupt(id="i", value=b"1"),)), ThreadStatus.INTERRUPTED),
        (Outcome(status=I), ThreadStatus.IDLE),
        (Outcome(status=I, next=("a",)), ThreadStatus.INTERRUPTED),
        (Outcome(status=E, next=("a",)), ThreadStatus.ERROR),
        (Outcome(status=T), ThreadStatus.ERROR),
    ],
)
def test_what_an_end_makes_of_the_thread(outcome: Outcome, status: ThreadStatus) -> None:
    assert thread_status(outcome) is status


@pytest.mark.parametrize(
    ("outcome", "rolled_back", "error"),
    [
        (Outcome(status=S), False, None),
        (Outcome(status=E, error=RunError(type="ValueError", message="no")), False, "ValueError: no"),
        (Outcome(status=I), False, "UserInterrupt: the run was cancelled"),
        (Outcome(status=I), True, "UserRollback: the run was rolled back"),
    ],
)
def test_what_an_end_leaves_as_the_threads_error(outcome: Outcome, rolled_back: bool, error: str | None) -> None:
    assert thread_error(outcome, rolled_back=rolled_back) == error


def test_the_documentation_draws_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs/lifecycle.md").read_text()

    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", page, re.MULTILINE))

    assert drawn == {(old.value, new.value) for old, following in MOVES.items() for new in following}
