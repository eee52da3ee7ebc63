import pytest
from langgraph.errors import GraphRecursionError

from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.engine.failures import run_error, task_error


class Custom(Exception):
    pass


class Derived(ValueError):
    pass


@pytest.mark.parametrize(
    ("error", "message", "retryable"),
    [
        (ValueError("no cats"), "no cats", False),
        (Derived("no dogs"), "no dogs", False),
        (KeyError("k"), "'k'", False),
        (RuntimeError("r"), "r", False),
        (TimeoutError("late"), "late", True),
        (GraphRecursionError("too deep"), "too deep", False),
        (Custom("password=1"), "An internal error occurred", False),
        (ConnectionError("http://user:secret@host"), "An internal error occurred", True),
        (StoreUnavailable("the store is away"), "the store is away", True),
    ],
)
def test_what_of_an_exception_is_shown(error: Exception, message: str, retryable: bool) -> None:
    made = run_error(error)

    assert (made.type, made.message, made.retryable) == (type(error).__name__, message, retryable)


def test_a_text_that_is_not_unicode_can_be_sent() -> None:
    made = run_error(ValueError("half an emoji: \ud83d"))

    assert made.message.encode()


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (None, None),
        (ValueError("no cats"), "no cats"),
        (Custom("password=1"), "An internal error occurred"),
        ("ValueError('no cats')", "ValueError('no cats')"),
        ("GraphRecursionError('too deep')", "GraphRecursionError('too deep')"),
        ("Custom('password=1')", "An internal error occurred"),
        ("OSError('/secret')", "An internal error occurred"),
        ("password=1", "An internal error occurred"),
    ],
)
def test_what_of_a_task_s_error_is_shown(error: object, shown: str | None) -> None:
    assert task_error(error) == shown
