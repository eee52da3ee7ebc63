"""States of threads: now, at a checkpoint, changed, and as they were (wire facts 67, 68, 70)."""

from typing import Any

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import at_gate
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "00000000-0000-4000-8000-000000000000"


async def _told(api: Api) -> str:
    """The path of a thread on which the joke was told."""
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", {"assistant_id": "joke", "input": {"topic": "ice"}, "metadata": {"who": "me"}})
    return path


async def test_the_state_of_a_thread_that_has_none(api: Api) -> None:
    state = await api.get(f"/threads/{await api.thread()}/state")

    assert (state["values"], state["next"], state["tasks"]) == ({}, [], [])
    assert (state["checkpoint"], state["parent_checkpoint"], state["created_at"]) == (None, None, None)


async def test_a_state(api: Api) -> None:
    path = await _told(api)
    state = await api.get(f"{path}/state")

    assert state["values"]["topic"] == "ice and cats"
    assert (state["next"], state["metadata"]["step"], state["metadata"]["source"]) == ([], 2, "loop")
    assert state["metadata"]["who"] == "me"
    assert state["checkpoint"] == {
        "thread_id": path.rpartition("/")[2],
        "checkpoint_ns": "",
        "checkpoint_id": state["checkpoint_id"],
    }
    assert state["parent_checkpoint"]["checkpoint_id"] == state["parent_checkpoint_id"] != state["checkpoint_id"]


async def test_a_state_at_a_checkpoint(api: Api) -> None:
    path = await _told(api)
    older = (await api.get(f"{path}/history", limit=10))[1]

    by_id = await api.get(f"{path}/state/{older['checkpoint_id']}")
    by_reference = await api.post(f"{path}/state/checkpoint", {"checkpoint": older["checkpoint"]})

    assert by_id == by_reference == older
    assert older["next"] == ["generate_joke"]


async def test_states_of_subgraphs_that_wait(api: Api) -> None:
    path = f"/threads/{await api.thread()}"
    asked = await api.post(f"{path}/runs/wait", {"assistant_id": "asking", "input": {"messages": []}})

    state, whole = await api.get(f"{path}/state"), await api.get(f"{path}/state", subgraphs="true")
    posted = await api.post(f"{path}/state/checkpoint", {"checkpoint": state["checkpoint"], "subgraphs": True})

    (flat,), (nested,) = state["tasks"], whole["tasks"]
    assert flat["name"] == nested["name"] == "below"
    assert flat["state"] is None
    assert flat["checkpoint"]["checkpoint_ns"] == f"below:{flat['id']}"
    assert (nested["state"]["next"], nested["state"]["interrupts"]) == (["ask"], flat["interrupts"])
    assert [each["id"] for each in flat["interrupts"]] == [each["id"] for each in asked["__interrupt__"]]
    assert posted == whole
    place = {"checkpoint_ns": flat["checkpoint"]["checkpoint_ns"]}
    assert (await api.post(f"{path}/state/checkpoint", {"checkpoint": place}))["next"] == ["ask"]
    assert (await api.post(f"{path}/history", {"checkpoint": place}))[0]["next"] == ["ask"]


@pytest.mark.parametrize(
    ("method", "what", "body", "status", "code"),
    [
        ("GET", f"state/{NOBODY}", None, 404, "CHECKPOINT_NOT_FOUND"),
        ("GET", "state/x", None, 422, "INVALID_FIELD"),
        ("POST", "state/checkpoint", {"checkpoint": {"checkpoint_id": NOBODY}}, 404, "CHECKPOINT_NOT_FOUND"),
        ("POST", "state/checkpoint", {"checkpoint": {"checkpoint_id": "x"}}, 422, "INVALID_FIELD"),
        ("POST", "state/checkpoint", {"checkpoint": {"thread_id": NOBODY}}, 422, "INVALID_FIELD"),
        ("POST", "state/checkpoint", {}, 422, "INVALID_FIELD"),
        ("POST", "state", {"values": {"topic": "a"}, "checkpoint_id": NOBODY}, 404, "CHECKPOINT_NOT_FOUND"),
        ("POST", "state", {"values": {"topic": "a"}, "as_node": "nobody"}, 400, "INVALID_FIELD"),
        ("POST", "history", {"before": "x"}, 422, "INVALID_FIELD"),
        ("POST", "history", {"limit": 0}, 422, "INVALID_FIELD"),
        ("GET", "history?limit=1001", None, 422, "INVALID_FIELD"),
    ],
)
async def test_what_no_state_answers(api: Api, method: str, what: str, body: Any, status: int, code: str) -> None:
    answer = await api.client.request(method, f"{await _told(api)}/{what}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("what", ["state", f"state/{NOBODY}", "history"])
async def test_an_unknown_thread_has_no_state(api: Api, what: str) -> None:
    answer = await api.client.get(f"/threads/{NOBODY}/{what}")

    assert (answer.status_code, answer.json()["code"]) == (404, "THREAD_NOT_FOUND")


async def test_a_state_is_changed_as_a_node_would(api: Api) -> None:
    path = await _told(api)

    written = await api.post(f"{path}/state", {"values": {"topic": "rain"}, "asNode": "refine_topic"})
    state = await api.get(f"{path}/state")
    joke = await api.post(f"{path}/runs/wait", {"assistant_id": "joke"})

    assert written["checkpoint"] == written["configurable"] == state["checkpoint"]
    assert (state["values"]["topic"], state["next"], state["metadata"]["source"]) == (
        "rain",
        ["generate_joke"],
        "update",
    )
    assert joke["joke"] == "这是一个关于 rain 的笑话"


async def test_a_change_forks_from_a_checkpoint(api: Api) -> None:
    path = await _told(api)
    first = (await api.get(f"{path}/history", limit=10))[2]["checkpoint"]

    for place in ({"checkpoint": first}, {"checkpoint_id": first["checkpoint_id"]}):
        await api.post(f"{path}/state", {"values": {"topic": "snow"}, "as_node": "refine_topic", **place})
        state = await api.get(f"{path}/state")
        assert state["values"] == {"topic": "snow"}
        assert state["parent_checkpoint"] == first


async def test_a_change_answers_an_interrupt_by_passing_it(api: Api) -> None:
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", {"assistant_id": "approval", "input": {"request": "launch"}})

    await api.post(f"{path}/state", {"values": {"decision": "no"}, "as_node": "ask"})

    thread = await api.get(path)
    assert (thread["status"], thread["interrupts"]) == ("interrupted", {})
    assert (await api.get(f"{path}/state"))["next"] == ["act"]


async def test_a_busy_thread_is_not_changed_and_tells_nothing_of_its_run(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate, metadata={"secret": "s3cret"}) as held:
        answer = await api.client.post(f"{held.thread}/state", json={"values": {"n": 1}})

    assert (answer.status_code, answer.json()["code"]) == (409, "THREAD_BUSY")
    assert "s3cret" not in answer.text


async def test_a_thread_without_a_graph_is_not_changed(api: Api) -> None:
    answer = await api.client.post(f"/threads/{await api.thread()}/state", json={"values": {"n": 1}})

    assert (answer.status_code, answer.json()["code"]) == (400, "THREAD_HAS_NO_GRAPH")


async def test_a_thread_that_names_its_graph_can_be_changed_before_its_first_run(api: Api) -> None:
    path = f"/threads/{await api.thread(metadata={'graph_id': 'joke'})}"

    await api.post(f"{path}/state", {"values": {"topic": "fog"}, "as_node": "refine_topic"})

    assert (await api.get(path))["values"] == {"topic": "fog"}


async def test_history_is_one_state_unless_more_are_asked_for(api: Api) -> None:
    path = await _told(api)
    whole = await api.get(f"{path}/history", limit=10)

    assert [state["metadata"]["step"] for state in whole] == [2, 1, 0, -1]
    assert await api.get(f"{path}/history") == whole[:1]
    assert await api.post(f"{path}/history") == whole[:1]
    assert await api.post(f"{path}/history", {"limit": 3}) == whole[:3]
    assert [state["parent_checkpoint"] for state in whole[:-1]] == [state["checkpoint"] for state in whole[1:]]


async def test_history_before_a_checkpoint(api: Api) -> None:
    path = await _told(api)
    whole = await api.get(f"{path}/history", limit=10)
    newest = whole[0]["checkpoint"]

    for before in (newest["checkpoint_id"], newest, {"configurable": newest}):
        assert await api.post(f"{path}/history", {"limit": 10, "before": before}) == whole[1:]
    assert await api.get(f"{path}/history", limit=2, before=newest["checkpoint_id"]) == whole[1:3]


async def test_history_by_metadata(api: Api) -> None:
    path = await _told(api)

    async def steps(metadata: Json) -> list[int]:
        found = await api.post(f"{path}/history", {"limit": 10, "metadata": metadata})
        return [state["metadata"]["step"] for state in found]

    assert await steps({"step": 1}) == [1]
    assert await steps({"source": "loop"}) == [2, 1, 0]
    assert await steps({"who": "me", "source": "input"}) == [-1]
    assert await steps({"who": "you"}) == []


async def test_history_of_a_thread_that_has_none(api: Api) -> None:
    assert await api.get(f"/threads/{await api.thread()}/history") == []


async def test_history_of_several_runs_in_pages(api: Api) -> None:
    """Each page begins behind the last state of the one before; filters hold on every page (wire fact 70)."""
    path = await _told(api)
    for who in ("you", "me"):
        body = {"assistant_id": "joke", "input": {"topic": who}, "metadata": {"who": who}}
        await api.post(f"{path}/runs/wait", body)

    async def pages(size: int, **more: Any) -> list[list[int]]:
        found, before = [], None
        while page := await api.post(f"{path}/history", {"limit": size, "before": before, **more}):
            found.append([state["metadata"]["step"] for state in page])
            before = page[-1]["checkpoint"]
        return found

    assert await pages(5) == [[10, 9, 8, 7, 6], [5, 4, 3, 2, 1], [0, -1]]
    assert await pages(3, metadata={"who": "me"}) == [[10, 9, 8], [7, 2, 1], [0, -1]]
    assert await pages(2, metadata={"who": "you", "source": "loop"}) == [[6, 5], [4]]
    assert await pages(1000, metadata={"source": "input"}) == [[7, 3, -1]]


async def test_history_of_a_subgraph_in_pages(api: Api) -> None:
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", {"assistant_id": "asking", "input": {"messages": []}})
    (task,) = (await api.get(f"{path}/state"))["tasks"]
    inside = {"checkpoint": {"checkpoint_ns": task["checkpoint"]["checkpoint_ns"]}, "limit": 1}

    first = await api.post(f"{path}/history", inside)
    second = await api.post(f"{path}/history", {**inside, "before": first[0]["checkpoint"]})
    third = await api.post(f"{path}/history", {**inside, "before": second[0]["checkpoint"]})

    assert [first[0]["next"], second[0]["next"], third] == [["ask"], ["__start__"], []]
    assert first[0]["parent_checkpoint"] == second[0]["checkpoint"]


async def test_a_copy_of_a_fork_has_all_branches(api: Api) -> None:
    path = await _told(api)
    at = (await api.get(f"{path}/history", limit=10))[2]["checkpoint"]
    await api.post(f"{path}/state", {"values": {"topic": "snow"}, "as_node": "refine_topic", "checkpoint": at})
    await api.post(f"{path}/runs/wait", {"assistant_id": "joke"})

    copy = f"/threads/{(await api.post(f'{path}/copy'))['thread_id']}"
    mine, theirs = [await api.get(f"{each}/history", limit=20) for each in (path, copy)]
    forked = await api.post(f"{copy}/runs/wait", {"assistant_id": "joke", "checkpoint_id": mine[-3]["checkpoint_id"]})

    assert [(s["checkpoint_id"], s["parent_checkpoint_id"], s["values"]) for s in theirs] == [
        (s["checkpoint_id"], s["parent_checkpoint_id"], s["values"]) for s in mine
    ]
    assert forked["topic"] == "ice and cats"
    assert await api.get(f"{path}/history", limit=20) == mine
