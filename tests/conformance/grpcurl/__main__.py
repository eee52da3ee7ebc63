"""Prints what the recipes of docs/grpcurl.md print now, for whoever changes the page.

Usage: python -m tests.conformance.grpcurl [HEADING ...], by default all sections.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.conformance.grpcurl.document import PAGE, read
from tests.conformance.grpcurl.programs import programs
from tests.conformance.grpcurl.servers import KEY, PORT, served
from tests.conformance.grpcurl.shell import shell


async def show(heading: str) -> None:
    """Runs the recipes of a section and prints them with their output, in the form of the page."""
    sections = read(PAGE.read_text())
    first, *_ = sections
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "folder")
        folder.mkdir()  # noqa: ASYNC240  nothing else runs yet
        async with (
            served(heading, folder, Path(place, "data")) as port,
            shell(folder, programs(), GRAPHWIRE_API_KEY=KEY) as terminal,
        ):
            for recipe in (*sections[first], *sections[heading]):
                status, printed = await terminal.run(recipe.command.replace(PORT, port))
                shown = printed.rstrip("\n").replace(port, PORT)
                print(f"```sh\n{recipe.command}```\n\n```text\n{shown}\n```\n(status {status})\n")


if __name__ == "__main__":
    for name in sys.argv[1:] or list(read(PAGE.read_text()))[1:]:
        print(f"## {name}\n", flush=True)
        asyncio.run(show(name))
