"""The verbs under `graphwire threads`.

Owns how threads, states and histories look in a terminal.
"""

from enum import StrEnum
from typing import Annotated

import typer

import graphwire
from graphwire_server.console import options as o
from graphwire_server.console.arguments import given_json
from graphwire_server.console.readable import readable
from graphwire_server.console.screen import Screen
from graphwire_server.console.session import perform
from graphwire_server.console.target import Target

verbs = typer.Typer(help="Look at threads and their states.", no_args_is_help=True)


class Status(StrEnum):
    """What a thread may be doing."""

    IDLE = "idle"
    BUSY = "busy"
    INTERRUPTED = "interrupted"
    ERROR = "error"


OfStatus = Annotated[Status | None, typer.Option("--status", help="Only threads in this status.")]
At = Annotated[str | None, typer.Option("--checkpoint", help="The state at this checkpoint. Default: the latest.")]
Subgraphs = Annotated[bool, typer.Option("--subgraphs", help="Show the states of subgraphs as well.")]
Graph = Annotated[str | None, typer.Option("--graph", help="The graph that will run on it.")]
Id = Annotated[str | None, typer.Option("--thread", help="Its id: a UUID. Default: the server chooses.")]


@verbs.command("list")
@o.at_server
def list_(
    *,
    status: OfStatus = None,
    metadata: o.Metadata = None,
    limit: o.Limit = 20,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """List threads, the newest first; --metadata lists those that have it."""
    wanted = given_json(metadata, "--metadata")

    async def work(client: graphwire.Client, screen: Screen) -> int:
        search = client.threads.search(
            metadata=wanted, status=status.value if status else None, page_size=min(limit, 1000)
        )
        found: list[graphwire.Thread] = []
        async for thread in search:
            found.append(thread)
            if len(found) == limit:
                break
        _list_threads(found, screen)
        return 0

    perform(target, work, as_json=as_json)


@verbs.command("show")
@o.at_server
def show(
    thread_id: o.ThreadId,
    *,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Show a thread with its values and interrupts."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        _show_thread(await client.threads.get(thread_id), screen)
        return 0

    perform(target, work, as_json=as_json)


@verbs.command("state")
@o.at_server
def state(
    thread_id: o.ThreadId,
    *,
    checkpoint: At = None,
    subgraphs: Subgraphs = False,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Show a thread's state, now or at a checkpoint."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        found = await client.threads.state(thread_id, checkpoint_id=checkpoint, subgraphs=subgraphs)
        _show_state(found, screen)
        return 0

    perform(target, work, as_json=as_json)


@verbs.command("history")
@o.at_server
def history(
    thread_id: o.ThreadId,
    *,
    limit: o.Limit = 10,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Show the states that a thread has had, the newest first."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        shown = 0
        async for found in client.threads.history(thread_id, page_size=min(limit, 1000)):
            _show_state(found, screen)
            shown += 1
            if shown == limit:
                break
        return 0

    perform(target, work, as_json=as_json)


@verbs.command("create")
@o.at_server
def create(
    *,
    thread: Id = None,
    graph: Graph = None,
    metadata: o.Metadata = None,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Create a thread and print its id."""
    wanted = given_json(metadata, "--metadata")

    async def work(client: graphwire.Client, screen: Screen) -> int:
        created = await client.threads.create(thread_id=thread, metadata=wanted, graph_id=graph)
        if screen.as_json:
            screen.json_line(created)
        else:
            screen.line(created.thread_id)
        return 0

    perform(target, work, as_json=as_json)


@verbs.command("delete")
@o.at_server
def delete(
    thread_id: o.ThreadId,
    *,
    target: Target,
) -> None:
    """Delete a thread with its runs and checkpoints."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        await client.threads.delete(thread_id)
        screen.note(f"thread {thread_id} is deleted")
        return 0

    perform(target, work)


def _list_threads(found: list[graphwire.Thread], screen: Screen) -> None:
    if screen.as_json:
        for thread in found:
            screen.json_line(thread)
        return
    rows = [
        (t.thread_id, t.status, f"{t.update_time:%Y-%m-%d %H:%M:%S}", str(t.metadata.get("graph_id", "")))
        for t in found
    ]
    screen.columns(("THREAD", "STATUS", "CHANGED (UTC)", "GRAPH"), rows)


def _show_thread(thread: graphwire.Thread, screen: Screen) -> None:
    if screen.as_json:
        screen.json_line(thread)
        return
    screen.line(f"thread {thread.thread_id} is {thread.status}, changed {thread.update_time:%Y-%m-%d %H:%M:%S} UTC")
    if thread.metadata:
        screen.block("metadata", readable(thread.metadata))
    if thread.values is not None:
        screen.block("values", readable(thread.values))
    for interrupt in (item for items in thread.interrupts.values() for item in items):
        screen.block(f"interrupt {interrupt.id}", readable(interrupt.value), "yellow")
    if thread.error is not None:
        screen.block("error", thread.error, "red")


def _show_state(state_: graphwire.ThreadState, screen: Screen, name: str = "state") -> None:
    if screen.as_json:
        screen.json_line(state_)
        return
    checkpoint = state_.checkpoint.checkpoint_id if state_.checkpoint else "without a checkpoint"
    screen.block(f"{name} {checkpoint}, next: {', '.join(state_.next) or 'nothing'}", readable(state_.values))
    for interrupt in state_.interrupts:
        screen.block(f"interrupt {interrupt.id}", readable(interrupt.value), "yellow")
    for task in state_.tasks:
        if task.error is not None:
            screen.block(f"{task.name} failed", task.error, "red")
        if task.state is not None:
            _show_state(task.state, screen, f"{name} of {task.name}")
