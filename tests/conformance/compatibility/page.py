"""docs/compatibility.md as tables.

Owns the form of the page: what a test needs to hold it to the running server. Sections begin with `##` or `###`; a section of fields names in its first lines the routes
or the object that it is about, and the messages that have the same over gRPC.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "compatibility.md"

_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table: names in the first two columns, a verdict in the third, words in the last. `name` is empty where only gRPC has it."""

    name: str
    twins: tuple[str, ...]
    verdict: str
    why: str


@dataclass(slots=True, kw_only=True)
class Section:
    """A heading and what is under it.

    Attributes:
        title: The heading.
        routes: The routes whose fields it lists.
        shown: The schemas of the OpenAPI document whose fields it lists.
        messages: The messages that have them over gRPC.
        rows: Its table.
    """

    title: str
    routes: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """The first column."""
        return {row.name for row in self.rows if row.name}


def sections(text: str | None = None) -> list[Section]:
    """All sections of the page, in their order."""
    made: list[Section] = []
    for line in (PAGE.read_text() if text is None else text).splitlines():
        if line.startswith("#"):
            made.append(Section(title=line.lstrip("# ")))
        elif line.startswith(("| `", "| –")):
            made[-1].rows.append(_row(line))
        elif line.startswith("Routes: "):
            made[-1].routes += _CODE.findall(line)
        elif line.startswith("Shown as: "):
            made[-1].shown += _CODE.findall(line)
        elif line.startswith("Over gRPC: "):
            made[-1].messages += _CODE.findall(line)
    return made


def _row(line: str) -> Row:
    name, twins, verdict, why = (cell.strip() for cell in line.strip("|").split("|"))
    return Row(name="".join(_CODE.findall(name)), twins=tuple(_CODE.findall(twins)), verdict=verdict, why=why)


def section(title: str) -> Section:
    """The section of a title."""
    return next(each for each in sections() if each.title == title)
