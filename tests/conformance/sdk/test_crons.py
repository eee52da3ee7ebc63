"""Crons, through both clients of the Python SDK: every public method."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from langgraph_sdk.errors import NotFoundError, UnprocessableEntityError

from tests.conformance.sdk.clients import Sdk

YEARLY = "0 9 1 1 *"
ASKED: dict[str, Any] = {
    "input": {"topic": "ice"},
    "config": {"tags": ["a"]},
    "interrupt_before": ["refine_topic"],
    "interrupt_after": ["generate_joke"],
    "multitask_strategy": "enqueue",
    "stream_mode": ["values"],
    "stream_subgraphs": True,
    "stream_resumable": True,
    "durability": "sync",
}


async def test_a_cron_without_a_thread(sdk: Sdk) -> None:
    end = datetime(2999, 1, 1, tzinfo=UTC)

    made = await sdk(
        lambda c: c.crons.create(
            "joke",
            schedule=YEARLY,
            timezone=ZoneInfo("Europe/Berlin"),
            end_time=end,
            enabled=True,
            on_run_completed="keep",
            metadata={"m": 1},
            **ASKED,
        )
    )

    assert (made["schedule"], made["timezone"], made["enabled"]) == (YEARLY, "Europe/Berlin", True)
    assert (made["thread_id"], made["on_run_completed"], made["metadata"]) == (None, "keep", {"m": 1})
    assert datetime.fromisoformat(made["end_time"]) == end
    assert datetime.fromisoformat(made["next_run_date"]).astimezone(ZoneInfo("Europe/Berlin")).hour == 9
    assert {name: made["payload"][name] for name in ASKED} == ASKED


async def test_a_cron_on_a_thread(sdk: Sdk, thread_id: str) -> None:
    made = await sdk(lambda c: c.crons.create_for_thread(thread_id, "joke", schedule=YEARLY, enabled=False, **ASKED))

    found = await sdk(lambda c: c.crons.search(thread_id=thread_id))

    assert found == [made]
    assert (made["thread_id"], made["enabled"], made["next_run_date"]) == (thread_id, False, None)


async def test_changes(sdk: Sdk, thread_id: str) -> None:
    made = await sdk(
        lambda c: c.crons.create_for_thread(
            thread_id, "joke", schedule=YEARLY, end_time=datetime(2999, 1, 1, tzinfo=UTC), **ASKED
        )
    )
    cron_id = made["cron_id"]

    changed = await sdk(
        lambda c: c.crons.update(
            cron_id,
            schedule="@daily",
            input={"topic": "snow"},
            metadata={"n": 1},
            timezone="Asia/Tokyo",
            stream_mode="updates",
            durability="exit",
        )
    )
    endless = await sdk(lambda c: c.crons.update(cron_id, end_time=None, enabled=False))

    assert (changed["schedule"], changed["timezone"], changed["metadata"]) == ("@daily", "Asia/Tokyo", {"n": 1})
    assert changed["payload"]["input"] == {"topic": "snow"}
    assert (changed["payload"]["stream_mode"], changed["payload"]["durability"]) == (["updates"], "exit")
    assert (changed["end_time"], endless["end_time"]) == (made["end_time"], None)
    assert (endless["enabled"], endless["payload"]) == (False, changed["payload"])


def _create(client: Any, **asked: Any) -> Any:
    return client.crons.create("joke", **asked)


async def test_search_and_count(sdk: Sdk) -> None:
    metadata = {"series": str(uuid4())}
    for schedule in ("@hourly", "@daily", "@yearly"):
        await sdk(partial(_create, schedule=schedule, metadata=metadata))

    found = await sdk(
        lambda c: c.crons.search(
            assistant_id="joke",
            metadata=metadata,
            enabled=True,
            sort_by="created_at",
            sort_order="asc",
            limit=2,
            offset=1,
            select=["schedule", "enabled"],
        )
    )

    assert found == [{"schedule": "@daily", "enabled": True}, {"schedule": "@yearly", "enabled": True}]
    assert await sdk(lambda c: c.crons.count(assistant_id="joke", metadata=metadata)) == 3
    assert await sdk(lambda c: c.crons.count(thread_id=str(uuid4()), metadata=metadata)) == 0


async def test_delete(sdk: Sdk) -> None:
    made = await sdk(lambda c: c.crons.create("joke", schedule=YEARLY))

    await sdk(lambda c: c.crons.delete(made["cron_id"]))

    with pytest.raises(NotFoundError):
        await sdk(lambda c: c.crons.delete(made["cron_id"]))


@pytest.mark.parametrize(("wrong", "field"), [({"schedule": "x"}, "schedule"), ({"timezone": "x"}, "timezone")])
async def test_what_is_wrong_is_named(sdk: Sdk, wrong: dict[str, str], field: str) -> None:
    with pytest.raises(UnprocessableEntityError) as refused:
        await sdk(lambda c: c.crons.create("joke", **{"schedule": YEARLY, **wrong}))

    body: Any = refused.value.body
    assert body["field"] == field


async def test_runs_are_made(sdk: Sdk, thread_id: str) -> None:
    made = await sdk(
        lambda c: c.crons.create_for_thread(thread_id, "joke", schedule="* * * * * *", input={"topic": "ice"})
    )
    runs: list[Any] = []
    async with asyncio.timeout(60):
        while not runs:
            await asyncio.sleep(0.05)
            runs = await sdk(lambda c: c.runs.list(thread_id, limit=1000))
    await sdk(lambda c: c.crons.delete(made["cron_id"]))

    assert await sdk(lambda c: c.runs.join(thread_id, runs[-1]["run_id"])) == {
        "topic": "ice and cats",
        "joke": "这是一个关于 ice and cats 的笑话",
    }
    assert runs[-1]["metadata"] == {"cron_id": made["cron_id"]}
