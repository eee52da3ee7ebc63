"""What the suite needs of an engine."""

from dataclasses import dataclass
from typing import Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver

from graphwire_server.core.ports import Store


class LastCheckpoint(Protocol):
    def last_checkpoint_id(self, thread_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    store: Store
    saver: BaseCheckpointSaver[str]
    last: LastCheckpoint
