"""What an attempt that is over can no longer write."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from langgraph.graph import START, StateGraph

from graphwire_server.core.errors import LeaseLost
from graphwire_server.core.model import CancelAction, Run
from graphwire_server.engine.request import graph_config
from graphwire_server.storage.sqlite.database import Database
from tests.storage.sqlite.engines import engine_of
from tests.storage.suite.checkpoints import config, next_checkpoint, put
from tests.storage.suite.engine import Engine
from tests.storage.suite.graphs import State, two_steps
from tests.storage.suite.life import BLOCK, admit, finish, stopped
from tests.storage.suite.samples import at, run, success
from tests.storage.suite.undo import begun, bound, everything


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with Database.open(tmp_path) as database:
        yield engine_of(database)


async def end(engine: Engine, value: Run) -> None:
    await finish(engine.store, value, success(), 9)


async def release(engine: Engine, value: Run) -> None:
    await engine.store.release_run(value, 9, lost=True, now=at(3))


async def start_again(engine: Engine, value: Run) -> None:
    await release(engine, value)
    await engine.store.start_next(value.thread_id, seq_block=BLOCK, now=at(4))


async def roll_back(engine: Engine, value: Run) -> None:
    await finish(engine.store, value, stopped(), 9, rolled_back=True)


async def delete(engine: Engine, value: Run) -> None:
    await end(engine, value)
    await engine.store.delete_thread(value.thread_id)


OVER = [end, release, start_again, roll_back, delete]


def written(engine: Engine) -> list[Callable[[], Awaitable[Any]]]:
    """All ways to write."""
    saver, step = engine.saver, {"step": 1}
    checkpoint, place = next_checkpoint(1, "late"), config(checkpoint_id="c")
    return [
        lambda: saver.aput(config(), checkpoint, step, {}),  # type: ignore[arg-type]  # all that a test needs
        lambda: saver.aput_writes(place, [("x", "late")], "task"),
        lambda: saver.adelete_thread("t1"),
        lambda: asyncio.to_thread(saver.put, config(), checkpoint, step, {}),  # type: ignore[arg-type]  # as above
        lambda: asyncio.to_thread(saver.put_writes, place, [("x", "late")], "task"),
        lambda: asyncio.to_thread(saver.delete_thread, "t1"),
    ]


@pytest.mark.parametrize("over", OVER)
async def test_nothing_is_written_for_an_attempt_that_is_over(
    engine: Engine, over: Callable[[Engine, Run], Awaitable[None]]
) -> None:
    value = await begun(engine, 1)
    await put(bound(engine, value), config(), 1, "in time")
    await over(engine, value)
    before = await everything(engine)

    for write in written(bound(engine, value)):
        with pytest.raises(LeaseLost):
            await write()

    assert await everything(engine) == before


async def test_a_synchronous_write_on_the_loop_is_refused_at_once(engine: Engine) -> None:
    value = await begun(engine, 1)
    await end(engine, value)
    saver = bound(engine, value).saver

    with pytest.raises(LeaseLost):
        saver.put(config(), next_checkpoint(1, "late"), {"step": 1}, {})
    with pytest.raises(LeaseLost):
        saver.put_writes(config(checkpoint_id="c"), [("x", 1)], "task")

    assert await everything(engine) == []


async def test_a_write_and_the_end_of_its_run_in_one_tick_are_in_order(engine: Engine) -> None:
    value = await begun(engine, 1)
    mine = bound(engine, value)

    results = await asyncio.gather(
        put(mine, config(), 1, "before"),
        end(engine, value),
        put(mine, config(), 2, "after"),
        return_exceptions=True,
    )

    assert [type(each) for each in results] == [dict, type(None), LeaseLost]
    assert [each.checkpoint["channel_values"] for each in await everything(engine)] == [{"x": "before"}]


async def test_a_run_that_was_only_asked_to_stop_still_writes(engine: Engine) -> None:
    value = await begun(engine, 1)

    await engine.store.request_cancel(value.run_id, CancelAction.ROLLBACK)

    await put(bound(engine, value), config(), 1)


async def test_the_attempt_that_runs_writes(engine: Engine) -> None:
    value = await begun(engine, 1)
    await release(engine, value)
    again = await engine.store.start_next("t1", seq_block=BLOCK, now=at(4))
    assert again is not None

    result = await two_steps(bound(engine, again)).ainvoke({"steps": ["x"]}, graph_config(again))

    assert result["steps"] == ["x", "x 1", "x 2"]


async def test_what_no_run_writes_is_not_refused(engine: Engine) -> None:
    value = await begun(engine, 1)
    await two_steps(bound(engine, value)).ainvoke({"steps": ["x"]}, graph_config(value))
    await end(engine, value)

    await two_steps(engine).aupdate_state(config(), {"steps": ["edited"]})

    assert (await two_steps(engine).aget_state(config())).values["steps"][-1] == "edited"


async def test_runs_that_share_a_database_are_refused_apart(engine: Engine) -> None:
    first, second = await begun(engine, 1), await admit(engine.store, run(str(UUID(int=2)), "t2"))
    mine, other = bound(engine, first), bound(engine, second)
    await end(engine, first)

    await put(other, config("t2"), 1)

    with pytest.raises(LeaseLost):
        await put(mine, config("t2"), 2)


async def test_a_copy_of_a_runs_saver_is_the_runs_too(engine: Engine) -> None:
    value = await begun(engine, 1)
    copy = bound(engine, value).saver.with_allowlist([("tests.storage.sqlite.test_fence", "State")])
    await end(engine, value)

    with pytest.raises(LeaseLost):
        await copy.aput(config(), next_checkpoint(1, "late"), {"step": 1}, {})


async def test_a_nodes_thread_that_outlives_its_run_changes_nothing(engine: Engine) -> None:
    value = await begun(engine, 1)
    saver, entered, leave, outcome = bound(engine, value).saver, asyncio.Event(), threading.Event(), []
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def below(state: State) -> dict[str, list[str]]:
        return {"steps": ["below"]}

    inner = StateGraph(State).add_node(below).add_edge(START, "below").compile(checkpointer=True)

    def lingers(state: State) -> dict[str, list[str]]:
        loop.call_soon_threadsafe(entered.set)
        leave.wait(10)
        try:
            return {"steps": inner.invoke({"steps": []})["steps"]}
        except LeaseLost as refused:
            outcome.append(refused)
            raise
        finally:
            loop.call_soon_threadsafe(told.set)

    graph = StateGraph(State).add_node(lingers).add_edge(START, "lingers").compile(checkpointer=saver)
    running = asyncio.ensure_future(graph.ainvoke({"steps": ["x"]}, graph_config(value), durability="sync"))
    await entered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await finish(engine.store, value, stopped(), 9)
    before = await everything(engine)

    leave.set()
    await told.wait()

    assert [type(each) for each in outcome] == [LeaseLost]
    assert await everything(engine) == before
