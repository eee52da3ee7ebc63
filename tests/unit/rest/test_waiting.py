import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from starlette.types import Message

from graphwire_server.core.errors import CapacityReached, Draining, RunNotFound, StoreUnavailable
from graphwire_server.core.streams import StreamLimits, Streams
from graphwire_server.rest.waiting import Waiting, failed_value
from tests.unit.rest.wire import GONE, Caller, jumping, tasks

LIMITS = StreamLimits(streams=2, write_timeout=timedelta(seconds=3), heartbeat=timedelta(seconds=5))


class Wait:
    """A wait, and what became of it."""

    def __init__(self, value: Callable[[], Awaitable[bytes]]) -> None:
        self.gone = 0
        self.streams = Streams(LIMITS)
        self._waiting = Waiting(
            value=value, streams=self.streams, gone=self._note, headers=[("location", "/runs/r/join")]
        )

    def _note(self) -> None:
        self.gone += 1

    async def send(self, caller: Caller) -> int:
        return await self._waiting.send(caller.scope(), caller.receive, caller.send)


async def ready() -> bytes:
    return b'{"a":1}'


async def never() -> bytes:
    await asyncio.Event().wait()
    return b""


async def test_a_value_that_is_there() -> None:
    wait, caller = Wait(ready), Caller()

    status = await wait.send(caller)

    assert (status, caller.status, caller.body, caller.ended) == (200, 200, b'{"a":1}', True)
    assert caller.headers == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
        "location": "/runs/r/join",
    }
    assert (wait.gone, wait.streams.open, tasks()) == (0, 0, set())


def test_lines_end_while_the_value_takes_time_and_it_is_json_with_them() -> None:
    async def late() -> bytes:
        await asyncio.sleep(12)
        return b'{"a":1}'

    async def main() -> Caller:
        caller = Caller()
        await Wait(late).send(caller)
        return caller

    caller = jumping(main())
    assert caller.bodies == [b"\n", b"\n", b'{"a":1}']
    assert [when for when, _ in caller.sent] == [0, 5, 10, 12]
    assert caller.json == {"a": 1}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RunNotFound("x"), {"error": "RunNotFound", "message": f"404: {RunNotFound('x').message}"}),
        (
            StoreUnavailable("away"),
            {"error": "StoreUnavailable", "message": "503: away"},
        ),
    ],
)
async def test_a_failure_is_a_value(error: Exception, said: dict[str, str]) -> None:
    async def fail() -> bytes:
        raise error

    wait, caller = Wait(fail), Caller()

    status = await wait.send(caller)

    assert (status, caller.status, caller.ended, wait.gone) == (200, 200, True, 0)
    assert caller.json == {"__error__": said}


async def test_a_server_that_stops_cuts_the_line_and_takes_nobody_for_gone() -> None:
    async def fail() -> bytes:
        raise Draining

    wait, caller = Wait(fail), Caller()

    await wait.send(caller)

    assert (caller.aborted, caller.bodies, caller.ended, wait.gone) == (1, [], False, 0)
    assert (wait.streams.open, tasks()) == (0, set())


async def test_a_defect_is_a_value_without_its_detail(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> bytes:
        raise KeyError("secret")

    caller = Caller()
    with caplog.at_level(logging.ERROR, "graphwire.rest"):
        await Wait(fail).send(caller)

    said = caller.json["__error__"]
    (record,) = caplog.records
    assert caller.ended
    assert (said["error"], "secret" in said["message"]) == ("InternalError", False)
    assert record.__dict__["request_id"] in said["message"]


async def test_a_caller_who_goes_away_is_gone() -> None:
    wait, caller = Wait(never), Caller()
    caller.say(GONE)

    status = await wait.send(caller)

    assert (status, wait.gone, wait.streams.open, caller.bodies, tasks()) == (499, 1, 0, [], set())


async def test_who_cancels_a_wait_takes_its_caller_away() -> None:
    wait, caller = Wait(never), Caller()
    task = asyncio.create_task(wait.send(caller))
    await caller.until(1)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert (wait.gone, wait.streams.open, tasks()) == (1, 0, set())


def test_a_caller_who_does_not_read_is_cut_and_gone() -> None:
    async def stuck(message: Message) -> None:
        if message["type"] == "http.response.body":
            await never()

    async def main() -> tuple[Wait, Caller, int]:
        wait, caller = Wait(ready), Caller(hook=stuck)
        return wait, caller, await wait.send(caller)

    wait, caller, status = jumping(main())
    assert (status, wait.gone, caller.aborted) == (499, 1, 1)


async def test_a_caller_who_takes_no_head_is_gone() -> None:
    async def broken(message: Message) -> None:
        raise OSError

    wait = Wait(never)

    with pytest.raises(OSError):  # noqa: PT011  the caller's own, which has no text
        await wait.send(Caller(hook=broken))

    assert (wait.gone, wait.streams.open, tasks()) == (1, 0, set())


async def test_waits_are_bounded() -> None:
    wait, caller = Wait(ready), Caller()

    with wait.streams, wait.streams, pytest.raises(CapacityReached):
        await wait.send(caller)

    assert (caller.sent, wait.streams.open) == ([], 0)


def test_a_failed_value() -> None:
    assert json.loads(failed_value("E", 'a "b"')) == {"__error__": {"error": "E", "message": 'a "b"'}}
