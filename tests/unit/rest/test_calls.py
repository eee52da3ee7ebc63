"""What surrounds every request, without a server."""

import asyncio
import logging
from typing import Any

import pytest
from starlette.types import Message

from graphwire_server.core.errors import InvalidField, RequestTooLarge, StoreUnavailable, Unauthenticated
from graphwire_server.core.tally import Tally
from graphwire_server.rest.calls import (
    Answer,
    BodyLimits,
    Call,
    CallerGone,
    Operation,
    Reply,
    Report,
    Resource,
    guarded,
    read_body,
)
from graphwire_server.rest.shapes import Shape
from tests.unit.rest.wire import GONE, Caller, jumping, tasks

LIMITS = BodyLimits(most_bytes=20, patience=3)


class Body(Shape):
    a: int | None = None


class Query(Shape):
    q: int = 0


def part(body: bytes, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


async def echo(call: Call) -> Reply:
    many = isinstance(call.body, list)
    sent = [each.a for each in call.body] if many else call.body and call.body.a
    return Answer(value={"path": call.path, "body": sent, "query": call.query and call.query.q})


def operation(**fields: Any) -> Operation:
    return Operation(**{"name": "echo", "summary": "Says what it hears.", "run": echo, **fields})


async def ask(made: Operation, *messages: Message, method: str = "POST", **scope: Any) -> Caller:
    caller = Caller()
    caller.say(*messages)
    served = Resource({method if method != "HEAD" else "GET": made}, LIMITS, Tally())
    await served(caller.scope(method, **scope), caller.receive, caller.send)
    return caller


async def test_an_operation_gets_what_its_request_says() -> None:
    made = operation(body=Body, query=Query)

    caller = await ask(made, part(b'{"a"', more=True), part(b":1}"), query_string=b"q=2", path_params={"p": "x"})

    assert (caller.status, caller.json) == (200, {"path": {"p": "x"}, "body": 1, "query": 2})
    assert caller.headers == {"content-type": "application/json", "content-length": str(len(caller.body))}


async def test_an_operation_without_a_body_does_not_wait_for_one() -> None:
    async with asyncio.timeout(15):
        caller = await ask(operation())

    assert caller.json == {"path": {}, "body": None, "query": None}


@pytest.mark.parametrize(("fields", "body"), [({}, None), ({"many": 5}, [])])
async def test_an_empty_body_may_stand_for_an_empty_object(fields: dict[str, Any], body: Any) -> None:
    assert (await ask(operation(body=Body, **fields), part(b""))).json["body"] == body


async def test_a_body_may_be_an_array() -> None:
    caller = await ask(operation(body=Body, many=2), part(b'[{"a":1},{"a":2}]'))

    assert caller.json["body"] == [1, 2]


@pytest.mark.parametrize(
    ("fields", "sent", "field"),
    [
        ({"needs_body": True}, b"", "body"),
        ({}, b"{", "body"),
        ({}, b"[]", "body"),
        ({}, b'{"a":"x"}', "a"),
        ({"many": 2}, b"{}", "body"),
        ({"many": 2}, b'[{},{"a":"x"}]', "[1].a"),
        ({"many": 2}, b"[{},1]", "[1].body"),
        ({"many": 2}, b"[1,1,1]", "[]"),
        ({"query": Query}, b"{}", "q"),
    ],
)
async def test_what_is_wrong_is_named(fields: dict[str, Any], sent: bytes, field: str) -> None:
    caller = await ask(operation(body=Body, **fields), part(sent), query_string=b"q=x")

    assert (caller.status, caller.json["code"], caller.json["field"]) == (422, "INVALID_FIELD", field)


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    caller = Caller()

    with pytest.raises(RequestTooLarge):
        await read_body(caller.scope(headers=[(b"content-length", b"21")]), caller.receive, LIMITS)


async def test_a_body_that_becomes_too_large_is_not_read_to_its_end() -> None:
    caller = Caller()
    caller.say(part(b"a" * 15, more=True), part(b"a" * 6, more=True))

    with pytest.raises(RequestTooLarge):
        await read_body(caller.scope(), caller.receive, LIMITS)


async def test_a_body_of_the_largest_size_is_read() -> None:
    caller = Caller()
    caller.say(part(b"a" * 15, more=True), part(b"a" * 5))

    assert await read_body(caller.scope(headers=[(b"content-length", b"20")]), caller.receive, LIMITS) == b"a" * 20


async def test_who_sends_too_much_hears_it_and_the_connection_ends_behind_it() -> None:
    caller = await ask(operation(body=Body), part(b"a" * 21, more=True), part(b"a", more=True), part(b"a"))

    assert (caller.status, caller.json["code"], caller.headers["connection"]) == (413, "REQUEST_TOO_LARGE", "close")
    assert caller.ended
    assert caller.inbox.empty()


def test_who_does_not_stop_sending_hears_it_too() -> None:
    async def main() -> tuple[Caller, float]:
        return await ask(operation(body=Body), part(b"a" * 21, more=True)), asyncio.get_running_loop().time()

    caller, took = jumping(main())
    assert (caller.status, caller.ended, took) == (413, True, 10)


def test_who_stops_sending_is_cut() -> None:
    async def main() -> tuple[Caller, float]:
        return await ask(operation(body=Body), part(b"a", more=True)), asyncio.get_running_loop().time()

    caller, took = jumping(main())
    assert (caller.aborted, caller.sent, took) == (1, [], 3)


def test_who_sends_slowly_may_go_on() -> None:
    async def main() -> bytes:
        caller = Caller()

        async def dribble() -> None:
            for _ in range(5):
                await asyncio.sleep(2)
                caller.say(part(b"a", more=True))
            caller.say(part(b"b"))

        async with asyncio.TaskGroup() as group:
            group.create_task(dribble())
            return await read_body(caller.scope(), caller.receive, LIMITS)

    assert jumping(main()) == b"aaaaab"


async def test_who_goes_away_while_sending_gets_no_answer() -> None:
    caller = await ask(operation(body=Body), part(b"a", more=True), GONE)

    assert (caller.aborted, caller.sent) == (1, [])


async def test_a_body_of_a_caller_who_is_gone_is_none() -> None:
    caller = Caller()
    caller.say(GONE)

    with pytest.raises(CallerGone):
        await read_body(caller.scope(), caller.receive, LIMITS)


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (InvalidField("a", "b"), 422, None),
        (StoreUnavailable("away"), 503, "retry-after"),
        (Unauthenticated(), 401, "www-authenticate"),
    ],
)
async def test_an_error_is_an_answer(error: Exception, status: int, header: str | None) -> None:
    async def fail(call: Call) -> Reply:
        raise error

    caller = await ask(operation(run=fail))

    assert (caller.status, caller.ended) == (status, True)
    assert {"retry-after", "www-authenticate"} & set(caller.headers) == ({header} if header else set())


async def test_a_defect_is_answered_without_its_detail(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(call: Call) -> Reply:
        raise KeyError("secret")

    with caplog.at_level(logging.INFO, "graphwire.rest"):
        caller = await ask(operation(run=fail))

    failed, ended = caplog.records
    assert (caller.status, caller.json["code"]) == (500, "INTERNAL")
    assert b"secret" not in caller.body
    assert caller.json["metadata"] == {"request_id": failed.__dict__["request_id"]}
    assert (failed.getMessage(), failed.exc_info is not None) == ("call failed", True)
    assert (ended.__dict__["operation"], ended.__dict__["status"], ended.__dict__["reason"]) == (
        "echo",
        500,
        "INTERNAL",
    )


async def test_a_cancellation_is_raised_again(caplog: pytest.LogCaptureFixture) -> None:
    async def never() -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    caller = Caller()
    task = asyncio.create_task(guarded(Report("echo", Tally()), never, caller.scope(), caller.receive, caller.send))
    await asyncio.sleep(0)
    with caplog.at_level(logging.INFO, "graphwire.rest"):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert [record.__dict__["status"] for record in caplog.records] == [499]
    assert (caller.sent, tasks()) == ([], set())


async def test_one_line_for_each_outcome(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "graphwire.rest"):
        await ask(operation())

    (record,) = caplog.records
    assert (record.getMessage(), record.levelname, record.__dict__["status"]) == ("call ended", "DEBUG", 200)


async def test_head_is_answered_as_get_is() -> None:
    assert (await ask(operation(), method="HEAD")).status == 200


async def test_a_stream_has_no_head() -> None:
    caller = await ask(operation(stream=True), method="HEAD")

    assert (caller.status, caller.json["code"]) == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("methods", "allowed"), [(("GET",), "GET, HEAD, OPTIONS"), (("POST", "DELETE"), "DELETE, OPTIONS, POST")]
)
async def test_a_method_that_is_not_there(methods: tuple[str, ...], allowed: str) -> None:
    caller = Caller()
    served = Resource({method: operation() for method in methods}, LIMITS, Tally())

    await served(caller.scope("PUT"), caller.receive, caller.send)

    assert (caller.status, caller.headers["allow"]) == (405, allowed)
    assert caller.json["code"] == "METHOD_NOT_ALLOWED"
    assert "PUT" in caller.json["detail"]


async def test_which_methods_there_are() -> None:
    caller = Caller()

    await Resource({"GET": operation()}, LIMITS, Tally())(caller.scope("OPTIONS"), caller.receive, caller.send)

    assert (caller.status, caller.headers, caller.body) == (204, {"allow": "GET, HEAD, OPTIONS"}, b"")


@pytest.mark.parametrize(
    ("answer", "headers", "body"),
    [
        (Answer(value=[1]), {"content-type": "application/json", "content-length": "3"}, b"[1]"),
        (Answer(value=None), {"content-type": "application/json", "content-length": "4"}, b"null"),
        (Answer(status=202, empty=True), {"content-length": "0"}, b""),
        (Answer(status=204, empty=True, headers=[("a", "b")]), {"a": "b"}, b""),
        (Answer(content=b"x", media_type="text/html"), {"content-type": "text/html", "content-length": "1"}, b"x"),
    ],
)
async def test_an_answer(answer: Answer, headers: dict[str, str], body: bytes) -> None:
    caller = Caller()

    status = await answer.send(caller.scope(), caller.receive, caller.send)

    assert (status, caller.status, caller.headers, caller.body) == (answer.status, answer.status, headers, body)


def test_of_repeated_headers_the_last_counts() -> None:
    call = Call({"path_params": {}, "headers": [(b"a", b"1"), (b"b", b"\xe9"), (b"a", b"2")]}, None, None)

    assert (call.header("a"), call.header("b"), call.header("c")) == ("2", "é", None)
    assert call.headers == [("a", "1"), ("b", "é"), ("a", "2")]
