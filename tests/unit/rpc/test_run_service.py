"""Which call of the core each RPC of runs is, on a core of fakes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from graphwire.v1 import run_pb2
from graphwire.v1 import run_service_pb2 as pb
from graphwire_server.core.errors import InvalidField, RequestReused, RunFinished, RunNotFound
from graphwire_server.core.events import Event
from graphwire_server.rpc.run_service import RunService
from tests.unit.core.fakes import SOON, THREAD, Executor, House, house, kinds, running

ROLLBACK, INTERRUPT = run_pb2.CANCEL_ACTION_ROLLBACK, run_pb2.CANCEL_ACTION_INTERRUPT


class Sink:
    """A reader who takes everything."""

    def __init__(self) -> None:
        self.ids: tuple[str, str] = ("", "")
        self.after_seq = -1
        self.events: list[Event] = []

    async def announce(self, thread_id: str, run_id: str | None, after_seq: int) -> None:
        self.ids, self.after_seq = (run_id or "", thread_id), after_seq

    async def write(self, batch: Sequence[Event], *, as_values: bool) -> None:
        self.events += batch


class Desk:
    """The service of a core."""

    def __init__(self, core: House) -> None:
        self.core = core
        self.service = RunService(core.runs)

    async def create(self, **fields: Any) -> run_pb2.Run:
        request = pb.CreateRunRequest(
            assistant_id="agent", thread_id=THREAD, if_not_exists=run_pb2.IF_NOT_EXISTS_CREATE, **fields
        )
        return (await self.service.create_run(request)).run

    async def get(self, run_id: str) -> run_pb2.Run:
        return (await self.service.get_run(pb.GetRunRequest(run_id=run_id))).run

    async def left(self, run_id: str) -> run_pb2.Run | None:
        """What is left of a run when it has ended."""
        try:
            await self.core.end(await self.core.runs.get(run_id))
            return await self.get(run_id)
        except RunNotFound:
            return None

    async def cancel(self, run_id: str, **fields: Any) -> pb.CancelRunResponse:
        async with asyncio.timeout(SOON):
            return await self.service.cancel_run(pb.CancelRunRequest(run_id=run_id, **fields))

    async def stream(self, **fields: Any) -> Sink:
        sink: Any = Sink()
        request = pb.StreamRunRequest(
            assistant_id="agent", thread_id=THREAD, if_not_exists=run_pb2.IF_NOT_EXISTS_CREATE, **fields
        )
        async with asyncio.timeout(SOON):
            await self.service.stream_run(request, sink)
        found: Sink = sink
        return found


@asynccontextmanager
async def holding() -> AsyncIterator[tuple[Desk, run_pb2.Run]]:
    """A core on which a run is held where it is."""
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as core:
        desk = Desk(core)
        run = await desk.create()
        await core.begun()
        yield desk, run
        executor.release.set()


@asynccontextmanager
async def serving() -> AsyncIterator[Desk]:
    async with running(house()) as core:
        yield Desk(core)


@pytest.mark.parametrize("action", [run_pb2.CANCEL_ACTION_UNSPECIFIED, INTERRUPT])
async def test_a_cancel_that_waits_returns_the_run_as_it_ended(action: Any) -> None:
    async with holding() as (desk, run):
        answer = await desk.cancel(run.run_id, action=action, wait=True)
        found = await desk.get(run.run_id)

    assert (answer.run.status, found.status) == (run_pb2.RUN_STATUS_INTERRUPTED,) * 2
    assert found.cancel_action == INTERRUPT


async def test_a_rollback_that_waits_returns_no_run_and_leaves_none() -> None:
    async with holding() as (desk, run):
        answer = await desk.cancel(run.run_id, action=ROLLBACK, wait=True)
        with pytest.raises(RunNotFound):
            await desk.get(run.run_id)

    assert not answer.HasField("run")


async def test_a_rollback_that_does_not_wait_says_what_was_asked() -> None:
    async with holding() as (desk, run):
        answer = await desk.cancel(run.run_id, action=ROLLBACK)

    assert (answer.run.run_id, answer.run.cancel_action) == (run.run_id, ROLLBACK)


async def test_an_interrupt_of_a_run_that_is_rolled_back_waits_for_its_end() -> None:
    async with holding() as (desk, run):
        await desk.cancel(run.run_id, action=ROLLBACK)
        answer = await desk.cancel(run.run_id, action=INTERRUPT, wait=True)

    assert not answer.HasField("run")


async def test_a_run_that_waits_for_its_turn_can_be_rolled_back() -> None:
    async with holding() as (desk, run):
        waiting = await desk.create()
        answer = await desk.cancel(waiting.run_id, action=ROLLBACK, wait=True)
        with pytest.raises(RunNotFound):
            await desk.get(waiting.run_id)
        found = await desk.get(run.run_id)

    assert (waiting.status, answer.HasField("run")) == (run_pb2.RUN_STATUS_PENDING, False)
    assert found.status == run_pb2.RUN_STATUS_RUNNING


async def test_a_run_that_has_ended_cannot_be_cancelled() -> None:
    async with holding() as (desk, run):
        await desk.cancel(run.run_id, wait=True)
        with pytest.raises(RunFinished):
            await desk.cancel(run.run_id, action=ROLLBACK)


async def test_many_are_rolled_back() -> None:
    async with holding() as (desk, run):
        waiting = await desk.create()
        answer = await desk.service.cancel_runs(pb.CancelRunsRequest(action=ROLLBACK))
        left = [await desk.left(each.run_id) for each in (run, waiting)]

    assert (list(answer.run_ids), left) == ([run.run_id, waiting.run_id], [None, None])


async def test_many_are_interrupted() -> None:
    async with holding() as (desk, run):
        waiting = await desk.create()
        await desk.service.cancel_runs(pb.CancelRunsRequest(thread_id=THREAD, run_ids=[run.run_id, waiting.run_id]))
        left = [await desk.left(each.run_id) for each in (run, waiting)]

    assert [each and each.status for each in left] == [run_pb2.RUN_STATUS_INTERRUPTED] * 2


@pytest.mark.parametrize("request_", [pb.CancelRunRequest(run_id=THREAD), pb.CancelRunsRequest()])
async def test_an_action_that_does_not_exist_is_named(request_: Any) -> None:
    request_.action = 99
    async with serving() as desk:
        call = desk.service.cancel_run if isinstance(request_, pb.CancelRunRequest) else desk.service.cancel_runs
        with pytest.raises(InvalidField, match="99") as refused:
            await call(request_)

    assert refused.value.field == "action"


async def test_a_key_that_is_known_gives_the_run_of_the_first_request() -> None:
    async with serving() as desk:
        first = await desk.create(request_id="k")
        again, other = await desk.create(request_id="k"), await desk.create()

    assert (again.run_id == first.run_id, other.run_id == first.run_id) == (True, False)


async def test_a_stream_with_a_key_that_is_known_is_that_of_the_run_from_its_start() -> None:
    async with serving() as desk:
        first = await desk.stream(request_id="k", stream_resumable=True)
        again = await desk.stream(request_id="k", stream_resumable=True)

    assert again.ids == first.ids
    assert kinds(again.events) == kinds(first.events) == ["metadata", "values", "end"]


async def test_a_key_of_another_request_is_refused() -> None:
    async with serving() as desk:
        first = await desk.create(request_id="k")
        with pytest.raises(RequestReused) as refused:
            await desk.create(request_id="k", stream_mode=["updates"])

    assert refused.value.metadata == {"run_id": first.run_id}


async def test_a_run_may_start_later() -> None:
    async with serving() as desk:
        run = await desk.create(start_after=Duration(seconds=60))
        desk.core.alarms.move(timedelta(seconds=120))
        ended = await desk.core.end(await desk.core.runs.get(run.run_id))

    assert (run.status, run.HasField("start_time")) == (run_pb2.RUN_STATUS_PENDING, False)
    assert run.due_time.seconds - run.create_time.seconds == 60
    assert ended.started_at is not None


async def test_a_run_that_takes_too_long_ends() -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as core:
        desk = Desk(core)
        run = await desk.create(timeout=Duration(seconds=60))
        await core.begun()
        core.alarms.move(timedelta(seconds=61))
        await core.end(await core.runs.get(run.run_id))
        found = await desk.get(run.run_id)

    assert (found.status, found.error.type) == (run_pb2.RUN_STATUS_TIMEOUT, "RunTimedOut")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start_after": Duration(seconds=-1)}, "start_after"),
        ({"start_after": Duration(nanos=-1)}, "start_after"),
        ({"start_after": Duration(seconds=3650 * 86400, nanos=1000)}, "start_after"),
        ({"timeout": Duration()}, "timeout"),
        ({"timeout": Duration(nanos=1)}, "timeout"),
        ({"timeout": Duration(seconds=-5)}, "timeout"),
        ({"timeout": Duration(seconds=3650 * 86400 + 1)}, "timeout"),
        ({"request_id": "k" * 129}, "request_id"),
        ({"request_id_ttl": Duration()}, "request_id_ttl"),
        ({"request_id_ttl": Duration(seconds=86400, nanos=1000)}, "request_id_ttl"),
    ],
)
async def test_what_no_run_can_have_is_named(fields: dict[str, Any], field: str) -> None:
    async with serving() as desk:
        with pytest.raises(InvalidField) as refused:
            await desk.create(**fields)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "fields",
    [
        {"start_after": Duration()},
        {"start_after": Duration(seconds=3650 * 86400)},
        {"timeout": Duration(nanos=1000)},
        {"timeout": Duration(seconds=3650 * 86400)},
        {"request_id": "é" * 128},
        {"request_id": "k", "request_id_ttl": Duration(nanos=1000)},
        {"request_id": "k", "request_id_ttl": Duration(seconds=86400)},
    ],
)
async def test_what_lies_at_a_bound_is_taken(fields: dict[str, Any]) -> None:
    async with serving() as desk:
        assert (await desk.create(**fields)).run_id


async def test_a_wrong_field_of_a_batch_is_named_with_its_place() -> None:
    async with serving() as desk:
        wrong = pb.CreateRunRequest(assistant_id="agent", timeout=Duration())
        with pytest.raises(InvalidField) as refused:
            await desk.service.batch_create_runs(
                pb.BatchCreateRunsRequest(requests=[pb.CreateRunRequest(assistant_id="agent"), wrong])
            )

    assert refused.value.field == "requests[1].timeout"
