"""One verb's time with a server: connect, do it, and end with the right exit status.

Owns the exit statuses: 0 success, 1 the run or the call failed, 2 wrong usage, 130 left by Ctrl-C.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import typer

import graphwire
from graphwire_server.console.screen import Screen

FAILED = 1
LEFT = 130

Work: TypeAlias = Callable[[graphwire.Client, Screen], Awaitable[int]]
"""What a verb does with a client. It returns the exit status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which server, and how it is spoken to.

    Args:
        address: `host:port`.
        api_key: The key, where there is one.
        as_json: Whether standard output gets JSON alone.
    """

    address: str
    api_key: str | None
    as_json: bool


def perform(target: Target, work: Work) -> None:
    """Does the work of a verb and ends the process with its exit status.

    Raises:
        typer.Exit: Always, with the status; except where the usage was wrong, which typer tells.
    """
    screen = Screen(as_json=target.as_json)
    try:
        status = asyncio.run(_connected(target, work, screen))
    except KeyboardInterrupt:
        status = LEFT
    raise typer.Exit(status)


async def _connected(target: Target, work: Work, screen: Screen) -> int:
    try:
        async with graphwire.connect(target.address, api_key=target.api_key) as client:
            return await work(client, screen)
    except graphwire.GraphwireError as error:
        screen.failure(error, target.address)
        return FAILED
