"""The import of what langgraph.json names.

Owns what an attribute of the user's code may be: a graph, what makes one, or an app. Nothing is called here, but for a builder, which is
compiled once. The invariant: what is wrong is a `ManifestError` that names the key in langgraph.json.
"""

import inspect
from collections.abc import Iterator
from functools import partial
from types import ModuleType

from langgraph.graph import StateGraph
from langgraph.pregel import Pregel

from graphwire_server.engine.factory import Factory, Graph, compiled, factory_of
from graphwire_server.engine.importing import Importer
from graphwire_server.engine.manifest import GraphEntry, Manifest, ManifestError
from graphwire_server.engine.target import Target
from graphwire_server.engine.web import AppEntry

_APP = "a Starlette or FastAPI app"


class Loader:
    """Imports the graphs and the app of one langgraph.json. Two of one file share its module.

    Making one puts the folders that the file depends on on `sys.path`.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._importer = Importer(manifest.folder, manifest.dependencies)

    def load(self, entry: GraphEntry) -> Graph | Factory:
        """The graph that an entry names, or the factory that makes it.

        Raises:
            ManifestError: The file or module is not there, its import fails, or the attribute is missing or no graph.
        """
        value = self._importer.attribute(entry, partial(_graphs_of, entry))
        return compiled(entry, value) or factory_of(entry, value)

    def load_value(self, entry: Target) -> object:
        """Whatever stands where an entry says.

        Raises:
            ManifestError: The file or module is not there, its import fails, or the attribute is missing.
        """
        return self._importer.attribute(entry, _functions_of)

    def load_app(self, entry: AppEntry) -> object:
        """The app that an entry names.

        Raises:
            ManifestError: The file or module is not there, its import fails, or the attribute is missing or no app.
        """
        value = self._importer.attribute(entry, _apps_of)
        if not _is_app(value):
            raise entry.wrong(f"{entry.attribute!r} is {_kind(value)}; it must be {_APP}{_call_it(value)}")
        return value


def load_app(manifest: Manifest, loader: Loader | None = None) -> object | None:
    """The user's own app; None where langgraph.json names none. The variables that it sets must be set before: see `apply_env`.

    It is known by what it has, since the engine knows no web framework: it can be called, and has a `router` and `routes`. Whoever serves
    it checks that it is a `starlette.applications.Starlette`, of which a FastAPI app is one.

    Args:
        manifest: The content of langgraph.json.
        loader: What loaded the graphs, so that a file that has both a graph and the app runs once. Without one such a file runs again.

    Raises:
        ManifestError: The app cannot be had.
    """
    entry = manifest.http.entry
    return None if entry is None else (loader or Loader(manifest)).load_app(entry)


def _is_app(value: object) -> bool:
    # Looked up without running code of the user's, which may be a proxy that is not ready, or one that has every attribute.
    has = (inspect.getattr_static(value, name, None) is not None for name in ("router", "routes"))
    return callable(value) and not isinstance(value, type) and all(has)


def _kind(value: object) -> str:
    if isinstance(value, type):
        return "a class"
    return "None" if value is None else f"an object of type {type(value).__name__}"


def _call_it(value: object) -> str:
    made_by = inspect.isfunction(value) or isinstance(value, type)
    return ", and nothing here calls what makes one: write `app = ...` in the file" if made_by else ""


def _apps_of(module: ModuleType) -> str:
    names = [name for name, value in vars(module).items() if not name.startswith("_") and _is_app(value)]
    return f"it has {', '.join(map(repr, names))}" if names else f"it has no {_APP.removeprefix('a ')}"


def _functions_of(module: ModuleType) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]
    return f"it has {', '.join(map(repr, names))}" if names else "it has no function"


def _graphs_of(entry: GraphEntry, module: ModuleType) -> str:
    names = list(_graph_like(entry, module))
    return (
        f"it has {', '.join(map(repr, names))}"
        if names
        else "it has no graph, no builder and no function that makes one"
    )


def _graph_like(entry: GraphEntry, module: ModuleType) -> Iterator[str]:
    """The graphs and builders of a module; the functions that could make one only where there are none, since helpers look alike."""
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    graphs = [name for name, value in public.items() if isinstance(value, Pregel | StateGraph)]
    yield from graphs or (name for name, value in public.items() if _may_be_factory(entry, module, value))


def _may_be_factory(entry: GraphEntry, module: ModuleType, value: object) -> bool:
    if not inspect.isfunction(value) or value.__module__ != module.__name__:
        return False
    try:
        factory_of(entry, value)
    except ManifestError:
        return False
    return True
