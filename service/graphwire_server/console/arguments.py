"""What people type, read as JSON.

Owns the reading of input and JSON options. A mistake is a usage error that says how to quote.
"""

import json
import sys
from pathlib import Path
from typing import Any

import typer

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
