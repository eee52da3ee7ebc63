"""The one suite of every storage engine.

`suite(factory)` makes a test class of it for an engine. A case that an engine cannot pass stands, with its reason, in that call.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.storage.suite.assistants import AssistantCases
from tests.storage.suite.attempts import AttemptCases
from tests.storage.suite.cancels import CancelCases
from tests.storage.suite.checkpoints import CheckpointCases
from tests.storage.suite.copies import CopyCases
from tests.storage.suite.crons import ClaimCases, CronCases
from tests.storage.suite.deliveries import DeliveryCases
from tests.storage.suite.endings import EndingCases
from tests.storage.suite.engine import Engine
from tests.storage.suite.graphs import GraphCases
from tests.storage.suite.kept import KeptCases
from tests.storage.suite.pruning import PruningCases
from tests.storage.suite.requests import RequestCases
from tests.storage.suite.runs import RunCases
from tests.storage.suite.search import SearchCases
from tests.storage.suite.strategies import StrategyCases
from tests.storage.suite.sweeps import SweepCases
from tests.storage.suite.threads import ThreadCases
from tests.storage.suite.turns import TurnCases
from tests.storage.suite.undo import UndoCases
from tests.storage.suite.values import ValueCases

Factory = Callable[[Path], AbstractAsyncContextManager[Engine]]

ROW_CASES = (
    ThreadCases,
    SearchCases,
    RunCases,
    TurnCases,
    StrategyCases,
    CancelCases,
    AttemptCases,
    EndingCases,
    KeptCases,
    RequestCases,
    DeliveryCases,
    ClaimCases,
)
"""The cases of rows alone."""

ALL_CASES = (
    *ROW_CASES,
    AssistantCases,
    CronCases,
    CopyCases,
    CheckpointCases,
    GraphCases,
    UndoCases,
    PruningCases,
    SweepCases,
    ValueCases,
)
"""Those, the cases of assistants and crons, and those of checkpoints."""


def suite(factory: Factory, cannot: Mapping[str, str] | None = None, cases: tuple[type, ...] = ALL_CASES) -> type:
    @pytest.fixture
    async def engine(_: object, tmp_path: Path) -> AsyncIterator[Engine]:
        async with factory(tmp_path) as engine:
            yield engine

    made = type("Suite", cases, {"engine": engine})
    for name, reason in (cannot or {}).items():
        assert hasattr(made, name), f"the suite has no case {name}"
        setattr(made, name, _skipped(reason))
    return made


def _skipped(reason: str) -> Callable[[object], None]:
    def case(_: object) -> None:
        pytest.skip(reason)

    return case
