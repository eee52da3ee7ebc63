"""Errors on the gRPC wire.

Owns the one table from kinds of errors to gRPC codes, and the rich status of a failed call (google.rpc.Status with ErrorInfo and what fits
beside it). The invariant: what is not an error of `core/errors.py` leaves as INTERNAL with a request id and no detail.
"""

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from graphwire_server.core.errors import (
    AssistantExists,
    Draining,
    EmbeddingFailed,
    GraphwireError,
    InvalidField,
    ItemNotFound,
    Kind,
    RequestReused,
    ResourceNotFound,
    StoreUnavailable,
    ThreadBusy,
    ThreadExists,
)

DOMAIN = "graphwire"
"""The domain of every ErrorInfo."""

DETAILS_KEY = "grpc-status-details-bin"
"""The trailing metadata that carries a google.rpc.Status."""

CODES = {
    Kind.INVALID_ARGUMENT: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
    Kind.FAILED_PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.ABORTED: grpc.StatusCode.ABORTED,
    Kind.OUT_OF_RANGE: grpc.StatusCode.OUT_OF_RANGE,
    Kind.RESOURCE_EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.PERMISSION_DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Kind.DEADLINE_EXCEEDED: grpc.StatusCode.DEADLINE_EXCEEDED,
    Kind.CANCELLED: grpc.StatusCode.CANCELLED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.UNIMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    Kind.INTERNAL: grpc.StatusCode.INTERNAL,
}
"""The gRPC code of each kind (house style, error table)."""


def internal(request_id: str) -> GraphwireError:
    """What a caller hears of a defect: nothing but where to look."""
    return GraphwireError(
        f"internal error; the server's log has it under request_id {request_id}", request_id=request_id
    )


def status(error: GraphwireError) -> Status:
    """The error as a google.rpc.Status."""
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    made = Status(code=CODES[error.kind].value[0], message=error.message)
    for detail in (info, *_details(error)):
        packed = Any()
        packed.Pack(detail)
        made.details.append(packed)
    return made


def _details(error: GraphwireError) -> list[Message]:
    if isinstance(error, InvalidField):
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.problem)
        return [error_details_pb2.BadRequest(field_violations=[violation])]
    if isinstance(error, ResourceNotFound):
        return [_resource(error.resource_type, error.resource_id, error.message)]
    if isinstance(error, ItemNotFound):
        return [_resource("item", error.resource_id, error.message)]
    if isinstance(error, ThreadExists):
        return [_resource("thread", error.resource_id, error.message)]
    if isinstance(error, AssistantExists):
        return [_resource("assistant", error.resource_id, error.message)]
    if isinstance(error, RequestReused):
        return [_resource("run", error.metadata["run_id"], error.message)]
    if isinstance(error, ThreadBusy):
        violation = error_details_pb2.PreconditionFailure.Violation(
            type=error.reason, subject=f"threads/{error.metadata['thread_id']}", description=error.message
        )
        return [error_details_pb2.PreconditionFailure(violations=[violation])]
    if isinstance(error, Draining | StoreUnavailable | EmbeddingFailed):
        delay = Duration()
        delay.FromMilliseconds(int(error.retry_after * 1000))
        return [error_details_pb2.RetryInfo(retry_delay=delay)]
    return []


def _resource(kind: str, name: str, description: str) -> error_details_pb2.ResourceInfo:
    return error_details_pb2.ResourceInfo(resource_type=f"{DOMAIN}.{kind}", resource_name=name, description=description)
