"""Interrupts and how they are answered, failures, keys and headers, through both clients of the Python SDK."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk.errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    UnprocessableEntityError,
)

from tests.conformance.sdk.clients import KINDS, Sdk, connected, named
from tests.conformance.sdk.conftest import APP
from tests.support.serving import running

NOBODY = "01a1fe2a-79bd-714d-9fa3-f75628f105a2"
QUESTION = {"question": "approve lunch?"}


async def test_a_question_and_its_answer(sdk: Sdk, thread_id: str) -> None:
    asked = await sdk(
        lambda c: c.runs.stream(thread_id, "approval", input={"request": "lunch"}, stream_mode=["values", "updates"])
    )
    waiting = await sdk(lambda c: c.threads.get(thread_id))
    answered = await sdk(
        lambda c: c.runs.stream(thread_id, "approval", command={"resume": "yes"}, stream_mode="updates")
    )

    (update,) = [data for name, data in named(asked) if name == "updates"]
    (interrupt,) = update["__interrupt__"]
    assert interrupt["value"] == QUESTION
    assert asked[-1].data == {"request": "lunch", "log": [], "__interrupt__": [interrupt]}
    assert waiting["status"] == "interrupted"
    assert list(waiting["interrupts"].values()) == [[{"id": interrupt["id"], "value": QUESTION}]]
    assert named(answered)[1:] == [
        ("updates", {"ask": {"decision": "yes", "log": ["asked"]}}),
        ("updates", {"act": {"log": ["acted on yes"]}}),
    ]
    assert (await sdk(lambda c: c.threads.get(thread_id)))["status"] == "idle"


async def test_an_answer_by_the_questions_id(sdk: Sdk, thread_id: str) -> None:
    asked = await sdk(lambda c: c.runs.wait(thread_id, "approval", input={"request": "lunch"}))
    (interrupt,) = asked["__interrupt__"]

    values = await sdk(lambda c: c.runs.wait(thread_id, "approval", command={"resume": {interrupt["id"]: "no"}}))

    assert values == {"request": "lunch", "decision": "no", "log": ["asked", "acted on no"]}


async def test_a_question_inside_a_subgraph(sdk: Sdk, thread_id: str) -> None:
    asked = await sdk(
        lambda c: c.runs.stream(
            thread_id, "deep", input={"request": "lunch"}, stream_mode="updates", stream_subgraphs=True
        )
    )
    values = await sdk(lambda c: c.runs.wait(thread_id, "deep", command={"resume": "yes"}))

    assert [data["__interrupt__"][0]["value"] for _, data in named(asked)[1:]] == [QUESTION] * len(asked[1:])
    assert values["decision"] == "yes"


async def test_a_command_that_changes_the_state_and_says_where_to_go(sdk: Sdk, thread_id: str) -> None:
    await sdk(lambda c: c.runs.wait(thread_id, "approval", input={"request": "lunch"}))
    await sdk(lambda c: c.runs.wait(thread_id, "approval", command={"resume": "no"}))

    values = await sdk(
        lambda c: c.runs.wait(thread_id, "approval", command={"update": {"decision": "yes"}, "goto": "act"})
    )

    assert values["log"] == ["asked", "acted on no", "acted on yes"]


async def test_stops_before_and_after_nodes(sdk: Sdk, thread_id: str) -> None:
    before = await sdk(
        lambda c: c.runs.stream(
            thread_id, "joke", input={"topic": "ice"}, interrupt_before=["generate_joke"], stream_mode="updates"
        )
    )
    state = await sdk(lambda c: c.threads.get_state(thread_id))
    after = await sdk(lambda c: c.runs.wait(thread_id, "joke", input=None))

    assert named(before)[1:] == [
        ("updates", {"refine_topic": {"topic": "ice and cats"}}),
        ("updates", {"__interrupt__": []}),
    ]
    assert state["next"] == ["generate_joke"]
    assert after == {"topic": "ice and cats", "joke": "这是一个关于 ice and cats 的笑话"}


async def test_a_graph_that_fails(sdk: Sdk, thread_id: str) -> None:
    parts = await sdk(lambda c: c.runs.stream(thread_id, "failing", input={}, stream_mode="updates"))
    told = await sdk(lambda c: c.runs.wait(thread_id, "failing", input={}, raise_error=False))
    with pytest.raises(Exception, match=r"^ValueError: this node always fails$"):
        await sdk(lambda c: c.runs.wait(thread_id, "failing", input={}))

    failure = {"error": "ValueError", "message": "this node always fails"}
    assert named(parts)[1:] == [("updates", {"good": {"a": 1}}), ("error", failure)]
    assert told == {"__error__": failure}
    thread = await sdk(lambda c: c.threads.get(thread_id))
    assert thread["status"] == "error"


REFUSED: list[tuple[type[APIStatusError], Any]] = [
    (NotFoundError, lambda c, t: c.runs.create(t, NOBODY, input={})),
    (NotFoundError, lambda c, t: c.runs.stream(t, NOBODY, input={})),
    (NotFoundError, lambda c, t: c.runs.get(t, NOBODY)),
    (UnprocessableEntityError, lambda c, t: c.runs.create(t, "no graph", input={})),
    (UnprocessableEntityError, lambda c, t: c.runs.create(t, "joke", input={}, stream_mode="nonsense")),
    (UnprocessableEntityError, lambda c, t: c.threads.get("nonsense")),
    (UnprocessableEntityError, lambda c, t: c.runs.stream(t, "joke", input={}, checkpoint_id="nonsense")),
    (BadRequestError, lambda c, t: c.runs.create(None, "approval", command={"resume": "x"})),
    (BadRequestError, lambda c, t: c.runs.create(t, "joke", input={}, context={"a": 1}, config={"configurable": {"b": 2}})),
    (ConflictError, lambda c, t: c.threads.create(thread_id=t)),
    (UnprocessableEntityError, lambda c, t: c.runs.create(t, "joke", input={}, after_seconds=-1)),
    (UnprocessableEntityError, lambda c, t: c.runs.create(t, "joke", input={}, multitask_strategy="nonsense")),
    (UnprocessableEntityError, lambda c, t: c.runs.cancel_many(action="nonsense", status="all")),
    (UnprocessableEntityError, lambda c, t: c.threads.create(supersteps=[{"updates": [{"values": {}, "as_node": "a"}]}])),
    (UnprocessableEntityError, lambda c, t: c.runs.create(t, "joke", input={}, webhook="http://127.0.0.1/hook")),
]  # fmt: skip


@pytest.mark.parametrize(("error", "use"), REFUSED)
async def test_what_is_refused_comes_as_the_sdks_own_error(
    sdk: Sdk, thread_id: str, error: type[APIStatusError], use: Any
) -> None:
    with pytest.raises(error) as refused:
        await sdk(lambda c: use(c, thread_id))

    assert isinstance(refused.value.body, dict)
    assert refused.value.message == refused.value.body["detail"]
    assert refused.value.code


async def test_waits_raise_the_error_of_httpx(sdk: Sdk, thread_id: str) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await sdk(lambda c: c.runs.wait(thread_id, NOBODY, input={}))

    assert refused.value.response.status_code == 404


async def test_joining_a_run_that_is_not_there(sdk: Sdk, thread_id: str) -> None:
    joined = await sdk(lambda c: c.runs.join(thread_id, NOBODY))
    streamed = await sdk(lambda c: c.runs.join_stream(thread_id, NOBODY))

    failure = {"error": "HTTPException", "message": "404: Run not found"}
    assert joined == {"__error__": failure}
    assert named(streamed) == [("error", failure)]


@pytest.mark.parametrize("kind", KINDS)
async def test_nodes_see_headers(tmp_path: Path, kind: str) -> None:
    async with (
        running(tmp_path, APP, api_keys="secret") as server,
        connected(kind, server.url, api_key="secret", headers={"X-Tenant": "t", "Cookie": "c"}) as sdk,
    ):
        seen = await sdk(
            lambda c: c.runs.wait(
                None, "headers", input={}, headers={"X-Request": "r"}, config={"configurable": {"user": "u"}}
            )
        )

    names = seen["seen"]
    assert names.pop("user-agent").startswith("langgraph-sdk-py/")
    assert names == {"x-tenant": "t", "x-request": "r", "user": "u"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    async with running(tmp_path, APP, api_keys="secret") as server:
        for key in (None, "wrong"):
            async with connected(kind, server.url, api_key=key) as sdk:
                with pytest.raises(AuthenticationError):
                    await sdk(lambda c: c.threads.create())
                with pytest.raises(AuthenticationError):
                    await sdk(lambda c: c.runs.stream(None, "joke", input={"topic": "ice"}))
        async with connected(kind, server.url, api_key="secret") as sdk:
            assert len(await sdk(lambda c: c.runs.stream(None, "joke", input={"topic": "ice"}))) == 4
