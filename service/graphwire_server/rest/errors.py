"""Errors over HTTP.

Owns the one table from kinds of errors to HTTP statuses, and the body of a failed request: `detail` as the documented surface has it, and beside it
a code for programs (wire fact 81). The invariant: what is not an error of `core/errors.py` leaves as 500 with a request id and no detail.
"""

from typing import Any

from graphwire_server.core.errors import Draining, EmbeddingFailed, GraphwireError, InvalidField, Kind, StoreUnavailable

STATUSES = {
    Kind.INVALID_ARGUMENT: 422,
    Kind.NOT_FOUND: 404,
    Kind.ALREADY_EXISTS: 409,
    Kind.FAILED_PRECONDITION: 409,
    Kind.ABORTED: 409,
    Kind.OUT_OF_RANGE: 416,
    Kind.RESOURCE_EXHAUSTED: 429,
    Kind.UNAUTHENTICATED: 401,
    Kind.PERMISSION_DENIED: 403,
    Kind.DEADLINE_EXCEEDED: 504,
    Kind.CANCELLED: 499,
    Kind.UNAVAILABLE: 503,
    Kind.UNIMPLEMENTED: 501,
    Kind.INTERNAL: 500,
}
"""The HTTP status of each kind (house style, error table). An error may name another: `http_status`."""


def status_of(error: GraphwireError) -> int:
    """The HTTP status of an error."""
    return error.http_status or STATUSES[error.kind]


def body_of(error: GraphwireError) -> dict[str, Any]:
    """The body of a failed request: `detail`, `code`, and what programs may want beside them."""
    body: dict[str, Any] = {"detail": error.message, "code": error.reason}
    if isinstance(error, InvalidField):
        body["field"] = error.field
    if error.metadata:
        body["metadata"] = error.metadata
    return body


def headers_of(error: GraphwireError) -> list[tuple[str, str]]:
    """The headers of a failed request: when to try again (RFC 9110, 10.2.3), and how to authenticate (11.6.1)."""
    if isinstance(error, Draining | StoreUnavailable | EmbeddingFailed):
        return [("retry-after", str(max(1, round(error.retry_after))))]
    if error.kind is Kind.UNAUTHENTICATED:
        return [("www-authenticate", "Bearer")]
    return []


def internal(request_id: str) -> GraphwireError:
    """What a caller hears of a defect: nothing but where to look."""
    return GraphwireError(
        f"internal error; the server's log has it under request_id {request_id}", request_id=request_id
    )
