"""What states are searched by.

Owns the step from a checkpoint's channels to the values that a search compares: those that the graph's state shows, without the graph. So any thread can be
looked at, whatever has become of its graph, and none of the graph's code runs.
"""

from collections.abc import Mapping
from typing import Any

from graphwire_server.engine.encoding import dumps

_WHOLE = ("__root__", "__end__")
"""Channels that are the state: of a graph whose state is no map of channels, and of a function that is a graph."""

_INTERNAL = ("__", "branch:", "join:")
"""What names of channels begin with that LangGraph makes for itself."""


def values_text(channels: Mapping[str, Any]) -> bytes:
    """The values of a checkpoint's channels as JSON text. Channels that store differences show none.

    Args:
        channels: The channels' values, as the checkpointer has read them.
    """
    for whole in _WHOLE:
        if whole in channels:
            return dumps(channels[whole])
    return dumps({name: value for name, value in channels.items() if not name.startswith(_INTERNAL)})
