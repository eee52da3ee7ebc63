import pytest

from graphwire_server.core import errors
from graphwire_server.core.errors import GraphwireError, InvalidField, Kind
from graphwire_server.rest.errors import STATUSES, body_of, headers_of, internal, status_of

UUID = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"
CASES: list[tuple[GraphwireError, int]] = [
    (InvalidField("a.b", "must be c"), 422),
    (InvalidField("context", "and config.configurable are both set", http_status=400), 400),
    (InvalidField("as_node", "is no node of the graph", http_status=400), 400),
    (errors.AssistantNotFound("no uuid"), 422),
    (errors.AssistantNotFound(UUID), 404),
    (errors.AssistantNotFound(UUID.upper()), 404),
    (errors.ThreadNotFound("x"), 404),
    (errors.RunNotFound("x"), 404),
    (errors.CheckpointNotFound("x"), 404),
    (errors.CronNotFound("x"), 404),
    (errors.ThreadExists("x"), 409),
    (errors.ThreadBusy("x", "the run"), 409),
    (errors.NothingToResume("x"), 409),
    (errors.NothingToResume(None), 400),
    (errors.ThreadHasNoGraph("x"), 400),
    (errors.RunFinished("x", "success"), 404),
    (errors.RunActive("x", "running"), 409),
    (errors.SystemAssistant("x", "deleted"), 409),
    (errors.AssistantExists("x"), 409),
    (errors.GraphNotFound("x"), 404),
    (errors.RequestReused("key", "x"), 409),
    (errors.LeaseLost("x"), 409),
    (errors.CursorExpired(1, 2, 3), 416),
    (errors.SlowReader(1), 429),
    (errors.CapacityReached("full"), 429),
    (errors.RequestTooLarge(1), 413),
    (errors.Unauthenticated(), 401),
    (errors.Draining(1), 503),
    (errors.StoreUnavailable("away"), 503),
    (errors.NotOffered("it"), 501),
    (errors.ItemNotFound(("a", "b"), "k"), 404),
    (errors.EmbeddingFailed("failed"), 503),
    (internal("request"), 500),
]
TABLE = {
    "INVALID_ARGUMENT": 422,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "FAILED_PRECONDITION": 409,
    "ABORTED": 409,
    "OUT_OF_RANGE": 416,
    "RESOURCE_EXHAUSTED": 429,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "DEADLINE_EXCEEDED": 504,
    "CANCELLED": 499,
    "UNAVAILABLE": 503,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
}
"""The error table of the house style, once more, so that neither moves alone."""


def test_the_table_is_that_of_the_house_style() -> None:
    assert {kind.name: status for kind, status in STATUSES.items()} == TABLE
    assert set(STATUSES) == set(Kind)


def test_every_class_of_errors_is_here() -> None:
    def leaves(root: type[GraphwireError]) -> set[type[GraphwireError]]:
        return {root}.union(*(leaves(child) for child in root.__subclasses__()))

    assert {type(error) for error, _ in CASES} == leaves(GraphwireError) - {errors.ResourceNotFound}


@pytest.mark.parametrize(("error", "status"), CASES, ids=lambda each: getattr(each, "reason", each))
def test_every_error_has_its_status_and_says_what_it_is(error: GraphwireError, status: int) -> None:
    made = body_of(error)

    assert status_of(error) == status
    assert (made.pop("detail"), made.pop("code")) == (error.message, error.reason)
    assert made.pop("metadata", {}) == error.metadata
    assert made.pop("field", None) == getattr(error, "field", None)
    assert made == {}


def test_a_body_has_no_empty_parts() -> None:
    assert set(body_of(errors.RunNotFound("x"))) == {"detail", "code"}


@pytest.mark.parametrize("error", [errors.Draining(), errors.StoreUnavailable("away")])
def test_what_passes_says_when_to_try_again(error: GraphwireError) -> None:
    assert headers_of(error) == [("retry-after", "1")]


def test_nobody_is_asked_to_try_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors.Draining, "retry_after", 0.2)

    assert headers_of(errors.Draining()) == [("retry-after", "1")]


def test_who_shows_no_key_hears_how_to_show_one() -> None:
    assert headers_of(errors.Unauthenticated()) == [("www-authenticate", "Bearer")]


def test_other_errors_have_no_headers() -> None:
    named = (errors.Draining, errors.StoreUnavailable, errors.EmbeddingFailed, errors.Unauthenticated)

    assert [headers_of(error) for error, _ in CASES if not isinstance(error, named)] == [[]] * (len(CASES) - 4)


def test_a_defect_says_where_to_look_and_nothing_else() -> None:
    made = body_of(internal("7"))

    assert (made["code"], made["metadata"]) == ("INTERNAL", {"request_id": "7"})
    assert made["detail"] == "internal error; the server's log has it under request_id 7"
