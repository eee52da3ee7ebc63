"""What surrounds every request: reading it, the answer to a failure, one log line for each outcome.

Owns the step from an operation to an ASGI application. Operations know neither scopes nor statuses of failures: they take a call, return an answer,
and raise errors of the core.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

from starlette.types import Message, Receive, Scope, Send

from graphwire_server.core.errors import GraphwireError, InvalidField, RequestTooLarge
from graphwire_server.core.tally import Tally
from graphwire_server.rest.errors import body_of, headers_of, internal, status_of
from graphwire_server.rest.json_text import dumps
from graphwire_server.rest.shapes import Shape, parse
from graphwire_server.rest.shapes import body_of as shaped_body
from graphwire_server.rest.shapes import query_of as shaped_query

_log = logging.getLogger("graphwire.rest")

JSON = "application/json"
_LINGER = 10.0
"""For how long the rest of a body that is too large is passed over, in seconds."""

Headers: TypeAlias = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimits:
    """Bounds of request bodies.

    Attributes:
        most_bytes: The largest body; a larger one is 413.
        patience: How long a body may make no progress, in seconds; then the connection is given up.
    """

    most_bytes: int = 64 << 20
    patience: float = 30.0


class Call:
    """One request, as an operation sees it.

    Attributes:
        path: The parameters of its path, by name.
        body: Its body, in the operation's shape; None where the operation takes none.
        query: Its query, in the operation's shape; None where the operation takes none.
    """

    __slots__ = ("_scope", "body", "path", "query")

    def __init__(self, scope: Scope, body: Any, query: Any) -> None:
        self._scope = scope
        self.path: Mapping[str, str] = scope["path_params"]
        self.body = body
        self.query = query

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Its headers, names in lower case."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._scope["headers"]]

    def header(self, name: str) -> str | None:
        """The last header of a name in lower case; None where there is none."""
        wanted = name.encode("latin-1")
        found = [value for key, value in self._scope["headers"] if key == wanted]
        return found[-1].decode("latin-1") if found else None


class Reply(Protocol):
    """What an operation returns: it writes itself."""

    async def send(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Writes the answer and returns its status. Cancelling it ends the answer where it is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that is there at once.

    Attributes:
        value: What becomes JSON; None with `empty` is no body.
        status: The HTTP status.
        headers: Headers beside the content's own.
        empty: Whether there is no body.
        content: A body that is no JSON of ours, such as a page.
        media_type: Of `content`.
    """

    value: Any = None
    status: int = 200
    headers: Headers = ()
    empty: bool = False
    content: bytes | None = None
    media_type: str = JSON

    async def send(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Writes the answer (protocol `Reply`)."""
        content = b"" if self.empty else self.content if self.content is not None else dumps(self.value)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        if not self.empty:
            headers.append((b"content-type", self.media_type.encode()))
        if self.status != 204:
            headers.append((b"content-length", b"%d" % len(content)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        return self.status


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Attributes:
        name: Its stable name, as the OpenAPI document has it.
        summary: A sentence for the document.
        run: What it does.
        body: The shape of its body; None where it takes none.
        many: The most items of a body that is an array of that shape; 0 where it is none.
        needs_body: Whether an empty body is refused; else it stands for an empty object.
        query: The shape of its query; None where it takes none.
        headers: The headers that it reads beside what all read: a sentence for each.
        answers: What it answers with, by status: a type that pydantic can describe, or None for no body.
        stream: Whether its answer is a stream of server-sent events.
        media_type: What its answer is, or may be beside `answers`, where it is text; empty where it is JSON or a stream.
        wrong_body: The status for a body that is not what it should be.
    """

    name: str
    summary: str
    run: Callable[[Call], Awaitable[Reply]]
    body: type[Shape] | None = None
    many: int = 0
    needs_body: bool = False
    query: type[Shape] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[int, Any] = field(default_factory=lambda: {200: Any})
    stream: bool = False
    media_type: str = ""
    wrong_body: int = 422


Operations: TypeAlias = dict[str, dict[str, Operation]]
"""Operations by path and method."""

LISTED = {200: list[dict[str, Any]]}
"""The answers of a list whose items may have only chosen fields."""


class Resource:
    """All operations of one path, as an ASGI application.

    Args:
        operations: The operations, by HTTP method.
        limits: Bounds of request bodies.
        tally: Counts the requests.
    """

    def __init__(self, operations: Mapping[str, Operation], limits: BodyLimits, tally: Tally) -> None:
        self.operations = dict(operations)
        self._limits = limits
        self._tally = tally
        has_head = "GET" in operations and not operations["GET"].stream
        self._allowed = ", ".join(sorted({*operations, *(("HEAD",) if has_head else ()), "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        operation = self.operations.get(method)
        if operation is None or (operation.stream and scope["method"] == "HEAD"):
            await self._refuse(scope, receive, send)
        else:
            report = Report(operation.name, self._tally)
            await guarded(report, lambda: self._reply(operation, scope, receive), scope, receive, send)

    async def _reply(self, operation: Operation, scope: Scope, receive: Receive) -> Reply:
        query = None if operation.query is None else shaped_query(operation.query, scope["query_string"])
        body = None if operation.body is None else await self._checked_body(operation, operation.body, scope, receive)
        return await operation.run(Call(scope, body, query))

    async def _checked_body(self, operation: Operation, shape: type[Shape], scope: Scope, receive: Receive) -> Any:
        try:
            return await self._body(operation, shape, scope, receive)
        except InvalidField as error:
            error.http_status = error.http_status or operation.wrong_body
            raise

    async def _body(self, operation: Operation, shape: type[Shape], scope: Scope, receive: Receive) -> Any:
        text = await read_body(scope, receive, self._limits)
        if not text and not operation.needs_body:
            return [] if operation.many else shaped_body(shape, {})
        value = parse(text)
        if not operation.many:
            return shaped_body(shape, value)
        if not isinstance(value, list):
            raise InvalidField("body", "must be a JSON array")
        if len(value) > operation.many:  # looking at each of a million would hold up everybody for many seconds
            raise InvalidField("[]", f"has {len(value)} items; at most {operation.many} are taken")
        return [_item(shape, index, each) for index, each in enumerate(value)]

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        allow = [("allow", self._allowed)]
        if scope["method"] == "OPTIONS":
            await Answer(status=204, headers=allow, empty=True).send(scope, receive, send)
            return
        detail = f"{scope['method']} is not a method of this path; it has {self._allowed}"
        body = {"detail": detail, "code": "METHOD_NOT_ALLOWED"}
        await Answer(value=body, status=405, headers=allow).send(scope, receive, send)


def _item(shape: type[Shape], index: int, value: Any) -> Shape:
    try:
        return shaped_body(shape, value)
    except InvalidField as error:
        raise InvalidField(f"[{index}].{error.field}", error.problem, error.http_status) from None


async def read_body(scope: Scope, receive: Receive, limits: BodyLimits) -> bytes:
    """The whole body of a request.

    Raises:
        RequestTooLarge: It has more bytes than the server takes. What its head announces is believed, so that nothing of it is read.
        CallerGone: The caller went away, or sent nothing for too long.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limits.most_bytes:
            raise RequestTooLarge(limits.most_bytes)
    text = (
        bytearray()
    )  # a list of parts could be fifty times as large as its bytes, of a caller who sends them one by one
    while True:
        try:
            async with asyncio.timeout(limits.patience):
                message = await receive()
        except TimeoutError:
            raise CallerGone from None
        if message["type"] == "http.disconnect":
            raise CallerGone
        text += message.get("body", b"")
        if len(text) > limits.most_bytes:
            raise RequestTooLarge(limits.most_bytes)
        if not message.get("more_body", False):
            return bytes(text)


class CallerGone(Exception):
    """The caller went away, or stopped sending, before the request was whole. Nobody reads an answer."""


class Report:
    """What is told of a request when it ends: one log line, and a count.

    Args:
        name: The operation.
        tally: Counts it.
    """

    def __init__(self, name: str, tally: Tally) -> None:
        self.name = name
        self._tally = tally
        self._begun = time.monotonic()

    def ended(self, status: int, **fields: str) -> None:
        """Writes the one log line of the request, and counts it."""
        seconds = time.monotonic() - self._begun
        self._tally.called("http", self.name, str(status), seconds)
        level = logging.DEBUG if status < 400 else logging.INFO
        if _log.isEnabledFor(level):
            told = {"operation": self.name, "status": status, "seconds": round(seconds, 4)}
            _log.log(level, "call ended", extra={**told, **fields})


async def guarded(
    report: Report, reply: Callable[[], Awaitable[Reply]], scope: Scope, receive: Receive, send: Send
) -> None:
    """Answers a request, whatever becomes of it.

    Args:
        report: Told how it ends.
        reply: What makes the answer.
        scope: The request.
        receive: Its way in.
        send: Its way out.
    """
    try:
        status = await (await reply()).send(scope, receive, send)
    except GraphwireError as error:
        status = await _fail(error, scope, receive, send)
        report.ended(status, reason=error.reason)
    except CallerGone:
        report.ended(499)
        abort(scope)
    except asyncio.CancelledError:
        report.ended(499)
        raise
    except Exception:  # noqa: BLE001  a defect must not reach the caller in detail
        request_id = str(uuid.uuid4())
        _log.exception("call failed", extra={"operation": report.name, "request_id": request_id})
        status = await _fail(internal(request_id), scope, receive, send)
        report.ended(status, reason="INTERNAL")
    else:
        report.ended(status)


async def _fail(error: GraphwireError, scope: Scope, receive: Receive, send: Send) -> int:
    answer = Answer(value=body_of(error), status=status_of(error), headers=headers_of(error))
    if isinstance(error, RequestTooLarge):
        return await _send_unread(answer, scope, receive, send)
    return await answer.send(scope, receive, send)


async def _send_unread(answer: Answer, scope: Scope, receive: Receive, send: Send) -> int:
    """Answers a request whose body is still on its way, and passes over it for a while: a connection that is closed with bytes unread is reset, and
    a caller who sends all before it reads would never see the answer.
    """

    async def unended(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    closing = replace(answer, headers=[*answer.headers, ("connection", "close")])
    status = await closing.send(scope, receive, unended)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b""})
    return status


def abort(scope: Scope) -> None:
    """Ends the connection of a caller who neither reads nor writes, with what waits for it."""
    scope["extensions"]["graphwire.abort"]()
