"""The limits of sizes really refuse."""

from pathlib import Path

import pytest

from tools.sizes import FOLDERS, FUNCTION_LINES, MODULE_LINES, violations


def function(lines: int, doc: int = 0) -> str:
    """A function of so many lines, beside a docstring of so many."""
    head = ["def f():", *(['    """'] + ["    word"] * (doc - 2) + ['    """'] if doc else [])]
    return "\n".join((*head, *["    pass"] * (lines - 1))) + "\n"


def write(root: Path, text: str, name: str = "service/made.py") -> list[str]:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return list(violations(root))


def test_a_function_may_be_as_long_as_the_limit(tmp_path: Path) -> None:
    assert write(tmp_path, function(FUNCTION_LINES)) == []


@pytest.mark.parametrize("kind", ["", "async "])
def test_a_longer_function_is_refused(tmp_path: Path, kind: str) -> None:
    found = write(tmp_path, kind + function(FUNCTION_LINES + 1))

    assert len(found) == 1
    assert found[0].startswith(f"service/made.py:1: f has {FUNCTION_LINES + 1} lines")


def test_a_docstring_is_not_counted(tmp_path: Path) -> None:
    assert write(tmp_path, function(FUNCTION_LINES, doc=20)) == []
    assert len(write(tmp_path, function(FUNCTION_LINES + 1, doc=20))) == 1


def test_methods_are_counted(tmp_path: Path) -> None:
    method = "".join(f"    {line}\n" for line in function(FUNCTION_LINES + 1).splitlines())

    assert len(write(tmp_path, f"class C:\n{method}")) == 1


def test_a_module_may_be_as_long_as_the_limit(tmp_path: Path) -> None:
    assert write(tmp_path, "x = 1\n" * MODULE_LINES) == []
    assert len(write(tmp_path, "x = 1\n" * (MODULE_LINES + 1))) == 1


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_is_looked_at(tmp_path: Path, folder: str) -> None:
    assert len(write(tmp_path, "x = 1\n" * 501, f"{folder}/deep/made.py")) == 1


def test_generated_code_is_outside(tmp_path: Path) -> None:
    assert write(tmp_path, "x = 1\n" * 501, "service/made_pb2_grpc.py") == []
