"""Each client's example program does what it shows, also when its line breaks three times in the middle of the story."""

import re

import pytest

from tests.clients.cases import Cut
from tests.clients.conftest import needed
from tests.clients.languages import LANGUAGES, Language
from tests.clients.programs import output
from tests.clients.proxy import proxied
from tests.clients.stage import Stages

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(320),
    pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name),
]

STORY = "Once upon a time there was a lighthouse and everyone was happy about it"
THREE_CUTS = (Cut(after=4), Cut(after=3, how="reset"), Cut(after=5, how="goaway"))
"""All in the story, whose words come one by one, each in a message of its own."""


async def told(language: Language, address: str) -> str:
    """What an example prints, with its ids made the same."""
    needed(language.lack)
    if language.unbuilt:
        pytest.fail(language.unbuilt)
    said = await output(*language.example, folder=language.folder, within=280, GRAPHWIRE_ADDRESS=address)
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", said)


async def test_it_shows_a_story_a_question_and_a_run_of_somebody_else(language: Language, stages: Stages) -> None:
    said = await told(language, (await stages.shared("examples")).address)

    story, question, answer = (said.find(words) for words in (STORY, "Pay 10 to Ada?", "paid 10 to Ada"))
    assert -1 < story < question < answer, said
    assert len(re.findall(r"fetched\W+\d+", said[answer:], re.IGNORECASE)) >= 5, said


async def test_three_broken_lines_change_nothing(language: Language, stages: Stages) -> None:
    server = await stages.shared("examples")
    undisturbed = await told(language, server.address)

    async with proxied(server.address, THREE_CUTS) as proxy:
        disturbed = await told(language, proxy.address)

    assert proxy.pending == []
    assert disturbed == undisturbed
