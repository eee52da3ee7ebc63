"""Crons, and how their firings are taken."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from graphwire_server.core.cron import Claim, Cron, CronQuery, CronSort, FiringTaken
from graphwire_server.core.errors import ThreadBusy, ThreadNotFound
from graphwire_server.core.model import Admitted, Durability, MultitaskStrategy, Page, Run, RunSpec
from tests.storage.suite.assistants import assistant
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import BLOCK, admit, with_strategy
from tests.storage.suite.samples import at, run, thread

ALL = CronQuery()
PAGE = Page(limit=100)


def cron(
    cron_id: str, *, second: float = 0, assistant: str = "a", thread_id: str | None = None, **changes: Any
) -> Cron:
    return Cron(
        **{
            "cron_id": cron_id,
            "spec": RunSpec(assistant=assistant, thread_id=thread_id),
            "schedule": "* * * * *",
            "created_at": at(second),
            "updated_at": at(second),
            "next_at": at(60),
            **changes,
        }
    )


async def add(engine: Engine, *crons: Cron) -> None:
    for each in crons:
        await engine.crons.add(each)


async def found(engine: Engine, query: CronQuery = ALL, sort: CronSort = CronSort.CRON_ID, **more: Any) -> list[str]:
    page, ascending = more.get("page", PAGE), more.get("ascending", True)
    return [each.cron_id for each in await engine.crons.search(query, page, sort, ascending=ascending)]


def claim(**changes: Any) -> Claim:
    return Claim(**{"cron_id": "c1", "next_at": at(60), "firing_at": at(60), "following": at(120), **changes})


async def fire(engine: Engine, value: Run, **changes: Any) -> Admitted:
    return await engine.store.admit_run(
        value, create_thread=True, may_start=True, seq_block=BLOCK, claim=claim(**changes)
    )


class ClaimCases:
    """What a store of runs does with the firings of crons that are on no thread."""

    async def test_a_firing_is_taken_with_its_run(self, engine: Engine) -> None:
        await add(engine, cron("c1", problem="was wrong"))

        admitted = await fire(engine, run("r1", "t1"))

        after = await engine.crons.get("c1")
        assert admitted.run.run_id == "r1"
        assert after is not None
        assert (after.next_at, after.fired_at, after.last_run_id, after.problem) == (at(120), at(60), "r1", None)
        assert after.updated_at == at(0)

    async def test_the_last_firing_leaves_none(self, engine: Engine) -> None:
        await add(engine, cron("c1"))

        await fire(engine, run("r1", "t1"), following=None)

        after = await engine.crons.get("c1")
        assert after is not None
        assert after.next_at is None

    async def test_a_firing_is_taken_once(self, engine: Engine) -> None:
        await add(engine, cron("c1"))
        await fire(engine, run("r1", "t1"))

        with pytest.raises(FiringTaken):
            await fire(engine, run("r2", "t2"))

        assert await engine.store.get_run("r2") is None
        assert await engine.store.get_thread("t2") is None

    async def test_of_many_who_try_one_takes_a_firing(self, engine: Engine) -> None:
        await add(engine, cron("c1"))

        tried = await asyncio.gather(
            *(fire(engine, run(f"r{number}", f"t{number}")) for number in range(50)), return_exceptions=True
        )

        assert sum(isinstance(each, FiringTaken) for each in tried) == 49
        assert len(await engine.store.unfinished_runs()) == 1

    async def test_a_firing_whose_run_is_refused_is_not_taken(self, engine: Engine) -> None:
        await add(engine, cron("c1"))
        await admit(engine.store, run("r1", "t1"))

        with pytest.raises(ThreadBusy):
            await fire(engine, with_strategy(MultitaskStrategy.REJECT, "r2"))

        assert await engine.crons.get("c1") == cron("c1")

    async def test_the_firing_of_a_cron_that_is_gone_is_not_to_be_had(self, engine: Engine) -> None:
        with pytest.raises(FiringTaken):
            await fire(engine, run("r1", "t1"))

        assert await engine.store.get_run("r1") is None


class CronCases:
    async def test_a_cron_is_read_as_it_was_written(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        spec = RunSpec(
            assistant="a",
            thread_id="t1",
            has_input=True,
            input={"n": 2**70},
            metadata={"a": [1]},
            durability=Durability.EXIT,
            multitask_strategy=MultitaskStrategy.ROLLBACK,
        )
        whole = cron(
            "c1",
            spec=spec,
            timezone="Europe/Berlin",
            end_time=at(1000),
            enabled=False,
            next_at=None,
            fired_at=at(50),
            last_run_id="r",
            problem="\ud800",
        )
        await add(engine, whole, cron("c2"))

        assert await engine.crons.get("c1") == whole
        assert await engine.crons.get("c2") == cron("c2")
        assert await engine.crons.get("c3") is None

    async def test_a_cron_needs_its_thread(self, engine: Engine) -> None:
        with pytest.raises(ThreadNotFound):
            await engine.crons.add(cron("c1", thread_id="nobody"))

        assert await engine.crons.count(ALL) == 0

    async def test_the_crons_of_a_thread_go_with_it(self, engine: Engine) -> None:
        for thread_id in ("t1", "t2"):
            await engine.store.create_thread(thread(thread_id))
        await add(engine, cron("c1", thread_id="t1"), cron("c2", thread_id="t2"), cron("c3"))

        await engine.store.delete_thread("t1")

        assert await found(engine) == ["c2", "c3"]

    async def test_the_crons_of_an_assistant_go_with_it(self, engine: Engine) -> None:
        await engine.assistants.create(assistant("a1"))
        await add(engine, cron("c1", assistant="a1"), cron("c2", assistant="a2"))

        await engine.assistants.delete("a1")

        assert await found(engine) == ["c2"]

    async def test_a_change_sees_what_is_there(self, engine: Engine) -> None:
        await add(engine, cron("c1"))

        changed = await asyncio.gather(
            *(engine.crons.change("c1", lambda found: replace(found, schedule=found.schedule + "+")) for _ in range(20))
        )

        assert await engine.crons.get("c1") == cron("c1", schedule="* * * * *" + "+" * 20)
        assert len({each and each.schedule for each in changed}) == 20
        assert await engine.crons.change("c2", lambda found: found) is None

    async def test_a_change_that_raises_changes_nothing(self, engine: Engine) -> None:
        await add(engine, cron("c1"))

        def change(found: Cron) -> Cron:
            raise ThreadNotFound("t1")

        with pytest.raises(ThreadNotFound):
            await engine.crons.change("c1", change)

        assert await engine.crons.get("c1") == cron("c1")

    async def test_a_cron_is_deleted(self, engine: Engine) -> None:
        await add(engine, cron("c1"), cron("c2"))

        assert await engine.crons.delete("c1")
        assert not await engine.crons.delete("c1")
        assert await found(engine) == ["c2"]

    async def test_crons_are_found_by_what_they_are(self, engine: Engine) -> None:
        await engine.store.create_thread(thread("t1"))
        metadata = RunSpec(assistant="a", metadata={"team": "x", "more": {"n": 1}})
        await add(
            engine,
            cron("c1", thread_id="t1"),
            cron("c2", assistant="b", enabled=False),
            cron("c3", spec=metadata),
        )
        queries = {
            "all": ALL,
            "assistant": CronQuery(assistant_id="a"),
            "thread": CronQuery(thread_id="t1"),
            "enabled": CronQuery(enabled=True),
            "disabled": CronQuery(enabled=False),
            "metadata": CronQuery(metadata={"team": "x"}),
            "inside": CronQuery(metadata={"more": {"n": 1}}),
            "other": CronQuery(metadata={"team": "y"}),
            "both": CronQuery(assistant_id="a", metadata={"team": "x"}),
        }

        seen = {name: await found(engine, query) for name, query in queries.items()}

        assert seen == {
            "all": ["c1", "c2", "c3"],
            "assistant": ["c1", "c3"],
            "thread": ["c1"],
            "enabled": ["c1", "c3"],
            "disabled": ["c2"],
            "metadata": ["c3"],
            "inside": ["c3"],
            "other": [],
            "both": ["c3"],
        }
        assert {name: await engine.crons.count(query) for name, query in queries.items()} == {
            name: len(ids) for name, ids in seen.items()
        }

    @pytest.mark.parametrize(
        ("sort", "ascending", "descending"),
        [
            (CronSort.CRON_ID, "123", "321"),
            (CronSort.ASSISTANT_ID, "312", "213"),
            (CronSort.THREAD_ID, "213", "231"),
            (CronSort.CREATED_AT, "132", "231"),
            (CronSort.UPDATED_AT, "132", "231"),
            (CronSort.NEXT_AT, "213", "123"),
            (CronSort.END_TIME, "312", "321"),
        ],
    )
    async def test_crons_are_sorted(self, engine: Engine, sort: CronSort, ascending: str, descending: str) -> None:
        """By id, and by what some lack: those come last, whichever way."""
        await engine.store.create_thread(thread("t1"))
        await add(
            engine,
            cron("1", assistant="b", second=1, next_at=at(90)),
            cron("2", assistant="c", second=9, thread_id="t1", next_at=at(60)),
            cron("3", assistant="a", second=5, next_at=None, end_time=at(3)),
        )

        up = await found(engine, sort=sort)
        down = await found(engine, sort=sort, ascending=False)

        assert ("".join(up), "".join(down)) == (ascending, descending)

    async def test_pages(self, engine: Engine) -> None:
        await add(engine, *(cron(f"c{number}") for number in range(5)))

        assert await found(engine, page=Page(offset=1, limit=2)) == ["c1", "c2"]
        assert await found(engine, page=Page(offset=4, limit=2)) == ["c4"]
        assert await found(engine, page=Page(offset=9, limit=2)) == []

    async def test_what_is_due_comes_by_its_time(self, engine: Engine) -> None:
        await add(
            engine,
            cron("c1", next_at=at(60)),
            cron("c2", next_at=at(30)),
            cron("c3", next_at=None),
            cron("c4", next_at=at(90)),
        )

        due = {seconds: [each.cron_id for each in await engine.crons.due(at(seconds), 10)] for seconds in (29, 30, 60)}

        assert due == {29: [], 30: ["c2"], 60: ["c2", "c1"]}
        assert [each.cron_id for each in await engine.crons.due(at(99), 2)] == ["c2", "c1"]
        assert await engine.crons.next_due() == at(30)

    async def test_nothing_is_due_where_nothing_will_be(self, engine: Engine) -> None:
        assert await engine.crons.next_due() is None
        await add(engine, cron("c1", next_at=None))

        assert await engine.crons.next_due() is None
        assert await engine.crons.due(at(1e9), 10) == []
