"""Which envelopes a reader wants.

Owns the channels, what a subscription may say (wire fact 45), and whether an envelope matches it. A field that is wrong is refused with 400 and its name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphwire_server.core.errors import InvalidField
from graphwire_server.rest.v2.envelopes import MOST_SEQ, Envelope

CHANNELS = ("values", "updates", "messages", "tools", "lifecycle", "input", "tasks", "custom", "checkpoints")
_NAMED = "custom:"
_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a reader wants.

    Attributes:
        channels: The channels; `custom:NAME` is the custom data of that name.
        namespaces: The subgraphs; empty is all.
        depth: How far below one of those; None is without end.
        since: The number of the last envelope that the reader has; None is none.
    """

    channels: frozenset[str]
    namespaces: tuple[tuple[str, ...], ...] = ()
    depth: int | None = None
    since: int | None = None

    def wants(self, envelope: Envelope) -> bool:
        """Whether the reader gets an envelope."""
        return self._listens(envelope) and (
            not self.namespaces or any(self._reaches(envelope.namespace, path) for path in self.namespaces)
        )

    def _listens(self, envelope: Envelope) -> bool:
        if envelope.channel in self.channels:
            return True
        name = envelope.data.get("name") if envelope.channel == "custom" else None
        return name is not None and _NAMED + name in self.channels

    def _reaches(self, namespace: tuple[str, ...], path: tuple[str, ...]) -> bool:
        below = len(namespace) - len(path)
        if below < 0 or (self.depth is not None and below > self.depth):
            return False
        return all(_same(level, wanted) for level, wanted in zip(namespace, path, strict=False))


def _same(level: str, wanted: str) -> bool:
    """Whether a level is the one that is wanted: by its whole name, or by that of its node alone."""
    return level == wanted or (":" not in wanted and level.partition(":")[0] == wanted)


def subscription(given: Mapping[str, Any], since: int | None = None) -> Subscription:
    """What a request asks for.

    Args:
        given: Its fields. Unknown ones are ignored; null is absent.
        since: The cursor where it has none of its own.

    Raises:
        InvalidField: One of them is wrong.
    """
    own = given.get("since")
    return Subscription(
        channels=_channels(given.get("channels")),
        namespaces=_namespaces(given.get("namespaces")),
        depth=_number("depth", given.get("depth")),
        since=since if own is None else _number("since", own),
    )


def wrong(field: str, problem: str) -> InvalidField:
    """A field of a request of this protocol that is wrong: 400."""
    return InvalidField(field, problem, http_status=400)


def _channels(given: Any) -> frozenset[str]:
    known = f"there are {', '.join(CHANNELS)}, and custom:NAME"
    if not _is_list(given) or not 0 < len(given) <= _MOST:
        raise wrong("channels", f"must be an array of 1 to {_MOST} channels; {known}")
    for channel in given:
        if not isinstance(channel, str) or (
            channel not in CHANNELS and not (channel.startswith(_NAMED) and len(channel) > len(_NAMED))
        ):
            raise wrong("channels", f"{channel!r} is no channel; {known}")
    return frozenset(given)


def _namespaces(given: Any) -> tuple[tuple[str, ...], ...]:
    if given is None:
        return ()
    paths = _is_list(given) and all(_is_list(path) and all(isinstance(level, str) for level in path) for path in given)
    if not paths or len(given) > _MOST:
        raise wrong("namespaces", f"must be an array of at most {_MOST} paths, and a path an array of strings")
    return tuple(map(tuple, given))


def _number(field: str, given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_SEQ:
        raise wrong(field, "must be an integer, 0 or more")
    return given


def _is_list(given: Any) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str)
