"""docs/grpcurl.md as recipes.

Owns the form of that page: sections, each of them commands in `sh` and below each of them, as `text`, what it prints. Whatever else is fenced is refused, so
that no command is shown that no test runs.
"""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "grpcurl.md"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


class BadPage(Exception):
    """The page does not have its form; the text says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A command and what it prints.

    Attributes:
        command: Lines for `sh`.
        shown: What the page says that it prints.
    """

    command: str
    shown: str


Sections = dict[str, tuple[Recipe, ...]]
"""The recipes of each section, by its heading, in their order."""


def read(text: str) -> Sections:
    """The recipes of a page. Raises BadPage."""
    head, *parts = _SECTION.split(text)
    if "```" in head or "~~~" in text:
        raise BadPage("something is fenced before the first section, or not with backticks")
    named = zip(parts[::2], parts[1::2], strict=True)
    return {heading: tuple(_recipes(heading, body)) for heading, body in named}


def _recipes(heading: str, body: str) -> list[Recipe]:
    blocks = _FENCE.findall(body)
    if body.count("```") != 2 * len(blocks):
        raise BadPage(f"{heading}: a fence is not closed, or is indented")
    if [language for language, _ in blocks] != ["sh", "text"] * (len(blocks) // 2):
        raise BadPage(f"{heading}: every block of `sh` is followed by a block of `text`, and there are no others")
    return [
        Recipe(command=command, shown=shown) for (_, command), (_, shown) in zip(blocks[::2], blocks[1::2], strict=True)
    ]


def contents(text: str) -> list[str]:
    """The headings that the table of contents names, in its order."""
    return re.findall(r"^- \[(.+?)\]\(#", text.partition("\n## ")[0], re.MULTILINE)
