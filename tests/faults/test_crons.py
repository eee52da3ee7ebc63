"""Each time of a schedule makes one run, whatever becomes of the process: kill -9, again and again, while a cron fires each second."""

import json
from pathlib import Path

import pytest

from graphwire.v1.cron_service_pb2 import CreateCronRequest, UpdateCronRequest
from graphwire.v1.run_service_pb2 import ListRunsRequest
from graphwire.v1.thread_service_pb2 import CreateThreadRequest
from tests.faults.process import ServerProcess, served
from tests.support.serving import text

LIVES = 2


@pytest.mark.timeout(300)
async def test_over_kills_no_firing_has_two_runs_and_no_run_is_lost(tmp_path: Path) -> None:
    async with served(tmp_path / "data", log_format="json") as process:
        async with process.client() as server:
            thread = (await server.threads.CreateThread(CreateThreadRequest())).thread.thread_id
            request = CreateCronRequest(assistant_id="ticks", thread_id=thread, schedule="* * * * * *")
            request.input.CopyFrom(text('{"n": 1, "name": "a"}'))
            cron = (await server.crons.CreateCron(request)).cron
        for _ in range(LIVES):
            await process.says('"cron fired"', 2)
            await process.kill()
            await process.start()
        async with process.client() as server:
            off = UpdateCronRequest(cron_id=cron.cron_id, enabled=False)
            last = (await server.crons.UpdateCron(off)).cron
            runs = (await server.runs.ListRuns(ListRunsRequest(thread_id=thread, page_size=1000))).runs

    told = _fired(process)
    made = {run.run_id for run in runs}
    assert len({line["firing"] for line in told}) == len(told) >= 2 * LIVES
    assert {line["run_id"] for line in told} | {last.last_run_id} <= made
    # A process may die between a run and the line that tells of it, and of that one firing there is one run as well.
    assert len(made) <= len(told) + LIVES + 1
    assert not last.enabled
    assert not last.HasField("next_run_time")


def _fired(process: ServerProcess) -> list[dict[str, str]]:
    """What the lives of the server have said of firings; a line may be cut off by a kill."""
    lines = (line for line in process.log.splitlines() if '"cron fired"' in line and line.endswith("}"))
    return [json.loads(line) for line in lines]
