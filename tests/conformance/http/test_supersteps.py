"""Threads that begin with a history from elsewhere (wire A3): all of it or, where something is wrong, no thread (fact 79)."""

from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.http.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

FANOUT = {"graph_id": "fanout"}
JOKE = {"graph_id": "joke"}
TEA: Json = {"values": {"topic": "tea"}, "as_node": "refine_topic"}


def _steps(*updates: Any) -> list[Json]:
    """Supersteps of one change each, or of several."""
    return [{"updates": each if isinstance(each, list) else [each]} for each in updates]


async def _states(api: Api, thread: str) -> list[Json]:
    states: list[Json] = await api.get(f"{thread}/history", limit=20)
    return states


async def test_each_superstep_is_a_checkpoint(api: Api) -> None:
    made = await api.post("/threads", {"metadata": {**JOKE, "k": 1}, "supersteps": _steps(TEA, TEA)})
    thread = f"/threads/{made['thread_id']}"
    states = await _states(api, thread)

    assert (made["values"], made["metadata"]["k"], made["metadata"]["graph_id"]) == ({"topic": "tea"}, 1, "joke")
    # There is a node to go on with, as behind a single change of a state.
    assert (made["status"], await api.get(thread)) == ("interrupted", made)
    assert [(state["next"], state["metadata"]["source"]) for state in states] == [(["generate_joke"], "update")] * 2
    assert states[0]["parent_checkpoint"] == states[1]["checkpoint"]


async def test_several_nodes_in_one_superstep(api: Api) -> None:
    both = [{"values": {"out": [letter]}, "as_node": "each"} for letter in "AB"]
    steps = _steps({"values": {"items": ["a", "b"]}, "as_node": "__start__"}, both)
    made = await api.post("/threads", {"metadata": FANOUT, "supersteps": steps})

    states = await _states(api, f"/threads/{made['thread_id']}")

    assert (made["values"]["out"], states[0]["next"]) == (["A", "B"], ["join_up"])
    assert len(states) == 2


async def test_a_command_instead_of_values(api: Api) -> None:
    command = {"update": {"count": 2}, "goto": "bump"}
    update = {"values": None, "command": command, "asNode": "bump"}
    made = await api.post("/threads", {"metadata": {"graph_id": "counter"}, "supersteps": _steps(update)})
    thread = f"/threads/{made['thread_id']}"

    values = await api.post(f"{thread}/runs/wait", {"assistant_id": "counter"})

    assert (made["values"]["count"], made["status"], values["count"]) == (2, "interrupted", 3)


async def test_the_thread_goes_on_like_any_other(api: Api) -> None:
    made = await api.post("/threads", {"metadata": JOKE, "supersteps": _steps(TEA)})
    thread = f"/threads/{made['thread_id']}"
    body = {"assistant_id": "joke", "stream_mode": "updates", "stream_resumable": True}
    streamed = await api.stream(f"{thread}/runs/stream", body)

    assert [frame.data for frame in streamed.frames[1:]] == [{"generate_joke": {"joke": "这是一个关于 tea 的笑话"}}]
    assert [frame.id for frame in streamed.frames] == ["1", "2"]
    assert (await api.get(thread))["status"] == "idle"


async def test_a_thread_that_exists_stays_as_it_is(api: Api) -> None:
    thread_id = str(uuid4())
    body = {"thread_id": thread_id, "metadata": JOKE, "supersteps": _steps(TEA)}
    made = await api.post("/threads", body)

    other = {**body, "supersteps": _steps({**TEA, "values": {"topic": "milk"}})}
    refused = await api.client.post("/threads", json=other)
    kept = await api.post("/threads", {**other, "if_exists": "do_nothing"})

    assert (refused.status_code, refused.json()["code"]) == (409, "THREAD_EXISTS")
    assert kept == made
    assert len(await _states(api, f"/threads/{thread_id}")) == 1


@pytest.mark.parametrize("supersteps", [None, []])
async def test_no_supersteps_need_no_graph(api: Api, supersteps: Any) -> None:
    made = await api.post("/threads", {"supersteps": supersteps})

    assert (made["status"], made["values"]) == ("idle", None)


WRONG: list[tuple[Any, Json, int, str]] = [
    (_steps(TEA), {}, 422, "supersteps"),
    (_steps(TEA), {"graph_id": "nobody"}, 422, "supersteps"),
    (_steps(TEA, []), JOKE, 422, "supersteps[1].updates"),
    ([{}], JOKE, 422, "supersteps[0].updates"),
    ([[TEA]], JOKE, 422, "supersteps[0]"),
    ("x", JOKE, 422, "supersteps"),
    (_steps(TEA) * 1001, JOKE, 422, "supersteps"),
    (_steps(TEA, {**TEA, "as_node": 1}), JOKE, 422, "supersteps[1].updates[0].as_node"),
    (_steps(TEA, [TEA, {**TEA, "as_node": "nobody"}]), JOKE, 400, "supersteps[1].updates[1].as_node"),
    (_steps(TEA, {**TEA, "values": "x"}), JOKE, 400, "supersteps"),
    (_steps([TEA, TEA]), JOKE, 400, "supersteps"),
    (_steps({**TEA, "command": {"goto": 1}}), JOKE, 422, "supersteps[0].updates[0].command.goto"),
]


@pytest.mark.parametrize(("supersteps", "metadata", "status", "field"), WRONG)
async def test_what_is_wrong_is_named_and_leaves_no_thread(
    api: Api, supersteps: Any, metadata: Json, status: int, field: str
) -> None:
    thread_id = str(uuid4())
    body = {"thread_id": thread_id, "metadata": metadata, "supersteps": supersteps}

    answer = await api.client.post("/threads", json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, "INVALID_FIELD")
    assert answer.json()["field"].startswith(field)
    assert (await api.client.get(f"/threads/{thread_id}")).status_code == 404
    assert (await api.post("/threads", {"thread_id": thread_id}))["values"] is None
