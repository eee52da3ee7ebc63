"""How a failed call becomes an error of the client."""

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2

import graphwire
from tests.unit.client.scripted import RUN, rich_status, serving

Code = grpc.StatusCode


async def _failing(code: grpc.StatusCode, reason: str, *details: Message, **facts: str) -> graphwire.GraphwireError:
    async def get(_request: Any, context: Any) -> None:
        await context.abort_with_status(rich_status(code, reason, "what is wrong", *details, **facts))

    async with serving(GetRun=get) as client:
        with pytest.raises(graphwire.GraphwireError) as caught:
            await client.runs.get(RUN)
    return caught.value


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (Code.INVALID_ARGUMENT, "INVALID_FIELD", graphwire.InvalidArgument),
        (Code.NOT_FOUND, "RUN_NOT_FOUND", graphwire.NotFound),
        (Code.ALREADY_EXISTS, "THREAD_EXISTS", graphwire.AlreadyExists),
        (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED", graphwire.AlreadyExists),
        (Code.ABORTED, "LEASE_LOST", graphwire.GraphwireError),
        (Code.FAILED_PRECONDITION, "THREAD_BUSY", graphwire.FailedPrecondition),
        (Code.OUT_OF_RANGE, "CURSOR_EXPIRED", graphwire.CursorExpired),
        (Code.RESOURCE_EXHAUSTED, "SLOW_READER", graphwire.SlowReader),
        (Code.RESOURCE_EXHAUSTED, "CAPACITY_REACHED", graphwire.GraphwireError),
        (Code.UNAVAILABLE, "DRAINING", graphwire.Unavailable),
        (Code.UNIMPLEMENTED, "NOT_OFFERED", graphwire.NotOffered),
        (Code.UNAUTHENTICATED, "UNAUTHENTICATED", graphwire.Unauthenticated),
        (Code.PERMISSION_DENIED, "PERMISSION_DENIED", graphwire.PermissionDenied),
        (Code.DEADLINE_EXCEEDED, "", graphwire.DeadlineExceeded),
        (Code.INTERNAL, "INTERNAL", graphwire.GraphwireError),
    ],
)
async def test_each_situation_has_its_class(code: Code, reason: str, kind: type[graphwire.GraphwireError]) -> None:
    error = await _failing(code, reason, request_id="r-1")

    assert type(error) is kind
    assert (error.code, error.reason, error.message) == (code, reason, "what is wrong")
    assert error.metadata == {"request_id": "r-1"}


async def test_a_wrong_field_is_named() -> None:
    request = error_details_pb2.BadRequest()
    request.field_violations.add(field="config.recursion_limit", description="must be 1 or more")

    error = await _failing(Code.INVALID_ARGUMENT, "INVALID_FIELD", request)

    assert error.field_violations == (
        graphwire.FieldViolation(field="config.recursion_limit", description="must be 1 or more"),
    )


async def test_an_expired_cursor_says_what_is_held() -> None:
    error = await _failing(Code.OUT_OF_RANGE, "CURSOR_EXPIRED", oldest_seq="7", newest_seq="20")

    assert isinstance(error, graphwire.CursorExpired)
    assert (error.oldest_seq, error.newest_seq) == (7, 20)


async def test_a_retry_says_when() -> None:
    retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000))

    assert (await _failing(Code.UNAVAILABLE, "DRAINING", retry)).retry_after == 1.5


async def test_a_status_without_details_is_told_by_its_code() -> None:
    async def get(_request: Any, context: Any) -> None:
        await context.abort(Code.NOT_FOUND, "a proxy says so")

    async with serving(GetRun=get) as client:
        with pytest.raises(graphwire.NotFound, match="a proxy says so") as caught:
            await client.runs.get(RUN)

    assert caught.value.reason == ""


async def test_nobody_answers() -> None:
    async with graphwire.connect("127.0.0.1:1") as client:
        with pytest.raises(graphwire.Unavailable):
            await client.runs.get(RUN)
        with pytest.raises(graphwire.Unavailable):
            async with client.stream("agent", {}):
                pytest.fail("the stream was entered")
