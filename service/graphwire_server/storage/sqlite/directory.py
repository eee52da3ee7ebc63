"""The data directory and its lock.

Owns that one server at a time has a data directory open. The lock is the operating system's, so it ends with its process, however
that dies; the file stays and holds the number of the last process that had it.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOCK_FILE = "lock"
"""The name of the lock file in the data directory."""


class DataDirError(Exception):
    """The data directory cannot be used. The message is one line for the person who starts the server."""


class DataDirUnusable(DataDirError):
    """The directory or the database in it cannot be made, read or written. Correct the path or its rights."""

    def __init__(self, directory: Path, problem: object) -> None:
        super().__init__(f"data directory {directory} cannot be used: {problem}")


class DataDirLocked(DataDirError):
    """Another server has the directory open. Stop it, or choose another directory.

    Args:
        directory: The data directory.
        pid: The process that has it, as its lock file says.
    """

    def __init__(self, directory: Path, pid: str) -> None:
        super().__init__(
            f"data directory {directory} is in use by process {pid}; stop that server or choose another data directory"
        )
        self.pid = pid


class DatabaseTooNew(DataDirError):
    """A newer version of graphwire has written the database. Install that version or a later one."""

    def __init__(self, directory: Path, found: int, known: int) -> None:
        super().__init__(
            f"data directory {directory} was written by a newer graphwire (schema {found}, this version knows {known}); "
            "upgrade graphwire or choose another data directory"
        )


@contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Makes the directory where it is missing and holds its lock.

    Raises:
        DataDirLocked: Another process, or another server in this one, has it.
        DataDirUnusable: It cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / LOCK_FILE).open("a+", encoding="ascii")
    except OSError as error:
        raise DataDirUnusable(directory, error.strerror or error) from error
    with file:
        if not _lock(file):
            file.seek(0)
            raise DataDirLocked(directory, file.read().strip() or "unknown")
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 20  # a locked byte cannot be read by others on Windows; the process number stands before it

    def _lock(file: IO[str]) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
