"""Crons, as a program in Python has them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from graphwire.v1 import cron_service_pb2 as pb
from graphwire.v1 import run_pb2
from graphwire.v1.cron_pb2 import CRON_SORT_NEXT_RUN_TIME, Cron
from graphwire.v1.json_pb2 import Json
from tests.unit.client.scripted import ASSISTANT, THREAD, serving

CRON = "00000004-0000-4000-8000-000000000000"
END = datetime(2999, 1, 1, tzinfo=UTC)
SHOWN = Cron(
    cron_id=CRON,
    assistant_id=ASSISTANT,
    thread_id=THREAD,
    schedule="@daily",
    enabled=True,
    end_time=Timestamp(seconds=int(END.timestamp())),
    metadata=Json(text='{"m":1}'),
    input=Json(text='{"n":9007199254740993}'),
    last_error="busy",
)


async def _asked(name: str, answer: Any, call: Any) -> tuple[Any, Any]:
    """The request that a call sends, and what it gives."""
    seen: list[Any] = []

    async def handle(request: Any, _context: Any) -> Any:
        seen.append(request)
        return answer

    async with serving(**{name: handle}) as client:
        given = await call(client)
    return seen[0], given


async def test_a_cron_is_created() -> None:
    request, cron = await _asked(
        "CreateCron",
        pb.CreateCronResponse(cron=SHOWN),
        lambda client: client.crons.create(
            "agent",
            "@daily",
            {"n": 1},
            thread_id=THREAD,
            timezone=ZoneInfo("Europe/Berlin"),
            end_time=END,
            enabled=False,
            metadata={"m": 1},
            stream_mode="custom",
            multitask_strategy="reject",
            timeout=timedelta(seconds=5),
        ),
    )

    assert (request.assistant_id, request.schedule, request.thread_id) == ("agent", "@daily", THREAD)
    assert (request.timezone, request.end_time.seconds, request.enabled) == ("Europe/Berlin", END.timestamp(), False)
    assert (request.input.text, list(request.stream_mode), request.timeout.seconds) == ('{"n":1}', ["custom"], 5)
    assert request.multitask_strategy == run_pb2.MULTITASK_STRATEGY_REJECT
    assert (cron.cron_id, cron.end_time, cron.metadata, cron.last_error) == (CRON, END, {"m": 1}, "busy")
    assert cron.input == {"n": 2**53 + 1}
    assert (cron.next_run_time, cron.last_run_id, cron.on_run_completed) == (None, None, None)


async def test_a_change_names_what_it_changes() -> None:
    request, _ = await _asked(
        "UpdateCron",
        pb.UpdateCronResponse(cron=SHOWN),
        lambda client: client.crons.update(CRON, schedule="@hourly", end_time=None, input=None, enabled=True),
    )

    assert list(request.update_mask.paths) == ["schedule", "end_time", "input", "enabled"]
    assert (request.schedule, request.enabled) == ("@hourly", True)
    assert not request.HasField("end_time")
    assert not request.HasField("input")


async def test_an_end_without_a_time_zone_is_utc() -> None:
    request, _ = await _asked(
        "UpdateCron",
        pb.UpdateCronResponse(cron=SHOWN),
        lambda client: client.crons.update(CRON, end_time=END.replace(tzinfo=None)),
    )

    assert request.end_time.seconds == END.timestamp()


async def test_pages_follow_one_another() -> None:
    async def search(request: pb.SearchCronsRequest, _context: Any) -> pb.SearchCronsResponse:
        assert (request.assistant_id, request.enabled, request.sort_by) == ("agent", False, CRON_SORT_NEXT_RUN_TIME)
        return pb.SearchCronsResponse(crons=[SHOWN], next_page_token="" if request.page_token else "more")

    async with serving(SearchCrons=search) as client:
        found = [cron async for cron in client.crons.search(assistant="agent", enabled=False, sort_by="next_run_time")]

    assert [cron.cron_id for cron in found] == [CRON, CRON]


async def test_one_is_read_counted_and_deleted() -> None:
    _, cron = await _asked("GetCron", pb.GetCronResponse(cron=SHOWN), lambda client: client.crons.get(CRON))
    asked, count = await _asked(
        "CountCrons", pb.CountCronsResponse(count=3), lambda client: client.crons.count(thread_id=THREAD, metadata={})
    )
    gone, _ = await _asked("DeleteCron", pb.DeleteCronResponse(), lambda client: client.crons.delete(CRON))

    assert (cron.schedule, count, asked.thread_id, gone.cron_id) == ("@daily", 3, THREAD, CRON)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"nonsense": 1}, TypeError),
        ({"request_id": "k"}, TypeError),
        ({"metadata": object()}, TypeError),
        ({"end_time": "tomorrow"}, TypeError),
        ({"durability": "sideways"}, ValueError),
        ({"on_run_completed": "sideways"}, ValueError),
    ],
)
async def test_a_mistake_that_can_be_seen_is_not_sent(options: dict[str, Any], error: type[Exception]) -> None:
    async with serving() as client:
        with pytest.raises(error, match=next(iter(options))):
            await client.crons.create("agent", "@daily", **options)
