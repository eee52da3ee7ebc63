"""Every SQL statement on the rows of threads and runs, by name.

Owns the text alone. `rows.py` makes the parameters and reads the rows; the columns stand here in the order in which it reads them.
The statements on checkpoints are the library's, but for those that it lacks.
"""

from graphwire_server.core.model import ThreadSort

THREAD_COLUMNS = "thread_id, created_at, updated_at, status, metadata, graph_id, assistant_id, interrupts, error, last_seq, reserved_seq"
RUN_COLUMNS = "run_id, thread_id, assistant_id, graph_id, status, created_at, updated_at, spec, attempt, outcome, first_seq, last_seq"

ADD_THREAD = f"""
INSERT INTO threads ({THREAD_COLUMNS})
VALUES (:thread_id, :created_at, :updated_at, :status, :metadata, :graph_id, :assistant_id, :interrupts, :error, :last_seq, :reserved_seq)
"""  # noqa: S608 - the columns are the constant above
GET_THREAD = f"SELECT {THREAD_COLUMNS} FROM threads WHERE thread_id = ?"  # noqa: S608 - as above
SET_THREAD = """
UPDATE threads
SET updated_at = :updated_at, status = :status, metadata = :metadata, graph_id = :graph_id, assistant_id = :assistant_id,
    interrupts = :interrupts, error = :error, last_seq = :last_seq, reserved_seq = :reserved_seq
WHERE thread_id = :thread_id
"""
RESERVE = "UPDATE threads SET reserved_seq = :last_seq WHERE thread_id = :thread_id AND reserved_seq < :last_seq"
NUMBER_THREAD = """
UPDATE threads SET last_seq = max(last_seq, :last_seq), reserved_seq = max(reserved_seq, :last_seq) WHERE thread_id = :thread_id
"""
DELETE_THREAD = "DELETE FROM threads WHERE thread_id = ?"  # its runs go with it, by their foreign key
DELETE_CHECKPOINTS = "DELETE FROM checkpoints WHERE thread_id = ?"
DELETE_WRITES = "DELETE FROM writes WHERE thread_id = ?"
# A checkpoint and its writes do not name their thread but in the column: LangGraph leaves the id out of what it serializes.
COPY_CHECKPOINTS = """
INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
SELECT :copy_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata
FROM checkpoints WHERE thread_id = :thread_id
"""
COPY_WRITES = """
INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
SELECT :copy_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value
FROM writes WHERE thread_id = :thread_id
"""
CHECKPOINT_BYTES = """
SELECT CAST((SELECT total(length(checkpoint)) FROM checkpoints WHERE thread_id = :thread_id)
    + (SELECT total(length(value)) FROM writes WHERE thread_id = :thread_id) AS INTEGER)
"""

_MATCHING = """
FROM threads
WHERE (:status IS NULL OR status = :status)
  AND (:ids IS NULL OR thread_id IN (SELECT value FROM json_each(:ids)))
  AND (:metadata IS NULL OR contains(metadata, :metadata))
"""
COUNT_THREADS = "SELECT count(*)" + _MATCHING


def _search(sort: ThreadSort, direction: str) -> str:
    order = ", ".join(f"{column} {direction}" for column in dict.fromkeys((sort.value, "thread_id")))
    return f"SELECT {THREAD_COLUMNS} {_MATCHING} ORDER BY {order} LIMIT :limit OFFSET :offset"


SEARCH_THREADS = {
    (sort, ascending): _search(sort, "ASC" if ascending else "DESC")
    for sort in ThreadSort
    for ascending in (True, False)
}
"""By sort key and by whether the order is ascending."""

ADD_RUN = f"""
INSERT INTO runs ({RUN_COLUMNS})
VALUES (:run_id, :thread_id, :assistant_id, :graph_id, :status, :created_at, :updated_at, :spec, :attempt, :outcome, :first_seq,
    :last_seq)
"""  # noqa: S608 - as above
GET_RUN = f"SELECT {RUN_COLUMNS} FROM runs WHERE run_id = ?"  # noqa: S608 - as above
SET_RUN = """
UPDATE runs
SET updated_at = :updated_at, status = :status, attempt = :attempt, outcome = :outcome, first_seq = :first_seq, last_seq = :last_seq
WHERE run_id = :run_id AND status IN ('pending', 'running')
"""
NUMBER_END = "UPDATE runs SET last_seq = :last_seq WHERE run_id = :run_id"
LIST_RUNS = f"""
SELECT {RUN_COLUMNS} FROM runs
WHERE thread_id = :thread_id AND (:status IS NULL OR status = :status)
ORDER BY created_at DESC, run_id DESC LIMIT :limit OFFSET :offset
"""  # noqa: S608 - as above
# The three below use the index `runs_active` because they repeat its condition word for word.
THREAD_OCCUPIED = "SELECT 1 FROM runs WHERE thread_id = ? AND status IN ('pending', 'running') LIMIT 1"
FIRST_ACTIVE_RUN = f"""
SELECT {RUN_COLUMNS} FROM runs WHERE thread_id = ? AND status IN ('pending', 'running')
ORDER BY status = 'running' DESC, created_at, run_id LIMIT 1
"""  # noqa: S608 - as above
UNFINISHED_RUNS = f"""
SELECT {RUN_COLUMNS} FROM runs WHERE status IN ('pending', 'running') ORDER BY created_at, run_id
"""  # noqa: S608 - as above
DELETE_RUN = "DELETE FROM runs WHERE run_id = ?"

LAST_CHECKPOINT_ID = """
SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' ORDER BY checkpoint_id DESC LIMIT 1
"""
