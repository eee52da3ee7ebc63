"""Going on with a run whose process died.

Owns one question: whether the run had come to a stop that its process did not live to record. LangGraph goes on from a checkpoint past the nodes at which a
run is to stop, since that is what its caller wants with the next run; a run that is taken up again wants to stop there.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from langgraph.pregel import Pregel
from langgraph.types import StateSnapshot

from graphwire_server.core.model import Run


async def stops_here(graph: Pregel[Any, Any, Any, Any], run: Run) -> bool:
    """Whether the run stops at its thread's last checkpoint, which is its own: a node comes next before which it stops, or one has just run behind which it
    does.
    """
    before = _named(run.spec.interrupt_before, graph.interrupt_before_nodes)
    after = _named(run.spec.interrupt_after, graph.interrupt_after_nodes)
    if not before and not after:
        return False
    latest = await graph.aget_state({"configurable": {"thread_id": run.thread_id}})
    # A fork is where the run began, so it went past the nodes there.
    if not latest.next or (latest.metadata or {}).get("source") not in ("input", "loop"):
        return False
    if _meets(before, latest.next):
        return True
    return bool(after) and _meets(after, await _just_run(graph, latest))


async def _just_run(graph: Pregel[Any, Any, Any, Any], latest: StateSnapshot) -> Sequence[str]:
    """The nodes whose work made the checkpoint: those that came next at the one before."""
    if latest.parent_config is None:
        return ()
    return (await graph.aget_state(latest.parent_config)).next


def _named(asked: Sequence[str], compiled: Iterable[str] | str) -> frozenset[str]:
    """The nodes at which a run stops: those that it asks for or, where it asks for none, those that its graph was compiled with."""
    return frozenset(asked or ((compiled,) if isinstance(compiled, str) else compiled))


def _meets(wanted: frozenset[str], nodes: Sequence[str]) -> bool:
    """`*` is every node, but for those that LangGraph hides."""
    return any(node in wanted or ("*" in wanted and not node.startswith("__")) for node in nodes)
