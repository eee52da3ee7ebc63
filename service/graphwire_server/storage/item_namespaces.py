"""When a namespace is one that is asked for.

Owns the rule for labels that stand for any other, and for what is cut off; the same on every engine.
"""

from collections.abc import Sequence

from graphwire_server.core.items import ANY_LABEL


def begins(namespace: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether a namespace begins with labels."""
    return len(namespace) >= len(labels) and all(map(_fits, namespace, labels))


def ends(namespace: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether a namespace ends with labels."""
    return begins(namespace[::-1], labels[::-1])


def _fits(label: str, wanted: str) -> bool:
    return wanted in (ANY_LABEL, label)
