"""The v2 event protocol: commands (wire facts 54 to 58)."""

from typing import Any

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import held_body, new_name
from tests.conformance.http.test_v2_events import command, start, whole
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "00000000-0000-4000-8000-000000000000"
NEW = "11111111-1111-4111-8111-{:012d}"
RIGHT: Json = {"id": 1, "method": "run.start", "params": {"assistant_id": "joke", "input": {"topic": "ice"}}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**RIGHT, "id": None}, "id"),
        ({**RIGHT, "id": True}, "id"),
        ({**RIGHT, "id": "1"}, "id"),
        ({**RIGHT, "method": 7}, "method"),
        ({**RIGHT, "params": []}, "params"),
        ([RIGHT], "body"),
    ],
)
async def test_a_form_that_is_wrong(api: Api, body: Any, field: str) -> None:
    answer = await api.client.post(f"/threads/{await api.thread()}/commands", json=body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


FAILING: list[tuple[str, Json, str]] = [
    ("run.start", {}, "invalid_argument"),
    ("run.start", {"assistant_id": "nobody"}, "invalid_argument"),
    ("run.start", {"assistant_id": "joke", "config": {"recursion_limit": 0}}, "invalid_argument"),
    ("run.start", {"assistant_id": "joke", "multitask_strategy": "hope"}, "invalid_argument"),
    (
        "run.start",
        {"assistant_id": "joke", "config": {"configurable": {"checkpoint_id": NOBODY}}},
        "no_such_checkpoint",
    ),
    ("input.respond", {}, "invalid_argument"),
    ("input.respond", {"interrupt_id": "i"}, "invalid_argument"),
    ("input.respond", {"responses": []}, "invalid_argument"),
    ("input.respond", {"interrupt_id": "i", "response": 1}, "no_such_interrupt"),
    ("agent.getTree", {}, "no_such_run"),
    ("agent.getTree", {"run_id": 1}, "invalid_argument"),
    ("subscription.subscribe", {"channels": ["values"]}, "no_such_run"),
    ("subscription.unsubscribe", {"subscription_id": "s"}, "no_such_run"),
    ("subscription.reconnect", {"run_id": NOBODY}, "no_such_run"),
    ("input.inject", {"namespace": [], "message": {"role": "user", "content": "x"}}, "not_supported"),
    ("state.get", {"namespace": "x"}, "invalid_argument"),
    ("state.listCheckpoints", {"limit": 0}, "invalid_argument"),
    ("state.fork", {}, "invalid_argument"),
    ("state.fork", {"checkpoint_id": NOBODY}, "no_such_checkpoint"),
    ("make.coffee", {}, "unknown_command"),
]


@pytest.mark.parametrize(("method", "params", "code"), FAILING)
async def test_a_command_that_fails_is_an_answer(api: Api, method: str, params: Json, code: str) -> None:
    thread = await api.thread(metadata={"graph_id": "joke"})
    answer = await api.client.post(f"/threads/{thread}/commands", json={"id": 7, "method": method, "params": params})

    body = answer.json()
    assert (answer.status_code, body["type"], body["id"], body["error"]) == (200, "error", 7, code)
    assert body["message"]


async def test_a_thread_that_is_none(api: Api) -> None:
    for method in ("input.respond", "agent.getTree", "state.get", "state.listCheckpoints"):
        params = {"interrupt_id": "i", "response": 1, "namespace": []}
        assert (await command(api, NOBODY, method, **params))["error"] == "no_such_run"


async def test_a_start_makes_the_thread(api: Api) -> None:
    thread = NEW.format(1)
    answer = await command(api, thread, "run.start", assistant_id="joke", input={"topic": "ice"})
    await whole(api, thread, "lifecycle")

    assert answer["meta"] == {"applied_through_seq": 1023}
    assert (await api.get(f"/threads/{thread}/state"))["values"]["topic"] == "ice and cats"


async def test_what_is_fixed_of_a_run(api: Api) -> None:
    thread = await api.thread()
    run_id = await start(api, thread, "joke", {"topic": "ice"}, metadata={"a": 1}, config={"tags": ["t"]})

    kwargs = (await api.get(f"/threads/{thread}/runs/{run_id}"))["kwargs"]

    assert kwargs["subgraphs"] is True
    assert kwargs["resumable"] is True


async def test_an_input_is_the_answer_where_one_is_waited_for(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "approval", {"request": "lunch"})
    first = await whole(api, thread, "lifecycle")
    await start(api, thread, "approval", "yes")
    await whole(api, thread, "lifecycle", since=first[-1]["seq"])

    values = (await api.get(f"/threads/{thread}/state"))["values"]
    assert values["decision"] == "yes"


async def test_several_answers_at_once(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "pair", {"log": []})
    found = await whole(api, thread, "input", "lifecycle")
    asked = [each["params"]["data"]["interrupt_id"] for each in found if each["method"] == "input.requested"]
    entries = [{"namespace": [], "interrupt_id": each, "response": "yes"} for each in asked]

    twice = await command(api, thread, "input.respond", responses=[entries[0], entries[0]])
    answer = await command(api, thread, "input.respond", responses=entries)
    rest = await whole(api, thread, "lifecycle", since=found[-1]["seq"])

    assert len(asked) == 2
    assert twice["error"] == "invalid_argument"
    assert answer["type"] == "success"
    assert rest[-1]["params"]["data"]["event"] == "completed"


async def test_an_answer_with_an_update(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "approval", {"request": "lunch"})
    found = await whole(api, thread, "input", "lifecycle")
    interrupt_id = next(each for each in found if each["method"] == "input.requested")["params"]["data"]["interrupt_id"]
    update = {"request": "dinner"}
    await command(api, thread, "input.respond", interrupt_id=interrupt_id, response="yes", update=update)
    await whole(api, thread, "lifecycle", since=found[-1]["seq"])

    assert (await api.get(f"/threads/{thread}/state"))["values"]["request"] == "dinner"


async def test_a_key_makes_one_run(api: Api) -> None:
    thread = await api.thread()
    path, key = f"/threads/{thread}/commands", {"Idempotency-Key": "once-" + thread}
    answers = [(await api.client.post(path, json=RIGHT, headers=key)).json() for _ in range(2)]

    assert answers[0]["result"] == answers[1]["result"]
    assert len(await api.get(f"/threads/{thread}/runs")) == 1


async def test_a_run_that_waits_for_its_turn(api: Api, gate: Gate) -> None:
    thread, name = await api.thread(), new_name()
    await start(api, thread, "gate", held_body(gate, name)["input"])
    await gate.entered(name)
    answer = await command(api, thread, "run.start", assistant_id="joke", input={"topic": "ice"})
    gate.release(name)

    assert answer["meta"] == {"applied_through_seq": 0}


async def test_the_tree_of_a_run(api: Api) -> None:
    thread = await api.thread()
    run_id = await start(api, thread, "nested", {"foo": "x"})
    await whole(api, thread, "lifecycle")

    newest = (await command(api, thread, "agent.getTree"))["result"]["tree"]
    named = (await command(api, thread, "agent.getTree", run_id=run_id))["result"]["tree"]

    assert newest == named
    assert (newest["namespace"], newest["status"], newest["graph_name"]) == ([], "completed", "nested")
    assert [(child["graph_name"], child["status"]) for child in newest["children"]] == [("node_2", "completed")]
    assert (await command(api, thread, "agent.getTree", run_id=NOBODY))["error"] == "no_such_run"


async def test_states(api: Api) -> None:
    thread = await api.thread()
    await start(api, thread, "joke", {"topic": "ice"})
    await whole(api, thread, "lifecycle")

    state = (await command(api, thread, "state.get", namespace=[], keys=["topic", "none"]))["result"]
    listed = (await command(api, thread, "state.listCheckpoints", limit=2))["result"]["checkpoints"]
    older = (await command(api, thread, "state.listCheckpoints", before=listed[-1]["id"]))["result"]["checkpoints"]
    fork = await command(api, thread, "state.fork", checkpoint_id=older[-1]["id"], input={"topic": "tea"})

    assert state["values"] == {"topic": "ice and cats"}
    assert state["checkpoint"] == {"id": listed[0]["id"], "ns": ""}
    assert [each["step"] for each in listed] == [2, 1]
    assert [each["step"] for each in older] == [0, -1]
    assert fork["result"]["thread_id"] == thread
    await api.ended(thread, fork["result"]["run_id"])
    assert (await command(api, thread, "state.get", namespace=[]))["result"]["values"]["topic"] == "tea and cats"
