"""Every error that this client raises for a call that the service failed.

Owns the tree and the way from a gRPC status to it. A graph that fails is not here, except where the caller asks for it
(`RunResult.raise_for_error`): it is data. The invariant: programs branch on the class or on `reason`, never on the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldViolation:
    """A field of a request that is wrong.

    Args:
        field: Its path in the request, such as `config.recursion_limit`.
        description: What is wrong, and what it should be.
    """

    field: str
    description: str


class GraphwireError(Exception):
    """The service failed the call. The root of all errors that a call can raise.

    Args:
        message: A sentence for the caller.
        code: The gRPC status.
        reason: The stable name of the situation, such as `RUN_NOT_FOUND`; empty where the service did not say. The enum
            `graphwire.v1.ErrorReason` lists them.
        metadata: Facts for programs, as text.
        field_violations: The fields that are wrong; empty for other errors.
        retry_after: Seconds to wait before the call is tried again; None where the service did not say.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        field_violations: tuple[FieldViolation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.field_violations = field_violations
        self.retry_after = retry_after

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, code={self.code.name}, reason={self.reason!r})"


class InvalidArgument(GraphwireError):
    """A field of the request is wrong; `field_violations` names it. Correct it and call again."""


class NotFound(GraphwireError):
    """The assistant, thread, run or checkpoint does not exist; `reason` says which of them. Also where the run of a known `request_id` is gone."""


class AlreadyExists(GraphwireError):
    """A thread has this id already (`THREAD_EXISTS`), or the `request_id` belongs to another request (`REQUEST_ID_REUSED`, with its `run_id` in the metadata)."""


class FailedPrecondition(GraphwireError):
    """The thread or the run is not in the state that the call needs, such as `THREAD_BUSY`; `reason` says why."""


class Unauthenticated(GraphwireError):
    """The server wants to know who calls: give `connect` an `api_key`."""


class PermissionDenied(GraphwireError):
    """The caller may not do this."""


class Unavailable(GraphwireError):
    """The server does not answer, or is stopping (`retry_after` says when to come back; its runs go on at the next process). Try again: a stream goes on with
    `join(run_id, after_seq=last_seq)`, a run with a `request_id` is not created twice.
    """


class DeadlineExceeded(GraphwireError):
    """The call took longer than its deadline."""


class NotOffered(GraphwireError):
    """This server does not offer the call or the option."""


class CursorExpired(GraphwireError):
    """Events behind the cursor are no longer held. Join without a cursor and read the thread's state."""

    @property
    def oldest_seq(self) -> int:
        """The lowest number that is still held; one above `newest_seq` where nothing is."""
        return int(self.metadata.get("oldest_seq", "0"))

    @property
    def newest_seq(self) -> int:
        """The highest number given so far."""
        return int(self.metadata.get("newest_seq", "0"))


class SlowReader(GraphwireError):
    """The stream was read too slowly, and the server ended it. Join again with the stream's `last_seq`, and read faster.

    The metadata's `after_seq` is what the server had sent, some of which may not have been read here: `last_seq` is the safe cursor.
    """


class RunFailed(Exception):
    """The run did not end well. Only `RunResult.raise_for_error` raises it; it is no failure of the service.

    Args:
        status: How the run ended: `error`, `timeout` or `interrupted`.
        message: What the graph's exception says, with its class.
        retryable: Whether the same run may succeed when it is created again.
    """

    def __init__(self, status: str, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retryable = retryable


_BY_REASON: Mapping[str, type[GraphwireError]] = {"CURSOR_EXPIRED": CursorExpired, "SLOW_READER": SlowReader}
_BY_CODE: Mapping[grpc.StatusCode, type[GraphwireError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNIMPLEMENTED: NotOffered,
}


_DOMAIN = "graphwire"
"""Who gives a reason. That of a proxy is not ours: its names may mean anything."""


def from_rpc(error: grpc.aio.AioRpcError) -> GraphwireError:
    """The error that a failed call means, with all that its rich status says."""
    status = _rich_status(error)
    info, request, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    for detail in status.details:
        for known in (request, retry):
            detail.Unpack(known)
        found = error_details_pb2.ErrorInfo()
        if detail.Unpack(found) and found.domain == _DOMAIN:
            info = found
    violations = tuple(FieldViolation(field=v.field, description=v.description) for v in request.field_violations)
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(error.code(), GraphwireError)
    return kind(
        error.details() or error.code().name,
        code=error.code(),
        reason=info.reason,
        metadata=info.metadata,
        field_violations=violations,
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if retry.HasField("retry_delay") else None,
    )


def _rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The status in the call's trailers; an empty one where there is none, or where it contradicts the call's own."""
    try:
        found = rpc_status.from_call(cast("grpc.Call", error))
    except ValueError:  # a proxy may have changed code or text; then those of the call are what the caller met
        found = None
    return found or status_pb2.Status()
