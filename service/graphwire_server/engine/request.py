"""A run's request in LangGraph's own terms.

Owns what a graph is called with: input or command, configuration and context. Reserved names of a caller's configuration are replaced, never
trusted (wire fact 73).
"""

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from langgraph.types import Command, Send
from pydantic import BaseModel

from graphwire_server.core.headers import PRIVATE_KEY
from graphwire_server.core.model import Command as RunCommand
from graphwire_server.core.model import Run, RunSpec
from graphwire_server.engine.chunks import without_internals

_OWN_METADATA = frozenset({"run_id", "thread_id", "assistant_id", "graph_id", "cron_id"})
_OWN_CONFIGURABLE = frozenset({"checkpoint_id", "checkpoint_ns", "checkpoint_map", "cron_id"})
"""What a request says in `checkpoint`, where it is checked; and what the server alone can know."""
_RECURSION_LIMIT = 25


def graph_input(spec: RunSpec) -> Any:
    """What the graph gets: a command, an input, or None to go on from a checkpoint."""
    if spec.command is not None:
        return graph_command(spec.command)
    return spec.input if spec.has_input else None


def resumes_with_null(spec: RunSpec) -> bool:
    """Whether the answer is null, which LangGraph takes for no answer unless it comes by the id of its interrupt."""
    return spec.command is not None and spec.command.has_resume and spec.command.resume is None


def graph_command(command: RunCommand) -> Command[Any]:
    """An instruction in LangGraph's own terms."""
    update = command.update
    if isinstance(update, list):
        update = [(key, value) for key, value in update]
    goto = [Send(step.node, step.input) if step.has_input else step.node for step in command.goto]
    given: dict[str, Any] = {"update": update, "goto": goto}
    if command.has_resume:
        given["resume"] = command.resume
    return Command(**given)


def graph_config(run: Run, *, goes_on: bool = False) -> RunnableConfig:
    """The configuration of a run: the caller's, with the ids of this run over it.

    LangGraph copies the ids into the metadata of everything that it calls; putting them there as well would make each merge longer.

    Args:
        run: The run.
        goes_on: Whether it goes on from its own last checkpoint, so that the one that it began from no longer counts.
    """
    spec, config = run.spec, run.spec.config
    ids = {
        "run_id": run.run_id,
        "thread_id": run.thread_id,
        "assistant_id": run.assistant_id,
        "graph_id": run.graph_id,
    }
    given = {**without_internals(spec.headers), **without_internals(config.configurable or spec.context)}
    given = {key: value for key, value in given.items() if key not in _OWN_CONFIGURABLE}
    if spec.cron_id:
        ids["cron_id"] = spec.cron_id  # wire fact 85
    if spec.headers:
        given[PRIVATE_KEY] = private_names(spec)
    made: RunnableConfig = {
        "run_id": uuid.UUID(run.run_id),
        "tags": list(config.tags),
        "recursion_limit": config.recursion_limit or _RECURSION_LIMIT,
        "run_name": config.run_name or run.graph_id,
        "configurable": {**given, **ids, "checkpoint_ns": "", **({} if goes_on else _checkpoint(spec))},
        "metadata": {key: value for key, value in spec.all_metadata.items() if key not in _OWN_METADATA},
    }
    if config.max_concurrency is not None:
        made["max_concurrency"] = config.max_concurrency
    return made


def private_names(spec: RunSpec) -> frozenset[str]:
    """The names in `configurable` that are headers of the request: for nodes alone, neither streamed nor kept with checkpoints (wire fact 20)."""
    return frozenset(spec.headers).difference(spec.config.configurable or spec.context or ())


def _checkpoint(spec: RunSpec) -> dict[str, Any]:
    at = spec.checkpoint
    if at is None:
        return {}
    made: dict[str, Any] = {"checkpoint_ns": at.checkpoint_ns}
    if at.checkpoint_id is not None:
        made["checkpoint_id"] = at.checkpoint_id
    if at.checkpoint_map is not None:
        made["checkpoint_map"] = dict(at.checkpoint_map)
    return made


def given_context(spec: RunSpec) -> Mapping[str, Any] | None:
    """What the run's context is made of, in whichever of its two forms it came (wire fact 72); None where in neither."""
    return spec.context or spec.config.configurable


def graph_context(graph: Pregel[Any, Any, Any, Any], spec: RunSpec) -> Any:
    """The run's context: the caller's, else what of `configurable` the graph's schema knows (wire fact 72).

    Keys that the schema does not know are dropped, as a schema class would refuse them.
    """
    schema, given = graph.context_schema, spec.context or spec.config.configurable or {}
    if schema is None:
        return dict(given) or None
    known = known_to(schema, given)
    return known or (None if spec.context is None else {})


def known_to(schema: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What of a context a schema has a field for."""
    return {key: value for key, value in given.items() if key in _fields(schema)}


def _fields(schema: type[Any]) -> Mapping[str, Any]:
    if dataclasses.is_dataclass(schema):
        return {field.name: field for field in dataclasses.fields(schema)}
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return schema.model_fields
    return getattr(schema, "__annotations__", {})
