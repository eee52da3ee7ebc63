"""What a client of the documented surface does, and all that it sees of the answer.

Each scenario takes a caller and returns JSON. They are data of the project like the recording beside them: any server of the surface can be asked.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from tests.conformance.http.api import Api
from tests.conformance.http.scenarios import answers, meetings, readers, runs, streams, threads

Scenario: TypeAlias = Callable[[Api], Awaitable[Any]]

RECORDED: Mapping[str, Scenario] = {
    scenario.__name__: scenario for scenario in (*streams.SCENARIOS, *runs.SCENARIOS, *threads.SCENARIOS)
}
"""Those whose answers were recorded, by name."""

EXPECTED: Mapping[str, Scenario] = {
    scenario.__name__: scenario for scenario in (*meetings.SCENARIOS, *answers.SCENARIOS, *readers.SCENARIOS)
}
"""Those whose answers the wire facts say, by name."""

SCENARIOS: Mapping[str, Scenario] = {**RECORDED, **EXPECTED}
"""All scenarios, by name."""
