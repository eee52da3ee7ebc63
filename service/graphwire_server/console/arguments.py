"""What people type, read as values.

Owns the reading of input, JSON options and lengths of time. A mistake is a usage error that says how it is written.
"""

import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import typer

_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")
_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

HINT = """put JSON between single quotes, such as '{"topic": "ice cream"}'; a text is '"like this"'"""


def given_input(text: str | None) -> Any:
    """The input of a run; None where there is none. `-` is standard input, `@name` a file.

    Raises:
        typer.BadParameter: It is not JSON, or cannot be read.
    """
    if text is None:
        return None
    if text == "-":
        return given_json(sys.stdin.read(), "standard input")
    if text.startswith("@"):
        try:
            return given_json(Path(text[1:]).read_text(encoding="utf-8"), text[1:])
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(f"{text[1:]} cannot be read: {error}") from error
    return given_json(text, "INPUT")


def given_json(text: str | None, name: str) -> Any:
    """The value of a JSON option; None where it is absent.

    Raises:
        typer.BadParameter: It is not JSON.
    """
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        shown = text if len(text) <= 60 else text[:60] + "..."
        raise typer.BadParameter(f"{name} is not JSON: {shown!r} ({error}); {HINT}") from error


def given_span(text: str | None, name: str) -> timedelta | None:
    """The length of time of an option, such as `90` (seconds), `30s`, `10m`, `2h` or `1d`; None where it is absent.

    Raises:
        typer.BadParameter: It is none.
    """
    if text is None:
        return None
    found = _SPAN.fullmatch(text)
    try:
        if found is not None:
            return timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError:
        pass
    raise typer.BadParameter(f"{name} is not a length of time: {text!r}; write 90 for seconds, or 30s, 10m, 2h, 1d")
