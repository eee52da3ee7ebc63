"""Where output goes: readable text or JSON on standard output, errors on standard error.

Owns the two consoles and the few shapes that all verbs print. The invariant: what comes from a graph or a model is never taken for
markup or for control codes of the terminal, and a pipe gets plain text that is not cut to any width.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from graphwire import GraphwireError, Unauthenticated, Unavailable
from graphwire_server.console.target import KEY_VARIABLE

_CONTROL = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def clean(text: str) -> str:
    """Text without control codes, which could repaint the terminal of the one who reads it."""
    return text.translate(_CONTROL)


def plain_value(value: Any) -> Any:
    """A value of the client as plain Python values: dataclasses become dicts, times RFC 3339."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    return [plain_value(item) for item in value] if isinstance(value, list | tuple) else value


class Screen:
    """What a verb prints on.

    Args:
        as_json: Whether standard output gets JSON alone.
        out: Standard output.
        err: Standard error.
    """

    def __init__(self, *, as_json: bool = False, out: Console | None = None, err: Console | None = None) -> None:
        self.as_json = as_json
        self.out = out or Console(highlight=False)
        self.err = err or Console(stderr=True, highlight=False)

    def line(self, text: str = "", style: str | None = None) -> None:
        """A line of text."""
        self.out.out(clean(text), style=style, highlight=False)

    def flow(self, text: str, style: str | None = None) -> None:
        """Text that goes on where the last ended, at once."""
        self.out.out(clean(text), style=style, end="", highlight=False)
        self.out.file.flush()

    def block(self, title: str, body: str, style: str = "cyan") -> None:
        """A panel with a title; in a pipe, the title and an indented body."""
        title, body = clean(title), clean(body)
        if self.out.is_terminal:
            panel = Panel(Text(body), title=Text(title), title_align="left", border_style=style, expand=False)
            self.out.print(panel)
        else:
            self.out.out(title, *(f"  {line}" for line in body.splitlines()), sep="\n", highlight=False)

    def json_line(self, value: object) -> None:
        """A value as one line of JSON."""
        typer.echo(json.dumps(plain_value(value), ensure_ascii=False))

    def columns(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows under a header, each column as wide as it must be."""
        cells = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
        widths = [max(len(row[i]) for row in [header, *cells]) for i in range(len(header))]
        for row, style in ((header, "bold"), *((row, None) for row in cells)):
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), style)

    def note(self, text: str) -> None:
        """A remark beside the output, on standard error."""
        self.err.out(clean(text), style="dim", highlight=False)

    def error(self, text: str) -> None:
        """What went wrong, on standard error."""
        self.err.out(clean(text), style="red", highlight=False)

    def failure(self, error: GraphwireError, address: str) -> None:
        """A call that the service failed: the reason, the sentence, and the fields."""
        if isinstance(error, Unavailable) and not error.reason:
            self.error(_unreachable(error.message, address))
            return
        self.error(f"{error.reason or error.code.name}: {error.message}")
        if isinstance(error, Unauthenticated):
            self.error(f"  give it with --api-key, or in {KEY_VARIABLE}")
        for violation in error.field_violations:
            told = f"{violation.field}: {violation.description}"
            if told not in error.message:
                self.error(f"  {told}")


def _unreachable(said: str, address: str) -> str:
    """What a connection that is none means to the one who typed, as far as what gRPC said can tell."""
    if "handshake" in said:
        return (
            f"no encrypted connection to {address}: its certificate is none that is trusted here, or it has none; "
            "name its authority with --tls-ca, or leave TLS out"
        )
    if "Socket closed" in said:
        return (
            f"{address} closed the connection: it has stopped, or it asks for --tls or --tls-ca, "
            "or for a certificate of yours with --tls-cert and --tls-key"
        )
    return f"no server answers at {address}; start one with `graphwire serve`, or name another with --address"
