"""What langgraph.json says.

Owns the reading of the file: the graphs and where each stands in it, the folders to import from, and the variables to set. Imports
nothing that the file names and changes nothing of the process, but for `apply_env`, which is asked for by name. The invariant: all that
is wrong is a `ManifestError` of one line, which says where it is and what to do. Keys that nobody here reads are ignored, since the file
belongs to an ecosystem (wire fact 90).
"""

import json
import os
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from dotenv import dotenv_values

_BLANK = " \t\n\r"
_EXAMPLE = '"agent": "./graph.py:graph"'


class ManifestError(Exception):
    """langgraph.json, or something that it names, is wrong. The text is one line for the person who wrote the file."""

    def __init__(self, where: str, problem: str) -> None:
        # An imported module may raise a text of many lines, and a log or a terminal shall still show one.
        super().__init__(" ".join(f"{where}: {problem}".split()))


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEntry:
    """One graph of the file.

    Attributes:
        graph_id: Its name.
        target: The file or the dotted module, as written.
        attribute: The name of the graph in it.
        description: What the graph is for; empty where nobody said.
        where: The file and the line where its key stands, such as `langgraph.json:4`.
    """

    graph_id: str
    target: str
    attribute: str
    description: str = ""
    where: str = "langgraph.json"

    @property
    def is_file(self) -> bool:
        """Whether the target is a file, not a dotted module."""
        return self.target.endswith(".py")

    def wrong(self, problem: str) -> ManifestError:
        """The error that says what is wrong with this graph."""
        return ManifestError(f"{self.where}: graph {self.graph_id!r}", problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The content of langgraph.json.

    Attributes:
        path: The file.
        graphs: The graphs, in the order of the file; at least one.
        env: The variables to set, read from the map or from the file that `env` names.
        dependencies: The folders to import from, absolute, in the order of the file.
    """

    path: Path
    graphs: tuple[GraphEntry, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder that paths in the file are relative to."""
        return self.path.absolute().parent


def read_manifest(path: Path) -> Manifest:
    """Reads langgraph.json.

    Args:
        path: The file. Errors name it as it is given here.

    Raises:
        ManifestError: The file cannot be read, or what it says cannot be meant.
    """
    text = _text(path)
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise ManifestError(place, f"this is not JSON: {error.msg}; correct it there") from error
    except RecursionError as error:
        raise ManifestError(str(path), "this is nested too deep; write a plain map") from error
    if not isinstance(document, dict):
        raise ManifestError(f"{path}:1", f'this must be a JSON object, such as {{"graphs": {{{_EXAMPLE}}}}}')
    source = _Source(path, text, {member.key: member for member in _members(text, 0)})
    return Manifest(
        path=path,
        graphs=tuple(_graphs(source, document)),
        env=MappingProxyType(_env(source, document.get("env"))),
        dependencies=tuple(_dependencies(source, document.get("dependencies"))),
    )


def apply_env(manifest: Manifest, environ: MutableMapping[str, str] = os.environ) -> None:
    """Sets the variables of langgraph.json. One that is set already keeps its value.

    Args:
        manifest: The file's content.
        environ: Where to set them.
    """
    for name, value in manifest.env.items():
        environ.setdefault(name, value)


class _Member(NamedTuple):
    """A key of a JSON object: where it starts in the text, and where its value starts."""

    key: str
    at: int
    value_at: int


class _Source(NamedTuple):
    """The file and its text, for errors that name a line."""

    path: Path
    text: str
    members: Mapping[str, _Member]

    def where(self, at: int) -> str:
        return f"{self.path}:{self.text.count(chr(10), 0, at) + 1}"

    def wrong(self, key: str, problem: str) -> ManifestError:
        return ManifestError(self.where(self.members[key].at), f"{key}: {problem}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ManifestError(str(path), "there is no such file; write one, or name it with --config") from error
    except OSError as error:
        raise ManifestError(str(path), f"this cannot be read: {error.strerror}; name a file with --config") from error
    except UnicodeDecodeError as error:
        raise ManifestError(
            str(path), f"this is not UTF-8: {error.reason} at byte {error.start}; save it as such"
        ) from error


def _members(text: str, at: int) -> Iterator[_Member]:
    """The keys of the JSON object that stands at or behind a place, in text that was parsed before."""
    decoder = json.JSONDecoder()
    at = _skip(text, _skip(text, at) + 1)
    while text[at] != "}":
        key, end = decoder.raw_decode(text, at)
        value_at = _skip(text, _skip(text, end) + 1)
        yield _Member(key, at, value_at)
        at = _skip(text, decoder.raw_decode(text, value_at)[1])
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANK:
        at += 1
    return at


def _graphs(source: _Source, document: dict[str, Any]) -> Iterator[GraphEntry]:
    if "graphs" not in document:
        raise ManifestError(f"{source.path}:1", f'there is no "graphs"; add "graphs": {{{_EXAMPLE}}}')
    graphs = document["graphs"]
    if not isinstance(graphs, dict):
        raise source.wrong("graphs", f"this must be a map of names to graphs, such as {{{_EXAMPLE}}}")
    if not graphs:
        raise source.wrong("graphs", f"this is empty; add a graph, such as {_EXAMPLE}")
    seen: set[str] = set()
    for member in _members(source.text, source.members["graphs"].value_at):
        where = source.where(member.at)
        # A JSON parser lets the last of two equal keys win, and the other graph would be gone without a word.
        if member.key in seen:
            raise ManifestError(where, f"graph {member.key!r} is there twice; rename one")
        seen.add(member.key)
        yield _entry(where, member.key, graphs[member.key])


def _entry(where: str, graph_id: str, value: object) -> GraphEntry:
    blank = GraphEntry(graph_id=graph_id, target="", attribute="", where=where)
    if not graph_id.strip():
        raise blank.wrong("a graph needs a name; give it one")
    description: object = ""
    if isinstance(value, dict):
        if "path" not in value:
            raise blank.wrong('there is no "path"; write {"path": "./graph.py:graph"}')
        description = value.get("description") or ""
        value = value["path"]
    if not isinstance(value, str):
        raise blank.wrong('this must be text such as "./graph.py:graph", or a map with "path" and "description"')
    if not isinstance(description, str):
        raise blank.wrong("the description must be text")
    target, colon, attribute = value.strip().rpartition(":")
    if not colon or not target or not attribute.isidentifier():
        raise blank.wrong(
            f"{value!r} names no attribute; write the file or module, a colon and a name: './graph.py:graph'"
        )
    entry = GraphEntry(graph_id=graph_id, target=target, attribute=attribute, description=description, where=where)
    if not entry.is_file and not all(part.isidentifier() for part in target.split(".")):
        raise entry.wrong(f"{target!r} is neither a .py file nor a dotted module; write './graph.py:{attribute}'")
    return entry


def _env(source: _Source, value: object) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, str):
        return _env_file(source, value)
    if not isinstance(value, dict):
        raise source.wrong("env", "this must be a map of names to values, or the path of a file such as '.env'")
    return {name: _env_value(source, name, each) for name, each in value.items()}


def _env_file(source: _Source, value: str) -> dict[str, str]:
    path = source.path.absolute().parent / value
    if not path.is_file():
        raise source.wrong("env", f"there is no file {value!r}; write it, or remove the key")
    try:
        read = dotenv_values(path, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise source.wrong("env", f"{value!r} cannot be read: {error}") from error
    # A name without a value (`KEY`, no equals sign) says nothing.
    return {name: each for name, each in read.items() if each is not None}


def _env_value(source: _Source, name: str, value: object) -> str:
    if not name or "=" in name or "\0" in f"{name}{value}":
        raise source.wrong("env", f"{name!r} cannot be set as a variable; correct its name or value")
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise source.wrong("env", f"the value of {name!r} must be text")


def _dependencies(source: _Source, value: object) -> Iterator[Path]:
    if value is None:
        return
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise source.wrong("dependencies", 'this must be a list of folders and packages, such as ["."]')
    for each in value:
        # All else is the name of a package, and installing is the user's.
        if not each.startswith(".") and not Path(each).is_absolute():
            continue
        # Links stay as they are, so that the user's files have the names by which the user knows them.
        folder = Path(os.path.normpath(source.path.absolute().parent / each))
        if not folder.is_dir():
            raise source.wrong("dependencies", f"{each!r} is not a folder; make it, or remove it from the list")
        yield folder
