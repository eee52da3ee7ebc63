"""The whole life of runs, as random sequences of all that may happen to them."""

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.core.machine.machine import Machine

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "0"))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No log, since every outage writes one."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_whatever_happens() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES or 50,
            stateful_step_count=40,
            deadline=None,
            derandomize=not EXAMPLES,
            database=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
