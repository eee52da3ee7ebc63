"""Crons over HTTP (wire facts 80, 85 and 87): what may be asked for, what is shown, and that runs come."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.lives import life

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEVER_TODAY = "0 0 29 2 *"
EACH_SECOND = "* * * * * *"
NOBODY = str(UUID(int=7))
CRON: Json = {"assistant_id": "joke", "schedule": NEVER_TODAY, "input": {"topic": "ice"}}
RUN_FIELDS: Json = {
    "config": {"tags": ["a"], "recursion_limit": 9, "configurable": {"user": "u"}},
    "metadata": {"m": 1},
    "interrupt_before": ["refine_topic"],
    "interrupt_after": "*",
    "stream_mode": ["values", "updates"],
    "stream_subgraphs": True,
    "stream_resumable": True,
    "multitask_strategy": "rollback",
    "durability": "exit",
}
WRONG: list[tuple[Json, str]] = [
    ({"schedule": "nonsense"}, "schedule"),
    ({"schedule": "* * * *"}, "schedule"),
    ({"schedule": "61 * * * *"}, "schedule"),
    ({"schedule": "0 0 30 2 *"}, "schedule"),
    ({"schedule": ""}, "schedule"),
    ({"schedule": "@reboot"}, "schedule"),
    ({"schedule": "* " * 400}, "schedule"),
    ({"schedule": 5}, "schedule"),
    ({"timezone": "Mars/Olympus"}, "timezone"),
    ({"timezone": "../etc/passwd"}, "timezone"),
    ({"timezone": "America"}, "timezone"),
    ({"timezone": "x" * 5000}, "timezone"),
    ({"timezone": "a\x00b"}, "timezone"),
    ({"timezone": 1}, "timezone"),
    ({"end_time": "tomorrow"}, "end_time"),
    ({"end_time": "9999-12-31T23:59:59-12:00"}, "end_time"),
    ({"end_time": "2020-01-01T00:00:00Z"}, "end_time"),
    ({"end_time": 5}, "end_time"),
    ({"enabled": "yes"}, "enabled"),
    ({"assistant_id": ""}, "assistant_id"),
    ({"metadata": [1]}, "metadata"),
    ({"config": {"recursion_limit": 0}}, "config.recursion_limit"),
    ({"stream_mode": ["sideways"]}, "stream_mode[0]"),
    ({"multitask_strategy": "sideways"}, "multitask_strategy"),
    ({"durability": "sideways"}, "durability"),
    ({"on_run_completed": "sideways"}, "on_run_completed"),
    ({"interrupt_before": 5}, "interrupt_before"),
    ({"timeout_seconds": 0}, "timeout_seconds"),
]


async def wait_for_run(api: Api, cron_id: str, before: str | None = None) -> Json:
    """The cron, once it has made a run, or one after another."""
    async with asyncio.timeout(60):
        while True:
            cron: Json = await api.get(f"/runs/crons/{cron_id}")
            if cron["last_run_id"] != before:
                return cron
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def of_test() -> str:
    """What the crons of this module have in their metadata."""
    return str(uuid4())


async def test_a_cron_is_shown_as_it_was_asked_for(api: Api) -> None:
    body = {**CRON, **RUN_FIELDS, "timezone": "Europe/Berlin", "end_time": "2999-01-01T01:00:00+01:00"}

    made = await api.post("/runs/crons", body)

    assert UUID(made["cron_id"]).version == 7
    assert (made["schedule"], made["timezone"], made["enabled"]) == (NEVER_TODAY, "Europe/Berlin", True)
    assert (made["thread_id"], made["user_id"], made["on_run_completed"]) == (None, None, "delete")
    assert made["end_time"] == "2999-01-01T00:00:00.000000+00:00"
    assert datetime.fromisoformat(made["next_run_date"]) > datetime.now(UTC)
    assert made["metadata"] == {"m": 1}
    assert made["payload"] == {
        **RUN_FIELDS,
        "interrupt_after": ["*"],
        "schedule": NEVER_TODAY,
        "assistant_id": made["assistant_id"],
        "input": {"topic": "ice"},
    }
    assert await api.get(f"/runs/crons/{made['cron_id']}") == made


async def test_a_cron_on_a_thread(api: Api) -> None:
    thread = await api.thread()

    made = await api.post(f"/threads/{thread}/runs/crons", CRON)

    assert (made["thread_id"], made["on_run_completed"]) == (thread, None)
    assert await api.post("/runs/crons/search", {"thread_id": thread}) == [made]
    assert (await api.client.delete(f"/threads/{thread}")).status_code == 204
    assert await api.post("/runs/crons/count", {"thread_id": thread}) == 0


@pytest.mark.parametrize(("change", "field"), WRONG)
async def test_what_is_wrong_is_named(api: Api, change: Json, field: str) -> None:
    answer = await api.client.post("/runs/crons", json={**CRON, **change})
    of_thread = await api.client.post(f"/threads/{await api.thread()}/runs/crons", json={**CRON, **change})

    for refused in (answer, of_thread)[: 1 if field == "on_run_completed" else 2]:
        assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, "INVALID_FIELD", field)


@pytest.mark.parametrize(
    ("change", "field"),
    [row for row in WRONG if row[1] != "assistant_id" and row[0] != {"end_time": "2020-01-01T00:00:00Z"}],
)
async def test_what_is_wrong_in_a_change_is_named_and_changes_nothing(api: Api, change: Json, field: str) -> None:
    made = await api.post("/runs/crons", CRON)
    path = f"/runs/crons/{made['cron_id']}"

    refused = await api.client.patch(path, json=change)

    assert (refused.status_code, refused.json()["field"]) == (422, field)
    assert await api.get(path) == made


async def test_a_cron_on_a_thread_has_nothing_to_do_with_the_threads_of_others(api: Api) -> None:
    path = f"/threads/{await api.thread()}/runs/crons"
    made = await api.post(path, CRON)

    refused = [
        await api.client.post(path, json={**CRON, "on_run_completed": "keep"}),
        await api.client.patch(f"/runs/crons/{made['cron_id']}", json={"on_run_completed": "delete"}),
    ]

    assert [(each.status_code, each.json()["field"]) for each in refused] == [(422, "on_run_completed")] * 2


async def test_context_and_configurable_exclude_each_other(api: Api) -> None:
    both = {"context": {"a": 1}, "config": {"configurable": {"b": 2}}}
    made = await api.post("/runs/crons", {**CRON, "context": {"a": 1}})

    refused = [
        await api.client.post("/runs/crons", json={**CRON, **both}),
        await api.client.patch(f"/runs/crons/{made['cron_id']}", json={"config": both["config"]}),
    ]

    assert [(each.status_code, each.json()["field"]) for each in refused] == [(400, "context")] * 2


async def test_what_is_missing_is_not_found(api: Api) -> None:
    thread = await api.thread()
    answers = [
        await api.client.get(f"/runs/crons/{NOBODY}"),
        await api.client.patch(f"/runs/crons/{NOBODY}", json={"enabled": False}),
        await api.client.delete(f"/runs/crons/{NOBODY}"),
        await api.client.post(f"/threads/{NOBODY}/runs/crons", json=CRON),
        await api.client.post("/runs/crons", json={**CRON, "assistant_id": NOBODY}),
        await api.client.post(f"/threads/{thread}/runs/crons", json={**CRON, "assistant_id": NOBODY}),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        *[(404, "CRON_NOT_FOUND")] * 3,
        (404, "THREAD_NOT_FOUND"),
        *[(404, "ASSISTANT_NOT_FOUND")] * 2,
    ]


async def test_ids_must_be_uuids(api: Api) -> None:
    answers = [
        await api.client.get("/runs/crons/x"),
        await api.client.patch("/runs/crons/x", json={}),
        await api.client.delete("/runs/crons/x"),
        await api.client.post("/threads/x/runs/crons", json=CRON),
        await api.client.post("/runs/crons/search", json={"thread_id": "x"}),
        await api.client.post("/runs/crons/count", json={"thread_id": "x"}),
    ]

    assert [(each.status_code, each.json()["field"]) for each in answers] == [
        *[(422, "cron_id")] * 3,
        *[(422, "thread_id")] * 3,
    ]


async def test_a_change_replaces_what_it_names(api: Api) -> None:
    made = await api.post("/runs/crons", {**CRON, **RUN_FIELDS, "end_time": "2999-01-01T00:00:00Z"})
    path = f"/runs/crons/{made['cron_id']}"

    answer = await api.client.patch(
        path,
        json={
            "schedule": "@hourly",
            "timezone": "Asia/Tokyo",
            "end_time": None,
            "input": {"topic": "snow"},
            "metadata": {"n": 2},
            "config": None,
            "interrupt_after": [],
            "checkpoint_during": True,
            "on_run_completed": "keep",
            "timeout_seconds": 5,
        },
    )

    changed = answer.json()
    assert answer.status_code == 200
    assert await api.get(path) == changed
    assert (changed["schedule"], changed["timezone"], changed["end_time"]) == ("@hourly", "Asia/Tokyo", None)
    assert datetime.fromisoformat(changed["next_run_date"]) - datetime.now(UTC) <= timedelta(hours=1)
    assert (changed["metadata"], changed["on_run_completed"]) == ({"n": 2}, "keep")
    left_as_it_was = {key: value for key, value in made["payload"].items() if key != "interrupt_after"}
    assert changed["payload"] == {
        **left_as_it_was,
        "schedule": "@hourly",
        "input": {"topic": "snow"},
        "metadata": {"n": 2},
        "durability": "async",
        "timeout_seconds": 5.0,
    }


async def test_one_that_is_disabled_or_has_ended_has_no_next_run(api: Api) -> None:
    off = await api.post("/runs/crons", {**CRON, "enabled": False})
    path = f"/runs/crons/{off['cron_id']}"

    on = (await api.client.patch(path, json={"enabled": True})).json()
    ended = (await api.client.patch(path, json={"end_time": "2020-01-01T00:00:00"})).json()

    assert (off["enabled"], off["next_run_date"]) == (False, None)
    assert on["next_run_date"] is not None
    assert (ended["enabled"], ended["next_run_date"]) == (True, None)


async def test_crons_are_found_sorted_and_shown_in_part(api: Api, of_test: str) -> None:
    metadata = {"test": of_test}
    made = [
        await api.post(
            "/runs/crons", {**CRON, "metadata": metadata, "schedule": schedule, "enabled": schedule != "@daily"}
        )
        for schedule in ("@hourly", "@daily", "@yearly")
    ]
    asked: Json = {"metadata": metadata, "select": ["schedule"]}

    async def schedules(**more: Any) -> list[str]:
        return [each["schedule"] for each in await api.post("/runs/crons/search", {**asked, **more})]

    assert await schedules() == ["@yearly", "@daily", "@hourly"]
    assert await schedules(sort_by="created_at", sort_order="asc") == ["@hourly", "@daily", "@yearly"]
    assert await schedules(sort_by="next_run_date", sort_order="asc") == ["@hourly", "@yearly", "@daily"]
    assert await schedules(enabled=False) == ["@daily"]
    assert await schedules(assistant_id="joke", limit=1, offset=1) == ["@daily"]
    assert await schedules(assistant_id=made[0]["assistant_id"]) == ["@yearly", "@daily", "@hourly"]
    assert await schedules(assistant_id=NOBODY) == []
    assert await api.post("/runs/crons/count", {"metadata": metadata}) == 3
    assert await api.post("/runs/crons/count", {"metadata": metadata, "enabled": True}) == 2
    one = await api.post("/runs/crons/search", {"metadata": metadata, "limit": 1, "select": ["now", "user_id"]})
    assert set(one[0]) == {"now", "user_id"}
    page = await api.client.post("/runs/crons/search", json={"metadata": metadata, "limit": 2})
    assert (page.headers["x-pagination-total"], page.headers["x-pagination-next"]) == ("3", "2")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"offset": -1}, "offset"),
        ({"sort_by": "schedule"}, "sort_by"),
        ({"sort_order": "up"}, "sort_order"),
        ({"select": ["nothing"]}, "select"),
        ({"enabled": 1}, "enabled"),
        ({"metadata": 1}, "metadata"),
        ({"assistant_id": "nobody"}, None),
    ],
)
async def test_what_is_wrong_in_a_search_is_named(api: Api, body: Json, field: str | None) -> None:
    answer = await api.client.post("/runs/crons/search", json=body)

    assert answer.status_code == 422
    assert (answer.json().get("field") or "").split("[")[0] == (field or "")


async def test_runs_come_and_know_their_cron(api: Api) -> None:
    thread = await api.thread()
    made = await api.post(
        f"/threads/{thread}/runs/crons",
        {
            "assistant_id": "configured",
            "schedule": EACH_SECOND,
            "input": {},
            "metadata": {"m": 1, "cron_id": "mine"},
            "config": {"configurable": {"cron_id": "mine", "user": "u"}},
        },
    )
    cron = await wait_for_run(api, made["cron_id"])
    await api.client.delete(f"/runs/crons/{made['cron_id']}")

    run = await api.ended(thread, cron["last_run_id"])

    assert run["status"] == "success"
    assert run["metadata"] == {"m": 1, "cron_id": made["cron_id"]}
    assert datetime.fromisoformat(cron["last_run_date"]).microsecond == 0
    values = await api.get(f"/threads/{thread}/state")
    assert values["metadata"]["cron_id"] == made["cron_id"]
    assert (await api.client.get(f"/runs/crons/{made['cron_id']}")).status_code == 404
    assert (await api.get(f"/threads/{thread}/runs"))[-1]["metadata"]["cron_id"] == made["cron_id"]


async def test_runs_without_a_thread_leave_one_only_where_it_is_kept(api: Api, of_test: str) -> None:
    body = {"assistant_id": "joke", "schedule": EACH_SECOND, "input": {"topic": "ice"}}
    crons = [await api.post("/runs/crons", {**body, "on_run_completed": each}) for each in ("delete", "keep")]

    after = [await wait_for_run(api, each["cron_id"]) for each in crons]
    for each in crons:
        await api.client.delete(f"/runs/crons/{each['cron_id']}")
    for each in after:
        await api.client.get(f"/runs/{each['last_run_id']}/join")
    found = [await api.client.get(f"/runs/{each['last_run_id']}") for each in after]

    assert [each.status_code for each in found] == [404, 200]
    kept = found[1].json()["thread_id"]
    assert (await api.get(f"/threads/{kept}"))["values"]["topic"] == "ice and cats"


async def test_crons_outlive_their_server(tmp_path: Path) -> None:
    async with life(tmp_path) as api:
        thread = await api.thread()
        made = await api.post(f"/threads/{thread}/runs/crons", {**CRON, "schedule": EACH_SECOND})
        await wait_for_run(api, made["cron_id"])
    async with life(tmp_path) as api:
        before = await api.get(f"/runs/crons/{made['cron_id']}")
        await wait_for_run(api, made["cron_id"], before["last_run_id"])
        await api.client.patch(f"/runs/crons/{made['cron_id']}", json={"enabled": False})
        cron_runs = await api.get(f"/threads/{thread}/runs", limit=1000)

    assert {run["metadata"]["cron_id"] for run in cron_runs} == {made["cron_id"]}


async def test_a_server_that_makes_no_runs_of_crons_says_so(tmp_path: Path) -> None:
    async with life(tmp_path) as api:
        made = await api.post("/runs/crons", CRON)
    async with life(tmp_path, crons=False) as api:
        info = await api.get("/info")
        refused = await api.client.post("/runs/crons", json=CRON)
        found = await api.post("/runs/crons/search")
        changed = await api.client.patch(f"/runs/crons/{made['cron_id']}", json={"enabled": False})

    assert info["flags"]["crons"] is False
    assert (refused.status_code, refused.json()["code"]) == (501, "NOT_OFFERED")
    assert found == [made]
    assert changed.json()["enabled"] is False
