"""Connect, stream, cancel, again and again: memory stays flat, and no task, no thread and no file is left over.

`FAULT_CYCLES=10000` makes it ten thousand, and prints the slope.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from graphwire.v1.run_pb2 import DISCONNECT_MODE_CANCEL
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.http.held import eventually
from tests.faults.http.talk import run, streaming
from tests.faults.http.wire import exchange, post
from tests.faults.process import ServerProcess, connected, served

CYCLES = int(os.environ.get("FAULT_CYCLES", "300"))
AT_ONCE = 20
WARM = 100
"""After how many cycles the first measure is taken: by then all is loaded, and all pools have their size."""

ENDLESS = {"n": 100_000, "delay": 0.005}

SETTINGS = {"resumable_ttl": "PT0.5S", "log_level": "warning"}
"""What is held of runs that have ended goes soon, so that it does not look like a leak."""

SLOPE = 512 << 10
"""How much memory may grow over a thousand cycles, by the line through the second half of the measures: what the allocator still spreads out (ten thousand
cycles on, no object is left over). One task or one call that stayed for each cycle would be 10 to 30 MiB."""

GROWTH = 8 << 20
"""How much it may grow in all, where there are too few cycles for a line."""


@dataclass(slots=True)
class Held:
    """What a server holds, cycle by cycle."""

    process: ServerProcess
    cycles: list[int] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    def look(self, cycle: int) -> None:
        self.cycles.append(cycle)
        self.memory.append(self.process.rss)

    @property
    def files(self) -> int:
        return int(psutil.Process(self.process.pid).num_fds())

    @property
    def threads(self) -> int:
        return int(psutil.Process(self.process.pid).num_threads())


Cycle = Callable[[ServerProcess, int], Awaitable[None]]


async def over_grpc(process: ServerProcess, number: int) -> None:
    """Every second run is cancelled by its id, the others by leaving; some are on threads, some stateless, some resumable."""
    async with connected(process.address) as server:
        client = Client(server)
        thread = new_thread() if number % 3 else None
        fields = {"stream_resumable": number % 5 == 0}
        watcher = client.stream("ticks", thread, ENDLESS, on_disconnect=DISCONNECT_MODE_CANCEL, **fields)
        await watcher.first("custom")
        if number % 2:
            await client.cancelled(watcher.history.run_id)
            promises.all_saw_the_end([await watcher.read()])
        else:
            await watcher.leave()


async def over_http(process: ServerProcess, number: int) -> None:
    """The same by hand. A run without a thread has no path to be cancelled by, so those are left."""
    thread = new_thread() if number % 3 else None
    body = run("ticks", ENDLESS, on_disconnect="cancel", stream_resumable=number % 5 == 0)
    path = f"/threads/{thread}/runs/stream" if thread else "/runs/stream"
    async with streaming(process.url, post(path, body | ({"if_not_exists": "create"} if thread else {}))) as stream:
        await stream.first("custom")
        if number % 2 and thread:
            heard = await exchange(process.url, post(f"/threads/{thread}/runs/{stream.run_id}/cancel?wait=1", {}))
            assert heard is not None
            assert heard.status == 200, heard
            await stream.rest()


async def _cycles(held: Held, cycle: Cycle, times: int, begun: int = 0) -> None:
    for number in range(begun, begun + times, AT_ONCE):
        await asyncio.gather(*(cycle(held.process, number + each) for each in range(AT_ONCE)))
        held.look(number + AT_ONCE)


@pytest.mark.timeout(300 + CYCLES // 10)  # each cycle is a run and a connection
@pytest.mark.parametrize("cycle", [over_grpc, over_http])
async def test_cycles_leave_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], cycle: Cycle) -> None:
    async with served(tmp_path / "data", **SETTINGS) as process:
        held = Held(process)
        await _cycles(held, cycle, WARM)
        files, threads = held.files, held.threads
        await _cycles(held, cycle, CYCLES, WARM)
        await eventually(lambda: held.files <= files + 2, 40, lambda: (held.files, files))
        await eventually(lambda: held.threads <= threads + 2, 40, lambda: (held.threads, threads))
        process.terminate()
        assert await process.ended() == 0

    slope = promises.slope(held.cycles, held.memory) * 1000
    with capsys.disabled():
        print(
            f"\n{cycle.__name__}: {CYCLES} cycles, {held.memory[0] >> 20} MiB then {held.memory[-1] >> 20} MiB, {slope / 1024:.0f} KiB per 1,000 cycles"
        )
    if CYCLES >= 2000:
        promises.memory_is_flat(held.cycles, held.memory, SLOPE)
    else:
        promises.memory_is_bounded(held.memory[WARM // AT_ONCE - 1], held.memory, GROWTH)
