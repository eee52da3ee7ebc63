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
    assert (made.http_port, made.no_http, made.allow_anonymous) == (8123, False, False)
    assert (made.api_keys, made.api_keys_file, made.tls_cert, made.tls_key, made.tls_client_ca) == ((), *[None] * 4)


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
        ("http_port", -1),
        ("http_port", 65536),
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


def test_keys_come_with_commas_between_them_and_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHWIRE_API_KEYS", "first-key, second-key")

    made = Settings()

    assert [key.get_secret_value() for key in made.api_keys] == ["first-key", "second-key"]
    assert "-key" not in f"{made!r} {made} {made.model_dump_json()}"


def test_an_empty_variable_is_an_empty_key_and_not_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHWIRE_API_KEYS", "")

    assert [key.get_secret_value() for key in Settings().api_keys] == [""]


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1:7"), ("::1", "[::1]:7"), ("[::1]", "[::1]:7"), ("name", "name:7")]
)
def test_an_address_is_what_clients_type(host: str, address: str) -> None:
    assert Settings(host=host).address(7) == address
