"""What the cases do to runs."""

from dataclasses import replace
from typing import Any

from graphwire_server.core.lifecycle import thread_status
from graphwire_server.core.model import MultitaskStrategy, Outcome, Run, RunSpec, RunStatus, Thread
from graphwire_server.core.ports import Ending, Store
from tests.storage.suite.engine import Engine
from tests.storage.suite.samples import at, run, success

BLOCK = 100


async def admit(store: Store, value: Run, **how: Any) -> Run:
    admitted = await store.admit_run(value, **{"create_thread": True, "may_start": True, "seq_block": BLOCK, **how})
    return admitted.run


async def finish(store: Store, value: Run, outcome: Outcome, last_seq: int, second: float = 5, **how: Any) -> None:
    await store.finish_run(ending(value, outcome, last_seq, second, **how))


def ending(value: Run, outcome: Outcome | None = None, last_seq: int = 4, second: float = 5, **how: Any) -> Ending:
    outcome = outcome or success()
    ended = replace(value, status=outcome.status, outcome=outcome, last_seq=last_seq, updated_at=at(second))
    return Ending(**{"run": ended, "thread_status": thread_status(outcome), **how})


def stopped(**changes: Any) -> Outcome:
    return Outcome(**{"status": RunStatus.INTERRUPTED, **changes})


def with_strategy(strategy: MultitaskStrategy, run_id: str, thread_id: str = "t1", **changes: Any) -> Run:
    return run(
        run_id, thread_id, spec=RunSpec(assistant="joke", thread_id=thread_id, multitask_strategy=strategy), **changes
    )


async def the_thread(engine: Engine, thread_id: str = "t1") -> Thread:
    found = await engine.store.get_thread(thread_id)
    assert found is not None
    return found


async def the_run(engine: Engine, run_id: str) -> Run:
    found = await engine.store.get_run(run_id)
    assert found is not None
    return found
