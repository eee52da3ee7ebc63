"""Each client's own tests, with the oldest runtimes that it supports, in a clone of their own."""

from pathlib import Path

import pytest

from tests.clients.conftest import needed
from tests.clients.languages import LANGUAGES, Language
from tests.clients.programs import output


@pytest.mark.timeout(1260)
@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)
async def test_with_the_oldest(language: Language, clone: Path) -> None:
    needed(language.lack)

    await output(*language.oldest, folder=clone / "clients" / language.name, within=1200)
