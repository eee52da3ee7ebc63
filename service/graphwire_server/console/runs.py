"""The verbs under `graphwire runs`.

Owns how runs look in a terminal.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

import graphwire
from graphwire_server.console import options as o
from graphwire_server.console.readable import readable
from graphwire_server.console.screen import Screen
from graphwire_server.console.session import perform
from graphwire_server.console.target import Target

verbs = typer.Typer(help="Look at runs, and end them.", no_args_is_help=True)


class Status(StrEnum):
    """Where a run may be in its life."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    ERROR = "error"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"


OfStatus = Annotated[Status | None, typer.Option("--status", help="Only runs in this status.")]
Wait = Annotated[bool, typer.Option("--wait", help="Return only when the run has ended.")]
Rollback = Annotated[bool, typer.Option("--rollback", help="Undo what the run has done, and delete it.")]


@verbs.command("list")
@o.at_server
def list_(
    thread_id: o.ThreadId,
    *,
    status: OfStatus = None,
    limit: o.Limit = 20,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """List the runs of a thread, the newest first."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        found: list[graphwire.Run] = []
        search = client.runs.list(thread_id, status=status.value if status else None, page_size=min(limit, 1000))
        async for run in search:
            found.append(run)
            if len(found) == limit:
                break
        _list_runs(found, screen)
        return 0

    perform(target, work, as_json=as_json)


@verbs.command("show")
@o.at_server
def show(
    run_id: o.RunId,
    *,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Show a run."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        _show_run(await client.runs.get(run_id), screen)
        return 0

    perform(target, work, as_json=as_json)


@verbs.command("cancel")
@o.at_server
def cancel(
    run_id: o.RunId,
    *,
    wait: Wait = False,
    rollback: Rollback = False,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Cancel a run that has not ended."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        run = await client.cancel(run_id, action="rollback" if rollback else "interrupt", wait=wait)
        if run is None:
            screen.note(f"run {run_id} is cancelled, undone and deleted")
        elif wait or screen.as_json:
            _show_run(run, screen)
        else:
            screen.note(f"run {run_id} is being cancelled{' and undone' if run.cancel_action == 'rollback' else ''}")
        return 0

    perform(target, work, as_json=as_json)


@verbs.command("delete")
@o.at_server
def delete(
    run_id: o.RunId,
    *,
    target: Target,
) -> None:
    """Delete a run that has ended. Its checkpoints stay with the thread."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        await client.runs.delete(run_id)
        screen.note(f"run {run_id} is deleted")
        return 0

    perform(target, work)


def _list_runs(found: list[graphwire.Run], screen: Screen) -> None:
    if screen.as_json:
        for run in found:
            screen.json_line(run)
        return
    rows = [(run.run_id, run.status, f"{run.create_time:%Y-%m-%d %H:%M:%S}", run.graph_id) for run in found]
    screen.columns(("RUN", "STATUS", "CREATED (UTC)", "GRAPH"), rows)


def _show_run(run: graphwire.Run, screen: Screen) -> None:
    if screen.as_json:
        screen.json_line(run)
        return
    attempt = f", attempt {run.attempt}" if run.attempt > 1 else ""
    screen.line(f"run {run.run_id} is {run.status}{attempt}")
    screen.line(f"  of {run.graph_id} on thread {run.thread_id}, created {_utc(run.create_time)}")
    for fact in _facts(run):
        screen.line(f"  {fact}")
    if run.metadata:
        screen.block("metadata", readable(run.metadata))
    for interrupt in run.interrupts:
        screen.block(f"interrupt {interrupt.id}", readable(interrupt.value), "yellow")
    if run.error is not None:
        screen.block("error", f"{run.error.type}: {run.error.message}", "red")


def _facts(run: graphwire.Run) -> Iterator[str]:
    """What is told of a run in a line each, where there is something to tell."""
    if run.start_time is not None:
        yield f"started {_utc(run.start_time)}"
    elif run.due_time is not None and run.status == "pending":
        yield f"starts {_utc(run.due_time)} at the earliest"
    if run.cancel_action is not None:
        yield f"asked to stop: {run.cancel_action}"
    if run.lingering_nodes:
        yield f"threads that went on when it was cut short: {', '.join(run.lingering_nodes)}"
    if run.webhook_delivery is not None:
        yield f"webhook {_delivery(run.webhook_delivery)}"
    elif run.webhook:
        yield "webhook to be called at its end"
    if run.last_seq:
        yield f"events {run.first_seq} to {run.last_seq}"


def _delivery(call: graphwire.WebhookDelivery) -> str:
    why = f": {call.last_error}" if call.last_error else ""
    if call.next_attempt_time is not None and call.attempts:
        why += f"; tried again {_utc(call.next_attempt_time)}"
    return f"{call.state} after {call.attempts} attempt{'' if call.attempts == 1 else 's'}{why}"


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"
