"""One WebSocket of the v2 event protocol, on a core of fakes: what its subscriptions are said, and how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from graphwire_server.core.model import RunSpec
from graphwire_server.rest.v2.commands import Command, Commands
from graphwire_server.rest.v2.session import MOST_SUBSCRIPTIONS, RESTARTS, Closed, Session
from graphwire_server.rest.v2.starting import Sent
from tests.unit.core.fakes import THREAD, House, house, running

SPEC = RunSpec(assistant="agent", thread_id=THREAD, create_thread=True)
PATIENCE = 15.0


class Caller:
    """The other end: it hears everything."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.ended: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()

    async def say(self, *texts: bytes) -> None:
        for text in texts:
            self.heard.put_nowait(json.loads(text))

    async def close(self, closed: Closed) -> None:
        self.ended.set_result(closed)

    async def hear(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE):
            return [await self.heard.get() for _ in range(count)]


@asynccontextmanager
async def talking(core: House) -> AsyncIterator[tuple[Session, Caller]]:
    caller = Caller()
    session = Session(
        thread_id=THREAD,
        sent=Sent(headers={}),
        threads=core.threads,
        runs=core.runs,
        commands=Commands(core.threads, core.runs),
        way=caller,
    )
    async with running(core):
        try:
            yield session, caller
        finally:
            await session.end()


def subscribe(number: int, *channels: str, **more: Any) -> Command:
    return Command(id=number, method="subscription.subscribe", params={"channels": channels, **more})


async def test_the_answer_comes_before_the_envelopes() -> None:
    core = house()
    async with talking(core) as (session, caller):
        await core.events(SPEC)
        await session.answer(subscribe(1, "values", "lifecycle"))
        answer, *events = await caller.hear(4)

    assert answer == {"type": "success", "id": 1, "result": {"subscription_id": "subscription-1"}}
    assert [event["method"] for event in events] == ["lifecycle", "values", "lifecycle"]


async def test_another_subscription_gets_what_it_lacks() -> None:
    core = house()
    async with talking(core) as (session, caller):
        await core.events(SPEC)
        await session.answer(subscribe(1, "lifecycle"))
        await caller.hear(3)
        await session.answer(subscribe(2, "lifecycle", "values"))
        _, *events = await caller.hear(4)
        await core.events(SPEC)
        later = await caller.hear(3)

    assert [event["method"] for event in events] == ["lifecycle", "values", "lifecycle"]
    assert [event["method"] for event in later] == ["lifecycle", "values", "lifecycle"], "once for both"


async def test_a_subscription_too_many() -> None:
    core = house()
    async with talking(core) as (session, caller):
        await core.events(SPEC)
        for number in range(MOST_SUBSCRIPTIONS + 1):
            await session.answer(subscribe(number, "input"))
        *_, last = await caller.hear(MOST_SUBSCRIPTIONS + 1)

    assert last["error"] == "invalid_argument"


async def test_a_thread_that_is_none_ends_the_socket() -> None:
    async with talking(house()) as (session, caller):
        with pytest.raises(Closed) as closed:
            await session.answer(subscribe(1, "values"))

        assert closed.value.code == 4404
        assert (await caller.hear(1))[0]["error"] == "no_such_run"


async def test_the_servers_end() -> None:
    core = house()
    async with talking(core) as (session, caller):
        await core.events(SPEC)
        await session.answer(subscribe(1, "values"))
        core.logs.close()
        async with asyncio.timeout(PATIENCE):
            closed = await caller.ended

    assert closed.code == RESTARTS
