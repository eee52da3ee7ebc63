"""The blocks of docs/clients.md, by what they are."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def block(language: str, name: str = "") -> str:
    """The one block of the page in a language, or the one whose first line is a comment that names a file."""
    found = [text for tongue, text in _FENCE.findall(PAGE.read_text()) if tongue == language]
    (text,) = [each for each in found if not name or each.splitlines()[0].lstrip("/# ") == name]
    return str(text)
