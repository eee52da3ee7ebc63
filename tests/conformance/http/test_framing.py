"""Streams to the byte, and the headers of all answers of runs to the letter (wire facts 1 to 5, 8 and 10)."""

from typing import Any

import pytest

from tests.conformance.http.api import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates"}
SAID = "这是一个关于 ice and cats 的笑话"
STREAM_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "connection": "keep-alive",
}


def _fields(name: str, data: str, seq: int | None) -> bytes:
    number = "" if seq is None else f"id: {seq}\r\n"
    return f"event: {name}\r\ndata: {data}\r\n{number}\r\n".encode()


@pytest.mark.parametrize("resumable", [False, True])
async def test_a_stream_to_the_byte(api: Api, resumable: bool) -> None:
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", {**JOKE, "stream_resumable": resumable})

    run_id = streamed.headers["content-location"].rpartition("/")[2]
    seqs = (1, 2, 3) if resumable else (None, None, None)
    assert streamed.raw == b"".join(
        (
            _fields("metadata", f'{{"run_id":"{run_id}","attempt":1}}', seqs[0]),
            _fields("updates", '{"refine_topic":{"topic":"ice and cats"}}', seqs[1]),
            _fields("updates", f'{{"generate_joke":{{"joke":"{SAID}"}}}}', seqs[2]),
        )
    )


async def test_of_two_frames_of_one_event_the_last_has_the_id(api: Api) -> None:
    """Whoever is cut off between them gets both again."""
    given = {"messages": [{"role": "user", "content": "hello", "id": "u1"}]}
    run = {"assistant_id": "chat", "input": given, "stream_mode": "messages", "stream_resumable": True}
    frames = (await api.stream("/runs/stream", run)).frames

    assert [(frame.event, frame.id) for frame in frames[:4]] == [
        ("metadata", "1"),
        ("messages/metadata", None),
        ("messages/partial", "2"),
        ("messages/partial", "3"),
    ]


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\rb", "a\u2028b", "a\u0085b", 'a"b\\', "\U0001f600", "\u0000"])
async def test_data_is_one_line_whatever_it_says(api: Api, text: str) -> None:
    streamed = await api.stream("/runs/stream", {**JOKE, "input": {"topic": text}, "stream_mode": "values"})

    lines = streamed.raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert [line.partition(b":")[0] for line in lines] == [b"event", b"data", b""] * 3 + [b"event", b"data"]
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert streamed.frames[1].data == {"topic": text.replace("\u0000", "\ufffd")}


async def test_nothing_follows_the_last_event(api: Api) -> None:
    streamed = await api.stream("/runs/stream", JOKE)

    assert streamed.names == ["metadata", "updates", "updates"]
    assert streamed.raw.endswith(b"}}\r\n\r\n")


async def test_headers_of_a_stream_on_a_thread(api: Api) -> None:
    thread_id = await api.thread()
    streamed = await api.stream(f"/threads/{thread_id}/runs/stream", JOKE)

    run = f"/threads/{thread_id}/runs/{streamed.frames[0].data['run_id']}"
    wanted = {**STREAM_HEADERS, "location": f"{run}/stream", "content-location": run}
    assert {name: streamed.headers.get(name) for name in wanted} == wanted
    assert "content-encoding" not in streamed.headers  # compression holds streams back


async def test_headers_of_a_stateless_stream(api: Api) -> None:
    streamed = await api.stream("/runs/stream", JOKE)

    run = f"/runs/{streamed.frames[0].data['run_id']}"
    wanted = {**STREAM_HEADERS, "location": f"{run}/stream", "content-location": run}
    assert {name: streamed.headers.get(name) for name in wanted} == wanted


async def _made(api: Api, path: str) -> tuple[Any, Json]:
    answer = await api.client.post(path, json=JOKE)
    assert answer.status_code == 200
    return answer.headers, answer.json()


async def test_headers_of_a_run_in_the_background(api: Api) -> None:
    runs = f"/threads/{await api.thread()}/runs"
    headers, run = await _made(api, runs)
    stateless_headers, stateless = await _made(api, "/runs")

    assert headers["content-location"] == f"{runs}/{run['run_id']}"
    assert stateless_headers["content-location"] == f"/runs/{stateless['run_id']}"
    assert "location" not in headers
    assert "location" not in stateless_headers
    assert headers["content-type"] == "application/json"


async def test_headers_of_a_wait_name_the_way_back(api: Api) -> None:
    runs = f"/threads/{await api.thread()}/runs"
    headers, _ = await _made(api, f"{runs}/wait")
    run_id = (await api.get(runs))[0]["run_id"]

    assert headers["content-location"] == f"{runs}/{run_id}"
    assert headers["location"] == f"{runs}/{run_id}/join"
    assert (headers["content-type"], headers["cache-control"]) == ("application/json", "no-store")


async def test_headers_of_a_stateless_wait_name_its_thread(api: Api) -> None:
    headers, _ = await _made(api, "/runs/wait")

    place = headers["content-location"]
    assert place.split("/")[1::2] == ["threads", "runs"]
    assert headers["location"] == f"{place}/join"


async def test_headers_of_joins(api: Api) -> None:
    runs = f"/threads/{await api.thread()}/runs"
    _, run = await _made(api, runs)
    path = f"{runs}/{run['run_id']}"

    joined = await api.client.get(f"{path}/join")
    streamed = await api.stream(f"{path}/stream", method="GET")

    assert (joined.headers["location"], joined.headers["content-location"]) == (f"{path}/join", path)
    wanted = {**STREAM_HEADERS, "location": f"{path}/stream", "content-location": path}
    assert {name: streamed.headers.get(name) for name in wanted} == wanted


async def test_a_large_event_is_one_frame(api: Api) -> None:
    topic = "é" * 2_000_000
    streamed = await api.stream("/runs/stream", {**JOKE, "input": {"topic": topic}})

    assert streamed.names == ["metadata", "updates", "updates"]
    assert streamed.frames[1].data["refine_topic"]["topic"] == f"{topic} and cats"


async def test_what_json_has_no_word_for(api: Api) -> None:
    streamed = await api.stream("/runs/stream", {"assistant_id": "odd", "input": {"a": 1}, "stream_mode": "custom"})

    assert streamed.frames[1].data == {
        "bytes": "YWJj",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "path": "/tmp/x",  # noqa: S108  a text, no file
        "set": [1],
        "tuple": [1, 2],
        "decimals": [2, 0.5],
        "seconds": 60.0,
        "time": "2026-01-02T03:04:05+00:00",
        "model": {"n": 1},
        "unknown": None,
        "nan": None,
        "zero": "a\ufffdb",
        "surrogate": "a?b",
        "large": 2**70,
        "1": "key",
    }
