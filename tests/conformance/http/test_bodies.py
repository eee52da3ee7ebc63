"""What a body may say: in either spelling, with fields that nobody knows, and what is wrong with it named by its field."""

from typing import Any

import pytest

from tests.conformance.http.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}}
CONTEXT: Json = {"assistant_id": "context", "input": {"text": "t"}}
NOBODY = "00000000-0000-4000-8000-000000000000"


async def test_unknown_fields_are_ignored(api: Api) -> None:
    body = {
        **JOKE,
        "color": "blue",
        "config": {"color": "blue"},
        "strict_resume": True,
        "langsmith_tracer": {"project_name": "p"},
    }

    assert (await api.post("/runs/wait", body))["topic"] == "ice and cats"


async def test_null_is_as_good_as_nothing(api: Api) -> None:
    names = (
        "command", "config", "context", "metadata", "checkpoint", "checkpoint_id", "webhook", "interrupt_before", "interrupt_after", "stream_mode",
        "stream_subgraphs", "stream_resumable", "feedback_keys", "multitask_strategy", "if_not_exists", "after_seconds", "checkpoint_during",
        "durability", "on_disconnect", "on_completion", "langsmith_tracer", "timeout_seconds",
    )  # fmt: skip

    assert (await api.post("/runs/wait", {**JOKE, **dict.fromkeys(names)}))["topic"] == "ice and cats"


async def test_camel_case_is_understood(api: Api) -> None:
    body = {
        "assistantId": "approval",
        "input": {"request": "launch"},
        "streamMode": ["updates"],
        "interruptBefore": ["ask"],
        "config": {"recursionLimit": 9},
        "onDisconnect": "cancel",
        "streamSubgraphs": True,
        "streamResumable": True,
    }
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", body)

    assert streamed.names == ["metadata", "updates", "updates"]
    assert streamed.frames[-1].id is not None


@pytest.mark.parametrize(
    "durability",
    [{"durability": "sync"}, {"durability": "exit"}, {"checkpoint_during": True}, {"checkpoint_during": False}],
)
async def test_when_checkpoints_are_written(api: Api, durability: Json) -> None:
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", {**JOKE, **durability})
    steps = [state["metadata"]["step"] for state in await api.get(f"{path}/history", limit=10)]

    only_at_exit = durability.get("durability") == "exit" or durability.get("checkpoint_during") is False
    assert steps == ([2] if only_at_exit else [2, 1, 0, -1])


async def test_context_and_configurable_are_mirrored(api: Api) -> None:
    in_context = await api.post("/runs/wait", {**CONTEXT, "context": {"tone": "dry", "user": "u", "color": "blue"}})
    in_config = await api.post("/runs/wait", {**CONTEXT, "config": {"configurable": {"tone": "dry", "user": "u"}}})

    assert in_context["seen"] == in_config["seen"] == {"tone": "dry", "user": "u", "thread": True}


async def test_reserved_names_of_a_configuration_are_replaced(api: Api) -> None:
    thread_id = await api.thread()
    reserved = {
        "thread_id": NOBODY,
        "run_id": NOBODY,
        "graph_id": "x",
        "__pregel_x": 1,
        "langgraph_auth_user": "root",
        "checkpoint_ns": "x",
    }
    body = {
        **JOKE,
        "config": {"configurable": reserved},
        "metadata": {"run_id": "x", "k": "v"},
        "stream_mode": "checkpoints",
    }
    streamed = await api.stream(f"/threads/{thread_id}/runs/stream", body)

    config = streamed.frames[-1].data["config"]["configurable"]
    assert (config["thread_id"], config["graph_id"], config["checkpoint_ns"]) == (thread_id, "joke", "")
    assert b"root" not in streamed.raw
    assert b"__pregel_x" not in streamed.raw


@pytest.mark.parametrize("goto", ["act", ["act"], {"node": "act", "input": {"decision": "x"}}])
async def test_a_command_goes_somewhere(api: Api, goto: Any) -> None:
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", {"assistant_id": "approval", "input": {"request": "launch"}})

    command = {"update": {"decision": "x"}, "goto": goto, "resume": None}
    body = {"assistant_id": "approval", "command": command, "stream_mode": "updates"}
    streamed = await api.stream(f"{path}/runs/stream", body)

    assert {"act": {"log": ["acted on x"]}} in [frame.data for frame in streamed.frames]


WRONG: list[tuple[Json, int, str]] = [
    ({"assistant_id": None}, 422, "assistant_id"),
    ({"assistant_id": ""}, 422, "assistant_id"),
    ({"assistant_id": 1}, 422, "assistant_id"),
    ({"stream_mode": "nonsense"}, 422, "stream_mode"),
    ({"stream_mode": ["values", "nonsense"]}, 422, "stream_mode[1]"),
    ({"stream_subgraphs": "yes"}, 422, "stream_subgraphs"),
    ({"config": {"recursion_limit": 0}}, 422, "config.recursion_limit"),
    ({"config": {"recursion_limit": "5"}}, 422, "config.recursion_limit"),
    ({"config": []}, 422, "config"),
    ({"context": {"a": 1}, "config": {"configurable": {"b": 2}}}, 400, "context"),
    ({"metadata": "x"}, 422, "metadata"),
    ({"multitask_strategy": "nonsense"}, 422, "multitask_strategy"),
    ({"durability": "nonsense"}, 422, "durability"),
    ({"on_disconnect": "nonsense"}, 422, "on_disconnect"),
    ({"if_not_exists": "nonsense"}, 422, "if_not_exists"),
    ({"interrupt_before": "x"}, 422, "interrupt_before"),
    ({"after_seconds": -1}, 422, "after_seconds"),
    ({"after_seconds": 10 * 366 * 86400}, 422, "after_seconds"),
    ({"after_seconds": "1"}, 422, "after_seconds"),
    ({"after_seconds": True}, 422, "after_seconds"),
    ({"timeout_seconds": 0}, 422, "timeout_seconds"),
    ({"timeout_seconds": -0.5}, 422, "timeout_seconds"),
    ({"timeout_seconds": 1e-9}, 422, "timeout_seconds"),
    ({"timeout_seconds": 10 * 366 * 86400}, 422, "timeout_seconds"),
    ({"timeoutSeconds": "1"}, 422, "timeout_seconds"),
    ({"checkpoint_id": "x"}, 422, "checkpoint_id"),
    ({"checkpoint": {"checkpoint_id": 1}}, 422, "checkpoint.checkpoint_id"),
    ({"checkpoint": {"thread_id": NOBODY}}, 422, "checkpoint.thread_id"),
    ({"command": {"resume": 1}}, 422, "command"),
    ({"input": None, "command": {"goto": 1}}, 422, "command.goto"),
    ({"input": None, "command": {"goto": {"node": ""}}}, 422, "command.goto.node"),
    ({"input": None, "command": {"update": [["a"]]}}, 422, "command.update"),
    ({"input": None, "command": {"update": "x"}}, 422, "command.update"),
]


@pytest.mark.parametrize(("change", "status", "field"), WRONG)
@pytest.mark.parametrize("what", ["", "/stream", "/wait"])
async def test_what_is_wrong_is_named(api: Api, what: str, change: Json, status: int, field: str) -> None:
    answer = await api.client.post(f"/threads/{await api.thread()}/runs{what}", json={**JOKE, **change})

    assert (answer.status_code, answer.json()["code"]) == (status, "INVALID_FIELD")
    assert answer.json()["field"].startswith(field)
    assert answer.json()["detail"].startswith(field)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"1", b"null", b'{"assistant_id":"joke","input":NaN}', b"\xff", b'{"a":"\\ud800"}']
)
async def test_what_is_no_json_object_is_refused(api: Api, content: bytes) -> None:
    answer = await api.client.post("/runs/wait", content=content)

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "INVALID_FIELD", "body")


async def test_numbers_of_any_size_are_kept(api: Api) -> None:
    number = 2**80 + 1
    metadata = (await api.post("/threads", {"metadata": {"n": number, "f": 0.1}}))["metadata"]
    values = await api.post("/runs/wait", {"assistant_id": "custom", "input": {"n": 0, "delay": 0, "done": number}})

    assert metadata == {"n": number, "f": 0.1}
    assert values["n"] == 0


@pytest.mark.parametrize("given", [{"topic": "ice", "joke": None}, {}])
async def test_a_run_with_an_empty_input(api: Api, given: Json) -> None:
    answer = await api.client.post("/runs/wait", json={"assistant_id": "joke", "input": given})

    assert answer.status_code == 200
    if not given:
        assert "__error__" in answer.json()


async def test_a_run_without_an_input_on_a_new_thread_fails_as_langgraph_says(api: Api) -> None:
    values = await api.post(f"/threads/{await api.thread()}/runs/wait", {"assistant_id": "joke"})

    assert values["__error__"]["error"] == "EmptyInputError"


@pytest.mark.parametrize(("stateless", "status"), [(True, 400), (False, 409)])
async def test_there_is_nothing_to_resume(api: Api, stateless: bool, status: int) -> None:
    path = "/runs/wait" if stateless else f"/threads/{await api.thread()}/runs/wait"

    answer = await api.client.post(path, json={"assistant_id": "approval", "command": {"resume": 1}})

    assert (answer.status_code, answer.json()["code"]) == (status, "NOTHING_TO_RESUME")
