"""Pruning threads, and how long they live, over HTTP (wire facts 79, 90 and 91)."""

from typing import Any

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import at_gate
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "00000000-0000-4000-8000-000000000000"


async def _ids(api: Api, count: int) -> list[str]:
    return [await api.thread() for _ in range(count)]


async def test_threads_are_deleted(api: Api) -> None:
    ids = await _ids(api, 2)

    first = await api.post("/threads/prune", {"thread_ids": [*ids, NOBODY]})
    again = await api.post("/threads/prune", {"threadIds": ids, "strategy": "delete"})

    assert first == {"pruned_count": 2, "busy_thread_ids": []}
    assert again == {"pruned_count": 0, "busy_thread_ids": []}
    assert (await api.client.get(f"/threads/{ids[0]}")).status_code == 404


async def test_a_thread_keeps_its_latest_state_alone(api: Api) -> None:
    thread_id = await api.thread()
    asked = await api.post(f"/threads/{thread_id}/runs/wait", {"assistant_id": "pair", "input": {}})
    before = await api.get(f"/threads/{thread_id}")

    pruned = await api.post("/threads/prune", {"thread_ids": [thread_id], "strategy": "keep_latest"})
    history = await api.get(f"/threads/{thread_id}/history", limit=100)
    after = await api.get(f"/threads/{thread_id}")
    answers = {item["id"]: "yes" for item in asked["__interrupt__"]}
    done = await api.post(f"/threads/{thread_id}/runs/wait", {"assistant_id": "pair", "command": {"resume": answers}})

    assert (pruned["pruned_count"], len(history), history[0]["parent_checkpoint"]) == (1, 1, None)
    assert after == before
    assert "__interrupt__" not in done


async def test_a_busy_thread_stays_whatever_its_time(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        thread_id = held.thread.rpartition("/")[2]
        await api.client.patch(held.thread, json={"ttl": 0.00001})
        pruned = await api.post("/threads/prune", {"thread_ids": [thread_id]})
        still = await api.get(held.thread)

    assert pruned == {"pruned_count": 0, "busy_thread_ids": [thread_id]}
    assert still["status"] == "busy"


@pytest.mark.parametrize(
    ("ttl", "shown"),
    [
        (5, ("delete", 5)),
        ({"ttl": 2.5, "strategy": "keep_latest"}, ("keep_latest", 2.5)),
        ({"ttl": 5}, ("delete", 5)),
        (0, None),
        (None, None),
    ],
)
async def test_how_long_a_thread_lives(api: Api, ttl: Any, shown: Any) -> None:
    made = await api.post("/threads", {"ttl": ttl})
    plain = await api.get(f"/threads/{made['thread_id']}")
    found = await api.get(f"/threads/{made['thread_id']}", include="ttl")

    life = found.pop("ttl")
    assert found == plain == made
    assert shown == (None if life is None else (life["strategy"], life["ttl_minutes"]))


async def test_a_change_of_how_long_a_thread_lives(api: Api) -> None:
    path = f"/threads/{await api.thread(ttl=10)}"

    await api.client.patch(path, json={"metadata": {"n": 1}})
    kept = await api.get(path, include="ttl")
    minimal = await api.client.patch(path, json={"ttl": {"ttl": 7}}, headers={"prefer": "return=minimal"})
    changed = await api.get(path, include="ttl")

    assert (kept["ttl"]["ttl_minutes"], changed["ttl"]["ttl_minutes"]) == (10, 7)
    assert (minimal.status_code, minimal.content, changed["metadata"]) == (204, b"", {"n": 1})


WRONG: list[tuple[str, str, Json, str]] = [
    ("POST", "/threads/prune", {}, "thread_ids"),
    ("POST", "/threads/prune", {"thread_ids": "x"}, "thread_ids"),
    ("POST", "/threads/prune", {"thread_ids": []}, "thread_ids"),
    ("POST", "/threads/prune", {"thread_ids": [NOBODY, "x"]}, "thread_ids[1]"),
    ("POST", "/threads/prune", {"thread_ids": [NOBODY] * 1001}, "thread_ids"),
    ("POST", "/threads/prune", {"thread_ids": [NOBODY], "strategy": "sideways"}, "strategy"),
    ("POST", "/threads", {"ttl": -1}, "ttl"),
    ("POST", "/threads", {"ttl": "5"}, "ttl"),
    ("POST", "/threads", {"ttl": {"ttl": 5, "strategy": "sideways"}}, "ttl.strategy"),
    ("PATCH", f"/threads/{NOBODY}", {"ttl": 1e9}, "ttl"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), WRONG)
async def test_what_is_wrong_is_named(api: Api, method: str, path: str, body: Json, field: str) -> None:
    answer = await api.client.request(method, path, json=body)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "INVALID_FIELD", field)
