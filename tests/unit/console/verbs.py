"""Verbs on a command line, and a server for them that does what each test says."""

import typer
from typer.testing import CliRunner, Result

from graphwire_server.console import register
from tests.unit.client.scripted import serving_threads

serving_verbs = serving_threads
"""The server. It has threads of its own, since a verb runs an event loop of its own."""


def run_verb(*words: str, address: str = "127.0.0.1:1", stdin: str | None = None) -> Result:
    """What becomes of a command line."""
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, [*words, "--address", address], input=stdin, env={"COLUMNS": "200"})
