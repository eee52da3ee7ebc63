"""Graphs that a function makes anew for each use.

Owns how a factory is recognised, called, and its context manager held open. A factory is a function or another callable, sync or async,
that returns a graph, a builder, or a context manager that gives one; or such a context manager itself. It takes nothing, the config, a
runtime, or both (wire fact 90). The invariant: whatever it holds open is closed when the use ends, and sees the exception that ended it.
"""

import copy
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack, asynccontextmanager
from contextlib import _AsyncGeneratorContextManager as AsyncOnce  # the classes have no public name
from contextlib import _GeneratorContextManager as Once
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import Any, TypeAlias, cast, get_args, get_origin

from langchain_core.runnables import RunnableConfig
from langchain_core.utils.pydantic import is_basemodel_subclass
from langgraph.graph import StateGraph
from langgraph.pregel import Pregel
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore
from langgraph_sdk.runtime import AccessContext, ServerRuntime
from langgraph_sdk.runtime import _ExecutionRuntime as ExecutionRuntime  # the classes have no public name
from langgraph_sdk.runtime import _ReadRuntime as ReadRuntime

from graphwire_server.engine.manifest import GraphEntry
from graphwire_server.engine.request import known_to

Graph: TypeAlias = Pregel[Any, Any, Any, Any]
"""A compiled graph of any state."""

RUNS: AccessContext = "threads.create_run"
"""The one use of a graph that executes its nodes."""


class Wants(Enum):
    """What a parameter of a factory is for. The values are the names of the types, for annotations that nobody can resolve."""

    CONFIG = "RunnableConfig"
    SERVER_RUNTIME = "ServerRuntime"
    RUNTIME = "Runtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter that a factory is called with.

    Attributes:
        name: Its name.
        positional: Whether it can only be given by position.
        wants: What it is for.
        context_type: The class of the run's context that a runtime's annotation names.
    """

    name: str
    positional: bool
    wants: Wants
    context_type: type | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a graph is opened for: the run's config and context, the kind of access, and the server's store."""

    config: RunnableConfig
    access: AccessContext
    context: Any = None  # an object of the user's class, or what the request says
    store: BaseStore | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Factory:
    """Makes a graph for each use."""

    entry: GraphEntry
    make: Callable[..., object]
    parameters: tuple[Parameter, ...] = ()

    @asynccontextmanager
    async def open(self, use: Use) -> AsyncIterator[Graph]:
        """Makes a graph, and keeps what it stands on until the use ends.

        The factory is called on the event loop, since what it makes (sessions, pools) mostly belongs to the loop it was made on.

        Raises:
            ManifestError: The factory gave something that is not a graph. What it raises itself is passed on.
        """
        async with AsyncExitStack() as stack:
            made = self.make(
                *[_argument(each, use) for each in self.parameters if each.positional],
                **{each.name: _argument(each, use) for each in self.parameters if not each.positional},
            )
            if inspect.isawaitable(made):
                made = await made
            if isinstance(made, AbstractAsyncContextManager):
                made = await stack.enter_async_context(made)
            elif isinstance(made, AbstractContextManager):
                made = stack.enter_context(made)
            graph = compiled(self.entry, made)
            if graph is None:
                name = self.entry.attribute
                raise self.entry.wrong(f"{name!r} gave {_kind(made)}; it must give a compiled graph or a StateGraph")
            yield graph if use.store is None else with_store(graph, use.store)


def with_store(graph: Graph, store: BaseStore) -> Graph:
    """The same graph with another store, whatever it was compiled with."""
    other = copy.copy(graph)
    other.store = store
    return other


def compiled(entry: GraphEntry, value: object) -> Graph | None:
    """A compiled graph of a graph or a builder; None for all else.

    Raises:
        ManifestError: The builder does not compile.
    """
    if isinstance(value, Pregel):
        return value
    if not isinstance(value, StateGraph):
        return None
    try:
        return cast("Graph", value.compile())
    except Exception as error:
        raise entry.wrong(f"{entry.attribute!r} does not compile: {type(error).__name__}: {error}") from error


def factory_of(entry: GraphEntry, value: object) -> Factory:
    """The factory that a module's attribute is.

    Raises:
        ManifestError: It is none, or asks for what factories are not given.
    """
    name = entry.attribute
    if isinstance(value, Once | AsyncOnce):
        # It could be entered for the first run and never again.
        raise entry.wrong(f"{name!r} was called already and can be opened only once; name the function itself")
    if isinstance(value, AbstractAsyncContextManager | AbstractContextManager) and not isinstance(value, type):
        return Factory(entry=entry, make=lambda: value)
    plain_class = isinstance(value, type) and not issubclass(
        value, AbstractAsyncContextManager | AbstractContextManager
    )
    if plain_class or not callable(value):
        what = "a class" if plain_class else _kind(value)
        raise entry.wrong(
            f"{name!r} is {what}; it must be a compiled graph, a StateGraph, or a function that makes one"
        )
    return Factory(entry=entry, make=value, parameters=tuple(_parameters(entry, value)))


def _parameters(entry: GraphEntry, make: Callable[..., object]) -> Iterator[Parameter]:
    given = [
        each
        for each in _signature(entry, make).parameters.values()
        if each.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    ]
    for each in given:
        wants = _wants(each)
        if wants is None and each.annotation is inspect.Parameter.empty and len(given) == 1 and each.name != "state":
            wants = Wants.CONFIG  # `def make(cfg)`: the oldest form of a factory. `def node(state)` is a node
        if wants is not None:
            positional = each.kind is inspect.Parameter.POSITIONAL_ONLY
            context_type = _context_type(each.annotation)
            yield Parameter(name=each.name, positional=positional, wants=wants, context_type=context_type)
        elif each.default is inspect.Parameter.empty:
            problem = f"{entry.attribute!r} needs {each.name!r}, but a function that makes a graph is given"
            raise entry.wrong(f"{problem} `config: RunnableConfig` and `runtime: ServerRuntime` only")


def _signature(entry: GraphEntry, make: Callable[..., object]) -> inspect.Signature:
    try:
        return inspect.signature(make, eval_str=True)
    except (ValueError, TypeError) as error:
        raise entry.wrong(
            f"the parameters of {entry.attribute!r} cannot be read; write a function around it"
        ) from error
    except Exception:  # noqa: BLE001  an annotation is code of the user's, and one for a type checker may not resolve
        return inspect.signature(make)


def _wants(parameter: inspect.Parameter) -> Wants | None:
    annotation = parameter.annotation
    if isinstance(annotation, str):
        # The order matters: one name is a part of another.
        for wants in (Wants.SERVER_RUNTIME, Wants.RUNTIME, Wants.CONFIG):
            if wants.value in annotation:
                return wants
    for each in (annotation, *get_args(annotation)):
        kind = get_origin(each) or each
        if kind is ServerRuntime or kind in (ExecutionRuntime, ReadRuntime):
            return Wants.SERVER_RUNTIME
        if kind is Runtime:
            return Wants.RUNTIME
        if kind is RunnableConfig:
            return Wants.CONFIG
    return {"config": Wants.CONFIG, "runtime": Wants.SERVER_RUNTIME}.get(parameter.name)


def _context_type(annotation: object) -> type | None:
    for each in get_args(annotation):
        if isinstance(each, type) and (is_dataclass(each) or is_basemodel_subclass(each)):
            return each
    return None


def _argument(parameter: Parameter, use: Use) -> object:
    if parameter.wants is Wants.CONFIG:
        # Factories read config["configurable"] without asking whether it is there.
        return {"configurable": {}, **use.config}
    context = use.context
    if isinstance(context, Mapping) and parameter.context_type is not None:
        context = parameter.context_type(**known_to(parameter.context_type, context))
    if parameter.wants is Wants.RUNTIME:
        return Runtime(context=context, store=use.store)
    store = cast("BaseStore", use.store)  # None only where graphs are used without a server
    if use.access == RUNS:
        return ExecutionRuntime(access_context=use.access, store=store, context=context)
    return ReadRuntime(access_context=use.access, store=store)


def _kind(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"
