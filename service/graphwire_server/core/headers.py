"""Which headers of a request the graphs may see.

Owns the rule, for every transport (wire fact 74). Pure. The invariant: a header that holds a credential, or that has the name of a key
which LangGraph itself reads in `configurable`, never passes by a wildcard.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from urllib.parse import unquote

CONFIGURABLE = ("x-*", "user-agent", "langsmith-trace", "baggage")
"""What becomes `configurable` where nobody says otherwise."""

PRIVATE_KEY = "__graphwire_private"
"""Where in a run's `configurable` the names stand that came by headers, for what keeps configurations: it leaves them out (wire fact 20)."""

_CREDENTIALS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "x-api-key", "x-service-key", "x-tenant-id"}
)
_PROJECT = "langsmith-project"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderRule:
    """Which headers pass. Compiled once, when it is made; the time for a name grows with its length, whatever the patterns are.

    A pattern is a name in which `*` stands for any characters, none included. Upper and lower case are the same. What `excludes` matches
    never passes. Else what `defaults` or `includes` match passes; but some names pass only where `includes` has them in full: credentials
    (`authorization`, `cookie`, `proxy-authorization`, `x-api-key`, `x-service-key`, `x-tenant-id`), and those with `_` and no `-`, since a
    caller could send `thread_id` or `langgraph_auth_user` as a header.

    Attributes:
        defaults: The patterns that pass in any case. Default: `CONFIGURABLE`.
        includes: The patterns that pass as well. Default: none.
        excludes: The patterns that do not pass; `*` lets nothing pass. Default: none.
    """

    defaults: tuple[str, ...] = CONFIGURABLE
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    _named: frozenset[str] = field(init=False, repr=False, compare=False)
    _passing: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _refused: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The way to set a field of a frozen object; what is set here follows from the other fields.
        object.__setattr__(self, "_named", frozenset(each.lower() for each in self.includes))
        object.__setattr__(self, "_passing", _compiled((*self.defaults, *self.includes)))
        object.__setattr__(self, "_refused", _compiled(self.excludes))

    def allows(self, name: str) -> bool:
        """Whether a header passes. Its name may be in upper or lower case."""
        name = name.lower()
        if self._refused.match(name):
            return False
        if name in self._named:
            return True
        return not _needs_its_name(name) and self._passing.match(name) is not None

    def select(self, headers: Iterable[tuple[str, str]]) -> dict[str, str]:
        """The headers that pass, by name in lower case.

        A header that is there more than once has its values joined by `, ` (RFC 9110, 5.3). Of `baggage` the entries that begin with
        `langsmith-` are kept as they are sent, and the rest is dropped, since it belongs to other tools; where it names a project, that
        is in `langsmith-project` too, decoded, where graphs look for it.

        Args:
            headers: Names and values, in the order of the request.
        """
        chosen: dict[str, str] = {}
        for each, value in headers:
            name = each.lower()
            if self.allows(name):
                chosen[name] = f"{chosen[name]}, {value}" if name in chosen else value
        entries = list(_tracing(chosen.pop("baggage", "")))
        if entries:
            chosen["baggage"] = ",".join(entries)
        for key, _, value in (each.partition("=") for each in entries):
            if key == _PROJECT and not self._refused.match(_PROJECT):
                chosen.setdefault(_PROJECT, unquote(value.partition(";")[0]))
        return chosen


def _compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression for some patterns. With none it matches nothing."""
    # What `translate` makes does not go back on a choice, so that a long name cannot hold the server up. All but `*` is taken literally.
    literal = (each.lower().replace("[", "[[]").replace("?", "[?]") for each in patterns)
    return re.compile("|".join(map(translate, literal)) or r"(?!)")


def _needs_its_name(name: str) -> bool:
    return name in _CREDENTIALS or ("_" in name and "-" not in name)


def _tracing(baggage: str) -> Iterator[str]:
    return (entry for entry in map(str.strip, baggage.split(",")) if entry.startswith("langsmith-"))
