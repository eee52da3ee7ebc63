from datetime import timedelta

import pytest
import typer

from graphwire_server.console.arguments import given_span


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0", timedelta(0)),
        ("90", timedelta(seconds=90)),
        ("1.5", timedelta(seconds=1.5)),
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("0.5d", timedelta(hours=12)),
    ],
)
def test_a_length_of_time(text: str, span: timedelta) -> None:
    assert given_span(text, "--after") == span


def test_a_length_of_time_may_be_left_out() -> None:
    assert given_span(None, "--after") is None


@pytest.mark.parametrize("text", ["", "soon", "-5", "5 m", "5w", "1h30m", "1e3", "٣", "inf", "9" * 400, "9999999999d"])
def test_what_is_no_length_of_time_says_how_it_is_written(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="--after is not a length of time"):
        given_span(text, "--after")
