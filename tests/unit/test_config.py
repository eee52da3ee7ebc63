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
        ("loops_per_graph", 0),
        ("loops_per_graph", 65),
        ("loops_per_graph", 2),
        ("block_warning", timedelta(seconds=-1)),
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


@pytest.mark.parametrize(("given", "seconds"), [("60", 60), ("2.5", 2.5), ("PT1M", 60)])
def test_times_are_seconds_or_durations(monkeypatch: pytest.MonkeyPatch, given: str, seconds: float) -> None:
    monkeypatch.setenv("GRAPHWIRE_WRITE_TIMEOUT", given)

    assert Settings().write_timeout == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("variable", "option", "given", "value"),
    [
        ("N_JOBS_PER_WORKER", "n_jobs_per_worker", "7", 7),
        ("BG_JOB_MAX_RETRIES", "max_losses", "0", 0),
        ("BG_JOB_TIMEOUT_SECS", "run_timeout", "60", timedelta(minutes=1)),
        ("RESUMABLE_STREAM_TTL_SECONDS", "resumable_ttl", "30", timedelta(seconds=30)),
        ("BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS", "drain_grace", "3", timedelta(seconds=3)),
    ],
)
def test_the_ecosystems_variables_are_taken_and_ours_win(
    monkeypatch: pytest.MonkeyPatch, variable: str, option: str, given: str, value: object
) -> None:
    monkeypatch.setenv(variable, given)
    theirs = getattr(Settings(), option)
    monkeypatch.setenv(f"GRAPHWIRE_{option.upper()}", "9")
    ours = getattr(Settings(), option)

    assert theirs == value
    assert ours in (9, timedelta(seconds=9))


@pytest.mark.parametrize("variable", ["GRAPHWIRE_ISOLATE_GRAPHS", "BG_JOB_ISOLATED_LOOPS"])
def test_graphs_are_isolated_by_either_name_and_not_by_default(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv("BG_JOB_ISOLATED_LOOPS", raising=False)
    default = Settings().isolate_graphs
    monkeypatch.setenv(variable, "true")

    assert (default, Settings().isolate_graphs) == (False, True)


def test_our_name_for_isolation_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BG_JOB_ISOLATED_LOOPS", "true")
    monkeypatch.setenv("GRAPHWIRE_ISOLATE_GRAPHS", "false")

    assert not Settings().isolate_graphs


def test_several_loops_are_of_isolated_graphs_alone() -> None:
    made = Settings(isolate_graphs=True, loops_per_graph=4)

    with pytest.raises(ValidationError, match="needs --isolate-graphs"):
        Settings(loops_per_graph=4)
    assert made.loops_per_graph == 4
