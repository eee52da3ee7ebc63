"""A webhook is called at least once: whatever happens to the process between the end of its run and the receiver's answer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from graphwire.v1.run_pb2 import IF_NOT_EXISTS_CREATE
from graphwire.v1.run_service_pb2 import CreateRunRequest, GetRunRequest
from graphwire.v1.thread_service_pb2 import CreateThreadRequest, DeleteThreadRequest
from graphwire.v1.webhook_pb2 import WEBHOOK_STATE_DELIVERED, WebhookDelivery
from tests.faults.client import new_thread
from tests.faults.process import served
from tests.support.receiver import Reply, receiving
from tests.support.serving import Server, text

SETTINGS = {
    "webhook_allow_private": "true",
    "webhook_retry_delay": "0.05",
    "webhook_timeout": "60",
    "drain_grace": "PT0.3S",
}
PATIENCE = 90.0


async def _create(server: Server, url: str, **more: Any) -> str:
    request = CreateRunRequest(
        assistant_id="ticks",
        input=text('{"n": 2, "name": "a"}'),
        webhook=url,
        if_not_exists=IF_NOT_EXISTS_CREATE,
        **more,
    )
    return (await server.runs.CreateRun(request)).run.run_id


async def _delivered(server: Server, run_id: str) -> WebhookDelivery:
    async with asyncio.timeout(PATIENCE):
        while True:
            run = (await server.runs.GetRun(GetRunRequest(run_id=run_id))).run
            if run.webhook_delivery.state == WEBHOOK_STATE_DELIVERED:
                return run.webhook_delivery
            await asyncio.sleep(0.01)  # a row tells nobody


@pytest.mark.parametrize("on_thread", [True, False])
async def test_kill_9_between_the_end_and_the_answer(tmp_path: Path, on_thread: bool) -> None:
    where = {"thread_id": new_thread()} if on_thread else {}
    async with receiving(Reply(hangs=True), Reply()) as receiver, served(tmp_path / "data", **SETTINGS) as process:
        async with process.client() as server:
            run_id = await _create(server, receiver.url, **where)
            await receiver.first()  # it has ended, and is told of
            await process.kill()
        await process.start()
        calls = await receiver.first(2)
        if on_thread:
            async with process.client() as server:
                assert (await _delivered(server, run_id)).attempts == 1

    assert [call.headers["webhook-id"] for call in calls] == [run_id, run_id]
    assert {name: calls[0].json[name] for name in calls[0].json if name != "webhook_sent_at"} == {
        name: calls[1].json[name] for name in calls[1].json if name != "webhook_sent_at"
    }
    assert calls[1].json["values"]["trail"] == ["a"]


async def test_what_was_deleted_is_told_of_after_kill_9(tmp_path: Path) -> None:
    """The row of the delivery has what is told; but for the values, which went with the thread."""
    async with receiving(Reply(hangs=True), Reply()) as receiver, served(tmp_path / "data", **SETTINGS) as process:
        async with process.client() as server:
            thread_id = (await server.threads.CreateThread(CreateThreadRequest())).thread.thread_id
            run_id = await _create(server, receiver.url, thread_id=thread_id)
            await receiver.first()
            await server.threads.DeleteThread(DeleteThreadRequest(thread_id=thread_id))
            await process.kill()
        await process.start()
        calls = await receiver.first(2)

    assert (calls[1].json["run_id"], calls[1].json["status"], calls[1].json["values"]) == (run_id, "success", None)


async def test_attempts_are_counted_over_deaths(tmp_path: Path) -> None:
    replies = (Reply(status=500), Reply(hangs=True), Reply())
    async with receiving(*replies) as receiver, served(tmp_path / "data", **SETTINGS) as process:
        async with process.client() as server:
            run_id = await _create(server, receiver.url, thread_id=new_thread())
            await receiver.first(2)  # the note of the first is written before the second begins
            await process.kill()
        await process.start()
        await receiver.first(3)
        async with process.client() as server:
            assert (await _delivered(server, run_id)).attempts == 2


async def test_a_server_that_stops_leaves_it_to_the_next(tmp_path: Path) -> None:
    async with receiving(Reply(hangs=True), Reply()) as receiver, served(tmp_path / "data", **SETTINGS) as process:
        async with process.client() as server:
            run_id = await _create(server, receiver.url, thread_id=new_thread())
            await receiver.first()
        assert await process.stop() == 0
        await process.start()
        async with process.client() as server:
            assert (await _delivered(server, run_id)).attempts == 1


async def test_kill_9_again_and_again_under_many_runs(tmp_path: Path) -> None:
    """Each run that was acknowledged is told of, on a thread or not, whenever the server dies."""
    async with receiving() as receiver, served(tmp_path / "data", **SETTINGS, max_losses="1000") as process:
        made: set[str] = set()
        for life in range(3):
            async with process.client() as server:
                for number in range(20):
                    where = {"thread_id": new_thread()} if number % 2 else {}
                    made.add(await _create(server, receiver.url, **where))
                await receiver.first(1 + 15 * life)  # some of them are told of, some are not
                await process.kill()
            await process.start()
        await receiver.until(lambda calls: made <= {call.headers["webhook-id"] for call in calls})

    for call in receiver.calls:
        assert call.json["run_id"] == call.headers["webhook-id"]
        assert call.json["status"] == "success"
