from typing import cast

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.pruning import MOST_PRUNED, Pruned, Pruner, Pruning
from graphwire_server.core.ttl import TtlStrategy
from tests.unit.core.fakes import OTHER, THREAD, Executor, House, house, on_thread, running

DELETE, KEEP_LATEST = TtlStrategy.DELETE, TtlStrategy.KEEP_LATEST


class Parts:
    """A pruner that has much to do."""

    def __init__(self, parts: int) -> None:
        self.left = parts

    async def trim_thread(self, thread_id: str) -> bool:
        self.left -= 1
        return self.left > 0


async def exists(made: House, thread_id: str) -> bool:
    return await made.store.get_thread(thread_id) is not None


async def test_threads_are_deleted_each_once_and_unknown_ones_are_passed_over() -> None:
    made = house()
    await made.threads.create(THREAD, {})

    assert await made.pruning.prune([THREAD.upper(), THREAD, OTHER], DELETE) == Pruned(count=1)
    assert not await exists(made, THREAD)
    assert await made.pruning.prune([THREAD], DELETE) == Pruned(count=0)


async def test_a_thread_that_keeps_its_latest_state_stays() -> None:
    made = house()
    await made.threads.create(THREAD, {})

    assert await made.pruning.prune([THREAD, OTHER], KEEP_LATEST) == Pruned(count=1)
    assert await exists(made, THREAD)


@pytest.mark.parametrize("strategy", TtlStrategy)
async def test_a_busy_thread_loses_nothing_and_is_named(strategy: TtlStrategy) -> None:
    executor = Executor()
    executor.script = executor.held
    async with running(house(executor)) as made:
        run = await made.runs.create(on_thread())
        await made.threads.create(OTHER, {})
        await made.begun()

        pruned = await made.pruning.prune([THREAD, OTHER], strategy)

        assert pruned == Pruned(count=1, busy=(THREAD,))
        assert await exists(made, THREAD)
        executor.release.set()
        await made.end(run)


async def test_all_parts_of_a_long_thread_go() -> None:
    made, parts = house(), Parts(5)
    await Pruning(made.threads, cast("Pruner", parts)).prune([THREAD], KEEP_LATEST)

    assert parts.left == 0


@pytest.mark.parametrize(
    ("ids", "field"),
    [([], "thread_ids"), ([THREAD] * (MOST_PRUNED + 1), "thread_ids"), ([THREAD, "x"], "thread_ids[1]")],
)
async def test_ids_that_cannot_be_meant_prune_nothing(ids: list[str], field: str) -> None:
    made = house()
    await made.threads.create(THREAD, {})
    with pytest.raises(InvalidField) as refused:
        await made.pruning.prune(ids, DELETE)

    assert refused.value.field == field
    assert await exists(made, THREAD)
