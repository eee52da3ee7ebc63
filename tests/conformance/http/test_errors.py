"""Every error that a caller can meet: its status, its code, the field that is wrong, and a body for people and for programs."""

import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

import httpx
import pytest

from graphwire_server.core.errors import GraphwireError
from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import Held, at_gate
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "00000000-0000-4000-8000-000000000000"
JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}}
RESUME: Json = {"assistant_id": "approval", "command": {"resume": 1}}

Ask: TypeAlias = Callable[[Api, Held], Awaitable[httpx.Response]]


def _ask(method: str, path: str, body: Any = None) -> Ask:
    """A request; `{busy}` is the path of a thread on which a run is at work, `{run}` that of the run, `{idle}` that of another thread."""

    async def ask(api: Api, held: Held) -> httpx.Response:
        idle = f"/threads/{await api.thread()}"
        return await api.client.request(method, path.format(busy=held.thread, run=held.path, idle=idle), json=body)

    return ask


async def _cancel_twice(api: Api, held: Held) -> httpx.Response:
    path = f"/threads/{await api.thread()}/runs"
    await api.post(f"{path}/wait", JOKE)
    return await api.client.post(f"{path}/{(await api.get(path))[0]['run_id']}/cancel")


async def _again(api: Api, held: Held) -> httpx.Response:
    return await api.client.post("/threads", json={"thread_id": held.thread_id})


async def _key_of_another(api: Api, held: Held) -> httpx.Response:
    key = {"idempotency-key": f"errors-{held.name}"}
    await api.client.post("/runs", json=JOKE, headers=key)
    return await api.client.post("/runs", json={**JOKE, "input": {"topic": "tea"}}, headers=key)


async def _system_assistant(api: Api, held: Held) -> httpx.Response:
    return await api.client.delete(f"/assistants/{(await api.get('/assistants/joke'))['assistant_id']}")


async def _state(api: Api, held: Held) -> httpx.Response:
    path = f"/threads/{await api.thread()}"
    await api.post(f"{path}/runs/wait", JOKE)
    return await api.client.get(f"{path}/state/{NOBODY}")


OWN = str(uuid.uuid5(uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), "joke"))
"""A graph's own assistant (wire fact 77)."""

REFUSED: list[tuple[str, int, str | None, Ask]] = [
    ("INVALID_FIELD", 422, "stream_mode", _ask("POST", "{idle}/runs/stream", {**JOKE, "stream_mode": "x"})),
    ("INVALID_FIELD", 422, "thread_id", _ask("GET", "/threads/x")),
    ("INVALID_FIELD", 422, "run_id", _ask("GET", "/runs/x")),
    ("INVALID_FIELD", 422, "run_id", _ask("GET", "{idle}/runs/x")),
    ("INVALID_FIELD", 422, "thread_id", _ask("POST", "/threads", {"thread_id": "x"})),
    ("INVALID_FIELD", 422, "supersteps", _ask("POST", "/threads", {"supersteps": [{"updates": [{"values": {}}]}]})),
    ("INVALID_FIELD", 422, "timeout_seconds", _ask("POST", "/runs", {**JOKE, "timeout_seconds": 0})),
    ("INVALID_FIELD", 422, "action", _ask("POST", "{run}/cancel?action=x")),
    (
        "INVALID_FIELD",
        400,
        "context",
        _ask("POST", "/runs", {**JOKE, "context": {"a": 1}, "config": {"configurable": {"b": 1}}}),
    ),
    ("ASSISTANT_NOT_FOUND", 422, None, _ask("POST", "/runs", {**JOKE, "assistant_id": "nobody"})),
    ("ASSISTANT_NOT_FOUND", 404, None, _ask("POST", "/runs", {**JOKE, "assistant_id": NOBODY})),
    ("SYSTEM_ASSISTANT", 409, None, _system_assistant),
    ("ASSISTANT_EXISTS", 409, None, _ask("POST", "/assistants", {"graph_id": "joke", "assistant_id": OWN})),
    ("GRAPH_NOT_FOUND", 404, None, _ask("POST", "/assistants", {"graph_id": "nobody"})),
    ("CRON_NOT_FOUND", 404, None, _ask("GET", f"/runs/crons/{NOBODY}")),
    ("THREAD_NOT_FOUND", 404, None, _ask("POST", f"/threads/{NOBODY}/runs", JOKE)),
    ("THREAD_NOT_FOUND", 404, None, _ask("PATCH", f"/threads/{NOBODY}", {"metadata": {}})),
    ("THREAD_NOT_FOUND", 404, None, _ask("GET", f"/threads/{NOBODY}/runs")),
    ("RUN_NOT_FOUND", 404, None, _ask("GET", f"/runs/{NOBODY}")),
    ("RUN_NOT_FOUND", 404, None, _ask("DELETE", "{idle}/runs/" + NOBODY)),
    ("CHECKPOINT_NOT_FOUND", 404, None, _state),
    ("CHECKPOINT_NOT_FOUND", 404, None, _ask("POST", "{idle}/runs/wait", {**JOKE, "checkpoint_id": NOBODY})),
    ("THREAD_EXISTS", 409, None, _again),
    ("THREAD_BUSY", 409, None, _ask("POST", "{busy}/runs", {**JOKE, "multitask_strategy": "reject"})),
    ("THREAD_BUSY", 409, None, _ask("POST", "{busy}/state", {"values": {}})),
    ("THREAD_BUSY", 409, None, _ask("DELETE", "{busy}")),
    ("REQUEST_ID_REUSED", 409, None, _key_of_another),
    ("NOTHING_TO_RESUME", 409, None, _ask("POST", "{idle}/runs", RESUME)),
    ("NOTHING_TO_RESUME", 400, None, _ask("POST", "/runs/wait", RESUME)),
    ("THREAD_HAS_NO_GRAPH", 400, None, _ask("POST", "{idle}/state", {"values": {}})),
    ("RUN_FINISHED", 404, None, _cancel_twice),
    ("RUN_ACTIVE", 409, None, _ask("DELETE", "{run}")),
    ("NOT_OFFERED", 501, None, _ask("GET", "{idle}/storage")),
    ("ROUTE_NOT_FOUND", 404, None, _ask("GET", "/nothing")),
    ("ROUTE_NOT_FOUND", 404, None, _ask("GET", "/threads/")),
    ("METHOD_NOT_ALLOWED", 405, None, _ask("PUT", "/threads")),
]
ELSEWHERE = {
    "CURSOR_EXPIRED": "test_resuming",
    "SLOW_READER": "test_limits",
    "REQUEST_TOO_LARGE": "test_limits",
    "CAPACITY_REACHED": "test_limits",
    "DRAINING": "test_stopping",
    "UNAUTHENTICATED": "test_keys",
    "STORE_UNAVAILABLE": "the tests of the store: no request can bring it about",
    "INTERNAL": "the unit tests: no request can bring about a defect",
    "ITEM_NOT_FOUND": "over gRPC alone: here an item that is not there is null",
    "EMBEDDING_FAILED": "the tests of the store of items: it needs an index of its own",
    "LEASE_LOST": "the tests of the store: it is said to an attempt that is over, not to a caller",
}
"""Where the other errors are tested, which need a server of their own."""


@pytest.mark.parametrize(("code", "status", "field", "ask"), REFUSED)
async def test_refusals(api: Api, gate: Gate, code: str, status: int, field: str | None, ask: Ask) -> None:
    async with at_gate(api, gate) as held:
        answer = await ask(api, held)

    body = answer.json()
    assert (answer.status_code, body["code"], body.get("field")) == (status, code, field)
    assert answer.headers["content-type"] == "application/json"
    assert body.keys() <= {"detail", "code", "field", "metadata"}
    assert len(body["detail"]) > 10
    assert all(isinstance(value, str) for value in body.get("metadata", {}).values())


def _all(root: type[GraphwireError]) -> Iterator[str]:
    for child in root.__subclasses__():
        yield from _all(child)
    yield root.reason


async def test_all_errors_are_here() -> None:
    tested = {code for code, *_ in REFUSED} - {"ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED"}

    assert set(_all(GraphwireError)) == tested | ELSEWHERE.keys()
    assert not tested & ELSEWHERE.keys()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_wrong_method_names_the_right_ones(api: Api, method: str) -> None:
    answer = await api.client.request(method, "/runs/stream")

    if method == "POST":
        assert answer.status_code == 422
    else:
        assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


async def test_options_and_head(api: Api) -> None:
    options, head, get = [await api.client.request(method, "/ok") for method in ("OPTIONS", "HEAD", "GET")]
    stream = await api.client.head(f"/runs/{NOBODY}/stream")

    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(get.content)))
    assert (stream.status_code, stream.headers["allow"]) == (405, "GET, OPTIONS")


async def test_a_long_text_of_the_callers_is_not_repeated_whole(api: Api) -> None:
    answer = await api.client.post("/runs", json={**JOKE, "assistant_id": "x" * 100_000})

    assert answer.status_code == 422
    assert len(answer.content) < 1000
