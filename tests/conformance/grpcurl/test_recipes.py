"""Every recipe of docs/grpcurl.md is run, section by section, against a real server, and prints what the page shows."""

import re
from pathlib import Path

import pytest

from tests.conformance.grpcurl.document import PAGE, Recipe, contents, read
from tests.conformance.grpcurl.matching import Ids, difference
from tests.conformance.grpcurl.programs import programs
from tests.conformance.grpcurl.servers import KEY, PORT, SPECIAL, served
from tests.conformance.grpcurl.shell import Shell, shell

TEXT = PAGE.read_text()
SECTIONS = read(TEXT)
FIRST, *OTHERS = SECTIONS
"""The first section is what all others begin with."""

FAILED = re.compile(r"^(?:ERROR:|Error |Failed |Failure: )|^ +\"code\": ", re.MULTILINE)
"""How the programs say that they failed."""


async def follow(terminal: Shell, recipe: Recipe, port: str, ids: Ids) -> None:
    """Runs a recipe, and asserts what it printed and how it ended."""
    status, printed = await terminal.run(recipe.command.replace(PORT, port))
    wrong = difference(recipe.shown.replace(PORT, port), printed, ids)

    assert wrong is None, f"{recipe.command}\n{wrong}"
    assert (status != 0) is bool(FAILED.search(recipe.shown)), f"{recipe.command}\nended with {status}\n{printed}"


@pytest.mark.parametrize("heading", OTHERS)
async def test_the_recipes_print_what_the_page_shows(heading: str, tmp_path: Path) -> None:
    folder, ids = tmp_path / "folder", Ids()
    folder.mkdir()
    async with (
        served(heading, folder, tmp_path / "data") as port,
        shell(folder, programs(), GRAPHWIRE_API_KEY=KEY) as terminal,
    ):
        for recipe in (*SECTIONS[FIRST], *SECTIONS[heading]):
            await follow(terminal, recipe, port, ids)


def test_the_table_of_contents_names_every_section() -> None:
    assert contents(TEXT) == list(SECTIONS)


def test_every_section_shows_something() -> None:
    assert [heading for heading, recipes in SECTIONS.items() if not recipes] == []


def test_every_special_section_is_there() -> None:
    assert set(SPECIAL) <= set(OTHERS)
