"""Events of a run that is made up, and the envelopes that they become."""

import json
from collections.abc import Sequence
from typing import Any

from graphwire_server.core import events
from graphwire_server.core.events import NO_EXTRAS, Event, Message, MessageExtras, MessageOrigin, Payload
from graphwire_server.core.model import Interrupt, RunStatus
from graphwire_server.rest.v2.envelopes import Numbered, encoded
from graphwire_server.rest.v2.tape import Tape

BEGIN = events.Metadata(run_id="r", attempt=1, assistant_id="a", graph_id="agent")
ASK = Interrupt(id="i1", value=b'"why?"', response_schema=None)
Path = tuple[str, ...]


def end(status: RunStatus = RunStatus.SUCCESS, **fields: Any) -> events.End:
    given = {"error": None, "interrupts": (), "next": (), "checkpoint_id": "", "event_count": 1, **fields}
    return events.End(status=status, **given)


def origin(ns: str = "say:t1") -> MessageOrigin:
    metadata = b'{"ls_provider":"p","ls_model_type":"chat"}'
    return MessageOrigin(node="say", step=1, tags=(), model="m", checkpoint_ns=ns, metadata=metadata)


def piece(
    words: str = "", *, message_id: str = "lc_run--c1", kind: str = "ai", complete: bool = False, **more: Any
) -> Message:
    """A piece of a message; `dump` is what LangChain would say of it."""
    dump = more.pop("dump", None)
    at = more.pop("origin", origin())
    extras = MessageExtras(**more) if more else NO_EXTRAS
    made = None if dump is None else json.dumps(dump).encode()
    return Message(message_id, kind, words, at, extras, False, complete, made)


def result(task_id: str, name: str = "say", error: str | None = None, *asked: Interrupt) -> events.TaskResult:
    return events.TaskResult(id=task_id, name=name, result=b"{}", error=error, interrupts=asked)


def task(task_id: str, name: str = "say") -> events.TaskStart:
    return events.TaskStart(id=task_id, name=name, input=b"{}", triggers=(), metadata=None)


def checkpoint(checkpoint_id: str, parent: str = "") -> events.Checkpoint:
    return events.Checkpoint(
        checkpoint_id=checkpoint_id,
        checkpoint_ns="",
        parent_checkpoint_id=parent,
        step=0,
        source="loop",
        next=(),
        tasks=(),
        values=b"{}",
        metadata=b"{}",
        config=b"{}",
        parent_config=None,
    )


Given = Payload | tuple[Path, Payload]


def made(*given: Given, first: int = 1, run_id: str = "r") -> list[Event]:
    """Events: payloads at the root, or with the path of their subgraph."""
    found = []
    for seq, each in enumerate(given, first):
        path, payload = each if isinstance(each, tuple) and not hasattr(each, "mode") else ((), each)
        found.append(Event(seq, run_id, "t", 1.5, path, payload, 1))  # type: ignore[arg-type]  # told apart above
    return found


def numbered(found: Sequence[Event], tape: Tape | None = None) -> list[Numbered]:
    tape = tape or Tape()
    return [each for event in found for each in tape.envelopes(event)]


def said(*given: Given) -> list[tuple[str, Path, Any]]:
    """What events become: method, path and data of each envelope."""
    return [_read(each) for each in numbered(made(*given))]


def _read(each: Numbered) -> tuple[str, Path, Any]:
    params = json.loads(encoded(each))["params"]
    return each.envelope.method, tuple(params["namespace"]), params["data"]
