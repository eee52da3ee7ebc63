from typing import TypeVar

import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details

from graphwire.v1.error_pb2 import ErrorReason
from graphwire_server.core import errors
from graphwire_server.core.errors import GraphwireError, Kind
from graphwire_server.rpc.status import CODES, DOMAIN, internal, status

M = TypeVar("M", bound=Message)
ERRORS = [
    errors.InvalidField("a.b", "must be c"),
    errors.AssistantNotFound("x"),
    errors.ThreadNotFound("x"),
    errors.RunNotFound("x"),
    errors.CheckpointNotFound("x"),
    errors.CronNotFound("x"),
    errors.ThreadExists("x"),
    errors.ThreadBusy("x", "the run"),
    errors.NothingToResume(None),
    errors.ThreadHasNoGraph("x"),
    errors.RunFinished("x", "success"),
    errors.RunActive("x", "running"),
    errors.CursorExpired(1, 2, 3),
    errors.SlowReader(1),
    errors.CapacityReached("full"),
    errors.Draining(1),
    errors.StoreUnavailable("away"),
    errors.NotOffered("it"),
    errors.ItemNotFound(("a", "b"), "k"),
    errors.EmbeddingFailed("failed"),
    errors.Unauthenticated(),
    errors.RequestTooLarge(1),
    errors.SystemAssistant("x", "deleted"),
    errors.AssistantExists("x"),
    errors.GraphNotFound("x"),
    errors.RequestReused("key", "x"),
    errors.LeaseLost("x"),
    internal("request"),
]


def detail(error: GraphwireError, kind: type[M]) -> M | None:
    """The detail of a kind that the error carries."""
    for packed in status(error).details:
        found = kind()
        if packed.Unpack(found):
            return found
    return None


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_the_code_of_its_name(kind: Kind) -> None:
    assert CODES[kind].name == kind.name


def test_every_class_of_errors_is_here() -> None:
    def leaves(root: type[GraphwireError]) -> set[type[GraphwireError]]:
        return {root}.union(*(leaves(child) for child in root.__subclasses__()))

    assert {type(error) for error in ERRORS} == leaves(GraphwireError) - {errors.ResourceNotFound}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.reason)
def test_every_error_has_a_reason_of_the_protos(error: GraphwireError) -> None:
    info = detail(error, details.ErrorInfo)

    assert info is not None
    assert f"ERROR_REASON_{info.reason}" in set(ErrorReason.keys())
    assert (info.domain, dict(info.metadata)) == (DOMAIN, error.metadata)
    assert (status(error).code, status(error).message) == (CODES[error.kind].value[0], error.message)


def test_every_reason_of_the_protos_has_an_error() -> None:
    reasons = {f"ERROR_REASON_{error.reason}" for error in ERRORS}

    assert set(ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"} == reasons


def test_a_wrong_field_is_named() -> None:
    found = detail(errors.InvalidField("a.b", "must be c"), details.BadRequest)

    assert found is not None
    assert [(each.field, each.description) for each in found.field_violations] == [("a.b", "must be c")]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.RunNotFound("x"), "graphwire.run"),
        (errors.ThreadNotFound("x"), "graphwire.thread"),
        (errors.AssistantNotFound("x"), "graphwire.assistant"),
        (errors.CheckpointNotFound("x"), "graphwire.checkpoint"),
        (errors.CronNotFound("x"), "graphwire.cron"),
        (errors.ThreadExists("x"), "graphwire.thread"),
        (errors.RequestReused("key", "x"), "graphwire.run"),
    ],
)
def test_a_resource_is_named(error: GraphwireError, kind: str) -> None:
    found = detail(error, details.ResourceInfo)

    assert found is not None
    assert (found.resource_type, found.resource_name) == (kind, "x")


@pytest.mark.parametrize("error", [errors.Draining(), errors.StoreUnavailable("away")])
def test_what_passes_says_when_to_try_again(error: GraphwireError) -> None:
    found = detail(error, details.RetryInfo)

    assert found is not None
    assert found.retry_delay.ToMilliseconds() == 1000


def test_a_busy_thread_is_a_precondition() -> None:
    found = detail(errors.ThreadBusy("x", "the run"), details.PreconditionFailure)

    assert found is not None
    assert (found.violations[0].type, found.violations[0].subject) == ("THREAD_BUSY", "threads/x")
