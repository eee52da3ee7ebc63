"""What LangGraph asks of a checkpoint saver."""

from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import Checkpoint, CheckpointTuple, create_checkpoint, empty_checkpoint

from tests.storage.suite.engine import Engine
from tests.storage.suite.life import admit, ending
from tests.storage.suite.samples import run, thread


def config(thread_id: str = "t1", ns: str = "", checkpoint_id: str | None = None) -> RunnableConfig:
    configurable = {"thread_id": thread_id, "checkpoint_ns": ns}
    return {"configurable": configurable if checkpoint_id is None else {**configurable, "checkpoint_id": checkpoint_id}}


def next_checkpoint(step: int, value: Any) -> Checkpoint:
    checkpoint = create_checkpoint(empty_checkpoint(), None, step)
    return {**checkpoint, "channel_values": {"x": value}, "channel_versions": {"x": f"{step:032}"}}


async def put(engine: Engine, at: RunnableConfig, step: int, value: Any = None) -> RunnableConfig:
    checkpoint = next_checkpoint(step, value)
    return await engine.saver.aput(
        at, checkpoint, {"source": "loop", "step": step, "parents": {}}, checkpoint["channel_versions"]
    )


async def listed(engine: Engine, at: RunnableConfig | None, **how: Any) -> list[CheckpointTuple]:
    return [found async for found in engine.saver.alist(at, **how)]


def id_of(at: RunnableConfig) -> str:
    return str(at["configurable"]["checkpoint_id"])


class CheckpointCases:
    async def test_a_checkpoint_reads_back_as_it_was(self, engine: Engine) -> None:
        value = {"text": "ü", "big": 2**63 - 1, "bytes": b"\x00\xff"}
        first = await put(engine, config(), 1)
        second = await put(engine, first, 2, value)
        found = await engine.saver.aget_tuple(config())
        assert found is not None
        assert (found.config, found.parent_config) == (second, first)
        assert found.checkpoint["channel_values"] == {"x": value}
        assert found.metadata["step"] == 2
        older = await engine.saver.aget_tuple(first)
        assert older is not None
        assert older.metadata["step"] == 1
        assert older.parent_config is None

    async def test_what_is_not_there(self, engine: Engine) -> None:
        assert await engine.saver.aget_tuple(config()) is None
        assert await engine.saver.aget_tuple(config(checkpoint_id="c")) is None
        assert await listed(engine, config()) == []
        assert engine.last.last_checkpoint_id("t1") is None

    async def test_writes_belong_to_their_checkpoint(self, engine: Engine) -> None:
        first = await put(engine, config(), 1)
        second = await put(engine, first, 2)
        await engine.saver.aput_writes(first, [("x", 1), ("y", {"z": 2})], "task-b", "path-b")
        await engine.saver.aput_writes(first, [("x", 3)], "task-a", "path-a")
        await engine.saver.aput_writes(first, [("x", "again")], "task-a", "path-a")
        found = await engine.saver.aget_tuple(first)
        assert found is not None
        assert found.pending_writes == [("task-a", "x", 3), ("task-b", "x", 1), ("task-b", "y", {"z": 2})]
        latest = await engine.saver.aget_tuple(second)
        assert latest is not None
        assert latest.pending_writes == []

    async def test_the_list_is_newest_first_and_filtered(self, engine: Engine) -> None:
        at = config()
        made = [at := await put(engine, at, step) for step in range(5)]
        await put(engine, config(ns="sub"), 7)
        await put(engine, config("t2"), 8)
        found = await listed(engine, config())
        assert [each.config for each in found] == made[::-1]
        assert [each.config for each in await listed(engine, config(), limit=2)] == [made[4], made[3]]
        assert [each.config for each in await listed(engine, config(), before=made[2])] == [made[1], made[0]]
        assert [each.config for each in await listed(engine, config(), filter={"step": 3})] == [made[3]]
        assert len(await listed(engine, None)) == 7

    async def test_the_last_checkpoint_is_the_root_graphs(self, engine: Engine) -> None:
        first = await put(engine, config(), 1)
        await put(engine, config(ns="sub"), 2)
        assert engine.last.last_checkpoint_id("t1") == id_of(first)
        second = await put(engine, first, 3)
        assert engine.last.last_checkpoint_id("t1") == id_of(second)
        assert engine.last.last_checkpoint_id("t2") is None

    async def test_deleting_a_thread_deletes_its_checkpoints(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        for at in (config(), config(ns="sub"), config("t2")):
            stored = await put(engine, at, 1, "value")
            await engine.saver.aput_writes(stored, [("x", 1)], "task")
        await engine.store.delete_thread("t1")
        assert await listed(engine, config()) == []
        assert [each.config["configurable"]["thread_id"] for each in await listed(engine, None)] == ["t2"]
        await engine.saver.adelete_thread("t2")
        assert await listed(engine, None) == []
        await engine.saver.adelete_thread("t2")

    async def test_a_run_that_leaves_nothing_takes_its_checkpoints_along(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        stored = await put(engine, config(), 1)
        await engine.saver.aput_writes(stored, [("x", 1)], "task")

        await engine.store.finish_run(ending(first, leaves_nothing=True))

        assert await listed(engine, config()) == []
