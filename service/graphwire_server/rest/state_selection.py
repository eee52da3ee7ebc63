"""Which fields of a state a caller wants.

Owns the field `select` of states and histories: what may be chosen, and what is left of a state then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.extract import narrowed
from graphwire_server.core.model import ThreadState
from graphwire_server.rest.answers import Json, selected, state_json

FIELDS = (
    "values", "next", "tasks", "checkpoint", "metadata", "created_at", "parent_checkpoint", "interrupts", "checkpoint_id", "parent_checkpoint_id",
)  # fmt: skip
"""The fields of a state."""

_KEY = "values."


@dataclass(frozen=True, slots=True, kw_only=True)
class StateSelection:
    """The fields that are wanted; empty is all. `keys` are those of the values, where not all are."""

    fields: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()

    def of(self, state: ThreadState, thread_id: str) -> Json:
        """What is wanted of a state."""
        if self.keys:
            state = replace(state, values=narrowed(state.values, self.keys))
        return selected(state_json(state, thread_id), self.fields)


def selection(select: Sequence[str]) -> StateSelection:
    """What a caller has chosen. Raises InvalidField for what is no field."""
    for index, name in enumerate(select):
        if name not in FIELDS and not (name.startswith(_KEY) and len(name) > len(_KEY)):
            raise InvalidField(f"select[{index}]", f"{name!r} is no field of a state: {', '.join(FIELDS)}, values.KEY")
    keys = frozenset(name.removeprefix(_KEY) for name in select if name.startswith(_KEY))
    chosen = [name for name in select if not name.startswith(_KEY)]
    if "values" in chosen or not keys:
        return StateSelection(fields=tuple(chosen))
    return StateSelection(fields=("values", *chosen), keys=keys)
