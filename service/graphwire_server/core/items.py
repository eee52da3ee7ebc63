"""The store: what graphs remember beyond their threads.

Owns items, which are JSON objects under a key in a namespace, and the rules that hold for all who use them: callers of both transports, and nodes with
`runtime.store`. Not to be confused with the port `Store`, which keeps rows of threads and runs. The invariant: an item is shown until its time has passed, and
not a moment longer, whenever it is removed.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from graphwire_server.core.errors import InvalidField, ItemNotFound
from graphwire_server.core.item_filters import Condition, read_filter
from graphwire_server.core.model import MAX_PAGE, JsonObject, Page
from graphwire_server.core.ports import Clock
from graphwire_server.core.work import Steps, Work, work

Namespace = tuple[str, ...]
"""Labels that lead to items, as folders lead to files."""

MOST_LABELS = 64
LONGEST_LABEL = 1024
LONGEST_KEY = 4096
LONGEST_TTL = timedelta(days=36525)
"""The bounds of a namespace, a label and a key, in characters, and of the time that an item is kept: a hundred years."""

RESERVED = "langgraph"
"""The first label that LangGraph keeps for itself."""

ANY_LABEL = "*"
"""Stands for any one label in the prefix and the suffix of a list of namespaces."""


class Unsaid(Enum):
    """What a caller has not said, where None says something."""

    UNSAID = "unsaid"


UNSAID = Unsaid.UNSAID


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that is kept. `value` is the text of a JSON object; `score` how near it is to the query that found it, 1 at most, where one did."""

    namespace: Namespace
    key: str
    value: bytes
    created_at: datetime
    updated_at: datetime
    score: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """What a text of an item means: the field that it stands in, and numbers."""

    path: str
    numbers: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemWrite:
    """An item as it is to be kept: `now` is when, `ttl` for how long from now and, where reads say so, from each of them; None is for good."""

    namespace: Namespace
    key: str
    value: JsonObject
    now: datetime
    ttl: timedelta | None
    vectors: tuple[Vector, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSearch:
    """Which items are meant: those below a prefix for which all conditions hold, the last written first; with a `vector`, those that have one, the nearest
    first. `refresh` says that the time of those that are returned begins anew.
    """

    prefix: Namespace
    conditions: tuple[Condition, ...]
    page: Page
    now: datetime
    refresh: bool
    vector: Sequence[float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceSearch:
    """Which namespaces are meant: those with items, that begin and end so, cut to `max_depth` labels, each once, in order."""

    prefix: Namespace
    suffix: Namespace
    max_depth: int | None
    page: Page
    now: datetime


class ItemStore(Protocol):
    """Keeps items. May be called from any thread; what is returned is done in others.

    A write is durable when its step has ended, as far as the engine's README says; steps of one caller see what earlier ones have written. All raise
    StoreUnavailable where the engine does not answer.
    """

    def put(self, write: ItemWrite) -> "Future[None]":
        """Keeps an item, in place of the one with its key. The creation time of that one stays."""
        ...

    def get(self, namespace: Namespace, key: str, now: datetime, *, refresh: bool) -> "Future[Item | None]":
        """The item, or None. With `refresh` its time begins anew."""
        ...

    def delete(self, namespace: Namespace, key: str) -> "Future[None]":
        """Removes the item, where there is one."""
        ...

    def search(self, search: ItemSearch) -> "Future[list[Item]]":
        """A page of the items that match."""
        ...

    def namespaces(self, search: NamespaceSearch) -> "Future[list[Namespace]]":
        """A page of the namespaces that match."""
        ...

    def expire(self, now: datetime) -> "Future[datetime | None]":
        """Removes items whose time has passed: a part of them at a time. Returns when the next one's has; None where there is none that ever will."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors. May be called from any thread."""

    def texts(self, value: JsonObject, fields: Sequence[str] | None) -> Sequence[tuple[str, str]]:
        """The texts of a value, each with its place; `fields` None is those that langgraph.json names."""
        ...

    def embed(self, texts: Sequence[str]) -> "Future[Sequence[Sequence[float]]]":
        """The vectors of texts. Raises EmbeddingFailed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long items are kept whose writer does not say.

    Attributes:
        ttl: The time; None is for good.
        refresh_on_read: Whether reads that do not say begin an item's time anew.
        sweep_interval: How much time at least is between two removals of what has passed its time.
    """

    ttl: timedelta | None = None
    refresh_on_read: bool = True
    sweep_interval: timedelta = timedelta(minutes=1)


class Items:
    """The store.

    Args:
        store: Where items are kept.
        clock: The time.
        keeping: How long.
        embedder: Turns texts into vectors; None where langgraph.json names none: then a query ranks nothing, as LangGraph has it.
        expect: Told when an item will have passed its time; called from any thread.
    """

    def __init__(
        self,
        store: ItemStore,
        clock: Clock,
        keeping: Keeping,
        embedder: Embedder | None = None,
        expect: Callable[[datetime], object] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._keeping = keeping
        self._embedder = embedder
        self._expect = expect
        self._swept = clock() - keeping.sweep_interval

    @property
    def keeping(self) -> Keeping:
        """How long items are kept whose writer does not say."""
        return self._keeping

    @work
    def put(
        self,
        namespace: Namespace,
        key: str,
        value: JsonObject,
        *,
        fields: Sequence[str] | None = None,
        ttl: timedelta | Unsaid | None = UNSAID,
    ) -> Steps[None]:
        """Keeps an item, in place of the one with its key.

        Args:
            namespace: Where it belongs: 1 to 64 labels.
            key: Its name there.
            value: A JSON object.
            fields: The paths whose texts a query finds; none of them is none; None is those that langgraph.json names.
            ttl: For how long it is kept, more than 0 and at most a hundred years; None is for good.

        Raises:
            InvalidField: Something of it cannot be kept.
            EmbeddingFailed: The texts could not be turned into vectors. Nothing is written.
            StoreUnavailable: The store does not answer.
        """
        check_namespace("namespace", namespace)
        if namespace[0] == RESERVED:
            raise InvalidField("namespace", f"the first label must not be {RESERVED!r}, which is LangGraph's own")
        check_key(key)
        if not isinstance(value, Mapping):
            raise InvalidField("value", "must be a JSON object")
        kept = self._keeping.ttl if ttl is UNSAID else check_ttl(ttl)
        vectors = yield from self._vectors(value, fields)
        now = self._clock()
        yield self._store.put(ItemWrite(namespace=namespace, key=key, value=value, now=now, ttl=kept, vectors=vectors))
        if kept is not None:
            self._expect(max(now + kept, self._swept + self._keeping.sweep_interval))

    @work
    def get(self, namespace: Namespace, key: str, *, refresh: bool | None = None) -> Steps[Item]:
        """An item. `refresh` says whether its time begins anew; None is what langgraph.json says. Raises InvalidField, ItemNotFound, StoreUnavailable."""
        check_namespace("namespace", namespace)
        check_key(key)
        found: Item | None = yield self._store.get(namespace, key, self._clock(), refresh=self._refresh(refresh))
        if found is None:
            raise ItemNotFound(namespace, key)
        return found

    @work
    def delete(self, namespace: Namespace, key: str) -> Steps[None]:
        """Removes an item; nothing happens where there is none. Raises InvalidField, StoreUnavailable."""
        check_namespace("namespace", namespace)
        check_key(key)
        yield self._store.delete(namespace, key)

    @work
    def search(
        self,
        prefix: Namespace,
        *,
        wanted: JsonObject | None = None,
        query: str = "",
        page: Page | None = None,
        refresh: bool | None = None,
    ) -> Steps[list[Item]]:
        """The items below a prefix, itself included, the last written first.

        Args:
            prefix: Labels that namespaces begin with; none is all.
            wanted: A filter (`core/item_filters`).
            query: A text. Where langgraph.json names an embedding function, the items that have vectors are returned, the nearest first.
            page: Which of them.
            refresh: As in `get`.

        Raises:
            InvalidField: Something of it cannot be meant.
            EmbeddingFailed: The query could not be turned into a vector.
            StoreUnavailable: The store does not answer.
        """
        check_labels("namespace_prefix", prefix)
        page = check_page(page or Page())
        conditions = read_filter(wanted or {})
        vector: Sequence[float] | None = None
        if query and self._embedder is not None:
            (vector,) = yield self._embedder.embed([query])
        search = ItemSearch(
            prefix=prefix,
            conditions=conditions,
            page=page,
            now=self._clock(),
            refresh=self._refresh(refresh),
            vector=vector,
        )
        found: list[Item] = yield self._store.search(search)
        return found

    @work
    def namespaces(
        self,
        *,
        prefix: Namespace = (),
        suffix: Namespace = (),
        max_depth: int | None = None,
        page: Page | None = None,
    ) -> Steps[list[Namespace]]:
        """The namespaces that have items, in order.

        Args:
            prefix: Labels that they begin with; `*` is any one label.
            suffix: Labels that they end with, likewise.
            max_depth: How many labels of each are shown, at least 1; those that are the same then are one. None is all.
            page: Which of them. Default: the first 100.

        Raises:
            InvalidField: Something of it cannot be meant.
            StoreUnavailable: The store does not answer.
        """
        check_labels("prefix", prefix)
        check_labels("suffix", suffix)
        if max_depth is not None and not 1 <= max_depth <= MOST_LABELS:
            raise InvalidField("max_depth", f"must be 1 to {MOST_LABELS}")
        page = check_page(page or Page(limit=100))
        now = self._clock()
        search = NamespaceSearch(prefix=prefix, suffix=suffix, max_depth=max_depth, page=page, now=now)
        found: list[Namespace] = yield self._store.namespaces(search)
        return found

    async def expire(self, now: datetime) -> datetime | None:
        """Removes items whose time has passed, and returns when to call again; None where there is nothing that ever will be due."""
        self._swept = now
        due = await Work(_one(self._store.expire(now)))
        return due if due is None or due <= now else max(due, now + self._keeping.sweep_interval)

    def _refresh(self, said: bool | None) -> bool:
        return self._keeping.refresh_on_read if said is None else said

    def _vectors(self, value: JsonObject, fields: Sequence[str] | None) -> Steps[tuple[Vector, ...]]:
        if self._embedder is None:
            return ()
        texts = self._embedder.texts(value, fields)
        if not texts:
            return ()
        made: Sequence[Sequence[float]] = yield self._embedder.embed([text for _, text in texts])
        return tuple(Vector(path=path, numbers=numbers) for (path, _), numbers in zip(texts, made, strict=True))


def _one(step: "Future[datetime | None]") -> Steps[datetime | None]:
    found: datetime | None = yield step
    return found


def check_namespace(field: str, namespace: Namespace) -> None:
    """Refuses a namespace in which nothing can be. Raises InvalidField."""
    if not namespace:
        raise InvalidField(field, "must have at least one label")
    check_labels(field, namespace)


def check_labels(field: str, labels: Namespace) -> None:
    """Refuses labels that no namespace has, as LangGraph does. Raises InvalidField."""
    if len(labels) > MOST_LABELS:
        raise InvalidField(field, f"must have at most {MOST_LABELS} labels")
    for index, label in enumerate(labels):
        if not label or len(label) > LONGEST_LABEL:
            raise InvalidField(f"{field}[{index}]", f"must have 1 to {LONGEST_LABEL} characters")
        if "." in label:
            raise InvalidField(f"{field}[{index}]", "must not have a period, which stands between labels")
        _check_text(f"{field}[{index}]", label)


def check_key(key: str) -> None:
    """Refuses a key that no item has. Raises InvalidField."""
    if not key or len(key) > LONGEST_KEY:
        raise InvalidField("key", f"must have 1 to {LONGEST_KEY} characters")
    _check_text("key", key)


def check_ttl(ttl: timedelta | None) -> timedelta | None:
    """Refuses a time that no item can be kept for. Raises InvalidField."""
    if ttl is not None and not timedelta(0) < ttl <= LONGEST_TTL:
        raise InvalidField("ttl", "must be more than 0 and at most a hundred years")
    return ttl


def check_page(page: Page) -> Page:
    """Refuses a page that no list has. Raises InvalidField."""
    if not 1 <= page.limit <= MAX_PAGE:
        raise InvalidField("limit", f"must be 1 to {MAX_PAGE}")
    if not 0 <= page.offset < 2**62:
        raise InvalidField("offset", "must be 0 or more")
    return page


def _check_text(field: str, text: str) -> None:
    if "\0" in text:
        raise InvalidField(field, "must not have a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidField(field, "is not Unicode: it has half of a surrogate pair") from None
