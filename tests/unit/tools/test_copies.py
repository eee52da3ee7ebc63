"""The copies that clients have of what they share."""

from pathlib import Path

import pytest

from tools import copies


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    source = tmp_path / "shared.json"
    source.write_text("{}")
    monkeypatch.setattr(copies, "ROOT", tmp_path)
    monkeypatch.setattr(copies, "SOURCE", source)
    monkeypatch.setattr(copies, "COPIES", (tmp_path / "go" / "shared.json", tmp_path / "java" / "shared.json"))
    return source


def test_what_was_written_is_the_same(shared: Path) -> None:
    copies.write()

    assert list(copies.stale()) == []


def test_a_copy_that_differs_or_is_not_there_is_named(shared: Path) -> None:
    copies.write()
    (shared.parent / "go" / "shared.json").write_text("{ }")
    (shared.parent / "java" / "shared.json").unlink()

    assert [line.split()[0] for line in copies.stale()] == ["go/shared.json", "java/shared.json"]
