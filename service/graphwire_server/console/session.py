"""One verb's time with a server: connect, do it, and end with the right exit status.

Owns the exit statuses: 0 success, 1 the run or the call failed, 2 wrong usage, 130 left by Ctrl-C.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeAlias

import typer

import graphwire
from graphwire_server.console.screen import Screen
from graphwire_server.console.target import Target

FAILED = 1
LEFT = 130

Work: TypeAlias = Callable[[graphwire.Client, Screen], Awaitable[int]]
"""What a verb does with a client. It returns the exit status."""


def perform(target: Target, work: Work, *, as_json: bool = False) -> None:
    """Does the work of a verb and ends the process with its exit status.

    Args:
        target: The server.
        work: What the verb does.
        as_json: Whether standard output gets JSON alone. Default: False.

    Raises:
        typer.Exit: Always, with the status; except where the usage was wrong, which typer tells.
    """
    screen = Screen(as_json=as_json)
    try:
        status = asyncio.run(_connected(target, work, screen))
    except (KeyboardInterrupt, asyncio.CancelledError):
        status = LEFT
    raise typer.Exit(status)


async def _connected(target: Target, work: Work, screen: Screen) -> int:
    _heed_ctrl_c()
    try:
        async with target.connect() as client:
            return await work(client, screen)
    except graphwire.GraphwireError as error:
        screen.failure(error, target.address)
        return FAILED


def _heed_ctrl_c() -> None:
    """Has Ctrl-C cancel this task; a second one ends the program as it does everywhere.

    The race: with the handler of `asyncio.run`, one that comes just before the loop goes to sleep is noticed when it wakes, which is with the next event. This one
    wakes it. It needs Unix and the main thread; elsewhere that handler stays.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def leave() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        if task is not None:
            task.cancel()

    with suppress(NotImplementedError, RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGINT, leave)
