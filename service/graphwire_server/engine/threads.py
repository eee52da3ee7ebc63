"""The threads that synchronous nodes run in.

Owns how many there are, which run each works for, and what becomes of those that do not end. LangGraph runs a `def` node in the loop's own pool; asyncio's has a
handful of threads, and its end waits for every one of them, however long a node takes.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from langchain_core.runnables.config import var_child_runnable_config

_log = logging.getLogger("graphwire.app")

_PREFIX = "graphwire-node"

LOOP_PREFIX = "graphwire-loop-"
"""What the names of threads begin with that run loops of graphs."""

RUN: ContextVar[str] = ContextVar("graphwire_run", default="")
"""The id of the run that the current task executes."""


class NodeThreads(ThreadPoolExecutor):
    """The pool. It belongs to one event loop.

    Args:
        most: The most nodes that run at once; more wait.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most, thread_name_prefix=_PREFIX)
        self._of_run: dict[str, dict[Future[Any], str]] = {}
        self._lock = threading.Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Runs a function in a thread, and notes for which node of which run."""
        future = super().submit(fn, *args, **kwargs)
        run_id = RUN.get()
        if run_id:
            metadata = (var_child_runnable_config.get() or {}).get("metadata") or {}
            with self._lock:
                self._of_run.setdefault(run_id, {})[future] = str(metadata.get("langgraph_node") or "")
            future.add_done_callback(lambda done: self._forget(run_id, done))
        return future

    def lingering(self, run_id: str) -> tuple[str, ...]:
        """The nodes of a run whose functions execute at this moment. A thread cannot be stopped."""
        with self._lock:
            found = dict(self._of_run.get(run_id, {}))
        return tuple(sorted({node for future, node in found.items() if node and future.running()}))

    def leave(self, patience: timedelta) -> None:
        """Ends the pool; and the process, where a thread does not end, of the pool or of a graph's loop: its run has ended, and nothing waits for it.

        Args:
            patience: How long threads may take. Everything else of the process is closed already.
        """
        self.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + patience.total_seconds()
        for thread in _ours():
            thread.join(max(0.0, deadline - time.monotonic()))
        if _ours():
            _log.warning("a node does not end; leaving it")
            logging.shutdown()
            sys.stdout.flush()
            os._exit(0)

    def _forget(self, run_id: str, future: Future[Any]) -> None:
        with self._lock:
            mine = self._of_run.get(run_id)
            if mine is not None:
                mine.pop(future, None)
                if not mine:
                    del self._of_run[run_id]


class Lent(ThreadPoolExecutor):
    """The pool as a further loop has it: one that closes ends the pool that it was given, and this one is not its own.

    Args:
        pool: The pool.
    """

    def __init__(self, pool: NodeThreads) -> None:
        super().__init__(1)  # a thread is started when it is first needed, so none is
        self._pool = pool

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Runs a function in a thread of the pool."""
        return self._pool.submit(fn, *args, **kwargs)


def _ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith((_PREFIX, LOOP_PREFIX))]


def start(most: int) -> NodeThreads:
    """Makes the pool and gives it to the running loop."""
    pool = NodeThreads(most)
    asyncio.get_running_loop().set_default_executor(pool)
    return pool
