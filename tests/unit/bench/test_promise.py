"""A promise is judged as it reads."""

import pytest

from bench.promise import Promise


@pytest.mark.parametrize(
    ("promise", "value", "bare", "met"),
    [
        (Promise(least=10), 10, None, True),
        (Promise(least=10), 9.9, None, False),
        (Promise(most=2), 2, None, True),
        (Promise(most=2), 2.1, None, False),
        (Promise(least_ratio=0.5), 50, 100, True),
        (Promise(least_ratio=0.5), 49, 100, False),
        (Promise(most_ratio=1.5), 150, 100, True),
        (Promise(most_ratio=1.5), 151, 100, False),
        (Promise(least=1, most=2), 3, None, False),
    ],
)
def test_a_value_is_within_its_limits(promise: Promise, value: float, bare: float | None, met: bool) -> None:
    assert promise.met(value, bare) is met


def test_what_failed_keeps_nothing() -> None:
    assert not Promise(least=10).met(None, 100)
    assert not Promise().met(None, None)


def test_a_ratio_without_the_bare_value_is_not_kept() -> None:
    assert not Promise(least_ratio=0.5).met(50, None)
    assert not Promise(most_ratio=1.5).met(0, None)


@pytest.mark.parametrize(
    ("promise", "shown"),
    [
        (Promise(least_ratio=0.95), ">= 0.95 bare"),
        (Promise(most_ratio=1.5), "<= 1.5 bare"),
        (Promise(least=400_000), ">= 400,000"),
        (Promise(most=2), "<= 2"),
        (Promise(), "-"),
    ],
)
def test_it_is_shown_in_a_few_characters(promise: Promise, shown: str) -> None:
    assert str(promise) == shown
