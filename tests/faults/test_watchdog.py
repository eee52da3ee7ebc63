"""The watchdog in a server of its own: a process that does not live blocks nothing."""

import asyncio
import os
import signal
from pathlib import Path

from tests.faults.client import Client, new_thread
from tests.faults.process import served

BOUND = 1.0
"""For how long a loop may not turn, in seconds."""

STOPPED = 3.0
"""For how long the process is stopped: much longer than that."""


async def test_a_process_that_was_stopped_is_no_blocked_loop(tmp_path: Path) -> None:
    async with served(tmp_path / "data", block_warning=str(BOUND), isolate_graphs="true") as process:
        async with process.client() as server:
            client = Client(server)
            # What a graph imports with its first run may take as long as a blocking, where there are few processors.
            await client.stream("snoozing", new_thread(), {"delay": 0}).read()
            watcher = client.stream("ticks", new_thread(), {"n": 100, "delay": 0.02})
            await watcher.first("custom")
            before = len(process.log)
            os.kill(process.pid, signal.SIGSTOP)
            await asyncio.sleep(STOPPED)  # how long it is stopped, and no wait
            os.kill(process.pid, signal.SIGCONT)
            await watcher.read()
            quiet = process.log[before:]
            await client.stream("snoozing", new_thread(), {"delay": 2 * BOUND}).read()
        await process.told("event loop of a graph blocked")
        await process.told("loop=snoozing", 2)

    assert "event loop" not in quiet
    assert "event loop turns again" in process.log
