"""What the suite needs of an engine."""

from dataclasses import dataclass
from typing import Protocol

from graphwire_server.core.ports import Store
from langgraph.checkpoint.base import BaseCheckpointSaver


class LastCheckpoint(Protocol):
    def last_checkpoint_id(self, thread_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    store: Store
    saver: BaseCheckpointSaver[str]
    last: LastCheckpoint
