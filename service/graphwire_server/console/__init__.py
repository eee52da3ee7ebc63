"""The verbs for people at a terminal: a client over gRPC, with readable live output and `--json`.

Knows the Python client and nothing else of the server. `cli.py` calls `register`.
"""

import typer

from graphwire_server.console import graphs, running, runs, threads


def register(app: typer.Typer) -> None:
    """Adds the verbs `stream`, `invoke`, `join`, `threads`, `runs`, `graphs` and `draw` to a command."""
    app.command("stream")(running.stream)
    app.command("invoke")(running.invoke)
    app.command("join")(running.join)
    app.add_typer(threads.verbs, name="threads")
    app.add_typer(runs.verbs, name="runs")
    app.command("graphs")(graphs.graphs)
    app.command("draw")(graphs.draw)


__all__ = ["register"]
