from pathlib import Path
from typing import Any

import pytest

from graphwire_server.config import Settings
from graphwire_server.next_steps import next_steps

TLS: dict[str, Any] = {"tls_cert": Path("s.pem"), "tls_key": Path("s.key")}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"GRAPHWIRE_{name.upper()}", raising=False)


def _steps(http_port: int | None = 2, **options: Any) -> list[str]:
    return next_steps(Settings(**options), "graphwire", ("agent", '{"n": 3}'), (1, http_port))


def test_what_is_open_needs_the_address_alone() -> None:
    assert _steps() == [
        "graphwire stream --address 127.0.0.1:1 agent '{\"n\": 3}'",
        "grpcurl -plaintext 127.0.0.1:1 list",
        "curl http://127.0.0.1:2/ok",
    ]


def test_without_http_there_is_no_curl() -> None:
    assert not [step for step in _steps(None) if step.startswith("curl")]


@pytest.mark.parametrize("options", [{"api_keys": ("secret",)}, {"api_keys_file": Path("keys")}])
def test_a_key_stands_where_it_is_asked_for_and_is_not_shown(options: dict[str, Any]) -> None:
    stream, *others = _steps(**options)

    assert stream == "graphwire stream --address 127.0.0.1:1 --api-key KEY agent '{\"n\": 3}'"
    assert others == _steps()[1:]
    assert "secret" not in stream


def test_tls_is_said_to_each_program_in_its_own_words() -> None:
    assert _steps(**TLS) == [
        "graphwire stream --address 127.0.0.1:1 --tls-ca s.pem agent '{\"n\": 3}'",
        "grpcurl -cacert s.pem 127.0.0.1:1 list",
        "curl --cacert s.pem https://127.0.0.1:2/ok",
    ]


def test_so_is_a_certificate_of_the_client() -> None:
    stream, grpcurl, curl = _steps(**TLS, tls_client_ca=Path("ca.pem"))

    assert "--tls-ca s.pem --tls-cert CLIENT.pem --tls-key CLIENT.key agent" in stream
    assert "-cacert s.pem -cert CLIENT.pem -key CLIENT.key 127" in grpcurl
    assert "--cacert s.pem --cert CLIENT.pem --key CLIENT.key https" in curl


@pytest.mark.parametrize(("host", "called"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("far", "far")])  # noqa: S104  nothing is bound to them here
def test_an_address_to_listen_on_becomes_one_to_call(host: str, called: str) -> None:
    assert f"{called}:1" in _steps(host=host)[0]
