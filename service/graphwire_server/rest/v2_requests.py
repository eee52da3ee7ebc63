"""What callers of the v2 event protocol send.

Owns the two shapes, for the document. Their fields are checked where the protocol is spoken, which has words of its own for what is wrong.
"""

from typing import Any

from graphwire_server.rest.shapes import Shape


class EventsBody(Shape):
    """What of a thread is wanted."""

    channels: Any = None
    """An array of channels: values, updates, messages, tools, lifecycle, input, tasks, custom, custom:NAME, checkpoints. At least one."""
    namespaces: Any = None
    """An array of paths of subgraphs, each an array of names such as `node` or `node:task`. Default: all."""
    depth: Any = None
    """How many levels below those: 0 or more. Default: all."""
    since: Any = None
    """The `seq` of the last envelope that the caller has. Default: all that is held is sent."""


class CommandEnvelope(Shape):
    """A command."""

    id: Any = None
    """Its number, which the answer repeats: an integer, 0 or more."""
    method: Any = None
    """What is to be done: run.start, input.respond, agent.getTree, state.get, state.listCheckpoints, state.fork."""
    params: Any = None
    """What it needs, by name."""
