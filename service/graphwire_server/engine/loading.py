"""The import of what langgraph.json names.

Owns how a file or a module of the user's is imported, and what an attribute of it may be. Nothing is called here, but for a builder, which
is compiled once. The invariant: what goes wrong in the user's code is a `ManifestError` that names the user's line, not ours.
"""

import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from zlib import crc32

from langgraph.graph import StateGraph
from langgraph.pregel import Pregel

from graphwire_server.engine.factory import Factory, Graph, compiled, factory_of
from graphwire_server.engine.manifest import GraphEntry, Manifest, ManifestError

_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Loader:
    """Imports the graphs of one langgraph.json. Two graphs of one file share its module.

    Making one puts the folders that the file depends on on `sys.path`.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._files: dict[Path, ModuleType] = {}
        self._roots = [manifest.folder, *manifest.dependencies]
        # A file that was written a moment ago may be missing in what the importer knows of its folder.
        importlib.invalidate_caches()
        _add_to_path(manifest.dependencies)

    def load(self, entry: GraphEntry) -> Graph | Factory:
        """The graph that an entry names, or the factory that makes it.

        Raises:
            ManifestError: The file or module is not there, its import fails, or the attribute is missing or no graph.
        """
        module = self._file(entry) if entry.is_file else self._dotted(entry)
        try:
            value = getattr(module, entry.attribute)
        except AttributeError as error:
            problem = f"{entry.target} has no attribute {entry.attribute!r}; {_what_it_has(entry, module)}"
            raise entry.wrong(problem) from error
        except Exception as error:
            self._refuse(entry, error)  # a module may import what it offers only when it is asked for
            raise
        return compiled(entry, value) or factory_of(entry, value)

    def _file(self, entry: GraphEntry) -> ModuleType:
        path = Path(os.path.normpath(self._manifest.folder / entry.target))
        if path not in self._files:
            if not path.is_file():
                raise entry.wrong(f"there is no file {entry.target} in {self._manifest.folder}; correct the path")
            self._roots.append(path.parent)
            _add_to_path((path.parent,))
            self._files[path] = self._run(entry, path)
        return self._files[path]

    def _run(self, entry: GraphEntry, path: Path) -> ModuleType:
        """Runs a file as a module. It stands in `sys.modules` before it runs, since dataclasses and pickle look it up there."""
        name = self._module_name(path)
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise entry.wrong(f"{entry.target} is not a Python file; name one")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[name]
            self._refuse(entry, error)
            raise
        return module

    def _dotted(self, entry: GraphEntry) -> ModuleType:
        try:
            return importlib.import_module(entry.target)
        except BaseException as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing and f"{entry.target}.".startswith(f"{missing}."):
                todo = "correct the name, install it, or add its folder to dependencies"
                raise entry.wrong(f"there is no module {missing!r}; {todo}") from error
            self._refuse(entry, error)
            raise

    def _refuse(self, entry: GraphEntry, error: BaseException) -> None:
        """Raises the error that says why an import failed; but Ctrl-C passes.

        A module that ends the process (SystemExit) is reported like any other, else the server would leave without a word.
        """
        if isinstance(error, KeyboardInterrupt):
            return
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        what = f"{type(error).__name__}: {text}" if text else type(error).__name__
        raise entry.wrong(
            f"importing {entry.target} failed at {self._place(entry, error)}: {what}{_todo(error)}"
        ) from error

    def _place(self, entry: GraphEntry, error: BaseException) -> str:
        """The innermost line of the user's own that the error came through: `graphs.py:12`."""
        lines = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        if isinstance(error, SyntaxError):
            lines.append((error.filename or "", error.lineno or 1))
        for file, line in reversed(lines):
            if self._is_own(Path(file)):
                return f"{self._short(Path(file))}:{line}"
        return entry.target

    def _is_own(self, file: Path) -> bool:
        return _INSTALLED.isdisjoint(file.parts) and any(file.is_relative_to(root) for root in self._roots)

    def _short(self, file: Path) -> str:
        folder = self._manifest.folder
        return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else str(file)

    def _module_name(self, path: Path) -> str:
        """A name that no other file has, and that is the same after a restart and on another machine.

        Checkpoints hold it, for each object of a class that the file defines.
        """
        relative = Path(os.path.relpath(path, self._manifest.folder)).as_posix()
        words = re.sub(r"\W+", "_", relative.removesuffix(".py")).strip("_")
        name = f"graphwire_graph_{words}_{crc32(relative.encode()):08x}"
        there = sys.modules.get(name)
        if there is not None and there.__file__ != str(path):  # the same path beside another langgraph.json
            name = f"{name}_{crc32(str(path).encode()):08x}"
        return name


def _add_to_path(folders: tuple[Path, ...]) -> None:
    """Puts folders behind the standard library and before what is installed.

    In front of all, a user's `queue.py` would take the place of the standard one in the whole server; behind all, an installed
    package of the same name would hide the user's own module.
    """
    at = next((i for i, each in enumerate(sys.path) if not _INSTALLED.isdisjoint(Path(each).parts)), len(sys.path))
    for folder in folders:
        if str(folder) not in sys.path:
            sys.path.insert(at, str(folder))
            at += 1


def _todo(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"; install {error.name.partition('.')[0]}, or add its folder to dependencies"
    if isinstance(error, ImportError) and "relative import" in str(error):
        return "; import it without the dot, or name the module in langgraph.json as package.module"
    return ""


def _what_it_has(entry: GraphEntry, module: ModuleType) -> str:
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
