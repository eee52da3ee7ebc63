"""Driver errors as ours.

Owns the one place where what SQLite reports becomes StoreUnavailable; the cause is kept, and its detail never reaches a caller.
A misuse of the driver (a constraint, a wrong parameter) is a defect of the server and stays what it is.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from graphwire_server.core.errors import StoreUnavailable

_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DEFECTS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.NotSupportedError, sqlite3.DataError)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else has the database locked, so that trying again may help."""
    # The low byte is the primary code; the rest says why.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY


def unavailable(cause: BaseException | None) -> StoreUnavailable:
    """What a caller gets for a driver's error."""
    error = StoreUnavailable("the data store does not answer; try again")
    error.__cause__ = cause
    return error


def converted(error: Exception) -> Exception:
    """An error of the driver as ours; any other as it is."""
    if isinstance(error, sqlite3.Error) and not isinstance(error, _DEFECTS):
        return unavailable(error)
    return error


@contextmanager
def converting() -> Iterator[None]:
    """Raises StoreUnavailable in place of a driver's error."""
    try:
        yield
    except sqlite3.Error as error:
        ours = converted(error)
        if ours is error:
            raise
        raise ours from error
