"""The events of a run as people read them, while they happen.

Owns the rendering of each kind of event. Tokens flow as plain text under a small header, one for each message; what else happens interrupts
the flow on a line of its own.
"""

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from graphwire import Event, Interrupt, to_plain
from graphwire.v1 import event_pb2 as pb
from graphwire_server.console.readable import readable
from graphwire_server.console.screen import Screen
from graphwire_server.console.target import Target

_STATUS_STYLES = {"success": "green", "error": "red", "timeout": "red", "interrupted": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """The commands that a reader may type next.

    Args:
        assistant: The assistant that runs.
        target: The server, as it was given. Default: the one on this machine.
        stateless: Whether the run's thread ends with it.
    """

    assistant: str
    target: Target = field(default_factory=Target)
    stateless: bool = False

    def go_on(self, thread_id: str) -> str:
        """Goes on where the run stopped before a node."""
        return self._at(["graphwire", "stream", self.assistant, "--thread", thread_id])

    def answer(self, thread_id: str, waiting: Sequence[Interrupt]) -> str:
        """Answers what waits: one interrupt with a value, several by their ids."""
        text = '"..."' if len(waiting) == 1 else json.dumps({interrupt.id: "..." for interrupt in waiting})
        return self._at(["graphwire", "stream", self.assistant, "--thread", thread_id, "--resume", text])

    def join(self, run_id: str, after_seq: int | None) -> str:
        """Comes back to the run, where it was left."""
        words = ["graphwire", "join", run_id]
        return self._at(words if after_seq is None else [*words, "--after-seq", str(after_seq)])

    def _at(self, words: list[str]) -> str:
        return shlex.join([*words, *self.target.words()])


class EventPrinter:
    """Prints the events of one run, in their order.

    Args:
        screen: Where they are printed; with `as_json`, each as one line of JSON.
        commands: What is offered at an interrupt.
    """

    def __init__(self, screen: Screen, commands: Commands) -> None:
        self._screen = screen
        self._commands = commands
        self._flowing: str | None = None
        self._shown: set[str] = set()
        self._first: datetime | None = None
        self._error_told = False
        self._kinds: Mapping[str, Callable[[Event], None]] = {
            "metadata": self._metadata,
            "values": lambda event: self._block(event, "state"),
            "updates": self._updates,
            "messages": self._messages,
            "custom": self._custom,
            "debug": self._debug,
            "tasks": self._tasks,
            "checkpoints": self._checkpoints,
            "events": self._callback,
            "raw": lambda event: self._block(event, event.proto.raw.mode),
            "error": self._error,
            "end": self._end,
        }

    def show(self, event: Event) -> None:
        """Prints an event. One whose kind is newer than this program is passed over."""
        if self._screen.as_json:
            self._screen.json_line(to_plain(event.proto))
            return
        self._first = self._first or event.time
        render = self._kinds.get(event.mode)
        if render is not None:
            if event.mode != "messages":
                self.pause()
            render(event)

    def pause(self) -> None:
        """Ends the line that flows, so that something else may be printed."""
        if self._flowing is not None:
            self._screen.line()
            self._flowing = None

    def _metadata(self, event: Event) -> None:
        payload = event.proto.metadata
        again = f" (attempt {payload.attempt})" if payload.attempt > 1 else ""
        self._screen.line(f"{payload.graph_id}: run {event.run_id} on thread {event.thread_id}{again}", "dim")

    def _updates(self, event: Event) -> None:
        if not event.proto.updates.interrupted:  # the end tells the interrupts, with what to do
            self._block(event, event.node or "update")

    def _block(self, event: Event, title: str) -> None:
        body = readable(event.data, shown=self._shown)
        self._screen.block(_where(event, title), "(nothing)" if event.data is None else body)

    def _messages(self, event: Event) -> None:
        payload = event.proto.messages
        if self._flowing != payload.id:
            self.pause()
            self._header(event, payload)
        self._flowing = payload.id
        self._shown.add(payload.id)
        if payload.reasoning:
            self._screen.flow(payload.reasoning, "dim italic")
        self._screen.flow(payload.text)
        for piece in payload.tool_call_chunks:
            self._screen.flow(f"\ncalls {piece.name} " if piece.name else "", "magenta")
            self._screen.flow(piece.args, "magenta")
        for call in payload.tool_calls:
            self._screen.flow(f"\ncalls {call.name} {call.args.text}", "magenta")
        if payload.complete:
            self.pause()

    def _header(self, event: Event, payload: pb.MessagesEvent) -> None:
        parts = (_where(event, payload.node), payload.name or payload.type, payload.model)
        self._screen.line(" · ".join(part for part in parts if part), "bold blue")

    def _custom(self, event: Event) -> None:
        text = readable(event.data)
        if isinstance(event.data, dict) and "\n" in text:
            text = ", ".join(text.splitlines())
        self._screen.line(f"{_where(event, event.node or 'custom')}: {text}", "yellow")

    def _debug(self, event: Event) -> None:
        payload = event.proto.debug
        detail = payload.WhichOneof("detail")
        if detail == "checkpoint":
            self._checkpoint(event, payload.checkpoint)
        elif detail == "task":
            self._task_start(event, payload.task)
        elif detail == "task_result":
            self._task_result(event, payload.task_result)

    def _tasks(self, event: Event) -> None:
        payload = event.proto.tasks
        if payload.HasField("start"):
            self._task_start(event, payload.start)
        else:
            self._task_result(event, payload.result)

    def _task_start(self, event: Event, task: pb.TaskStart) -> None:
        self._screen.line(f"{_where(event, task.name)} starts", "dim")

    def _task_result(self, event: Event, task: pb.TaskResult) -> None:
        if task.HasField("error"):
            self._screen.line(f"{_where(event, task.name)} failed: {task.error}", "red")
        else:
            self._screen.line(f"{_where(event, task.name)} is done: {_line(task.result.text)}", "dim")

    def _checkpoints(self, event: Event) -> None:
        self._checkpoint(event, event.proto.checkpoints)

    def _checkpoint(self, event: Event, point: pb.CheckpointEvent) -> None:
        following = ", ".join(point.next) or "nothing"
        text = f"checkpoint {point.checkpoint_id} at step {point.step} ({point.source}); next: {following}"
        self._screen.line(_where(event, text), "dim")

    def _callback(self, event: Event) -> None:
        payload = event.proto.events
        self._screen.line(_where(event, f"{payload.event} {payload.name} {_line(payload.data.text)}"), "dim")

    def _error(self, event: Event) -> None:
        if event.error is not None:
            self._error_told = True
            again = " (it may succeed when it is run again)" if event.error.retryable else ""
            self._screen.error(f"{event.error.type}: {event.error.message}{again}")

    def _end(self, event: Event) -> None:
        if not self._error_told:
            self._error(event)
        self._interrupts(event)
        payload, status = event.proto.end, event.status or "ended"
        seconds = (event.time - self._first).total_seconds() if self._first else 0.0
        label = "waits" if status == "success" and (payload.interrupts or payload.next) else status
        self._screen.line(
            f"{label} · {payload.event_count} events · {seconds:.1f} s · run {event.run_id}", _STATUS_STYLES.get(status)
        )

    def _interrupts(self, event: Event) -> None:
        """What the run asks, and the exact command that answers."""
        waiting, following = event.interrupts, event.proto.end.next
        for interrupt in waiting:
            self._screen.block(f"interrupt {interrupt.id}", readable(interrupt.value), "yellow")
        if not waiting and not following:
            return
        if self._commands.stateless:
            self._screen.line("a run without a thread cannot go on; start it with --new-thread", "yellow")
            return
        if not waiting:
            self._screen.line(f"stopped before {', '.join(following)}. To go on:", "yellow")
            self._screen.line(f"  {self._commands.go_on(event.thread_id)}")
            return
        self._screen.line("To answer:", "yellow")
        self._screen.line(f"  {self._commands.answer(event.thread_id, waiting)}")


def _where(event: Event, text: str) -> str:
    """A text with the subgraph that it belongs to before it."""
    return " / ".join([*(level.split(":")[0] for level in event.namespace), text])


def _line(text: str) -> str:
    return text if len(text) <= 200 else text[:200] + "..."
