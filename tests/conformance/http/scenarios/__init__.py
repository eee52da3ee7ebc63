"""What a client of the documented surface does, and all that it sees of the answer.

Each scenario takes a caller and returns JSON. They are data of the project like the recording beside them: any server of the surface can be asked.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from tests.conformance.http.api import Api
from tests.conformance.http.scenarios import runs, streams, threads

Scenario: TypeAlias = Callable[[Api], Awaitable[Any]]

SCENARIOS: Mapping[str, Scenario] = {
    scenario.__name__: scenario for scenario in (*streams.SCENARIOS, *runs.SCENARIOS, *threads.SCENARIOS)
}
"""All scenarios, by name."""
