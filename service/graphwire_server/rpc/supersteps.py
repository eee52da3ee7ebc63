"""What a thread's state begins with, as values of the core.

Owns the step from the supersteps of a proto request to what the core takes, and names the change that cannot be read. Whether the graph takes them is the
core's matter.
"""

from collections.abc import Sequence

from graphwire.v1 import thread_pb2
from graphwire_server.core.model import StateUpdate
from graphwire_server.rpc.json_carrier import parse
from graphwire_server.rpc.requests import run_command


def supersteps(given: Sequence[thread_pb2.Superstep]) -> tuple[tuple[StateUpdate, ...], ...]:
    """The supersteps that a request asks for. Raises InvalidField where a change cannot be read, such as `supersteps[0].updates[1].values`."""
    return tuple(
        tuple(
            _update(f"supersteps[{index}].updates[{place}]", update) for place, update in enumerate(superstep.updates)
        )
        for index, superstep in enumerate(given)
    )


def _update(field: str, update: thread_pb2.StateUpdate) -> StateUpdate:
    given = update.HasField
    return StateUpdate(
        values=parse(f"{field}.values", update.values) if given("values") else None,
        as_node=update.as_node if given("as_node") else None,
        command=run_command(f"{field}.command", update.command) if given("command") else None,
    )
