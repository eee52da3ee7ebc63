"""The size limits of the house style: 500 lines a module in every language, 60 lines a function without its docstring in Python.

Owns the limits. Generated code is outside every count.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

MODULE_LINES = 500
FUNCTION_LINES = 60
FOLDERS = ("clients/python", "service", "tests", "tools", "bench", "examples")
OTHER_LANGUAGES = frozenset({".go", ".java", ".ts"})
MADE = frozenset({"graphwirev1", "gen", "node_modules", "dist", "target", "build"})
"""Folders whose content is generated, built or somebody else's."""


def violations(root: Path) -> Iterator[str]:
    """A line for each module or function that is too long.

    Args:
        root: The project's folder.
    """
    for path in _of_clients(root / "clients"):
        yield from _lines(path.relative_to(root), path.read_text())
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if "_pb2" not in path.name and not MADE & set(path.relative_to(root).parts):
                yield from _module(path.relative_to(root), path.read_text())


def _of_clients(clients: Path) -> Iterator[Path]:
    for path in sorted(clients.rglob("*")):
        if path.suffix in OTHER_LANGUAGES and not MADE & set(path.relative_to(clients).parts):
            yield path


def _lines(name: Path, text: str) -> Iterator[str]:
    lines = text.count("\n")
    if lines > MODULE_LINES:
        yield f"{name}: {lines} lines; a module has at most {MODULE_LINES}"


def _module(name: Path, text: str) -> Iterator[str]:
    yield from _lines(name, text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _length(node) > FUNCTION_LINES:
            yield f"{name}:{node.lineno}: {node.name} has {_length(node)} lines; a function has at most {FUNCTION_LINES}"


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    whole = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        whole -= (first.end_lineno or first.lineno) - first.lineno + 1
    return whole
