"""Removing threads and old states.

Owns what callers may remove at once, and the port to what does it. The latest state is always whole: a thread whose older states are gone can be continued and
resumed like any other.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from graphwire_server.core.errors import InvalidField, ThreadBusy, ThreadNotFound
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.threads import Threads
from graphwire_server.core.ttl import TtlStrategy

MOST_PRUNED = 1000
"""The most threads of one request."""

PAUSE = 0.005
"""Between two parts of a removal, in seconds, so that others get the event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What will pass its time.

    Attributes:
        any: Whether a thread has a time to live.
        next: When the next one passes it, or has passed it; None where none will as things are.
    """

    any: bool = False
    next: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was removed of a thread whose time has passed: the thread, or some of its states; with `more`, others are to go."""

    deleted: bool
    more: bool = False


class Pruner(Protocol):
    """Removes threads and states, in parts that are transactions. All raise StoreUnavailable. A thread on which a run is loses nothing."""

    async def outlook(self) -> Outlook:
        """What will pass its time. Threads on which a run is count too."""
        ...

    async def due_threads(self, now: datetime, limit: int) -> Sequence[str]:
        """Up to `limit` threads whose time has passed and on which no run is, the longest overdue first."""
        ...

    async def expire_thread(self, thread_id: str, now: datetime) -> Swept | None:
        """Removes what goes of a thread, where its time has passed and no run is on it: decided in the transaction that removes it. None where not, or where
        there is no such thread. One that keeps its latest state is due again when it has changed.
        """
        ...

    async def trim_thread(self, thread_id: str) -> bool:
        """Removes a part of a thread's states that are not its latest, with those of its subgraphs; what waits for an answer stays. Returns whether
        others are to go. Raises ThreadNotFound, and ThreadBusy while a run is on it.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What became of a request: how many threads were pruned, and which were not since a run is on them."""

    count: int
    busy: tuple[str, ...] = ()


class Pruning:
    """Removes what callers name.

    Args:
        threads: The threads.
        pruner: Removes their states.
    """

    def __init__(self, threads: Threads, pruner: Pruner) -> None:
        self._threads = threads
        self._pruner = pruner

    async def prune(self, thread_ids: Sequence[str], strategy: TtlStrategy) -> Pruned:
        """Deletes threads, or all their states but the latest. Those that do not exist are passed over, so that a request may be repeated.

        Args:
            thread_ids: The threads: UUIDs, 1 to MOST_PRUNED.
            strategy: What goes.

        Raises:
            InvalidField: There are none or too many, or an id is no UUID; nothing has been removed then.
        """
        if not 0 < len(thread_ids) <= MOST_PRUNED:
            raise InvalidField("thread_ids", f"has {len(thread_ids)} ids; send 1 to {MOST_PRUNED}")
        ids = [check_uuid(f"thread_ids[{index}]", thread_id) for index, thread_id in enumerate(thread_ids)]
        prune = self._threads.delete if strategy is TtlStrategy.DELETE else self._trim
        count, busy = 0, []
        for thread_id in dict.fromkeys(ids):
            try:
                await prune(thread_id)
                count += 1
            except ThreadBusy:
                busy.append(thread_id)
            except ThreadNotFound:
                continue
        return Pruned(count=count, busy=tuple(busy))

    async def _trim(self, thread_id: str) -> None:
        while await self._pruner.trim_thread(thread_id):  # noqa: ASYNC110  it is the work that is paced here, nothing is waited for
            await asyncio.sleep(PAUSE)
