CREATE TABLE runs (
    run_id TEXT NOT NULL PRIMARY KEY,
    thread_id TEXT NOT NULL REFERENCES threads (thread_id) ON DELETE CASCADE,
    assistant_id TEXT NOT NULL,
    graph_id TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    spec TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
);
CREATE INDEX runs_active ON runs (thread_id, created_at, run_id) WHERE status IN ('pending', 'running');
CREATE INDEX runs_of_thread ON runs (thread_id, created_at, run_id);
CREATE TABLE threads (
    thread_id TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    metadata TEXT NOT NULL,
    graph_id TEXT,
    assistant_id TEXT,
    interrupts TEXT NOT NULL,
    error TEXT,
    last_seq INTEGER NOT NULL,
    reserved_seq INTEGER NOT NULL
);
CREATE INDEX threads_created ON threads (created_at, thread_id);
CREATE INDEX threads_updated ON threads (updated_at, thread_id);
