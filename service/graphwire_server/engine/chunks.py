"""What LangGraph streams, as events.

Owns the step from one chunk of a stream mode to the payloads of `core/events.py`: one named step for each mode. The invariant: a chunk is
encoded before anything else of the run happens, since the graph may change the same objects later.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from graphwire_server.core.events import (
    Callback,
    Checkpoint,
    CheckpointTask,
    Custom,
    Debug,
    Payload,
    Raw,
    TaskResult,
    TaskStart,
    Updates,
    Values,
)
from graphwire_server.core.model import Interrupt
from graphwire_server.core.ports import Append
from graphwire_server.engine.encoding import dumps
from graphwire_server.engine.failures import task_error
from graphwire_server.engine.messages import Origins, Partials, message_event
from graphwire_server.engine.writer import Written

INTERRUPT = "__interrupt__"
"""The key under which LangGraph puts interrupts."""

ENVELOPE = 400
"""About how many bytes an event holds beside its free-form parts."""

_INTERNAL = frozenset(
    {"langgraph_auth_user", "langgraph_auth_user_id", "langgraph_auth_permissions", "langgraph_request_id"}
)


def interrupts(found: Iterable[Any]) -> tuple[Interrupt, ...]:
    """LangGraph's interrupts, as objects or as their fields."""
    made = []
    for item in found:
        fields = (
            item
            if isinstance(item, Mapping)
            else {name: getattr(item, name) for name in ("id", "value", "response_schema")}
        )
        schema = fields.get("response_schema")
        made.append(
            Interrupt(
                id=fields["id"],
                value=dumps(fields["value"]),
                response_schema=dumps(schema) if isinstance(schema, Mapping) else None,
            )
        )
    return tuple(made)


_NOTED = frozenset({"updates", "values"})
"""The modes that tell how a run ends."""


def _nothing(chunks: "Chunks", namespace: tuple[str, ...], data: Any) -> None:
    """Makes no event of a chunk."""


def without_internals(mapping: Mapping[str, Any] | None, private: Collection[str] = ()) -> dict[str, Any]:
    """Metadata or configuration without what the server and LangGraph keep in it for themselves (wire facts 20 and 73).

    Args:
        mapping: The metadata or configuration; None is an empty one.
        private: More names to leave out.
    """
    return {
        key: value
        for key, value in (mapping or {}).items()
        if key not in _INTERNAL and key not in private and not key.startswith("__")
    }


class Chunks:
    """Appends the events of one run's chunks.

    Args:
        append: Appends one event.
        hidden: Modes that the run streams for the server's own use, and that make no events.
        whole_messages: Whether each piece of a message comes with the message so far (wire fact 16).
        private: Names in `configurable` that are the caller's headers: nothing streams them (wire facts 20 and 74).
    """

    def __init__(
        self,
        append: Append,
        hidden: frozenset[str],
        *,
        whole_messages: bool = False,
        private: Collection[str] = (),
    ) -> None:
        self._append = append
        self._private = frozenset(private)
        self._origins = Origins()
        self._partials = Partials() if whole_messages else None
        # Methods that are not bound: bound ones would hold this object, and with it all events of the run, until the collector comes.
        self._steps = self._STEPS | dict.fromkeys(hidden, _nothing)
        self.interrupted = False
        self.interrupts: tuple[Interrupt, ...] = ()
        self.values: Any = None

    def add(self, namespace: tuple[str, ...], mode: str, data: Any) -> None:
        """Appends what one chunk says.

        Args:
            namespace: The subgraph it comes from.
            mode: LangGraph's stream mode.
            data: What LangGraph yielded.
        """
        if mode in _NOTED and not namespace:
            self._note(mode, data)
        step = self._steps.get(mode)
        if step is not None:
            step(self, namespace, data)
        else:
            encoded = dumps(data)
            self._append(namespace, Raw(mode=mode, data=encoded), ENVELOPE + len(encoded))

    def add_callback(self, event: Mapping[str, Any]) -> None:
        """Appends one event of `astream_events` (wire fact 19)."""
        metadata = event.get("metadata") or {}
        payload = Callback(
            event=event["event"],
            name=event.get("name") or "",
            runnable_run_id=str(event.get("run_id") or ""),
            parent_ids=tuple(map(str, event.get("parent_ids") or ())),
            tags=tuple(event.get("tags") or ()),
            data=dumps(event.get("data") or {}),
            metadata=dumps(without_internals(metadata)),
            node=metadata.get("langgraph_node") or "",
        )
        path = str(metadata.get("langgraph_checkpoint_ns") or "")
        namespace = tuple(path.split("|")[:-1]) if path else ()
        self._append(namespace, payload, ENVELOPE + len(payload.data) + len(payload.metadata))

    def _note(self, mode: str, data: Any) -> None:
        """Remembers what the end of the run will say."""
        if mode == "updates" and isinstance(data, Mapping) and INTERRUPT in data:
            self.interrupted, self.interrupts = True, interrupts(data[INTERRUPT])
        elif mode == "values":
            self.values = data

    def _values(self, namespace: tuple[str, ...], data: Any) -> None:
        found: tuple[Interrupt, ...] = ()
        if isinstance(data, Mapping) and INTERRUPT in data:
            found = interrupts(data[INTERRUPT])
        state = dumps(plain_values(data))
        self._append(namespace, Values(state=state, interrupts=found), ENVELOPE + len(state))

    def _updates(self, namespace: tuple[str, ...], data: Any) -> None:
        if not isinstance(data, Mapping):
            return self._put_update(namespace, "", data)
        for node, update in data.items():
            if node == INTERRUPT:
                stopped = Updates(node="", update=None, interrupts=interrupts(update))
                self._append(namespace, stopped, ENVELOPE + sum(len(item.value) for item in stopped.interrupts))
            elif node != "__metadata__":
                self._put_update(namespace, node, update)
        return None

    def _put_update(self, namespace: tuple[str, ...], node: str, update: Any) -> None:
        encoded = dumps(update)
        self._append(namespace, Updates(node=node, update=encoded), ENVELOPE + len(encoded))

    def _messages(self, namespace: tuple[str, ...], data: Any) -> None:
        payload, weight = message_event(data[0], data[1], self._origins, self._partials)
        self._append(namespace, payload, ENVELOPE + weight)

    def _custom(self, namespace: tuple[str, ...], data: Any) -> None:
        node = ""
        if type(data) is Written:
            node, data = data
        encoded = dumps(data)
        self._append(namespace, Custom(encoded, node), ENVELOPE + len(encoded))

    def _tasks(self, namespace: tuple[str, ...], data: Mapping[str, Any]) -> None:
        self._put(namespace, _task(data))

    def _checkpoints(self, namespace: tuple[str, ...], data: Mapping[str, Any]) -> None:
        self._put(namespace, _checkpoint(data, self._private))

    def _debug(self, namespace: tuple[str, ...], data: Mapping[str, Any]) -> None:
        kind, detail = data["type"], data["payload"]
        made: TaskStart | TaskResult | Checkpoint | Raw
        if kind == "checkpoint":
            made = _checkpoint(detail, self._private)
        elif kind in ("task", "task_result"):
            made = _task(detail)
        else:
            made = Raw(mode=kind, data=dumps(detail))
        time = datetime.fromisoformat(data["timestamp"])
        self._append(namespace, Debug(step=data["step"], time=time, detail=made), ENVELOPE + _size(made))

    def _put(self, namespace: tuple[str, ...], payload: TaskStart | TaskResult | Checkpoint) -> None:
        self._append(namespace, payload, ENVELOPE + _size(payload))

    _STEPS: ClassVar[dict[str, Callable[["Chunks", tuple[str, ...], Any], None]]] = {
        "values": _values,
        "updates": _updates,
        "messages": _messages,
        "custom": _custom,
        "tasks": _tasks,
        "checkpoints": _checkpoints,
        "debug": _debug,
    }


def plain_values(data: Any) -> Any:
    """A state without the interrupts that LangGraph puts into it."""
    if isinstance(data, Mapping) and INTERRUPT in data:
        return {key: value for key, value in data.items() if key != INTERRUPT}
    return data


def _size(payload: Payload) -> int:
    if isinstance(payload, TaskStart):
        return len(payload.input)
    if isinstance(payload, TaskResult):
        return len(payload.result)
    if isinstance(payload, Checkpoint):
        return (
            len(payload.values)
            + len(payload.metadata)
            + len(payload.config)
            + sum(len(task.state or b"") for task in payload.tasks)
        )
    return len(payload.data) if isinstance(payload, Raw) else 0


def _task(data: Mapping[str, Any]) -> TaskStart | TaskResult:
    if "result" in data:
        return TaskResult(
            id=data["id"],
            name=data["name"],
            result=dumps(data["result"]),
            error=task_error(data.get("error")),
            interrupts=interrupts(data.get("interrupts") or ()),
        )
    metadata = without_internals(data.get("metadata"))
    return TaskStart(
        id=data["id"],
        name=data["name"],
        input=dumps(data.get("input")),
        triggers=tuple(data.get("triggers") or ()),
        metadata=dumps(metadata) if metadata else None,
    )


def _checkpoint(data: Mapping[str, Any], private: frozenset[str]) -> Checkpoint:
    config, parent = _configuration(data.get("config"), private), _configuration(data.get("parent_config"), private)
    metadata = data.get("metadata") or {}
    here = config.get("configurable", {})
    return Checkpoint(
        checkpoint_id=here.get("checkpoint_id") or "",
        checkpoint_ns=here.get("checkpoint_ns") or "",
        parent_checkpoint_id=parent.get("configurable", {}).get("checkpoint_id") or "",
        step=metadata.get("step", -1),
        source=metadata.get("source") or "",
        next=tuple(data.get("next") or ()),
        tasks=tuple(_checkpoint_task(task, private) for task in data.get("tasks") or ()),
        values=dumps(data.get("values")),
        metadata=dumps(without_internals(metadata)),
        config=dumps(config),
        parent_config=dumps(parent) if parent else None,
    )


def _configuration(config: Mapping[str, Any] | None, private: frozenset[str]) -> dict[str, Any]:
    if config is None:
        return {}
    return {**config, "configurable": without_internals(config.get("configurable"), private)}


def _checkpoint_task(task: Mapping[str, Any], private: frozenset[str]) -> CheckpointTask:
    state = task.get("state")
    return CheckpointTask(
        id=task["id"],
        name=task["name"],
        error=task_error(task.get("error")),
        interrupts=interrupts(task.get("interrupts") or ()),
        result=dumps(task["result"]) if task.get("result") is not None else None,
        state=None if state is None else dumps(_configuration(state, private) if isinstance(state, Mapping) else state),
    )
