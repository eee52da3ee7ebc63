import pytest

from graphwire_server.core.errors import InvalidField, RunNotFound
from graphwire_server.rest.calls import Call
from graphwire_server.rest.idempotency import as_sent, item_key, request_key


def call(*given: str) -> Call:
    headers = [(b"idempotency-key", each.encode("utf-8")) for each in given]
    return Call({"path_params": {}, "headers": [(b"x-other", b"1"), *headers]}, None, None)


@pytest.mark.parametrize("key", ["k", "018f2d3c-0a6b", '"quoted"', "a b", "~" * 500])
def test_a_key_is_what_was_sent(key: str) -> None:
    assert request_key(call(key)) == key


def test_a_request_may_have_none() -> None:
    assert request_key(call()) == ""


@pytest.mark.parametrize("given", [[""], ["é"], ["a\tb"], ["a", "a"], ["a", "b"]])
def test_what_is_no_key_names_the_header(given: list[str]) -> None:
    with pytest.raises(InvalidField) as refused:
        request_key(call(*given))

    assert refused.value.field == "Idempotency-Key"


def test_each_run_of_a_batch_has_a_key_of_its_own() -> None:
    assert [item_key("k", index) for index in range(3)] == ["k/0", "k/1", "k/2"]
    assert item_key("", 0) == ""


@pytest.mark.parametrize(
    ("core", "sent"),
    [
        ("request_id", "Idempotency-Key"),
        ("[3].request_id", "Idempotency-Key"),
        ("start_after", "after_seconds"),
        ("timeout", "timeout_seconds"),
        ("[12].timeout", "[12].timeout_seconds"),
        ("thread_id", "thread_id"),
        ("config.timeout", "config.timeout"),
        ("timeout.more", "timeout.more"),
        ("[]", "[]"),
    ],
)
def test_a_field_is_named_as_the_caller_sent_it(core: str, sent: str) -> None:
    with pytest.raises(InvalidField) as refused, as_sent():
        raise InvalidField(core, "must be better")

    assert (refused.value.field, refused.value.metadata) == (sent, {"field": sent})
    assert refused.value.problem.startswith("must be better")


def test_a_key_that_is_too_long_for_its_place_says_which() -> None:
    with pytest.raises(InvalidField, match=r"for \[3\]"), as_sent():
        raise InvalidField("[3].request_id", "has 130 characters")


def test_other_errors_are_as_they_are() -> None:
    with pytest.raises(RunNotFound), as_sent():
        raise RunNotFound("x")
