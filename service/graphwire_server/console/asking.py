"""How a run is asked for at a terminal.

Owns the options that `stream` and `invoke` share, and what the client makes of them. What is right or wrong beyond their form, the server says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import typer

import graphwire
from graphwire_server.console import options as o
from graphwire_server.console.arguments import given_json, given_span
from graphwire_server.console.screen import Screen


class Strategy(StrEnum):
    """What happens while other runs are on the thread."""

    ENQUEUE = "enqueue"
    REJECT = "reject"
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"


Thread = Annotated[str | None, typer.Option("--thread", help="Run on this thread. Default: on none.")]
NewThread = Annotated[bool, typer.Option("--new-thread", help="Create a thread, say its id, and run on it.")]
Resume = Annotated[str | None, typer.Option(help="Answer an interrupt: JSON, or {interrupt id: answer}.")]
Update = Annotated[str | None, typer.Option(help="Change the state first, as a node would: JSON.")]
Goto = Annotated[list[str] | None, typer.Option(help="Go on at this node. May be repeated.")]
Config = Annotated[
    str | None,
    typer.Option(help='LangGraph\'s config as JSON, such as {"configurable": {...}, "recursion_limit": 50}.'),
]
Context = Annotated[str | None, typer.Option(help="The run's context: JSON.")]
Checkpoint = Annotated[str | None, typer.Option(help="Go on from this checkpoint of the thread.")]
InterruptBefore = Annotated[list[str] | None, typer.Option(help="Stop before this node, * for every. May be repeated.")]
InterruptAfter = Annotated[list[str] | None, typer.Option(help="Stop after this node, * for every. May be repeated.")]
Multitask = Annotated[
    Strategy | None,
    typer.Option(
        help="While other runs are on the thread: wait (the default), be refused, or stop them, keeping or undoing their work."
    ),
]
After = Annotated[str | None, typer.Option(help="Start after this time: 90, 30s, 10m, 2h or 1d.")]
Timeout = Annotated[str | None, typer.Option(help="End the run where it takes longer: 90, 30s, 10m, 2h or 1d.")]
Resumable = Annotated[
    bool | None,
    typer.Option(
        "--resumable/--no-resumable",
        help="Keep the events, so that join can come back, after a restart too. stream does so unless told otherwise.",
    ),
]
RequestId = Annotated[str | None, typer.Option(help="A key of yours: a second run with it is the first, for 24 hours.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A run that was asked for.

    Args:
        thread_id: The thread to run on; None for none, or for a new one.
        new_thread: Whether a thread is created for it.
        options: The options of the client that were given.
    """

    thread_id: str | None
    new_thread: bool
    options: Mapping[str, Any]

    async def thread(self, client: graphwire.Client, screen: Screen) -> str | None:
        """The thread to run on; a new one is created and told. None for none."""
        if not self.new_thread:
            return self.thread_id
        created = await client.threads.create()
        screen.note(f"thread {created.thread_id}")
        return created.thread_id


def _asked(
    *,
    thread: Thread = None,
    new_thread: NewThread = False,
    resume: Resume = None,
    update: Update = None,
    goto: Goto = None,
    config: Config = None,
    context: Context = None,
    metadata: o.Metadata = None,
    checkpoint: Checkpoint = None,
    interrupt_before: InterruptBefore = None,
    interrupt_after: InterruptAfter = None,
    multitask: Multitask = None,
    after: After = None,
    timeout: Timeout = None,
    resumable: Resumable = None,
    request_id: RequestId = None,
) -> Asked:
    if new_thread and thread is not None:
        raise typer.BadParameter("--thread and --new-thread exclude one another")
    if new_thread and request_id is not None:
        raise typer.BadParameter("--request-id and --new-thread exclude one another: on a new thread it is another run")
    options = given(
        command=_command(resume, update, goto),
        config=given_json(config, "--config"),
        context=given_json(context, "--context"),
        metadata=given_json(metadata, "--metadata"),
        checkpoint_id=checkpoint,
        interrupt_before=interrupt_before or None,
        interrupt_after=interrupt_after or None,
        multitask_strategy=multitask and multitask.value,
        start_after=given_span(after, "--after"),
        timeout=given_span(timeout, "--timeout"),
        stream_resumable=resumable,
        request_id=request_id,
    )
    return Asked(thread_id=thread, new_thread=new_thread, options=options)


asks_run = o.taking("asked", _asked)
"""Gives a verb the options of a run. It takes them as one argument, `asked`."""


def given(**options: Any) -> dict[str, Any]:
    """The options that were given: those that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def _command(resume: str | None, update: str | None, goto: list[str] | None) -> graphwire.Command | None:
    """The command of a run, where one of its parts was given. JSON null is an answer too."""
    parts: dict[str, Any] = {}
    if resume is not None:
        parts["resume"] = given_json(resume, "--resume")
    if update is not None:
        parts["update"] = given_json(update, "--update")
    if goto:
        parts["goto"] = goto
    return graphwire.Command(**parts) if parts else None
