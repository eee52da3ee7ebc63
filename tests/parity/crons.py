"""Rows: crons."""

import uuid
from typing import Any

from tests.parity.face import Face, Json
from tests.parity.scenario import Scenario
from tests.parity.streams import TOPIC
from tests.parity.wrongs import NO_ID, one, refused

YEARLY: Json = {"schedule": "0 9 1 1 *", "input": TOPIC}
WHOLE: Json = {
    **YEARLY,
    "timezone": "Europe/Berlin",
    "end_time": "2999-01-01T00:00:00+00:00",
    "enabled": True,
    "config": {"tags": ["a"], "recursion_limit": 9},
    "context": {"tone": "a"},
    "metadata": {"m": 1},
    "interrupt_before": ["tell"],
    "interrupt_after": ["*"],
    "stream_mode": ["values", "updates"],
    "stream_subgraphs": True,
    "stream_resumable": True,
    "multitask_strategy": "rollback",
    "durability": "exit",
    "timeout_seconds": 2.5,
}
CHANGES: tuple[Json, ...] = (
    {"schedule": "@hourly"},
    {"timezone": "Asia/Tokyo", "enabled": False},
    {"end_time": None},
    {"end_time": "2020-01-01T00:00:00+00:00", "enabled": True},
    {"input": {"topic": "tea"}, "metadata": {"n": 2}, "context": {"tone": "b"}},
    {"stream_mode": ["custom"], "stream_subgraphs": False, "durability": "sync", "timeout_seconds": 9},
)
_WRONG: tuple[tuple[str, Json], ...] = (
    ("without a schedule", {"schedule": ""}),
    ("with a schedule of four fields", {"schedule": "* * * *"}),
    ("with a minute that there is not", {"schedule": "61 * * * *"}),
    ("that never comes", {"schedule": "0 0 30 2 *"}),
    ("in no time zone", {"timezone": "Mars/Olympus"}),
    ("in the time zone of a path", {"timezone": "../../etc"}),
    ("that has ended", {"end_time": "2020-01-01T00:00:00+00:00"}),
    ("with metadata that is no object", {"metadata": [1]}),
    ("with a recursion limit of 0", {"config": {"recursion_limit": 0}}),
    ("with context and configurable", {"context": {"a": 1}, "config": {"configurable": {"b": 2}}}),
    ("with an unknown strategy", {"multitask_strategy": "sideways"}),
    ("with an unknown durability", {"durability": "sideways"}),
    ("with an unknown on_run_completed", {"on_run_completed": "sideways"}),
    ("with no time", {"timeout_seconds": 0}),
)


def _wrong(name: str, body: Json) -> Scenario:
    async def act(face: Face, _: Any) -> list[Any]:
        made = await face.create_cron("story", **YEARLY)
        asked = [face.create_cron("story", **{**YEARLY, **body})]
        if "end_time" not in body:  # a change may end a cron
            asked.append(face.update_cron(made["cron_id"], **body))
        return [await refused(each) for each in asked]

    return Scenario(name=f"refuse a cron {name}", act=act)


async def _kept(face: Face, _: Any) -> list[Any]:
    thread_id = (await face.create_thread())["thread_id"]
    made = await face.create_cron("story", thread_id, **YEARLY)
    return [
        await refused(face.create_cron("story", thread_id, **YEARLY, on_run_completed="keep")),
        await refused(face.update_cron(made["cron_id"], on_run_completed="delete")),
    ]


CRON_FIELDS = (
    *(_wrong(name, body) for name, body in _WRONG),
    Scenario(name="refuse a cron on a thread that says what becomes of it", act=_kept),
    one("a cron on a thread whose id is no UUID", lambda face: face.create_cron("story", NO_ID, **YEARLY)),
    one("a cron of no assistant", lambda face: face.create_cron("", **YEARLY)),
    one("a cron whose id is no UUID", lambda face: face.cron(NO_ID)),
    one("to change a cron whose id is no UUID", lambda face: face.update_cron(NO_ID, enabled=False)),
    one("to delete a cron whose id is no UUID", lambda face: face.delete_cron(NO_ID)),
    one("crons on a thread whose id is no UUID", lambda face: face.crons(thread_id=NO_ID)),
    one("to count crons on a thread whose id is no UUID", lambda face: face.count_crons(thread_id=NO_ID)),
    one("crons in an unknown order", lambda face: face.crons(sort_by="sideways")),
)


async def _made(face: Face, _: Any) -> list[Json]:
    thread_id = (await face.create_thread())["thread_id"]
    return [
        await face.create_cron("story", **YEARLY),
        await face.create_cron("story", **{**WHOLE, "on_run_completed": "keep"}),
        await face.create_cron("story", thread_id, **WHOLE),
        await face.create_cron("story", thread_id, **{**YEARLY, "enabled": False}),
    ]


async def _each(face: Face, made: Any) -> list[Json]:
    return [await face.cron(each["cron_id"]) for each in made]


async def _changed(face: Face, _: Any) -> list[Json]:
    made = await face.create_cron("story", **WHOLE)
    return [made, *[await face.update_cron(made["cron_id"], **change) for change in CHANGES]]


async def _last(face: Face, made: Any) -> Json:
    return await face.cron(made[0]["cron_id"])


async def _deleted(face: Face, _: Any) -> list[Any]:
    thread_id = (await face.create_thread())["thread_id"]
    made = [await face.create_cron("story", each, **YEARLY) for each in (None, thread_id)]
    await face.delete_cron(made[0]["cron_id"])
    await face.delete_thread(thread_id)
    return [await refused(face.cron(each["cron_id"])) for each in made]


async def _several(face: Face, _: Any) -> str:
    series = str(uuid.uuid4())
    for schedule, enabled in (("@hourly", True), ("@daily", False), ("@yearly", True)):
        await face.create_cron("story", schedule=schedule, enabled=enabled, metadata={"series": series})
    return series


async def _searched(face: Face, series: Any) -> list[Json]:
    mine: Json = {"metadata": {"series": series}}
    asked: list[Json] = [
        {},
        {"enabled": True},
        {"enabled": False},
        {"assistant_id": "story", "limit": 1, "offset": 1},
        {"sort_by": "next_run_date", "sort_order": "asc"},
        {"sort_by": "created_at", "sort_order": "asc"},
        {"sort_by": "cron_id"},
        {"sort_by": "end_time", "sort_order": "desc"},
        {"thread_id": str(uuid.UUID(int=7))},
    ]
    counts: list[Json] = [{}, {"enabled": True}, {"assistant_id": "story"}]
    return [
        *[await face.crons(**mine, **body) for body in asked],
        *[await face.count_crons(**mine, **body) for body in counts],
    ]


CRONS = (
    Scenario(name="crons that are created", act=_made, look=_each),
    Scenario(name="crons that are changed", act=_changed, look=_last),
    Scenario(name="crons that are deleted", act=_deleted),
    Scenario(name="crons that are searched", act=_several, look=_searched),
)
