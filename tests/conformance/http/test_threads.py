"""Threads as rows: creating, changing, searching, counting, copying, deleting, and what they tell of their runs."""

from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import at_gate
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}}
NOBODY = "00000000-0000-4000-8000-000000000000"


async def test_a_new_thread(api: Api) -> None:
    thread = await api.post("/threads", {"metadata": {"k": {"nested": [1, None]}}})

    assert await api.get(f"/threads/{thread['thread_id']}") == thread
    assert thread["metadata"] == {"k": {"nested": [1, None]}}
    assert (thread["status"], thread["values"], thread["interrupts"], thread["error"]) == ("idle", None, {}, None)


async def test_a_thread_without_a_body(api: Api) -> None:
    answer = await api.client.post("/threads")

    assert (answer.status_code, answer.json()["metadata"]) == (200, {})


async def test_an_id_of_the_callers_own(api: Api) -> None:
    thread_id = str(uuid4())

    made = await api.post("/threads", {"threadId": thread_id.upper(), "metadata": {"n": 1}})
    again = await api.client.post("/threads", json={"thread_id": thread_id})
    kept = await api.post("/threads", {"thread_id": thread_id, "if_exists": "do_nothing", "metadata": {"n": 2}})

    assert made["thread_id"] == thread_id
    assert (again.status_code, again.json()["code"]) == (409, "THREAD_EXISTS")
    assert kept == made


async def test_a_thread_is_changed(api: Api) -> None:
    path = f"/threads/{await api.thread(metadata={'a': 1, 'b': {'c': 1}})}"

    answer = await api.client.patch(path, json={"metadata": {"b": {"d": 2}, "e": None}})
    minimal = await api.client.patch(path, json={"metadata": {"a": 2}}, headers={"prefer": "return=minimal"})

    assert answer.json()["metadata"] == {"a": 1, "b": {"d": 2}, "e": None}
    assert (minimal.status_code, minimal.content) == (204, b"")
    assert (await api.get(path))["metadata"]["a"] == 2


async def test_a_thread_is_deleted_with_its_runs(api: Api) -> None:
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", JOKE)

    answer, again = await api.client.delete(path), await api.client.delete(path)

    assert (answer.status_code, answer.content, again.status_code) == (204, b"", 404)
    assert (await api.client.get(f"{path}/runs")).status_code == 404
    assert (await api.client.get(f"{path}/state")).status_code == 404


async def test_a_busy_thread_is_not_deleted(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        thread = await api.get(held.thread)
        answer = await api.client.delete(held.thread)

    assert thread["status"] == "busy"
    assert (answer.status_code, answer.json()["code"]) == (409, "THREAD_BUSY")


async def test_a_thread_tells_what_its_runs_left(api: Api) -> None:
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", JOKE)
    thread = await api.get(path)

    assert (thread["status"], thread["values"]["topic"]) == ("idle", "ice and cats")
    assert thread["metadata"]["graph_id"] == "joke"
    assert thread["metadata"]["assistant_id"] == (await api.get("/assistants/joke"))["assistant_id"]


async def test_a_thread_whose_run_failed_tells_why(api: Api) -> None:
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", {"assistant_id": "failing", "input": {"a": 0}})
    thread = await api.get(path)

    assert (thread["status"], thread["values"]) == ("error", {"a": 1})
    assert "this node always fails" in str(thread["error"])


async def test_interrupts_are_by_task_with_id_and_value_alone(api: Api) -> None:
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", {"assistant_id": "approval", "input": {"request": "launch"}})
    thread, state = await api.get(path), await api.get(f"{path}/state")

    (task,) = state["tasks"]
    (asked,) = thread["interrupts"][task["id"]]
    assert list(thread["interrupts"]) == [task["id"]]
    assert asked.keys() == {"id", "value"}
    assert asked["value"] == {"question": "approve launch?"}
    assert task["interrupts"] == state["interrupts"] == [asked]
    assert thread["status"] == "interrupted"

    await api.post(f"{path}/runs/wait", {"assistant_id": "approval", "command": {"resume": {asked["id"]: "yes"}}})
    after = await api.get(path)
    assert (after["status"], after["interrupts"], after["values"]["decision"]) == ("idle", {}, "yes")


async def _three(api: Api) -> tuple[str, list[str]]:
    mark = uuid4().hex
    return mark, [await api.thread(metadata={"mark": mark, "n": n}) for n in range(3)]


async def test_threads_are_searched_and_counted(api: Api) -> None:
    mark, ids = await _three(api)
    await api.post(f"/threads/{ids[1]}/runs/wait", {"assistant_id": "approval", "input": {"request": "x"}})

    async def found(**body: Any) -> list[str]:
        return [each["thread_id"] for each in await api.post("/threads/search", body)]

    meant = {"metadata": {"mark": mark}}
    assert await found(**meant, sort_by="created_at") == ids[::-1]
    assert await found(**meant, sort_by="created_at", sort_order="asc") == ids
    assert await found(**meant, sort_by="thread_id", sort_order="asc") == sorted(ids)
    assert await found(**meant) == [ids[1], ids[2], ids[0]]
    assert await found(**meant, status="interrupted") == [ids[1]]
    assert await found(metadata={"mark": mark, "n": 2}) == [ids[2]]
    assert await found(ids=[ids[0], NOBODY]) == [ids[0]]
    assert await api.post("/threads/count", meant) == 3
    assert await api.post("/threads/count", {**meant, "status": "idle"}) == 2


async def test_pages_name_the_next_one(api: Api) -> None:
    mark, ids = await _three(api)
    body = {"metadata": {"mark": mark}, "sortBy": "created_at", "sort_order": "asc", "select": ["thread_id"]}

    pages = [
        await api.client.post("/threads/search", json={**body, "limit": 2, "offset": offset}) for offset in (0, 1, 2, 5)
    ]

    headers = [(page.headers["x-pagination-total"], page.headers.get("x-pagination-next")) for page in pages]
    assert [page.json() for page in pages[:3]] == [
        [{"thread_id": each} for each in ids[place : place + 2]] for place in (0, 1, 2)
    ]
    assert headers[:3] == [("3", "2"), ("3", None), ("3", None)]
    assert pages[3].json() == []


async def test_chosen_fields_of_threads(api: Api) -> None:
    thread_id = await api.thread(metadata={"k": 1})
    (found,) = await api.post("/threads/search", {"ids": [thread_id], "select": ["metadata", "status"]})

    assert found == {"metadata": {"k": 1}, "status": "idle"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"offset": -1}, "offset"),
        ({"status": "done"}, "status"),
        ({"sort_by": "color"}, "sort_by"),
        ({"select": ["color"]}, "select[0]"),
        ({"metadata": []}, "metadata"),
        ({"ids": ["x"]}, "ids"),
    ],
)
async def test_a_search_that_cannot_be_meant(api: Api, body: Json, field: str) -> None:
    answer = await api.client.post("/threads/search", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_FIELD")
    assert answer.json()["field"] == field


async def test_a_copy_has_the_states_and_not_the_runs(api: Api) -> None:
    path = f"/threads/{await api.thread(metadata={'k': 1})}"
    await api.post(f"{path}/runs/wait", JOKE)

    copy = await api.post(f"{path}/copy")

    mine, theirs = f"/threads/{copy['thread_id']}", await api.get(path)
    assert copy["thread_id"] != theirs["thread_id"]
    assert (copy["values"], copy["metadata"]) == (theirs["values"], theirs["metadata"])
    assert await api.get(f"{mine}/runs") == []
    histories = [await api.get(f"{each}/history", limit=10) for each in (mine, path)]
    assert [state["checkpoint_id"] for state in histories[0]] == [state["checkpoint_id"] for state in histories[1]]
    assert (await api.client.post(f"/threads/{NOBODY}/copy")).status_code == 404
