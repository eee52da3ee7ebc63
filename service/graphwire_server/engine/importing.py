"""The import of the user's code.

Owns how a file or a module of the user's is imported, and what is said where that fails. Knows no graph and no app, and calls nothing. The
invariant: what goes wrong in the user's code is a `ManifestError` that names the user's line, not ours.
"""

import importlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from zlib import crc32

from graphwire_server.engine.target import Target

_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Importer:
    """Imports what one langgraph.json names. Two names of one file share its module.

    Making one puts the folders that the file depends on on `sys.path`.

    Args:
        folder: The folder that paths are relative to.
        dependencies: The folders to import from.
    """

    def __init__(self, folder: Path, dependencies: tuple[Path, ...]) -> None:
        self._folder = folder
        self._files: dict[Path, ModuleType] = {}
        self._roots = [folder, *dependencies]
        # A file that was written a moment ago may be missing in what the importer knows of its folder.
        importlib.invalidate_caches()
        _add_to_path(dependencies)

    def attribute(self, entry: Target, what_it_has: Callable[[ModuleType], str]) -> object:
        """The attribute that an entry names.

        Args:
            entry: What to import.
            what_it_has: Says, where the attribute is missing, what the module has instead.

        Raises:
            ManifestError: The file or module is not there, its import fails, or the attribute is missing.
        """
        module = self._file(entry) if entry.is_file else self._dotted(entry)
        try:
            return getattr(module, entry.attribute)
        except AttributeError as error:
            problem = f"{entry.target} has no attribute {entry.attribute!r}; {what_it_has(module)}"
            raise entry.wrong(problem) from error
        except Exception as error:
            self._refuse(entry, error)  # a module may import what it offers only when it is asked for
            raise

    def _file(self, entry: Target) -> ModuleType:
        path = Path(os.path.normpath(self._folder / entry.target))
        if path not in self._files:
            if not path.is_file():
                raise entry.wrong(f"there is no file {entry.target} in {self._folder}; correct the path")
            self._roots.append(path.parent)
            _add_to_path((path.parent,))
            self._files[path] = self._run(entry, path)
        return self._files[path]

    def _run(self, entry: Target, path: Path) -> ModuleType:
        """Runs a file as a module. It stands in `sys.modules` before it runs, since dataclasses and pickle look it up there."""
        name = self._module_name(entry.kind, path)
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

    def _dotted(self, entry: Target) -> ModuleType:
        try:
            return importlib.import_module(entry.target)
        except BaseException as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) else None
            if missing and f"{entry.target}.".startswith(f"{missing}."):
                todo = "correct the name, install it, or add its folder to dependencies"
                raise entry.wrong(f"there is no module {missing!r}; {todo}") from error
            self._refuse(entry, error)
            raise

    def _refuse(self, entry: Target, error: BaseException) -> None:
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

    def _place(self, entry: Target, error: BaseException) -> str:
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
        return file.relative_to(self._folder).as_posix() if file.is_relative_to(self._folder) else str(file)

    def _module_name(self, kind: str, path: Path) -> str:
        """A name that no other file has, and that is the same after a restart and on another machine.

        Checkpoints hold it, for each object of a class that the file defines. A graph's file that is imported for the user's app by
        another importer is another module, which must not take the place of the graph's: pickle looks classes up by this name.
        """
        relative = Path(os.path.relpath(path, self._folder)).as_posix()
        words = re.sub(r"\W+", "_", relative.removesuffix(".py")).strip("_")
        name = f"graphwire_{kind}_{words}_{crc32(relative.encode()):08x}"
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
