"""The one suite of every storage engine.

`suite(factory)` makes a test class of it for an engine. A case that an engine cannot pass stands, with its reason, in that call.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.storage.suite.checkpoints import CheckpointCases
from tests.storage.suite.copies import CopyCases
from tests.storage.suite.engine import Engine
from tests.storage.suite.graphs import GraphCases
from tests.storage.suite.runs import RunCases
from tests.storage.suite.search import SearchCases
from tests.storage.suite.threads import ThreadCases
from tests.storage.suite.turns import TurnCases

Factory = Callable[[Path], AbstractAsyncContextManager[Engine]]


def suite(factory: Factory, cannot: Mapping[str, str] | None = None) -> type:
    class Suite(ThreadCases, CopyCases, SearchCases, RunCases, TurnCases, CheckpointCases, GraphCases):
        @pytest.fixture
        async def engine(self, tmp_path: Path) -> AsyncIterator[Engine]:
            async with factory(tmp_path) as engine:
                yield engine

    for name, reason in (cannot or {}).items():
        assert hasattr(Suite, name), f"the suite has no case {name}"
        setattr(Suite, name, _skipped(reason))
    return Suite


def _skipped(reason: str) -> Callable[[object], None]:
    def case(_: object) -> None:
        pytest.skip(reason)

    return case
