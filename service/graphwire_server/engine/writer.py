"""The stream writer that nodes write custom data with.

Owns the one thing that LangGraph does not say about custom data: which node wrote it. A run is given a parent runtime, as LangGraph foresees
for servers; where the run's own runtime is merged into it, the writer is wrapped to put the node's name beside the data.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from langgraph.config import get_config
from langgraph.runtime import Runtime

CONFIG_KEY = "__pregel_runtime"
"""Where in `configurable` LangGraph looks for a parent runtime."""


class Written(NamedTuple):
    """Custom data with the node that wrote it."""

    node: str
    data: Any


class NamingRuntime(Runtime[Any]):
    """A parent runtime whose children say which node writes."""

    __slots__ = ()

    def merge(self, other: Runtime[Any]) -> Runtime[Any]:
        """LangGraph's own merge, with the writer wrapped. Subgraphs inherit the wrapped writer, so the innermost node is named."""
        merged = Runtime.merge(self, other)
        write = merged.stream_writer

        def named(data: Any) -> None:
            metadata = get_config().get("metadata") or {}
            write(Written(metadata.get("langgraph_node") or "", data))

        return replace(merged, stream_writer=named)
