"""What `generate` of a client makes is what is committed, byte by byte."""

from pathlib import Path

import pytest

from tests.clients.conftest import needed
from tests.clients.languages import CLIENTS, LANGUAGES, Language
from tests.clients.programs import output

MADE = {"go": "graphwirev1", "typescript": "src/gen"}
"""What is generated, by language; the others' builds make it."""
COMPILER = CLIENTS.parent / ".venv-gen" / "bin" / "python"


@pytest.mark.timeout(420)
@pytest.mark.parametrize("language", [each for each in LANGUAGES if each.name in MADE], ids=lambda each: each.name)
async def test_what_is_committed_is_what_the_protos_give(language: Language, tmp_path: Path) -> None:
    needed(language.lack)
    needed(None if COMPILER.exists() else "protoc is not there: run `make gen`")

    await output(str(language.folder / "generate"), str(tmp_path), folder=tmp_path, within=400)

    made, committed = (files(folder / MADE[language.name]) for folder in (tmp_path, language.folder))
    assert made, f"nothing was made in {MADE[language.name]}"
    different = {name for name in made.keys() | committed.keys() if made.get(name) != committed.get(name)}
    assert different == set(), "run `make gen-clients`"


def files(folder: Path) -> dict[str, bytes]:
    """The files below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_others_have_nothing_generated_that_could_be_stale() -> None:
    assert not [path for path in (CLIENTS / "java").rglob("*OuterClass.java") if "target" not in path.parts]
