"""Callers' keys against doubled runs."""

import asyncio
from typing import Any

import pytest

from graphwire_server.core.errors import RequestReused, RunNotFound, ThreadBusy, ThreadNotFound
from graphwire_server.core.model import Admitted, MultitaskStrategy, Page, RequestKey, Run
from tests.storage.suite.engine import Engine
from tests.storage.suite.life import BLOCK, admit, finish, the_run, with_strategy
from tests.storage.suite.samples import at, run, success


def key(request_id: str = "key", **changes: Any) -> RequestKey:
    return RequestKey(**{"request_id": request_id, "fingerprint": "f", "now": at(0), "expires_at": at(60), **changes})


async def request(engine: Engine, value: Run, **changes: Any) -> Admitted:
    return await engine.store.admit_run(value, create_thread=True, may_start=True, seq_block=BLOCK, key=key(**changes))


class RequestCases:
    async def test_a_repeated_request_gets_its_run(self, engine: Engine) -> None:
        first = await request(engine, run("r1", "t1"))

        again = await request(engine, run("r2", "t2"))

        assert (first.existing, first.run.run_id) == (False, "r1")
        assert again == Admitted(run=first.run, existing=True)
        assert await engine.store.get_run("r2") is None
        assert await engine.store.get_thread("t2") is None

    async def test_a_repeated_request_gets_its_run_as_it_is_now(self, engine: Engine) -> None:
        first = await request(engine, run("r1", "t1"))
        await finish(engine.store, first.run, success(), 4)

        again = await request(engine, run("r2", "t1"))

        assert again.run == await the_run(engine, "r1")

    async def test_other_keys_and_none_make_other_runs(self, engine: Engine) -> None:
        await request(engine, run("r1", "t1"))

        assert not (await request(engine, run("r2", "t1"), request_id="another")).existing
        assert (await admit(engine.store, run("r3", "t1"))).run_id == "r3"

    async def test_a_key_is_for_one_request(self, engine: Engine) -> None:
        await request(engine, run("r1", "t1"))

        with pytest.raises(RequestReused) as refused:
            await request(engine, run("r2", "t1"), fingerprint="other")

        assert refused.value.metadata["run_id"] == "r1"
        assert await engine.store.get_run("r2") is None

    async def test_the_run_of_a_key_may_be_gone(self, engine: Engine) -> None:
        first = await request(engine, run("r1", "t1"))
        await finish(engine.store, first.run, success(), 4)
        await engine.store.delete_run("r1")

        with pytest.raises(RunNotFound) as gone:
            await request(engine, run("r2", "t1"))

        assert gone.value.resource_id == "r1"

    async def test_a_key_whose_time_has_passed_is_as_if_it_were_not_there(self, engine: Engine) -> None:
        await request(engine, run("r1", "t1"))

        again = await request(engine, run("r2", "t1"), now=at(60), expires_at=at(99), fingerprint="other")

        assert (again.existing, again.run.run_id) == (False, "r2")
        assert (await engine.store.find_request(key(now=at(98), fingerprint="other"))) == again.run

    async def test_a_request_is_found(self, engine: Engine) -> None:
        assert await engine.store.find_request(key()) is None
        first = await request(engine, run("r1", "t1"))

        assert await engine.store.find_request(key()) == first.run
        assert await engine.store.find_request(key(now=at(60))) is None
        with pytest.raises(RequestReused):
            await engine.store.find_request(key(fingerprint="other"))

    async def test_the_run_of_a_request_that_is_looked_for_may_be_gone(self, engine: Engine) -> None:
        first = await request(engine, run("r1", "t1"))
        await finish(engine.store, first.run, success(), 4, leaves_nothing=True)

        with pytest.raises(RunNotFound):
            await engine.store.find_request(key())

    async def test_a_request_that_was_refused_may_come_again(self, engine: Engine) -> None:
        first = await admit(engine.store, run("r1", "t1"))
        with pytest.raises(ThreadBusy):
            await request(engine, with_strategy(MultitaskStrategy.REJECT, "r2"))
        with pytest.raises(ThreadNotFound):
            await engine.store.admit_run(
                run("r3", "nobody"), create_thread=False, may_start=True, seq_block=BLOCK, key=key()
            )
        await finish(engine.store, first, success(), 4)

        again = await request(engine, with_strategy(MultitaskStrategy.REJECT, "r4"))

        assert (again.existing, again.run.run_id) == (False, "r4")

    async def test_of_many_that_come_at_once_one_makes_the_run(self, engine: Engine) -> None:
        made = await asyncio.gather(*(request(engine, run(f"r{number}", "t1")) for number in range(50)))

        assert sorted(each.existing for each in made) == [False] + [True] * 49
        assert len({each.run.run_id for each in made}) == 1
        assert len(await engine.store.list_runs("t1", None, Page(limit=100))) == 1

    async def test_keys_go_when_their_time_has_passed(self, engine: Engine) -> None:
        await request(engine, run("r1", "t1"))
        await request(engine, run("r2", "t1"), request_id="later", expires_at=at(90))

        assert await engine.store.expire(at(59)) == at(60)
        assert await engine.store.expire(at(60)) == at(90)
        assert await engine.store.expire(at(90)) is None
        assert await engine.store.expire(at(90)) is None
