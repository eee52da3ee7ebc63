"""That one row stands for all that are on a thread: SQL chooses it, and the rules of `occupancy.py` must not see a difference."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphwire_server.core.model import CancelAction, Run, RunStatus
from graphwire_server.storage.occupancy import admitted, next_run, opened
from graphwire_server.storage.sqlite.migrations import prepare
from graphwire_server.storage.sqlite.rows import run_row, thread_row
from graphwire_server.storage.sqlite.tables import Tables
from tests.storage.suite.samples import at, run

WAITING = st.builds(
    lambda second, due, started, cancel: run(
        "", "t1", second=second, status=RunStatus.PENDING, due_at=due, started_at=started, cancel=cancel
    ),
    st.integers(0, 3),
    st.none() | st.integers(0, 9).map(at),
    st.none() | st.just(at(1)),
    st.none() | st.sampled_from(CancelAction),
)
RUNNING = st.builds(lambda second: run("", "t1", second=second), st.integers(0, 3))
ACTIVE = st.tuples(st.lists(RUNNING, max_size=1), st.lists(WAITING, max_size=6)).map(
    lambda both: [*both[0], *both[1]]
)  # one at most is running


@pytest.fixture(params=[False, True], ids=["stateful", "stateless"])
def tables(request: pytest.FixtureRequest) -> Tables:
    return Tables(stateless=request.param)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    prepare(tmp_path, tmp_path / "database")
    with closing(sqlite3.connect(tmp_path / "database", isolation_level=None)) as connection:
        connection.executescript("PRAGMA foreign_keys = ON; PRAGMA synchronous = OFF")
        yield connection


def stored(connection: sqlite3.Connection, tables: Tables, active: list[Run]) -> list[Run]:
    named = [replace(each, run_id=f"r{number}") for number, each in enumerate(active)]
    connection.execute(tables.sql.delete_thread, ("t1",))
    connection.execute(tables.sql.add_thread, thread_row(opened(run("any", "t1"))))
    for each in named:
        connection.execute(tables.sql.add_run, run_row(each))
    return named


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # the rows are made anew
@given(active=ACTIVE, second=st.integers(0, 10))
def test_the_next_run_is_the_same(
    connection: sqlite3.Connection, tables: Tables, active: list[Run], second: int
) -> None:
    named = stored(connection, tables, active)

    found = next_run(tables.candidates(connection, "t1", at(second)), at(second))

    assert found == next_run(named, at(second))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # as above
@given(active=ACTIVE, second=st.integers(0, 10))
def test_a_new_run_starts_or_waits_the_same(
    connection: sqlite3.Connection, tables: Tables, active: list[Run], second: int
) -> None:
    named, new = stored(connection, tables, active), run("new", "t1", second=second)
    thread = opened(new)

    found = admitted(thread, new, tables.foremost(connection, "t1"), may_start=True, seq_block=10)

    assert found == admitted(thread, new, named, may_start=True, seq_block=10)
