"""What langgraph.json says about the store.

Owns the reading of the section `store`. Imports nothing of what it names. The invariant: what is wrong, and what is not offered, is a `ManifestError` that says where it
stands.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from graphwire_server.engine.document import ManifestError, Section
from graphwire_server.engine.target import Target, split_target

_EXAMPLE = "./embed.py:embed"
_MOST_DIMS = 65_536
_LONGEST = timedelta(days=36_525) / timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedEntry(Target):
    """The embedding function of the user's. For one of a provider's, `target` is as written, such as `openai:text-embedding-3-small`, and `attribute` is empty."""

    @property
    def kind(self) -> str:
        """Always `embed`."""
        return "embed"

    @property
    def by_provider(self) -> bool:
        """Whether LangChain makes it, by the name of a provider and a model."""
        return not self.attribute

    def wrong(self, problem: str) -> ManifestError:
        """The error that says what is wrong with it."""
        return ManifestError(f"{self.where}: store.index.embed", problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSection:
    """The section `store.index`.

    Attributes:
        embed: The embedding function.
        dims: How many numbers its vectors have.
        fields: The paths of items whose texts are embedded. Default: the whole item.
    """

    embed: EmbedEntry
    dims: int
    fields: tuple[str, ...] = ("$",)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSection:
    """The section `store`.

    Attributes:
        index: How items are found by what they mean; None where they are not.
        default_ttl: How long items are kept whose writer does not say; None is for good.
        refresh_on_read: Whether a read begins an item's time anew. Default: yes.
        sweep_interval: How much time at least is between two removals of expired items; None is the server's choice.
    """

    index: IndexSection | None = None
    default_ttl: timedelta | None = None
    refresh_on_read: bool = True
    sweep_interval: timedelta | None = None


def read_store(document: Section) -> StoreSection:
    """Reads the section `store`.

    Raises:
        ManifestError: Something in it cannot be meant, or is not offered.
    """
    store = document.section("store", '{"ttl": {"default_ttl": 60}}')
    if store.string("path", "./store.py:make") is not None:
        raise store.wrong(
            "path",
            "a store of your own is not offered by this version; remove the key to use the one that comes with graphwire",
        )
    ttl = store.section("ttl", '{"default_ttl": 60}')
    refresh = ttl.flag("refresh_on_read")
    return StoreSection(
        index=_index(store),
        default_ttl=_minutes(ttl, "default_ttl"),
        refresh_on_read=True if refresh is None else refresh,
        sweep_interval=_minutes(ttl, "sweep_interval_minutes"),
    )


def _index(store: Section) -> IndexSection | None:
    index = store.section("index", f'{{"embed": "{_EXAMPLE}", "dims": 1536}}')
    if not index.values:
        return None
    embed, dims = index.string("embed", _EXAMPLE), index.count("dims", "numbers of a vector")
    if embed is None or dims is None:
        raise store.wrong("index", f'this must have "embed" and "dims", as in {{"embed": "{_EXAMPLE}", "dims": 1536}}')
    if not 1 <= dims <= _MOST_DIMS:
        raise index.wrong("dims", f"this must be 1 to {_MOST_DIMS}")
    fields = index.strings("fields", "text")
    entry = _entry(embed, index.where("embed"))
    return IndexSection(embed=entry, dims=dims, fields=("$",) if fields is None else fields)


def _entry(text: str, where: str) -> EmbedEntry:
    """`path.py:function` and `package.module:function` are the user's own, as `provider:model` cannot be: a model's name is mostly no identifier."""
    head, _, tail = text.partition(":")
    blank = EmbedEntry(target=text, attribute="", where=where)
    if head and tail and not head.endswith(".py") and "." not in head:
        return blank
    target, attribute = split_target(text, _EXAMPLE, blank.wrong)
    return EmbedEntry(target=target, attribute=attribute, where=where)


def _minutes(section: Section, key: str) -> timedelta | None:
    value: object = section.values.get(key)
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not 0 < value <= _LONGEST
    ):
        raise section.wrong(key, "this must be a number of minutes, more than 0 and at most a hundred years")
    return max(timedelta(minutes=value), timedelta.resolution)
