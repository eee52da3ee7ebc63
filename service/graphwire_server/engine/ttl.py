"""What langgraph.json says about the life of threads.

Owns the reading of `checkpointer.ttl` and of the variable that stands in for it (wire facts 90 and 91). Times are in minutes, as the ecosystem writes them.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from graphwire_server.core.ttl import LONGEST_TTL, Ttl, TtlPolicy, TtlStrategy
from graphwire_server.engine.document import ManifestError, Section

VARIABLE = "LANGGRAPH_THREAD_TTL"
"""Minutes, or the JSON of the section."""

_EXAMPLE = '{"strategy": "delete", "default_ttl": 43200}'
_NOWHERE = Path()
_MOST_MINUTES = LONGEST_TTL / timedelta(minutes=1)


def read_ttl(document: Section, environ: Mapping[str, str]) -> TtlPolicy:
    """Reads what the file says or, where it does not, the variable.

    Args:
        document: The whole file.
        environ: Where the variable is looked up. An empty one says nothing.

    Raises:
        ManifestError: Something in the section, or in the variable, cannot be meant.
    """
    section = document.section("checkpointer", f'{{"ttl": {_EXAMPLE}}}').section("ttl", _EXAMPLE)
    if section.values:
        return _policy(section)
    text = environ.get(VARIABLE, "").strip()
    return _policy(_said(text)) if text else TtlPolicy()


class _Variable(Section):
    """The section as a variable says it: there are no lines in it."""

    __slots__ = ()

    def where(self, key: str) -> str:
        """The variable."""
        return f"the variable {VARIABLE}"


def _said(text: str) -> Section:
    problem = f"this must be a number of minutes, or JSON such as {_EXAMPLE}; correct it"
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ManifestError(f"the variable {VARIABLE}", problem) from error
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = {"default_ttl": value}
    if not isinstance(value, dict):
        raise ManifestError(f"the variable {VARIABLE}", problem)
    return _Variable(path=_NOWHERE, text=text, values=value)


def _policy(section: Section) -> TtlPolicy:
    standard = TtlPolicy()
    interval = _minutes(section, "sweep_interval_minutes")
    if interval == timedelta(0):
        raise section.wrong("sweep_interval_minutes", "this must be more than 0")
    limit = section.count("sweep_limit", "threads")
    if limit == 0:
        raise section.wrong("sweep_limit", "this must be more than 0")
    return TtlPolicy(
        default=_default(section),
        interval=standard.interval if interval is None else interval,
        limit=standard.limit if limit is None else limit,
    )


def _default(section: Section) -> Ttl | None:
    strategy = _strategy(section)
    after = _minutes(section, "default_ttl")
    return Ttl(after=after, strategy=strategy) if after else None


def _strategy(section: Section) -> TtlStrategy:
    name = section.string("strategy", "delete")
    try:
        return TtlStrategy.DELETE if name is None else TtlStrategy(name)
    except ValueError:
        raise section.wrong("strategy", f'{name!r} is no strategy; write "delete" or "keep_latest"') from None


def _minutes(section: Section, key: str) -> timedelta | None:
    value = section.number(key, "minutes")
    if value is not None and value > _MOST_MINUTES:
        raise section.wrong(key, f"this must be at most {_MOST_MINUTES:.0f} minutes")
    return None if value is None else timedelta(minutes=value)
