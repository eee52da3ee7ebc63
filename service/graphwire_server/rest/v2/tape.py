"""A thread's events as envelopes.

Owns the step from the log to the protocol: one named step for each kind of event, with what has to be remembered between them, for each run that is under way. No
I/O. The invariants: the same events give the same envelopes, numbers and ids, whoever reads them; and a run ends with its terminal lifecycle envelope, behind
everything else of it.
"""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import orjson

from graphwire_server.core import events
from graphwire_server.core.events import Event, Payload
from graphwire_server.core.model import Interrupt, RunStatus
from graphwire_server.rest.frames import result_json, start_json
from graphwire_server.rest.v2.envelopes import LAST, Envelope, Numbered, number
from graphwire_server.rest.v2.messages import Messages, Said
from graphwire_server.rest.v2.places import Path, Places

Step = Callable[["_Run", Event, Any], Iterator[Envelope]]


class Tape:
    """The envelopes of a thread's events, read in order from the start of a run."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    def envelopes(self, event: Event) -> Iterator[Numbered]:
        """What one event becomes; nothing, one or several."""
        run = self._runs.get(event.run_id)
        if run is None or type(event.payload) is events.Metadata:
            run = self._runs[event.run_id] = _Run(event.run_id)
        ends = type(event.payload) is events.End
        made = list(run.step(event))
        for place, envelope in enumerate(made):
            last = ends and place == len(made) - 1
            seq = number(event.seq, LAST if last else min(place, LAST - 1))
            yield Numbered(seq, envelope.event_id or _event_id(event.seq, place), envelope)
        if ends:
            del self._runs[event.run_id]


def _event_id(seq: int, place: int) -> str:
    return f"{seq}.{place}" if place else str(seq)


class _Run:
    """One run that is under way.

    Args:
        run_id: The run.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._graph_id = ""
        self._messages = Messages()
        self._places = Places()
        self._asked: dict[str, Path] = {}
        self._checkpointed: set[Path] = set()
        self._values: tuple[Event, Envelope] | None = None

    def step(self, event: Event) -> Iterator[Envelope]:
        """What one event of the run becomes."""
        payload = event.payload
        if self._values is not None and not self._completes(event, payload):
            yield self._release()
        for path in self._places.enter(event.namespace):
            yield self._lifecycle(event, path, "started", graph_name=path[-1].partition(":")[0])
        step = self._STEPS.get(type(payload))
        if step is not None:
            yield from step(self, event, payload)

    def _begin(self, event: Event, payload: events.Metadata) -> Iterator[Envelope]:
        self._graph_id = payload.graph_id
        yield self._lifecycle(event, (), "running", graph_name=payload.graph_id)

    def _state(self, event: Event, payload: events.Values) -> Iterator[Envelope]:
        """A state. Its checkpoint is made right behind it, and is sent before it, where clients look for it: so the state waits for that, in runs that
        stream their checkpoints.
        """
        made = _plain(event, "values", orjson.Fragment(payload.state))._replace(event_id=str(event.seq))
        if event.namespace in self._checkpointed and not payload.interrupts:
            self._values = (event, made)
        else:
            yield made

    def _completes(self, event: Event, payload: Payload) -> bool:
        return (
            type(payload) is events.Checkpoint
            and self._values is not None
            and event.namespace == self._values[0].namespace
        )

    def _release(self) -> Envelope:
        assert self._values is not None  # noqa: S101  its callers have looked
        (_, made), self._values = self._values, None
        return made

    def _checkpoint(self, event: Event, payload: events.Checkpoint) -> Iterator[Envelope]:
        data = {"id": payload.checkpoint_id, "step": payload.step, "source": payload.source}
        if payload.parent_checkpoint_id:
            data["parent_id"] = payload.parent_checkpoint_id
        yield _plain(event, "checkpoints", data)
        self._checkpointed.add(event.namespace)
        if self._values is not None:
            yield self._release()

    def _update(self, event: Event, payload: events.Updates) -> Iterator[Envelope]:
        self._note(event.namespace, payload.interrupts)
        if payload.update is not None:
            node = {"node": payload.node} if payload.node else {}
            yield _plain(event, "updates", {**node, "values": orjson.Fragment(payload.update)}, payload.node)

    def _message(self, event: Event, payload: events.Message) -> Iterator[Envelope]:
        yield from _said(event, self._messages.add(event.namespace, payload))

    def _task_start(self, event: Event, payload: events.TaskStart) -> Iterator[Envelope]:
        yield _plain(event, "tasks", start_json(payload), payload.name)

    def _task_result(self, event: Event, payload: events.TaskResult) -> Iterator[Envelope]:
        self._note(event.namespace, payload.interrupts)
        yield from _said(event, self._messages.close(payload.error, payload.id))
        yield _plain(event, "tasks", result_json(payload), payload.name)
        status = "failed" if payload.error else "interrupted" if payload.interrupts else "completed"
        for path in self._places.leave(event.namespace, payload.id):
            self._checkpointed.discard(path)
            yield self._lifecycle(event, path, status, error=payload.error)

    def _custom(self, event: Event, payload: events.Custom) -> Iterator[Envelope]:
        yield _plain(event, "custom", _named(payload.data), payload.node)

    def _raw(self, event: Event, payload: events.Raw) -> Iterator[Envelope]:
        if payload.mode == "tools":
            yield _plain(event, "tools", orjson.Fragment(payload.data))

    def _failed(self, event: Event, payload: events.Error) -> Iterator[Envelope]:
        yield from _said(event, self._messages.close(payload.error.message))

    def _end(self, event: Event, payload: events.End) -> Iterator[Envelope]:
        """The end of the run, behind which its state and its interrupts can be read: so this is when input is asked for (wire facts 51 and 57)."""
        status, error = _ended(payload), payload.error.message if payload.error else None
        yield from _said(event, self._messages.close(error))
        for path in self._places.leave_all():
            yield self._lifecycle(event, path, status, error=error)
        for item in payload.interrupts:
            yield self._request(event, item)
        checkpoint = {"id": payload.checkpoint_id} if payload.checkpoint_id else None
        yield self._lifecycle(event, (), status, graph_name=self._graph_id, error=error, checkpoint=checkpoint)

    def _request(self, event: Event, item: Interrupt) -> Envelope:
        path = self._asked.get(item.id, ())
        # The protocol's name is payload; the Python SDK looks for value.
        value = orjson.Fragment(item.value)
        data: dict[str, Any] = {"interrupt_id": item.id, "payload": value, "value": value}
        if item.response_schema is not None:
            data["response_schema"] = orjson.Fragment(item.response_schema)
        return Envelope(
            "input.requested", "input", path, _time(event), data, event_id=self._synthetic("input", path, item.id)
        )

    def _note(self, namespace: Path, found: tuple[Interrupt, ...]) -> None:
        """Remembers where an interrupt was raised: the graphs around it repeat it."""
        for item in found:
            if len(namespace) >= len(self._asked.get(item.id, ())):
                self._asked[item.id] = namespace

    def _lifecycle(self, event: Event, path: Path, status: str, **fields: Any) -> Envelope:
        said = {"event": status, **{name: value for name, value in fields.items() if value}}
        return Envelope(
            "lifecycle", "lifecycle", path, _time(event), said, event_id=self._synthetic("lc", path, status)
        )

    def _synthetic(self, kind: str, path: Path, what: str) -> str:
        """The id of what is made here (wire fact 48). It names the run, which clients read from it, since no field does."""
        return f"synth:{self._run_id}:{kind}|{'|'.join(path)}|{what}"

    _STEPS: ClassVar[dict[type[Any], Step]] = {
        events.Metadata: _begin,
        events.Values: _state,
        events.Checkpoint: _checkpoint,
        events.Updates: _update,
        events.Message: _message,
        events.TaskStart: _task_start,
        events.TaskResult: _task_result,
        events.Custom: _custom,
        events.Raw: _raw,
        events.Error: _failed,
        events.End: _end,
    }


def _ended(payload: events.End) -> str:
    if payload.status in (RunStatus.ERROR, RunStatus.TIMEOUT):
        return "failed"
    stopped = payload.status is RunStatus.INTERRUPTED or payload.interrupts or payload.next
    return "interrupted" if stopped else "completed"


def _named(data: bytes) -> dict[str, Any]:
    """Custom data as the protocol has it: what a node writes as `{"name": ..., "payload": ...}` goes to the channel of that name; all else is a payload."""
    if data.startswith(b"{") and b'"name"' in data and b'"payload"' in data:
        given = orjson.loads(data)
        if given.keys() == {"name", "payload"} and isinstance(given["name"], str) and given["name"]:
            return {"name": given["name"], "payload": given["payload"]}
    return {"payload": orjson.Fragment(data)}


def _plain(event: Event, channel: str, data: Any, node: str = "") -> Envelope:
    return Envelope(channel, channel, event.namespace, _time(event), data, node)


def _said(event: Event, said: Iterator[Said]) -> Iterator[Envelope]:
    for namespace, node, data in said:
        yield Envelope("messages", "messages", namespace, _time(event), data, node)


def _time(event: Event) -> int:
    return int(event.time * 1000)
