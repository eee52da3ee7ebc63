"""A graph's exception, as its callers may see it.

Owns which texts are shown. An exception's text may hold secrets (a URL with a password, a prompt), so only classes whose texts are known to
be about the program are shown (wire fact 23); the log has all of them.
"""

from graphwire_server.core.errors import GraphwireError, StoreUnavailable
from graphwire_server.core.model import RunError
from graphwire_server.engine.encoding import text

_SHOWN = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, RecursionError, TimeoutError, GraphwireError)
_RETRYABLE = (TimeoutError, ConnectionError, StoreUnavailable)
_HIDDEN_TEXT = "An internal error occurred"


def run_error(error: BaseException) -> RunError:
    """The exception as data: its class, its text where that may be shown, and whether trying again may help."""
    shown = isinstance(error, _SHOWN) or type(error).__module__.startswith("langgraph.")
    return RunError(
        type=type(error).__name__,
        message=text(str(error)) if shown else _HIDDEN_TEXT,
        retryable=isinstance(error, _RETRYABLE),
    )
