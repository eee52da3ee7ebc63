"""The watchdog in a server of its own: a process that does not live blocks nothing."""

import asyncio
import os
import signal
from pathlib import Path

from tests.faults.client import Client, new_thread
from tests.faults.process import served

STOPPED = 2.0
"""For how long the process is stopped, in seconds: much longer than the watchdog's bound."""


async def test_a_process_that_was_stopped_is_no_blocked_loop(tmp_path: Path) -> None:
    async with served(tmp_path / "data", block_warning="0.5", isolate_graphs="true") as process:
        async with process.client() as server:
            client = Client(server)
            watcher = client.stream("ticks", new_thread(), {"n": 150, "delay": 0.02})
            await watcher.first("custom")
            os.kill(process.pid, signal.SIGSTOP)
            await asyncio.sleep(STOPPED)  # how long it is stopped, and no wait
            os.kill(process.pid, signal.SIGCONT)
            await watcher.read()
            quiet = process.log
            await client.stream("snoozing", new_thread(), {"delay": 1.5}).read()
        await process.told("event loop turns again")

    assert "event loop" not in quiet
    assert process.log.count("loop=snoozing") == 2
