"""What a run gave.

Owns where the output of a run that has ended is found: with its row, or in its last checkpoint.
"""

from graphwire_server.core.model import CheckpointRef, Run
from graphwire_server.core.ports import States


async def output_of(run: Run, states: States) -> bytes:
    """The values of a run's last superstep as JSON text, `null` where there are none."""
    outcome = run.outcome
    if outcome is None or outcome.values is not None or run.stateless or not outcome.checkpoint_id:
        return (outcome and outcome.values) or b"null"
    at = CheckpointRef(checkpoint_id=outcome.checkpoint_id)
    state = await states.get(run.graph_id, run.thread_id, at, subgraphs=False)
    return state.values if state else b"null"
