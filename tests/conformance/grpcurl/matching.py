"""Whether a command printed what the page shows.

Owns the rules: ids, times and what `...` stands for may be anything, all else is meant as it is written. An id that is shown twice is the same id
twice, from the first recipe of a section to its last.
"""

import re

_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)"
_FREE = re.compile(rf"(?P<id>\b(?:{_ID})\b)|(?P<time>{_TIME})|(?P<any>\.\.\.)")

_SEAM = re.compile(r'\n    \}\n  \]\n\}\n\{\n  "events": \[\n    \{\n')
"""Between two messages of a stream. How many events come in one message depends on how fast their reader is, so it does not count."""

Ids = dict[str, str]
"""For each id on the page, the one that it stands for."""


def difference(shown: str, printed: str, ids: Ids) -> str | None:
    """What is otherwise than the page shows; None for nothing.

    Args:
        shown: The page's text.
        printed: What came.
        ids: The ids that are known; those of this text are added where it is right.
    """
    lines, found = _joined(shown).splitlines(), _joined(printed).rstrip("\n") + "\n"
    names: dict[str, str] = {}
    pattern = "".join(_line(line, ids, names) for line in lines)
    right = re.fullmatch(pattern, found)
    if right is None:
        return f"{_first_wrong(lines, found, ids)}\n\nit printed:\n{printed}"
    ids.update({given: right[name] for given, name in names.items()})
    return None


def _joined(text: str) -> str:
    return _SEAM.sub("\n    },\n    {\n", text)


def _line(line: str, ids: Ids, names: dict[str, str]) -> str:
    """A line as a regular expression; new ids get a name in it."""
    if line.strip() == "...":
        return r"(?:[^\n]*\n)*?"
    made, at = "", 0
    for free in _FREE.finditer(line):
        made += re.escape(line[at : free.start()]) + _free(free, ids, names)
        at = free.end()
    return made + re.escape(line[at:]) + "\n"


def _free(found: re.Match[str], ids: Ids, names: dict[str, str]) -> str:
    if found["time"]:
        return f"(?:{_TIME})"
    if found["any"]:
        return r"[^\n]*?"
    given = found["id"]
    if given in ids:
        return re.escape(ids[given])
    if given in names:
        return f"(?P={names[given]})"
    names[given] = f"id{len(names)}"
    return f"(?P<{names[given]}>{_ID})"


def _first_wrong(lines: list[str], found: str, ids: Ids) -> str:
    """The first line of the page with which what was printed no longer begins as the page does."""
    pattern, names = "", dict[str, str]()
    for line in lines:
        pattern += _line(line, ids, names)
        if re.match(pattern, found) is None:
            return f"this line of the page did not come: {line!r}"
    return "more came than the page shows"
