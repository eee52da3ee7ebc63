"""What is said while a stream has lost its server and tries to go on.

Owns one line for each loss, on standard error. The trying is the client's; it logs each time, and that is what is heard here.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graphwire_server.console.screen import Screen


class _Listener(logging.Handler):
    def __init__(self, screen: Screen, pause: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._screen = screen
        self._pause = pause

    def emit(self, record: logging.LogRecord) -> None:
        # Without a cursor nothing was there to lose: that no server answers is told by the error that follows.
        if getattr(record, "tries", 0) == 1 and getattr(record, "after_seq", None) is not None:
            self._pause()
            self._screen.note("lost the connection to the server, trying to go on")


@contextmanager
def telling(screen: Screen, pause: Callable[[], None]) -> Iterator[None]:
    """Says on the screen when a stream loses its server, once for each loss, while it is entered.

    Args:
        screen: Where it is said, on standard error.
        pause: Ends the line that is being printed, if there is one.
    """
    log, listener = logging.getLogger("graphwire"), _Listener(screen, pause)
    before = log.level
    log.addHandler(listener)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(listener)
        log.setLevel(before)
