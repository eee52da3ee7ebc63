"""What the suite needs of an engine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver

from graphwire_server.core.assistant_store import AssistantStore
from graphwire_server.core.cron import CronStore
from graphwire_server.core.deliveries import DeliveryStore
from graphwire_server.core.model import Run
from graphwire_server.core.ports import Store
from graphwire_server.core.pruning import Pruner


class LastCheckpoint(Protocol):
    def last_checkpoint_id(self, thread_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`bound` gives the saver of one attempt at a run."""

    store: Store
    deliveries: DeliveryStore
    crons: CronStore
    saver: BaseCheckpointSaver[str]
    last: LastCheckpoint
    assistants: AssistantStore
    bound: Callable[[Run], BaseCheckpointSaver[str]]
    pruner: Pruner
