"""The verbs that run a graph: `stream`, `invoke`, `join`.

Owns what their options mean. Leaving a stream with Ctrl-C leaves the run, which goes on, and says how to come back.
"""

import asyncio
from typing import Annotated, Any

import typer

import graphwire
from graphwire_server.console import options as o
from graphwire_server.console.arguments import given_input, given_json
from graphwire_server.console.events import Commands, EventPrinter
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
def stream(
    assistant: o.Assistant,
    input: o.Input = None,  # noqa: A002  typer shows the name
    *,
    mode: o.Mode = None,
    thread: o.Thread = None,
    new_thread: o.NewThread = False,
    resume: o.Resume = None,
    update: o.Update = None,
    goto: o.Goto = None,
    config: o.Config = None,
    context: o.Context = None,
    metadata: o.Metadata = None,
    checkpoint: o.Checkpoint = None,
    interrupt_before: o.InterruptBefore = None,
    interrupt_after: o.InterruptAfter = None,
    subgraphs: Subgraphs = False,
    node: o.FilterNode = None,
    tag: o.FilterTag = None,
    namespace: o.FilterNamespace = None,
    cancel_on_exit: CancelOnExit = False,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Run a graph and watch what it does."""
    given = given_input(input)
    chosen = _run_options(
        command=_command(resume, update, goto),
        config=given_json(config, "--config"),
        context=given_json(context, "--context"),
        metadata=given_json(metadata, "--metadata"),
        checkpoint_id=checkpoint,
        interrupt_before=interrupt_before,
        interrupt_after=interrupt_after,
        stream_mode=mode or DEFAULT_MODES,
        stream_subgraphs=subgraphs,
        filter=_filter(node, tag, namespace),
        on_disconnect="cancel" if cancel_on_exit else None,
    )

    async def work(client: graphwire.Client, screen: Screen) -> int:
        thread_id = await _thread(client, screen, thread, new=new_thread)
        events = _checked(lambda: client.stream(assistant, given, thread_id=thread_id, **chosen))
        commands = Commands(assistant=assistant, target=target, stateless=thread_id is None)
        return await follow(events, screen, commands, cancels=cancel_on_exit)

    _one_thread(thread, new=new_thread)
    perform(target, work, as_json=as_json)


@o.at_server
def invoke(
    assistant: o.Assistant,
    input: o.Input = None,  # noqa: A002  typer shows the name
    *,
    thread: o.Thread = None,
    new_thread: o.NewThread = False,
    resume: o.Resume = None,
    update: o.Update = None,
    goto: o.Goto = None,
    config: o.Config = None,
    context: o.Context = None,
    metadata: o.Metadata = None,
    checkpoint: o.Checkpoint = None,
    interrupt_before: o.InterruptBefore = None,
    interrupt_after: o.InterruptAfter = None,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Run a graph, wait for its end, and print what it returns."""
    given = given_input(input)
    chosen = _run_options(
        command=_command(resume, update, goto),
        config=given_json(config, "--config"),
        context=given_json(context, "--context"),
        metadata=given_json(metadata, "--metadata"),
        checkpoint_id=checkpoint,
        interrupt_before=interrupt_before,
        interrupt_after=interrupt_after,
    )

    async def work(client: graphwire.Client, screen: Screen) -> int:
        thread_id = await _thread(client, screen, thread, new=new_thread)
        call = _checked(lambda: client.invoke(assistant, given, thread_id=thread_id, **chosen))
        commands = Commands(assistant=assistant, target=target, stateless=thread_id is None)
        return _outcome(await call, screen, commands)

    _one_thread(thread, new=new_thread)
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


async def _thread(client: graphwire.Client, screen: Screen, thread: str | None, *, new: bool) -> str | None:
    """The thread to run on; a new one is created and told."""
    if not new:
        return thread
    created = await client.threads.create()
    screen.note(f"thread {created.thread_id}")
    return created.thread_id


def _one_thread(thread: str | None, *, new: bool) -> None:
    if new and thread is not None:
        raise typer.BadParameter("--thread and --new-thread exclude one another")


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


def _filter(node: list[str] | None, tag: list[str] | None, namespace: list[str] | None) -> graphwire.Filter | None:
    if not (node or tag or namespace):
        return None
    return graphwire.Filter(nodes=node or (), tags=tag or (), namespaces=namespace or ())


def _run_options(**given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value}


def _checked(make: Any) -> Any:
    """What the client makes of the options; what it refuses before it sends anything is a mistake in the usage."""
    try:
        return make()
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
