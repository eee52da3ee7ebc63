"""What fuzzed requests have in common: which paths read what, how many examples there are, and what of an answer is looked at."""

from hypothesis import HealthCheck, settings

from tests.faults.http.talk import run, sane
from tests.faults.http.wire import Heard, exchange

NOBODY = "00000000-0000-0000-0000-000000000007"
FUZZED = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

POSTS = {
    "/threads": {"thread_id", "metadata", "if_exists", "ttl", "supersteps"},
    "/threads/search": {"metadata", "status", "values", "ids", "limit", "offset", "sort_by", "sort_order", "select", "extract"},
    "/threads/count": {"metadata", "status", "values", "ids"},
    "/threads/prune": {"thread_ids", "strategy"},
    "/threads/{thread}/history": {"limit", "before", "checkpoint", "select"},
    "/threads/{thread}/state": {"values", "as_node", "checkpoint", "checkpoint_id"},
    "/threads/{thread}/state/checkpoint": {"checkpoint", "subgraphs", "select"},
    "/threads/{thread}/runs": set(run("", {})) | {"command", "config", "context", "metadata", "checkpoint", "checkpoint_id"},
    "/runs/wait": {"assistant_id", "input", "command", "config", "context", "metadata", "interrupt_before", "interrupt_after"},
    "/runs/stream": {"stream_mode", "stream_subgraphs", "stream_resumable", "multitask_strategy", "if_not_exists", "durability"},
    "/runs": {"on_disconnect", "on_completion", "after_seconds", "webhook", "feedback_keys", "langsmith_tracer", "checkpoint_during"},
    "/runs/cancel": {"status", "thread_id", "run_ids"},
    "/assistants": {"graph_id", "assistant_id", "if_exists", "name", "description", "config", "context", "metadata"},
    "/assistants/search": {"metadata", "graph_id", "name", "limit", "offset", "sort_by", "sort_order", "select"},
    "/assistants/count": {"metadata", "graph_id", "name"},
    "/assistants/{thread}/versions": {"metadata", "limit", "offset"},
    "/assistants/{thread}/latest": {"version"},
}  # fmt: skip
"""Paths that take a body, and the fields that they read."""


async def tried(url: str, *parts: bytes) -> Heard | None:
    """The answer to what an enemy sends, which is a sane one."""
    heard = await exchange(url, *parts)
    sane(heard)
    return heard
