"""How long a test may take that starts a server, or talks to one over a socket.

Owns that one limit. Alone such a test takes seconds; on two cores that do other things too, a process alone takes as long to start. What a promise says of time is
held by the tests themselves: this limit is for what hangs.
"""

from pathlib import Path

import pytest

SECONDS = 240
_FOLDERS = frozenset({"clients", "conformance", "faults", "parity", "protos"})
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(_HERE).parts[0]
        if folder in _FOLDERS and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SECONDS))
