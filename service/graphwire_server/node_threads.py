"""The threads that synchronous nodes run in.

Owns how many there are, and what becomes of those that do not end. LangGraph runs a `def` node in the loop's own pool; asyncio's has a handful
of threads, and its end waits for every one of them, however long a node takes.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

_log = logging.getLogger("graphwire.app")

_PREFIX = "graphwire-node"


def start(most: int) -> ThreadPoolExecutor:
    """Makes the pool and gives it to the running loop.

    Args:
        most: The most nodes that run at once; more wait.
    """
    pool = ThreadPoolExecutor(most, thread_name_prefix=_PREFIX)
    asyncio.get_running_loop().set_default_executor(pool)
    return pool


def leave(pool: ThreadPoolExecutor, patience: timedelta) -> None:
    """Ends the pool; and the process, where a thread does not end. A thread cannot be stopped, and its run has ended: nothing waits for it.

    Args:
        pool: The pool. Everything else of the process is closed already.
        patience: How long threads may take.
    """
    pool.shutdown(wait=False, cancel_futures=True)
    deadline = time.monotonic() + patience.total_seconds()
    for thread in threading.enumerate():
        if thread.name.startswith(_PREFIX):
            thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.name.startswith(_PREFIX) for thread in threading.enumerate()):
        _log.warning("a synchronous node does not end; leaving it")
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)
