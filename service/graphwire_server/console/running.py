"""The verbs that run a graph: `stream`, `invoke`, `join`.

Owns what their options mean. A stream that loses its server goes on by itself, and says so; leaving one with Ctrl-C leaves the run, which goes on, and says how to come back.
"""

import asyncio
from typing import Annotated, Any

import typer

import graphwire
from graphwire_server.console import options as o
from graphwire_server.console.arguments import given_input
from graphwire_server.console.asking import Asked, asks_run, given
from graphwire_server.console.events import Commands, EventPrinter
from graphwire_server.console.losses import telling
from graphwire_server.console.readable import readable
from graphwire_server.console.screen import Screen
from graphwire_server.console.session import FAILED, perform
from graphwire_server.console.target import Target

DEFAULT_MODES = ["updates", "messages-tuple", "custom"]
"""What reads best: who did what, the tokens, and what nodes report."""

CancelOnExit = Annotated[bool, typer.Option("--cancel-on-exit", help="Cancel the run when you leave.")]
Subgraphs = Annotated[bool, typer.Option("--subgraphs", help="Stream the events of subgraphs as well.")]
AfterSeq = Annotated[int | None, typer.Option(min=0, help="First what happened after this event; 0 is the start.")]


@o.at_server
@asks_run
def stream(
    assistant: o.Assistant,
    input: o.Input = None,  # noqa: A002  typer shows the name
    *,
    mode: o.Mode = None,
    subgraphs: Subgraphs = False,
    node: o.FilterNode = None,
    tag: o.FilterTag = None,
    namespace: o.FilterNamespace = None,
    cancel_on_exit: CancelOnExit = False,
    as_json: o.AsJson = False,
    asked: Asked,
    target: Target,
) -> None:
    """Run a graph and watch what it does."""
    graph_input = given_input(input)
    watched = given(
        stream_mode=mode or DEFAULT_MODES,
        stream_subgraphs=subgraphs or None,
        filter=_filter(node, tag, namespace),
        on_disconnect="cancel" if cancel_on_exit else None,
    )
    chosen = {**asked.options, **watched}

    async def work(client: graphwire.Client, screen: Screen) -> int:
        thread_id = await asked.thread(client, screen)
        events = _checked(lambda: client.stream(assistant, graph_input, thread_id=thread_id, **chosen))
        commands = Commands(assistant=assistant, target=target, stateless=thread_id is None)
        return await follow(events, screen, commands, cancels=cancel_on_exit)

    perform(target, work, as_json=as_json)


@o.at_server
@asks_run
def invoke(
    assistant: o.Assistant,
    input: o.Input = None,  # noqa: A002  typer shows the name
    *,
    as_json: o.AsJson = False,
    asked: Asked,
    target: Target,
) -> None:
    """Run a graph, wait for its end, and print what it returns."""
    graph_input = given_input(input)

    async def work(client: graphwire.Client, screen: Screen) -> int:
        thread_id = await asked.thread(client, screen)
        call = _checked(lambda: client.invoke(assistant, graph_input, thread_id=thread_id, **asked.options))
        commands = Commands(assistant=assistant, target=target, stateless=thread_id is None)
        return _outcome(await call, screen, commands)

    perform(target, work, as_json=as_json)


@o.at_server
def join(
    run_id: o.RunId,
    *,
    after_seq: AfterSeq = None,
    node: o.FilterNode = None,
    tag: o.FilterTag = None,
    namespace: o.FilterNamespace = None,
    cancel_on_exit: CancelOnExit = False,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Watch a run that exists: from now on or, with --after-seq, from an earlier event."""
    chosen = _filter(node, tag, namespace)

    async def work(client: graphwire.Client, screen: Screen) -> int:
        run = await client.runs.get(run_id)
        commands = Commands(assistant=run.graph_id, target=target, stateless=run.stateless)
        on_exit: graphwire.DisconnectMode = "cancel" if cancel_on_exit else "continue"
        events = client.join(run_id, after_seq=after_seq, filter=chosen, on_disconnect=on_exit)
        return await follow(events, screen, commands, cancels=cancel_on_exit)

    perform(target, work, as_json=as_json)


async def follow(events: graphwire.RunStream, screen: Screen, commands: Commands, *, cancels: bool) -> int:
    """Prints the events of a run until it has ended; returns the exit status.

    Args:
        events: The stream; it is closed at the end.
        screen: Where to print.
        commands: What is offered next.
        cancels: Whether leaving cancels the run.

    Raises:
        GraphwireError: The service failed the stream; how to come back has been said.
        CancelledError: The reader left; how to come back has been said.
    """
    printer = EventPrinter(screen, commands)
    left = ""
    try:
        with telling(screen, printer.pause):
            async with events:
                async for event in events:
                    printer.show(event)
    except asyncio.CancelledError:
        left = "is cancelled" if cancels else "goes on"
        raise
    except graphwire.GraphwireError:
        left = "may go on"
        raise
    finally:
        if left:
            printer.pause()
            _farewell(events, screen, commands, left)
    return 0 if events.end is not None and events.end.status == "success" else FAILED


def _farewell(events: graphwire.RunStream, screen: Screen, commands: Commands, how: str) -> None:
    try:
        run_id = events.run_id
    except RuntimeError:  # the server has not said that there is a run, so there is nothing to come back to
        return
    back = "" if how == "is cancelled" else f"; to come back: {commands.join(run_id, events.last_seq)}"
    screen.note(f"run {run_id} {how}{back}")


def _outcome(result: graphwire.RunResult, screen: Screen, commands: Commands) -> int:
    """Prints the outcome of a run; returns the exit status."""
    if screen.as_json:
        screen.json_line({"run": result.run, "values": result.values})
    else:
        screen.line(readable(result.values))
        for interrupt in result.interrupts:
            screen.block(f"interrupt {interrupt.id}", readable(interrupt.value), "yellow")
        if result.interrupts and not commands.stateless:
            screen.note(f"to answer: {commands.answer(result.run.thread_id, result.interrupts)}")
    if result.run.status == "success":
        return 0
    error = result.error
    screen.error(f"{error.type}: {error.message}" if error else f"the run ended with status {result.run.status}")
    return FAILED


def _filter(node: list[str] | None, tag: list[str] | None, namespace: list[str] | None) -> graphwire.Filter | None:
    if not (node or tag or namespace):
        return None
    return graphwire.Filter(nodes=node or (), tags=tag or (), namespaces=namespace or ())


def _checked(make: Any) -> Any:
    """What the client makes of the options; what it refuses before it sends anything is a mistake in the usage."""
    try:
        return make()
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
