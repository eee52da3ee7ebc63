"""A graph's exception, as its callers may see it.

Owns which texts are shown. An exception's text may hold secrets (a URL with a password, a prompt), so only classes whose texts are known to
be about the program are shown (wire fact 23); the log has all of them.
"""

import builtins
import re

from langgraph import errors as graph_errors

from graphwire_server.core.errors import GraphwireError, StoreUnavailable
from graphwire_server.core.model import RunError
from graphwire_server.engine.encoding import text

_SHOWN = (ValueError, TypeError, KeyError, AttributeError, RuntimeError, RecursionError, TimeoutError, GraphwireError)
_RETRYABLE = (TimeoutError, ConnectionError, StoreUnavailable)
_HIDDEN_TEXT = "An internal error occurred"
_SHOWN_NAMES = frozenset(
    name
    for module in (builtins, graph_errors)
    for name, value in vars(module).items()
    if isinstance(value, type)
    and issubclass(value, BaseException)
    and (module is graph_errors or issubclass(value, _SHOWN))
)
_REPR = re.compile(r"(\w+)\(")


def run_error(error: BaseException) -> RunError:
    """The exception as data: its class, its text where that may be shown, and whether trying again may help."""
    shown = isinstance(error, _SHOWN) or type(error).__module__.startswith("langgraph.")
    return RunError(
        type=type(error).__name__,
        message=text(str(error)) if shown else _HIDDEN_TEXT,
        retryable=isinstance(error, _RETRYABLE),
    )


def task_error(error: object) -> str | None:
    """Why a task failed, under the same rule: an exception, or in a state what the checkpoint kept of it, its repr; None for none."""
    if error is None:
        return None
    if isinstance(error, BaseException):
        return run_error(error).message
    name = _REPR.match(str(error))
    return text(str(error)) if name and name[1] in _SHOWN_NAMES else _HIDDEN_TEXT
