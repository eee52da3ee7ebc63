CREATE TABLE assistant_versions (
    assistant_id TEXT NOT NULL REFERENCES assistants (assistant_id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    graph_id TEXT NOT NULL,
    name TEXT NOT NULL,
    folded TEXT NOT NULL,
    description TEXT NOT NULL,
    config TEXT NOT NULL,
    context TEXT,
    metadata TEXT NOT NULL,
    PRIMARY KEY (assistant_id, version)
) WITHOUT ROWID;
CREATE TABLE assistants (
    assistant_id TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    newest INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE crons (
    cron_id TEXT NOT NULL PRIMARY KEY,
    assistant_id TEXT NOT NULL,
    thread_id TEXT REFERENCES threads (thread_id) ON DELETE CASCADE,
    schedule TEXT NOT NULL,
    timezone TEXT,
    end_time INTEGER,
    enabled INTEGER NOT NULL,
    next_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    spec TEXT NOT NULL,
    fired_at INTEGER,
    last_run_id TEXT,
    problem TEXT
);
CREATE INDEX crons_by_time ON crons (next_at);
CREATE INDEX crons_of_thread ON crons (thread_id);
CREATE TABLE deliveries (
    run_id TEXT NOT NULL PRIMARY KEY,
    thread_id TEXT NOT NULL,
    host TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER,
    attempted_at INTEGER,
    settled_at INTEGER,
    status INTEGER,
    error TEXT NOT NULL,
    run TEXT
);
CREATE INDEX deliveries_of_thread ON deliveries (thread_id);
CREATE INDEX deliveries_pending ON deliveries (next_at) WHERE state = 'pending';
CREATE TABLE events (
    thread_id TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    batch BLOB NOT NULL
);
CREATE UNIQUE INDEX events_of_thread ON events (thread_id, last_seq, first_seq, bytes);
CREATE TABLE kept_runs (
    run_id TEXT NOT NULL PRIMARY KEY,
    thread_id TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX kept_runs_by_time ON kept_runs (expires_at);
CREATE INDEX kept_runs_of_thread ON kept_runs (thread_id, last_seq);
CREATE TABLE preserved_writes (
    run_id TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    checkpoint_ns TEXT NOT NULL,
    checkpoint_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    task_path TEXT NOT NULL,
    idx INTEGER NOT NULL,
    channel TEXT NOT NULL,
    type TEXT,
    value BLOB,
    PRIMARY KEY (run_id, thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
);
CREATE TABLE requests (
    request_id TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    run_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (expires_at);
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
    , due_at INTEGER, started_at INTEGER, cancel TEXT, losses INTEGER NOT NULL DEFAULT 0);
CREATE INDEX runs_active ON runs (thread_id, created_at, run_id) WHERE status IN ('pending', 'running');
CREATE INDEX runs_of_thread ON runs (thread_id, created_at, run_id);
CREATE INDEX runs_unnumbered ON runs (thread_id)
WHERE last_seq = 0 AND status NOT IN ('pending', 'running');
CREATE TABLE searched_values (
    thread_id TEXT NOT NULL PRIMARY KEY REFERENCES threads (thread_id) ON DELETE CASCADE,
    checkpoint_id TEXT NOT NULL,
    text TEXT
);
CREATE TABLE stateless_runs (
    run_id TEXT NOT NULL PRIMARY KEY,
    thread_id TEXT NOT NULL REFERENCES stateless_threads (thread_id) ON DELETE CASCADE,
    assistant_id TEXT NOT NULL,
    graph_id TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    spec TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    outcome TEXT,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    due_at INTEGER,
    started_at INTEGER,
    cancel TEXT,
    losses INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX stateless_runs_of_thread ON stateless_runs (thread_id);
CREATE TABLE stateless_threads (
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
    reserved_seq INTEGER NOT NULL,
    standing TEXT NOT NULL
    , ttl TEXT, expires_at INTEGER, state_updated_at INTEGER, config TEXT) WITHOUT ROWID;
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
    , standing TEXT NOT NULL DEFAULT 'idle', ttl TEXT, expires_at INTEGER, state_updated_at INTEGER, config TEXT);
CREATE INDEX threads_created ON threads (created_at, thread_id);
CREATE INDEX threads_expiring ON threads (expires_at) WHERE ttl IS NOT NULL;
CREATE INDEX threads_updated ON threads (updated_at, thread_id);
