"""Every SQL statement on the rows of threads and runs, by name.

Owns the text alone. Threads and runs stand in two pairs of tables, one for those that stay and one for stateless runs, whose thread ends with them: each statement
is written once, and `on` makes it for a pair. `rows.py` makes the parameters and reads the rows; the columns stand here in the order in which it reads them.
"""

from dataclasses import dataclass, fields

from graphwire_server.core.model import ThreadSort
from graphwire_server.storage.sqlite.searched import HAVING

THREAD_COLUMNS = "thread_id, created_at, updated_at, status, metadata, graph_id, assistant_id, interrupts, error, last_seq, reserved_seq, standing, ttl, state_updated_at, config"
RUN_COLUMNS = (
    "run_id, thread_id, assistant_id, graph_id, status, created_at, updated_at, spec, attempt, outcome, first_seq, last_seq, "
    "due_at, started_at, cancel, losses"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The statements on one pair of tables."""

    add_thread: str
    get_thread: str
    set_thread: str
    reserve: str
    number_thread: str
    delete_thread: str
    count_threads: str
    search_threads: str
    count_having: str
    search_having: str
    add_run: str
    get_run: str
    start_run: str
    release_run: str
    cancel_run: str
    finish_run: str
    end_run: str
    number_run: str
    list_runs: str
    last_begun: str
    delete_run: str
    occupied: str
    active_runs: str
    foremost_run: str
    next_run: str
    unfinished_runs: str
    ended_runs: str
    unnumbered_runs: str


_MATCHING = """
FROM {threads}
WHERE (:status IS NULL OR status = :status)
  AND (:ids IS NULL OR thread_id IN (SELECT value FROM json_each(:ids)))
  AND (:metadata IS NULL OR contains(metadata, :metadata))
"""
_ACTIVE = (
    "status IN ('pending', 'running')"  # word for word the condition of the index `runs_active`, or that is not used
)
_UNNUMBERED = "last_seq = 0 AND status NOT IN ('pending', 'running')"  # likewise, of `runs_unnumbered`
_TEMPLATES = Statements(
    add_thread="""
INSERT INTO {threads} ({thread_columns}, expires_at)
VALUES (:thread_id, :created_at, :updated_at, :status, :metadata, :graph_id, :assistant_id, :interrupts, :error, :last_seq, :reserved_seq, :standing,
    :ttl, :state_updated_at, :config, :expires_at)
""",
    get_thread="SELECT {thread_columns} FROM {threads} WHERE thread_id = ?",
    set_thread="""
UPDATE {threads}
SET updated_at = :updated_at, status = :status, metadata = :metadata, graph_id = :graph_id, assistant_id = :assistant_id,
    interrupts = :interrupts, error = :error, last_seq = :last_seq, reserved_seq = :reserved_seq,
    standing = :standing, ttl = :ttl, expires_at = :expires_at, state_updated_at = :state_updated_at, config = :config
WHERE thread_id = :thread_id
""",
    reserve="UPDATE {threads} SET reserved_seq = :last_seq WHERE thread_id = :thread_id AND reserved_seq < :last_seq",
    number_thread="""
UPDATE {threads} SET last_seq = max(last_seq, :last_seq), reserved_seq = max(reserved_seq, :last_seq) WHERE thread_id = :thread_id
""",
    # Its runs go with it, by their foreign key.
    delete_thread="DELETE FROM {threads} WHERE thread_id = ?",
    count_threads="SELECT count(*)" + _MATCHING,
    search_threads="SELECT {thread_columns}" + _MATCHING + "ORDER BY {{order}} LIMIT :limit OFFSET :offset",
    # Those whose latest state has certain values; see `searched.py`. Threads of stateless runs have no states.
    count_having="SELECT count(*)" + _MATCHING + "AND " + HAVING,
    search_having="SELECT {thread_columns}"
    + _MATCHING
    + "AND "
    + HAVING
    + "ORDER BY {{order}} LIMIT :limit OFFSET :offset",
    add_run="""
INSERT INTO {runs} ({run_columns})
VALUES (:run_id, :thread_id, :assistant_id, :graph_id, :status, :created_at, :updated_at, :spec, :attempt, :outcome, :first_seq,
    :last_seq, :due_at, :started_at, :cancel, :losses)
""",
    get_run="SELECT {run_columns} FROM {runs} WHERE run_id = ?",
    start_run="""
UPDATE {runs}
SET status = :status, updated_at = :updated_at, attempt = :attempt, first_seq = :first_seq, started_at = :started_at
WHERE run_id = :run_id
""",
    release_run="UPDATE {runs} SET status = :status, updated_at = :updated_at, losses = :losses WHERE run_id = :run_id",
    cancel_run="UPDATE {runs} SET cancel = :cancel WHERE run_id = :run_id",
    # These two are fenced: an attempt that is over ends nothing, nor does one that leaves what is to be rolled back.
    finish_run="""
UPDATE {runs}
SET status = :status, updated_at = :updated_at, outcome = :outcome, last_seq = :last_seq, cancel = coalesce(cancel, :cancel)
WHERE run_id = :run_id AND attempt = :attempt AND {active} AND (:rolled_back OR cancel IS NOT 'rollback')
""",
    end_run="""
DELETE FROM {runs}
WHERE run_id = :run_id AND attempt = :attempt AND {active} AND (:rolled_back OR cancel IS NOT 'rollback')
""",
    number_run="UPDATE {runs} SET last_seq = :last_seq WHERE run_id = :run_id",
    list_runs="""
SELECT {run_columns} FROM {runs}
WHERE thread_id = :thread_id AND (:status IS NULL OR status = :status)
ORDER BY created_at DESC, run_id DESC LIMIT :limit OFFSET :offset
""",
    last_begun="""
SELECT {run_columns} FROM {runs} WHERE thread_id = ? AND first_seq > 0 ORDER BY created_at DESC, run_id DESC LIMIT 1
""",
    delete_run="DELETE FROM {runs} WHERE run_id = ?",
    occupied="SELECT 1 FROM {runs} WHERE thread_id = ? AND {active} LIMIT 1",
    active_runs="SELECT {run_columns} FROM {runs} WHERE thread_id = ? AND {active} ORDER BY created_at, run_id",
    # Of all that are on a thread, the one that decides: whether anything is before a new run, and which run is the next. A thread may have very many.
    foremost_run="""
SELECT {run_columns} FROM {runs} WHERE thread_id = ? AND {active}
ORDER BY status = 'running' DESC, due_at IS NOT NULL, due_at LIMIT 1
""",
    next_run="""
SELECT {run_columns} FROM {runs} WHERE thread_id = :thread_id AND {active}
ORDER BY status = 'running' DESC, cancel IS NOT NULL, due_at IS NOT NULL AND due_at > :now, started_at IS NULL, created_at, run_id LIMIT 1
""",
    unfinished_runs="SELECT {run_columns} FROM {runs} WHERE {active} ORDER BY created_at, run_id",
    ended_runs="SELECT {run_columns} FROM {runs} WHERE NOT {active} ORDER BY updated_at, run_id",
    unnumbered_runs="SELECT {run_columns} FROM {runs} WHERE {unnumbered} ORDER BY updated_at, run_id",
)


def on(threads: str, runs: str) -> Statements:
    """The statements on a pair of tables, which exists.

    Args:
        threads: The table of threads.
        runs: That of their runs.
    """
    names = {
        "threads": threads,
        "runs": runs,
        "thread_columns": THREAD_COLUMNS,
        "run_columns": RUN_COLUMNS,
        "active": _ACTIVE,
        "unnumbered": _UNNUMBERED,
    }
    return Statements(**{field.name: getattr(_TEMPLATES, field.name).format(**names) for field in fields(Statements)})


STATEFUL = on("threads", "runs")
"""On threads that stay, with their runs."""

STATELESS = on("stateless_threads", "stateless_runs")
"""On stateless runs and the threads that end with them. They have no checkpoints."""

_SORTED_BY = {ThreadSort.STATE_UPDATED_AT: "coalesce(state_updated_at, created_at)"}
ORDERS = {
    (sort, ascending): ", ".join(
        f"{column} {'ASC' if ascending else 'DESC'}"
        for column in dict.fromkeys((_SORTED_BY.get(sort, sort.value), "thread_id"))
    )
    for sort in ThreadSort
    for ascending in (True, False)
}
"""What `search_threads` sorts by: by sort key and by whether the order is ascending."""
