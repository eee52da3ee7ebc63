from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from graphwire_server.console import register
from graphwire_server.console.events import Commands
from graphwire_server.console.target import Target


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GRAPHWIRE_API_KEY", raising=False)


def test_the_server_on_this_machine_needs_no_words() -> None:
    assert Target().words() == []


def test_a_command_names_the_same_server_again() -> None:
    target = Target(
        address="far:1", tls=True, tls_ca=Path("my ca.pem"), tls_cert=Path("me.pem"), tls_key=Path("me.key")
    )

    assert Commands(assistant="agent", target=target).go_on("t") == (
        "graphwire stream agent --thread t --address far:1 --tls --tls-ca 'my ca.pem' --tls-cert me.pem --tls-key me.key"
    )


def test_a_key_is_not_shown_and_left_out_where_the_environment_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(api_key="secret")
    shown = target.words()
    monkeypatch.setenv("GRAPHWIRE_API_KEY", "secret")

    assert (shown, target.words()) == (["--api-key", "KEY"], [])
    assert "secret" not in repr(target)


def _verbs(command: Any) -> Iterator[Any]:
    for each in command.commands.values():
        yield from _verbs(each) if hasattr(each, "commands") else (each,)


def test_every_verb_can_be_told_its_server() -> None:
    app = typer.Typer()
    register(app)

    options = {
        verb.name: {word for each in verb.params for word in each.opts} for verb in _verbs(typer.main.get_command(app))
    }

    assert {"stream", "join", "draw", "history", "cancel", "delete"} <= options.keys()
    for told in options.values():
        assert told >= {"--address", "--api-key", "--tls", "--tls-ca", "--tls-cert", "--tls-key"}
        assert "--target" not in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--tls-cert", __file__], "belong together"),
        (["--tls-key", __file__], "belong together"),
        (["--tls-ca", "/no/such/file"], "does not exist"),
    ],
)
def test_certificates_that_cannot_be_used_are_wrong_usage(words: list[str], says: str) -> None:
    app = typer.Typer()
    register(app)

    result = CliRunner().invoke(app, ["graphs", *words], env={"COLUMNS": "200"})

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr
