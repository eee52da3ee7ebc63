"""The states that graphs have left on threads.

Owns reading and writing them through the thread's graph, whose channels alone know what a checkpoint means (port `States`).
"""

import copy
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import InvalidUpdateError
from langgraph.pregel import Pregel
from langgraph.types import PregelTask, StateSnapshot
from langgraph.types import StateUpdate as GraphStateUpdate

from graphwire_server.core.errors import GraphwireError, InvalidField
from graphwire_server.core.model import (
    CheckpointRef,
    JsonObject,
    JsonValue,
    Outcome,
    Run,
    RunStatus,
    StateTask,
    StateUpdate,
    TaskInterrupts,
    ThreadState,
)
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.chunks import interrupts, plain_values, without_internals
from graphwire_server.engine.encoding import dumps
from graphwire_server.engine.failures import run_error, task_error
from graphwire_server.engine.request import graph_command, graph_input

_NOT_NODES = frozenset({"__end__", "__input__", "__copy__"})
"""What a change of a state may also be made as: the graph's end, its input, a copy of the state as it is."""


class GraphStates:
    """The states of threads (port `States`).

    Args:
        catalogue: The graphs.
        checkpointer: Keeps the checkpoints.
    """

    def __init__(self, catalogue: Catalogue, checkpointer: BaseCheckpointSaver[str]) -> None:
        self._catalogue = catalogue
        self._checkpointer = checkpointer

    async def get(self, graph_id: str, thread_id: str, at: CheckpointRef, *, subgraphs: bool) -> ThreadState | None:
        """The state at a checkpoint (port `States`)."""
        async with self._graph(graph_id) as graph:
            snapshot = await graph.aget_state(_config(thread_id, at), subgraphs=subgraphs)
        if at.checkpoint_id is not None and snapshot.metadata is None:
            return None
        return thread_state(snapshot)

    async def update(
        self, graph_id: str, thread_id: str, at: CheckpointRef, values: JsonValue, as_node: str | None
    ) -> CheckpointRef:
        """Writes a change as if a node had returned it (port `States`)."""
        async with self._graph(graph_id) as graph:
            if as_node is not None and as_node not in graph.nodes and as_node != "__end__":
                problem = f"{as_node!r} is no node; the graph has {', '.join(_nodes(graph))}"
                raise InvalidField("as_node", problem, http_status=400)
            if at.checkpoint_ns and not _has_subgraph(graph, at.checkpoint_ns):
                raise InvalidField("checkpoint.checkpoint_ns", f"{at.checkpoint_ns!r} is no subgraph of the graph")
            made = await _updated(graph, _config(thread_id, at), values, as_node)
        return _reference(made) or CheckpointRef()

    async def bulk_update(
        self, graph_id: str, thread_id: str, supersteps: Sequence[Sequence[StateUpdate]]
    ) -> CheckpointRef:
        """Writes several supersteps, as if nodes had returned their changes (port `States`)."""
        async with self._graph(graph_id) as graph:
            _check_nodes(graph, supersteps)
            given = [[_graph_update(one) for one in updates] for updates in supersteps]
            with _refused("supersteps", "supersteps"):
                made = await graph.abulk_update_state(_config(thread_id, CheckpointRef()), given)
        return _reference(made) or CheckpointRef()

    async def history(
        self, graph_id: str, thread_id: str, *, ns: str, before: str | None, metadata: JsonObject, limit: int
    ) -> Sequence[ThreadState]:
        """States older than a checkpoint, the newest first (port `States`)."""
        config = _config(thread_id, CheckpointRef(checkpoint_ns=ns))
        older = None if before is None else _config(thread_id, CheckpointRef(checkpoint_ns=ns, checkpoint_id=before))
        async with self._graph(graph_id) as graph:
            found = graph.aget_state_history(config, filter=dict(metadata) or None, before=older, limit=limit)
            try:
                return [thread_state(snapshot) async for snapshot in found]
            except (ValueError, OverflowError) as error:
                if not metadata:
                    raise
                # The checkpointer looks for it in SQL, which has no integers beyond 64 bits, and keys of simple characters alone.
                raise InvalidField("metadata", f"cannot be searched for: {error}") from error

    @asynccontextmanager
    async def _graph(self, graph_id: str) -> AsyncIterator[Pregel[Any, Any, Any, Any]]:
        async with self._catalogue.open(graph_id) as graph:
            yield with_checkpointer(graph, self._checkpointer)


async def _updated(
    graph: Pregel[Any, Any, Any, Any], config: RunnableConfig, values: JsonValue, as_node: str | None
) -> RunnableConfig:
    with _refused("values", "values" if as_node else "as_node"):
        return await graph.aupdate_state(config, values, as_node)


@contextmanager
def _refused(values: str, placing: str) -> Iterator[None]:
    """What the graph's own code says to a change (a reducer, a type) is about what the caller sent.

    Args:
        values: The field whose values the graph refuses.
        placing: The field that says where in the graph they belong.

    Raises:
        InvalidField: The graph does not take the change.
    """
    try:
        yield
    except GraphwireError:
        raise
    except InvalidUpdateError as error:
        raise InvalidField(placing, str(error), http_status=400) from error
    except Exception as error:
        failure = run_error(error)
        raise InvalidField(values, f"the graph refuses them: {failure.type}: {failure.message}", 400) from error


def _graph_update(one: StateUpdate) -> GraphStateUpdate:
    # LangGraph takes a command as well, though its type does not say so.
    values: Any = graph_command(one.command) if one.command else one.values
    return GraphStateUpdate(values, one.as_node)


def _check_nodes(graph: Pregel[Any, Any, Any, Any], supersteps: Sequence[Sequence[StateUpdate]]) -> None:
    """Raises InvalidField for a node that the graph does not have."""
    for index, updates in enumerate(supersteps):
        for place, one in enumerate(updates):
            if one.as_node is not None and one.as_node not in graph.nodes and one.as_node not in _NOT_NODES:
                field = f"supersteps[{index}].updates[{place}].as_node"
                problem = f"{one.as_node!r} is no node; the graph has {', '.join(_nodes(graph))}"
                raise InvalidField(field, problem, http_status=400)


def _has_subgraph(graph: Pregel[Any, Any, Any, Any], checkpoint_ns: str) -> bool:
    path = "|".join(level.partition(":")[0] for level in checkpoint_ns.split("|"))
    return any(name == path for name, _ in graph.get_subgraphs(recurse=True))


def with_checkpointer(
    graph: Pregel[Any, Any, Any, Any], checkpointer: BaseCheckpointSaver[Any] | None
) -> Pregel[Any, Any, Any, Any]:
    """The same graph on another checkpointer, whatever it was compiled with. LangGraph's own `copy` validates the graph anew, for each run."""
    other = copy.copy(graph)
    other.checkpointer = checkpointer
    return other


async def answered(graph: Pregel[Any, Any, Any, Any], run: Run) -> Any:
    """What a graph gets whose run answers null: the answer by the id of the interrupt that waits.

    Raises:
        ValueError: Several interrupts wait, and nobody can tell which one is meant.
    """
    snapshot = await graph.aget_state(_config(run.thread_id, run.spec.checkpoint or CheckpointRef()))
    ids = [item.id for item in snapshot.interrupts]
    if len(ids) > 1:
        raise ValueError(f"command.resume: {len(ids)} interrupts wait; send a map of their ids to the answers")
    command = graph_input(run.spec)
    return replace(command, resume=dict.fromkeys(ids)) if ids else command


async def stopped(
    graph: Pregel[Any, Any, Any, Any], thread_id: str, status: RunStatus, values: bytes | None = None
) -> Outcome:
    """The outcome of a run that stopped before its graph's end: what waits, and where it would go on.

    Args:
        graph: The graph, with the checkpointer that the run wrote to.
        thread_id: The thread.
        status: How the run ended.
        values: What a stateless run leaves.
    """
    snapshot = await graph.aget_state(_config(thread_id, CheckpointRef()))
    by_task = tuple(
        TaskInterrupts(task_id=task.id, interrupts=interrupts(task.interrupts))
        for task in snapshot.tasks
        if task.interrupts
    )
    reference = _reference(snapshot.config)
    return Outcome(
        status=status,
        interrupts=tuple(item for task in by_task for item in task.interrupts),
        task_interrupts=by_task,
        next=tuple(snapshot.next),
        checkpoint_id=(reference and reference.checkpoint_id) or "",
        values=values,
    )


def thread_state(snapshot: StateSnapshot) -> ThreadState:
    """LangGraph's snapshot as a state of ours."""
    return ThreadState(
        values=dumps(plain_values(snapshot.values)),
        next=tuple(snapshot.next),
        tasks=tuple(map(_task, snapshot.tasks)),
        checkpoint=_reference(snapshot.config) if snapshot.metadata is not None else None,
        parent_checkpoint=_reference(snapshot.parent_config),
        metadata=dumps(without_internals(snapshot.metadata)),
        created_at=datetime.fromisoformat(snapshot.created_at) if snapshot.created_at else None,
        interrupts=interrupts(snapshot.interrupts),
    )


def _task(task: PregelTask) -> StateTask:
    nested = task.state
    return StateTask(
        id=task.id,
        name=task.name,
        error=task_error(task.error),
        interrupts=interrupts(task.interrupts),
        result=None if task.result is None else dumps(task.result),
        checkpoint=_reference(nested) if isinstance(nested, dict) else None,
        state=thread_state(nested) if isinstance(nested, StateSnapshot) else None,
    )


def _nodes(graph: Pregel[Any, Any, Any, Any]) -> list[str]:
    return sorted(name for name in graph.nodes if not name.startswith("__"))


def _config(thread_id: str, at: CheckpointRef) -> RunnableConfig:
    configurable: dict[str, Any] = {"thread_id": thread_id, "checkpoint_ns": at.checkpoint_ns}
    if at.checkpoint_id is not None:
        configurable["checkpoint_id"] = at.checkpoint_id
    if at.checkpoint_map is not None:
        configurable["checkpoint_map"] = dict(at.checkpoint_map)
    return {"configurable": configurable}


def _reference(config: RunnableConfig | None) -> CheckpointRef | None:
    here = (config or {}).get("configurable")
    if not here:
        return None
    return CheckpointRef(
        checkpoint_id=here.get("checkpoint_id"),
        checkpoint_ns=here.get("checkpoint_ns") or "",
        checkpoint_map=here.get("checkpoint_map"),
    )
