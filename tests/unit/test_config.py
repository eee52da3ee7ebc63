from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from graphwire_server.config import Settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"GRAPHWIRE_{name.upper()}", raising=False)


def test_defaults() -> None:
    made = Settings()

    assert (made.config, made.host, made.grpc_port) == (Path("langgraph.json"), "127.0.0.1", 50051)
    assert made.max_connection_age is None


def test_the_environment_wins_over_defaults_and_arguments_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHWIRE_GRPC_PORT", "7")
    monkeypatch.setenv("GRAPHWIRE_DRAIN_GRACE", "PT3S")

    made, given = Settings(), Settings(grpc_port=8)

    assert (made.grpc_port, made.drain_grace, given.grpc_port) == (7, timedelta(seconds=3), 8)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("grpc_port", -1),
        ("grpc_port", 65536),
        ("log_level", "loud"),
        ("log_format", "xml"),
        ("max_runs", 0),
        ("max_streams", 0),
        ("max_request_bytes", 1023),
        ("max_request_bytes", (1 << 30) + 1),
        ("log_bytes_per_thread", 1),
        ("write_timeout", timedelta(0)),
        ("drain_grace", timedelta(seconds=-1)),
    ],
)
def test_bounds(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=field):
        Settings(**{field: value})


def test_options_do_not_change() -> None:
    with pytest.raises(ValidationError):
        setattr(Settings(), "host", "other")  # noqa: B010  the type checker refuses it too
