"""A user's folder with a langgraph.json and its files, which leaves no trace in the process."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from graphwire_server.engine.manifest import Manifest, read_manifest

GRAPH = """
from typing import TypedDict

from langgraph.graph import START, StateGraph


class State(TypedDict):
    text: str


def shout(state: State):
    return {"text": state["text"].upper()}


builder = StateGraph(State).add_node(shout).add_edge(START, "shout")
graph = builder.compile()
"""


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    def manifest(self, graphs: dict[str, object] | None = None, **others: object) -> Manifest:
        """Writes a langgraph.json of which each graph has a line of its own, the first one line 3, and reads it."""
        self.write(
            "langgraph.json", json.dumps({"graphs": graphs or {"agent": "./graphs.py:graph"}, **others}, indent=1)
        )
        return read_manifest(self.folder / "langgraph.json")


@contextmanager
def project(folder: Path) -> Iterator[Project]:
    """A project in a folder. At the end, its modules and its folders on `sys.path` are forgotten."""
    paths = list(sys.path)
    try:
        yield Project(folder)
    finally:
        sys.path[:] = paths
        forget(folder)


def forget(folder: Path) -> None:
    """Forgets the modules that were imported from a folder."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(f"{folder}/"):
            del sys.modules[name]
