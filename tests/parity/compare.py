"""Where two answers differ.

Owns the walk through two values and the paths that name what it finds. Whether a difference is meant is the matter of `exceptions`.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphwire.v1.event_pb2 import StreamEvent
from tests.parity.face import Frame, Json, Reading, Refused
from tests.parity.resources import whole
from tests.parity.shown import Shown
from tests.parity.typed import Typed

MISSING = "(missing)"

ERROR_TABLE = {
    "INVALID_ARGUMENT": 422,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "FAILED_PRECONDITION": 409,
    "ABORTED": 409,
    "OUT_OF_RANGE": 416,
    "RESOURCE_EXHAUSTED": 429,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "DEADLINE_EXCEEDED": 504,
    "CANCELLED": 499,
    "UNAVAILABLE": 503,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
}
"""The house style's error table: the HTTP status of each code."""

_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b")
_TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A difference: its path, and what each side has there."""

    path: str
    grpc: Json
    http: Json


def masked(value: Json) -> Json:
    """A value whose ids and times are alike in any run, for comparisons of two runs."""
    if isinstance(value, Mapping):
        return {masked(key): masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return _TIMES.sub("TIME", _IDS.sub("ID", value)) if isinstance(value, str) else value


def differences(grpc: Any, http: Any, *, same_run: bool) -> list[Found]:
    """Where two answers differ.

    Args:
        grpc: What gRPC gave: JSON, a reading, or a refusal; or these in lists and objects.
        http: What HTTP gave.
        same_run: Whether both speak of the same things, so that ids and times must be equal too.
    """
    return list(_answers("", grpc, http, same_run=same_run))


def _answers(path: str, grpc: Any, http: Any, *, same_run: bool) -> Iterator[Found]:
    if isinstance(grpc, Reading) and isinstance(http, Reading):
        yield from _readings(path, grpc, http, same_run=same_run)
    elif isinstance(grpc, Refused) and isinstance(http, Refused):
        yield from _refusals(path, grpc, http, same_run=same_run)
    elif isinstance(grpc, list | tuple) and isinstance(http, list | tuple) and len(grpc) == len(http):
        for mine, yours in zip(grpc, http, strict=True):
            yield from _answers(path, mine, yours, same_run=same_run)
    elif isinstance(grpc, Reading | Refused) or isinstance(http, Reading | Refused):
        yield Found(path=f"{path}/{_kind(grpc)}~{_kind(http)}", grpc=grpc, http=http)
    else:
        yield from _values(f"{path}/answer", grpc, http, same_run=same_run)


def _kind(answer: Any) -> str:
    return answer.reason if isinstance(answer, Refused) else type(answer).__name__.lower()


def _values(path: str, grpc: Json, http: Json, *, same_run: bool) -> Iterator[Found]:
    yield from walk(path, grpc, http) if same_run else walk(path, masked(grpc), masked(http))


def walk(path: str, grpc: Json, http: Json) -> Iterator[Found]:
    """Where two JSON values differ. A list whose length differs is one difference."""
    if isinstance(grpc, Mapping) and isinstance(http, Mapping):
        for key in sorted({*grpc, *http}):
            yield from walk(f"{path}/{key}", grpc.get(key, MISSING), http.get(key, MISSING))
    elif isinstance(grpc, list) and isinstance(http, list) and len(grpc) == len(http):
        for index, (mine, yours) in enumerate(zip(grpc, http, strict=True)):
            yield from walk(f"{path}/{index}", mine, yours)
    elif grpc != http or type(grpc) is not type(http):
        yield Found(path=path, grpc=grpc, http=http)


def _refusals(path: str, grpc: Refused, http: Refused, *, same_run: bool) -> Iterator[Found]:
    yield from walk(f"{path}/refused/reason", grpc.reason, http.reason)
    mine, yours = dict(grpc.metadata), dict(http.metadata)
    field, named = mine.pop("field", ""), yours.pop("field", "")
    if field != named:
        yield Found(path=f"{path}/refused/field/{field}~{named}", grpc=grpc, http=http)
    else:
        yield from _values(f"{path}/refused/message/{grpc.reason}", grpc.message, http.message, same_run=same_run)
    yield from _values(f"{path}/refused/metadata", mine, yours, same_run=same_run)
    if ERROR_TABLE[str(grpc.status)] != http.status:
        yield Found(path=f"{path}/refused/status/{grpc.reason}/{grpc.status}~{http.status}", grpc=grpc, http=http)


def _readings(path: str, grpc: Reading, http: Reading, *, same_run: bool) -> Iterator[Found]:
    frames = http.frames
    shown = Shown(
        numbered=any(frame.id is not None for frame in frames),
        whole_messages=any(frame.event.startswith("messages/") for frame in frames),
        watched=any(frame.event == "metadata" and "status" in frame.data for frame in frames),
    ).frames(grpc.events)
    yield from _aligned(f"{path}/shown", *map(_frame_pairs, (shown, frames)), same_run=same_run)
    typed = Typed(http.run_id, http.thread_id).events(copy.deepcopy(frames))
    mine, yours = _event_pairs(grpc.events), _event_pairs(typed)
    if mine and mine[-1][0] == "end" and not any(kind == "end" for kind, _ in yours):
        yield Found(path=f"{path}/typed/end", grpc=mine.pop()[1], http=MISSING)
    yield from _aligned(f"{path}/typed", mine, yours, same_run=same_run)


_Pairs = list[tuple[str, Json]]


def _frame_pairs(frames: Sequence[Frame]) -> _Pairs:
    return [
        (frame.event.partition("|")[0], {"event": frame.event, "data": frame.data, "id": frame.id}) for frame in frames
    ]


def _event_pairs(events: Sequence[StreamEvent]) -> _Pairs:
    return [(str(event.WhichOneof("payload")), _plain(event)) for event in events]


def _plain(event: StreamEvent) -> Json:
    """An event's envelope and, under `payload`, what its case has."""
    case = str(event.WhichOneof("payload"))
    fields = whole(event)
    payload = fields.pop(case)
    return {**fields, "payload": payload}


def _aligned(path: str, grpc: _Pairs, http: _Pairs, *, same_run: bool) -> Iterator[Found]:
    kinds = [[kind for kind, _ in side] for side in (grpc, http)]
    if kinds[0] != kinds[1]:
        yield Found(path=f"{path}/kinds", grpc=kinds[0], http=kinds[1])
        return
    for (kind, mine), (_, yours) in zip(grpc, http, strict=True):
        yield from _values(f"{path}/{kind}", mine, yours, same_run=same_run)
