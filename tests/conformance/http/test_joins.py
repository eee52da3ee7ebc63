"""Joining runs: live, behind their end, with filters in every encoding, with and without their thread."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import at_gate
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOBODY = "00000000-0000-4000-8000-000000000000"
UNKNOWN = {"error": "HTTPException", "message": "404: Run not found"}
MODES = ["values", "updates", "custom", "tasks"]


async def test_a_join_gets_what_comes_and_not_what_was(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held, api.opened(f"{held.path}/stream", method="GET") as reader:
        gate.release(held.name)
        frames = await reader.rest()

    assert [(frame.event, frame.data) for frame in frames] == [("custom", {"passed": held.name})]


async def test_a_join_of_a_run_that_waits_for_its_turn_gets_all_of_it(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate) as held:
        run = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates"}
        waiting = await api.post(f"{held.thread}/runs", run)
        async with api.opened(f"{held.thread}/runs/{waiting['run_id']}/stream", method="GET") as reader:
            gate.release(held.name)
            frames = await reader.rest()

    assert waiting["status"] == "pending"
    assert [frame.event for frame in frames] == ["metadata", "updates", "updates"]


async def _ended(api: Api, assistant: str, given: Any) -> str:
    runs = f"/threads/{await api.thread()}/runs"
    await api.post(f"{runs}/wait", {"assistant_id": assistant, "input": given})
    return f"{runs}/{(await api.get(runs))[0]['run_id']}"


async def test_a_join_of_a_run_that_has_ended_is_empty(api: Api) -> None:
    run = await _ended(api, "joke", {"topic": "ice"})

    streamed = await api.stream(f"{run}/stream", method="GET")

    assert (streamed.status, streamed.raw) == (200, b"")
    assert (await api.get(f"{run}/join"))["topic"] == "ice and cats"


async def test_a_join_of_a_run_that_has_failed_has_its_error(api: Api) -> None:
    run = await _ended(api, "failing", {"a": 0})
    error = {"error": "ValueError", "message": "this node always fails"}

    streamed = await api.stream(f"{run}/stream?stream_mode=values", method="GET")

    assert [(frame.event, frame.data) for frame in streamed.frames] == [("error", error)]
    assert await api.get(f"{run}/join") == {"__error__": error}


async def test_a_joiner_of_a_run_that_fails_sees_the_error_once(api: Api, gate: Gate) -> None:
    async with (
        at_gate(api, gate, given={"then": "fail"}) as held,
        api.opened(f"{held.path}/stream?stream_mode=updates", method="GET") as reader,
    ):
        gate.release(held.name)
        frames = await reader.rest()

    assert [frame.event for frame in frames] == ["error"]


@pytest.mark.parametrize("path", [f"/runs/{NOBODY}", f"/threads/{NOBODY}/runs/{NOBODY}"])
async def test_a_join_of_an_unknown_run_says_so_in_the_stream(api: Api, path: str) -> None:
    streamed = await api.stream(f"{path}/stream", method="GET")

    assert streamed.status == 200
    assert [(frame.event, frame.data) for frame in streamed.frames] == [("error", UNKNOWN)]
    assert await api.get(f"{path}/join") == {"__error__": UNKNOWN}


async def test_a_run_of_another_thread_is_unknown(api: Api) -> None:
    run_id = (await _ended(api, "joke", {"topic": "ice"})).rpartition("/")[2]
    path = f"/threads/{await api.thread()}/runs/{run_id}"

    streamed = await api.stream(f"{path}/stream", method="GET")

    assert [frame.data for frame in streamed.frames] == [UNKNOWN]
    assert (await api.call("GET", path))["status"] == 404


ALL_BEHIND_THE_GATE = {"custom", "tasks", "updates", "values"}
FILTERS: list[tuple[str, set[str]]] = [
    ("", ALL_BEHIND_THE_GATE),
    ("stream_mode=", ALL_BEHIND_THE_GATE),
    ("stream_mode=custom", {"custom"}),
    ("stream_mode=custom&stream_mode=updates", {"custom", "updates"}),
    ("stream_mode=custom,updates", {"custom", "updates"}),
    ("stream_mode=custom,%20updates", {"custom", "updates"}),
    (urlencode({"stream_mode": '["custom","updates"]'}), {"custom", "updates"}),
    (urlencode({"stream_mode": "[]"}), ALL_BEHIND_THE_GATE),
    (urlencode([("stream_mode", '["custom"]'), ("stream_mode", "updates,tasks")]), {"custom", "updates", "tasks"}),
    ("stream_mode=debug", set()),
    ("streamMode=custom", {"custom"}),
    ("stream_mode=metadata", ALL_BEHIND_THE_GATE),
    ("stream_mode=error&stream_mode=custom", {"custom"}),
    ("other=1&stream_mode=custom", {"custom"}),
]


@pytest.mark.parametrize(("query", "wanted"), FILTERS)
async def test_filters_in_every_encoding(api: Api, gate: Gate, query: str, wanted: set[str]) -> None:
    async with (
        at_gate(api, gate, stream_mode=MODES) as held,
        api.opened(f"{held.path}/stream?{query}", method="GET") as reader,
    ):
        gate.release(held.name)
        frames = await reader.rest()

    assert {frame.event for frame in frames} == wanted


@pytest.mark.parametrize("given", ["nonsense", "custom,nonsense", "[1]", '["custom"', "[custom]", '[["custom"]]'])
async def test_a_filter_that_cannot_be_meant_is_refused(api: Api, given: str) -> None:
    run = await _ended(api, "joke", {"topic": "ice"})

    answer = await api.client.get(f"{run}/stream", params={"stream_mode": given})

    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["field"]) == ("INVALID_FIELD", "stream_mode")


async def _replayed(api: Api, assistant: str, given: Json, modes: list[str], wanted: str) -> list[str]:
    runs = f"/threads/{await api.thread()}/runs"
    body = {"assistant_id": assistant, "input": given, "stream_mode": modes, "stream_resumable": True}
    streamed = await api.stream(f"{runs}/stream", {**body, "stream_subgraphs": True})
    path = f"{streamed.headers['location']}?stream_mode={wanted}"
    return (await api.stream(path, method="GET", headers={"last-event-id": "-1"})).names


async def test_a_mode_means_its_events_of_subgraphs_too(api: Api) -> None:
    hello = {"messages": [{"role": "user", "content": "hello", "id": "u1"}]}

    names = await _replayed(api, "deep", hello, ["updates", "values"], "updates")

    assert [name.partition(":")[0] for name in names] == [
        "metadata",
        "updates",
        "updates|middle",
        "updates|middle",
        "updates",
    ]


@pytest.mark.parametrize("wanted", ["messages", "messages-tuple", "messages/partial"])
@pytest.mark.parametrize(("mode", "events"), [("messages", "messages/"), ("messages-tuple", "messages")])
async def test_all_names_of_messages_mean_messages(api: Api, mode: str, events: str, wanted: str) -> None:
    hello = {"messages": [{"role": "user", "content": "hello", "id": "u1"}]}

    names = await _replayed(api, "chat", hello, ["values", mode], wanted)

    assert names[0] == "metadata"
    assert len(names) > 2
    assert all(name.startswith(events) for name in names[1:])


async def test_a_filter_drops_neither_metadata_nor_error(api: Api) -> None:
    assert await _replayed(api, "failing", {"a": 0}, ["values", "updates"], "custom") == ["metadata", "error"]


async def test_a_stateless_run_is_found_without_its_thread(api: Api, gate: Gate) -> None:
    async with at_gate(api, gate, stateless=True) as held:
        path = f"/runs/{held.run_id}"
        run = await api.get(path)
        async with api.opened(f"{path}/stream", method="GET") as reader:
            gate.release(held.name)
            frames = await reader.rest()

    assert (run["run_id"], run["status"]) == (held.run_id, "running")
    assert reader.headers["location"] == f"{path}/stream"
    assert [frame.event for frame in frames] == ["custom"]
    assert (await api.call("GET", path))["status"] == 404


async def test_a_stateless_run_is_waited_for_without_its_thread(api: Api, gate: Gate) -> None:
    async with (
        at_gate(api, gate, stateless=True) as held,
        api.client.stream("GET", f"/runs/{held.run_id}/join") as response,
    ):
        gate.release(held.name)
        content = await response.aread()

    assert response.status_code == 200
    assert held.name.encode() in content


async def test_a_run_on_a_thread_is_found_without_it(api: Api) -> None:
    run = await _ended(api, "joke", {"topic": "ice"})
    short = f"/runs/{run.rpartition('/')[2]}"

    assert await api.get(short) == await api.get(run)
    assert await api.get(f"{short}/join") == await api.get(f"{run}/join")
    assert (await api.stream(f"{short}/stream", method="GET")).headers["content-location"] == run
