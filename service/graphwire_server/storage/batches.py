"""Events as bytes, a batch at a time, and back.

Owns the form in which events are kept: MessagePack, with what many events of a batch share (ids, namespaces, the origin of a message's pieces) written
once. Events read back equal those written, field by field, and share again what they shared. Payloads are maps by field name, so that what another version wrote
can be read; a message's piece, of which there is one for each token, is a list. The invariant: what JSON can say in a text or a number survives, lone surrogates
and integers of any size included.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, cast

import ormsgpack

from graphwire_server.core.events import (
    NO_EXTRAS,
    Callback,
    Checkpoint,
    Custom,
    Debug,
    End,
    Error,
    Event,
    Message,
    MessageExtras,
    MessageOrigin,
    Metadata,
    Payload,
    Raw,
    TaskResult,
    TaskStart,
    Updates,
    Values,
)
from graphwire_server.storage.shapes import Reader, Shapes

VERSION = 1
"""Raised when a program that knows this version could no longer read a batch."""


class UnknownBatch(Exception):
    """A newer program has written the batch in a form that this one cannot read."""


_RECORDS: Mapping[type, str] = {
    Metadata: "metadata",
    Values: "values",
    Updates: "updates",
    TaskStart: "task",
    TaskResult: "task_result",
    Checkpoint: "checkpoint",
    Callback: "callback",
    Raw: "raw",
    Error: "error",
    End: "end",
}
"""Payloads that are written as maps, by the name of their kind."""

_SURROGATES, _LONG = 1, 2  # MessagePack's own types have neither

_EPOCH = datetime.fromtimestamp(0, UTC)
_SHAPES = Shapes({datetime: datetime.fromisoformat}, {datetime: _EPOCH})
_READERS: Mapping[str, Reader] = {name: _SHAPES.reader(kind) for kind, name in _RECORDS.items()}
_read_origin = _SHAPES.reader(MessageOrigin)
_read_extras = _SHAPES.reader(MessageExtras)
_read_time = _SHAPES.reader(datetime)


def pack(events: Sequence[Event]) -> bytes:
    """Events of one thread as bytes."""
    tree = _Writer().tree(events)
    try:
        return ormsgpack.packb(tree, default=_plain, option=ormsgpack.OPT_PASSTHROUGH_DATETIME)
    except TypeError:
        # Lone surrogates and integers beyond 64 bits, which are rare and which the format does not have.
        return ormsgpack.packb(_escaped(tree))


def unpack(batch: bytes, thread_id: str) -> list[Event]:
    """The events that were packed.

    Args:
        batch: The bytes.
        thread_id: Their thread.

    Raises:
        UnknownBatch: A newer program has written them.
    """
    tree = ormsgpack.unpackb(batch, ext_hook=_extension)
    if tree["version"] > VERSION:
        raise UnknownBatch
    return _Reading(tree).events(tree["events"], thread_id)


class _Writer:
    """One batch as it is written: the tables of what its events share."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._spaces: dict[tuple[str, ...], int] = {}
        self._origins: dict[int, tuple[int, MessageOrigin]] = {}

    def tree(self, events: Sequence[Event]) -> dict[str, Any]:
        """The batch as plain data and dataclasses."""
        text, space = self._text, self._space
        rows = [
            (
                event.seq,
                event.time,
                text(event.run_id),
                space(event.namespace),
                event.weight,
                *self._body(event.payload),
            )
            for event in events
        ]
        return {
            "version": VERSION,
            "texts": [*self._texts],
            "spaces": [*self._spaces],
            "origins": [origin for _, origin in self._origins.values()],
            "events": rows,
        }

    def _text(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts))

    def _space(self, namespace: tuple[str, ...]) -> int:
        return self._spaces.setdefault(namespace, len(self._spaces))

    def _origin(self, origin: MessageOrigin) -> int:
        # By identity: to compare the metadata of two would cost more than to write it twice. The batch holds the object, so its id is its own.
        return self._origins.setdefault(id(origin), (len(self._origins), origin))[0]

    def _body(self, payload: Payload) -> tuple[int, Any]:
        if type(payload) is Message:
            return self._text("message"), self._message(payload)
        if type(payload) is Custom:
            return self._text("custom"), (payload.data, self._text(payload.node))
        if type(payload) is Debug:
            detail = (_RECORDS[type(payload.detail)], payload.detail)
            return self._text("debug"), {"step": payload.step, "time": payload.time, "detail": detail}
        return self._text(_RECORDS[type(payload)]), payload

    def _message(self, message: Message) -> tuple[Any, ...]:
        id_, type_, text, origin, extras, first, complete, dump, so_far = message
        known = None if extras is NO_EXTRAS else extras
        return self._text(id_), self._text(type_), text, self._origin(origin), known, first, complete, dump, so_far


def _plain(value: object) -> Any:
    if isinstance(value, tuple):
        return value._asdict()  # type: ignore[attr-defined]  # a named tuple: MessagePack takes plain ones by itself
    return cast("datetime", value).isoformat()


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return ormsgpack.Ext(_SURROGATES, value.encode("utf-8", "surrogatepass"))
        return str(value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else ormsgpack.Ext(_LONG, str(value).encode())
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if is_dataclass(value):
        return {field.name: _escaped(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list) or type(value) is tuple:
        return [_escaped(item) for item in value]
    return _escaped(_plain(value)) if isinstance(value, tuple | datetime) else value


def _extension(tag: int, data: bytes) -> Any:
    if tag == _SURROGATES:
        return data.decode("utf-8", "surrogatepass")
    return int(data) if tag == _LONG else None


class _Reading:
    """One batch as it is read."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self._texts: list[str] = tree["texts"]
        self._spaces = [*map(tuple, tree["spaces"])]
        self._origins = [*map(_read_origin, tree["origins"])]
        self._lists: Mapping[str, Callable[..., Payload]] = {"message": self._message, "custom": self._custom}

    def events(self, rows: Sequence[Sequence[Any]], thread_id: str) -> list[Event]:
        """The events of the batch."""
        texts, spaces, lists = self._texts, self._spaces, self._lists
        made: list[Event] = []
        for seq, time, run, space, weight, kind, body, *_ in rows:
            name = texts[kind]
            payload = lists[name](*body) if name in lists else _payload(name, body)
            made.append(Event(seq, texts[run], thread_id, time, spaces[space], payload, weight))
        return made

    def _message(
        self,
        id_: int,
        type_: int,
        text: str,
        origin: int,
        extras: Mapping[str, Any] | None,
        first: bool,
        complete: bool,
        dump: bytes | None = None,
        so_far: bytes | None = None,
        *_: object,
    ) -> Message:
        texts = self._texts
        known = NO_EXTRAS if extras is None else _read_extras(extras)
        return Message(texts[id_], texts[type_], text, self._origins[origin], known, first, complete, dump, so_far)

    def _custom(self, data: bytes, node: int, *_: object) -> Custom:
        return Custom(data, self._texts[node])


def _payload(kind: str, body: Mapping[str, Any]) -> Payload:
    if kind == "debug":
        return _debug(body)
    read = _READERS.get(kind)
    # A kind of a newer program: its readers are told that something was here.
    return Raw(mode=kind, data=b"null") if read is None else cast("Payload", read(body))


def _debug(body: Mapping[str, Any]) -> Debug:
    kind, detail = body["detail"]
    time = _read_time(body["time"]) if "time" in body else _EPOCH
    return Debug(step=body.get("step", 0), time=time, detail=cast("Any", _payload(kind, detail)))
