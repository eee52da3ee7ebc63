"""Values that the suite stores."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from graphwire_server.core.events import Event, Raw
from graphwire_server.core.model import (
    Interrupt,
    Outcome,
    Run,
    RunError,
    RunSpec,
    RunStatus,
    TaskInterrupts,
    Thread,
    ThreadQuery,
)

START = datetime(2025, 3, 1, 12, 0, 0, 123457, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def thread(thread_id: str, *, second: float = 0, **changes: Any) -> Thread:
    return Thread(**{"thread_id": thread_id, "created_at": at(second), "updated_at": at(second), **changes})


def run(run_id: str, thread_id: str, *, second: float = 0, graph: str = "joke", **changes: Any) -> Run:
    return Run(
        **{
            "run_id": run_id,
            "thread_id": thread_id,
            "assistant_id": f"assistant of {graph}",
            "graph_id": graph,
            "status": RunStatus.RUNNING,
            "created_at": at(second),
            "updated_at": at(second),
            "spec": RunSpec(assistant=graph, thread_id=thread_id),
            **changes,
        }
    )


def interrupts(task: str = "task") -> tuple[TaskInterrupts, ...]:
    return (TaskInterrupts(task_id=task, interrupts=(Interrupt(id="i1", value=b'"sure?"'),)),)


def success(**changes: Any) -> Outcome:
    return Outcome(**{"status": RunStatus.SUCCESS, "checkpoint_id": "c1", **changes})


def failure(message: str = "no cats") -> Outcome:
    return Outcome(status=RunStatus.ERROR, error=RunError(type="ValueError", message=message))


def with_metadata(metadata: Mapping[str, Any]) -> ThreadQuery:
    return ThreadQuery(metadata=metadata)


def event(seq: int, run_id: str = "r1", thread_id: str = "t1", weight: int = 10, **changes: Any) -> Event:
    return Event(
        **{
            "seq": seq,
            "run_id": run_id,
            "thread_id": thread_id,
            "time": 1000.5 + seq,
            "namespace": (),
            "payload": Raw(mode="m", data=b"%d" % seq),
            "weight": weight,
            **changes,
        }
    )


def events(first: int, last: int, **changes: Any) -> list[Event]:
    return [event(seq, **changes) for seq in range(first, last + 1)]


def fields(value: Event) -> tuple[Any, ...]:
    """What makes two events equal."""
    return (
        value.seq,
        value.run_id,
        value.thread_id,
        value.time,
        value.namespace,
        type(value.payload),
        value.payload,
        value.weight,
    )


def numbers(values: Iterable[Event]) -> list[int]:
    return [value.seq for value in values]
