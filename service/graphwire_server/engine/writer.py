"""The stream writer that nodes write custom data with.

Owns what LangGraph does not say about custom data: which node wrote it. A run is given a parent runtime, as LangGraph foresees for servers; where the run's own
runtime is merged into it, the writer is one that puts the node's name beside the data.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from langgraph.config import get_config
from langgraph.runtime import Runtime

CONFIG_KEY = "__pregel_runtime"
"""Where in `configurable` LangGraph looks for a parent runtime."""

Write = Callable[[Any], None]
"""Takes what a node writes."""


class Written(NamedTuple):
    """Custom data with the node that wrote it."""

    node: str
    data: Any


def naming(write: Write) -> Write:
    """The same writer, with the node's name beside the data."""

    def named(data: Any) -> None:
        metadata = get_config().get("metadata") or {}
        write(Written(metadata.get("langgraph_node") or "", data))

    return named


class NamingRuntime(Runtime[Any]):
    """A parent runtime whose children write as LangGraph has them write, and say which node does. Subgraphs inherit that writer, so the innermost node is named."""

    __slots__ = ()

    def merge(self, other: Runtime[Any]) -> Runtime[Any]:
        """LangGraph's own merge, with the writer wrapped."""
        merged = Runtime.merge(self, other)
        return replace(merged, stream_writer=naming(merged.stream_writer))


class WritingRuntime(Runtime[Any]):
    """A parent runtime whose root graph writes with the writer that it was made with."""

    __slots__ = ()

    def merge(self, other: Runtime[Any]) -> Runtime[Any]:
        """LangGraph's own merge, with this runtime's writer."""
        return replace(Runtime.merge(self, other), stream_writer=self.stream_writer)
