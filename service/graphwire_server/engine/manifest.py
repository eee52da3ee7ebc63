"""What langgraph.json says.

Owns the reading of the file: the graphs and where each stands in it, the folders to import from, and the variables to set; what it says
about HTTP is read in web, about webhooks in webhooks, about the store in store_section, about the life of threads in ttl. Imports nothing that the file names and changes nothing of the process, but for `apply_env`, which is asked for
by name. The invariant: all that is wrong is a `ManifestError` of one line, which says where it is and what to do. Keys that nobody here
reads are ignored, since the file belongs to an ecosystem (wire fact 90).
"""

import json
import os
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from dotenv import dotenv_values

from graphwire_server.core.ttl import TtlPolicy
from graphwire_server.engine.document import ManifestError, Section, read_document
from graphwire_server.engine.store_section import StoreSection, read_store
from graphwire_server.engine.target import Target, split_target
from graphwire_server.engine.ttl import read_ttl
from graphwire_server.engine.web import HttpSection, read_http
from graphwire_server.engine.webhooks import WebhookSection, read_webhooks

__all__ = ["GraphEntry", "Manifest", "ManifestError", "apply_env", "read_manifest"]

_TARGET = "./graph.py:graph"
_EXAMPLE = f'"agent": "{_TARGET}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEntry(Target):
    """One graph of the file.

    Attributes:
        graph_id: Its name.
        description: What the graph is for; empty where nobody said.
    """

    graph_id: str
    description: str = ""

    @property
    def kind(self) -> str:
        """Always `graph`."""
        return "graph"

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
        http: What it says about HTTP.
        webhooks: What it says about webhooks.
        store: What it says about the store.
        ttl: What it says about the life of threads.
    """

    path: Path
    graphs: tuple[GraphEntry, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[Path, ...] = ()
    http: HttpSection = field(default_factory=HttpSection)
    webhooks: WebhookSection = field(default_factory=WebhookSection)
    store: StoreSection = field(default_factory=StoreSection)
    ttl: TtlPolicy = field(default_factory=TtlPolicy)

    @property
    def folder(self) -> Path:
        """The folder that paths in the file are relative to."""
        return self.path.absolute().parent


def read_manifest(path: Path, environ: Mapping[str, str] = os.environ) -> Manifest:
    """Reads langgraph.json.

    Args:
        path: The file. Errors name it as it is given here.
        environ: The variables that are set. Where the file does not say, those of them and of its own `env` count that stand in for a
            part of it (see `read_http`, `read_webhooks`); one that is set goes before one of `env`, as with `apply_env`. Default: those of the process.

    Raises:
        ManifestError: The file cannot be read, or what it says cannot be meant.
    """
    document = read_document(path, f'{{"graphs": {{{_EXAMPLE}}}}}')
    graphs = tuple(_graphs(document))
    env = _env(document)
    variables = ChainMap(dict(environ), env)
    return Manifest(
        path=path,
        graphs=graphs,
        env=MappingProxyType(env),
        dependencies=tuple(_dependencies(document)),
        http=read_http(document, variables),
        webhooks=read_webhooks(document, variables),
        store=read_store(document),
        ttl=read_ttl(document, variables),
    )


def apply_env(manifest: Manifest, environ: MutableMapping[str, str] = os.environ) -> None:
    """Sets the variables of langgraph.json. One that is set already keeps its value.

    Args:
        manifest: The file's content.
        environ: Where to set them.
    """
    for name, value in manifest.env.items():
        environ.setdefault(name, value)


def _graphs(document: Section) -> Iterator[GraphEntry]:
    if "graphs" not in document.values:
        raise ManifestError(f"{document.path}:1", f'there is no "graphs"; add "graphs": {{{_EXAMPLE}}}')
    graphs = document.values["graphs"]
    if not isinstance(graphs, dict):
        raise document.wrong("graphs", f"this must be a map of names to graphs, such as {{{_EXAMPLE}}}")
    if not graphs:
        raise document.wrong("graphs", f"this is empty; add a graph, such as {_EXAMPLE}")
    seen: set[str] = set()
    for graph_id, where in document.keys_of("graphs"):
        # A JSON parser lets the last of two equal keys win, and the other graph would be gone without a word.
        if graph_id in seen:
            raise ManifestError(where, f"graph {graph_id!r} is there twice; rename one")
        seen.add(graph_id)
        yield _entry(where, graph_id, graphs[graph_id])


def _entry(where: str, graph_id: str, value: object) -> GraphEntry:
    blank = GraphEntry(graph_id=graph_id, target="", attribute="", where=where)
    if not graph_id.strip():
        raise blank.wrong("a graph needs a name; give it one")
    description: object = ""
    if isinstance(value, dict):
        if "path" not in value:
            raise blank.wrong(f'there is no "path"; write {{"path": "{_TARGET}"}}')
        description = value.get("description") or ""
        value = value["path"]
    if not isinstance(value, str):
        raise blank.wrong(f'this must be text such as "{_TARGET}", or a map with "path" and "description"')
    if not isinstance(description, str):
        raise blank.wrong("the description must be text")
    target, attribute = split_target(value, _TARGET, blank.wrong)
    return replace(blank, target=target, attribute=attribute, description=description)


def _env(document: Section) -> dict[str, str]:
    value = document.values.get("env")
    if value is None:
        return {}
    if isinstance(value, str):
        return _env_file(document, value)
    if not isinstance(value, dict):
        raise document.wrong("env", "this must be a map of names to values, or the path of a file such as '.env'")
    return {name: _env_value(document, name, each) for name, each in value.items()}


def _env_file(document: Section, value: str) -> dict[str, str]:
    path = document.folder / value
    if not path.is_file():
        raise document.wrong("env", f"there is no file {value!r}; write it, or remove the key")
    try:
        read = dotenv_values(path, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise document.wrong("env", f"{value!r} cannot be read: {error}") from error
    # A name without a value (`KEY`, no equals sign) says nothing.
    return {name: each for name, each in read.items() if each is not None}


def _env_value(document: Section, name: str, value: object) -> str:
    if not name or "=" in name or "\0" in f"{name}{value}":
        raise document.wrong("env", f"{name!r} cannot be set as a variable; correct its name or value")
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise document.wrong("env", f"the value of {name!r} must be text")


def _dependencies(document: Section) -> Iterator[Path]:
    value = document.values.get("dependencies")
    if value is None:
        return
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise document.wrong("dependencies", 'this must be a list of folders and packages, such as ["."]')
    for each in value:
        # All else is the name of a package, and installing is the user's.
        if not each.startswith(".") and not Path(each).is_absolute():
            continue
        # Links stay as they are, so that the user's files have the names by which the user knows them.
        folder = Path(os.path.normpath(document.folder / each))
        if not folder.is_dir():
            raise document.wrong("dependencies", f"{each!r} is not a folder; make it, or remove it from the list")
        yield folder
