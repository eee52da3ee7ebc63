"""The conformance runner, a process of its own, against a server that does what each test says."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from graphwire.v1 import run_pb2, run_service_pb2, thread_pb2, thread_service_pb2
from tests.unit.client.scripted import IDS, RUN, THREAD, batch, end, event, metadata, rich_status, serving_threads, text

pytestmark = pytest.mark.timeout(
    180
)  # programs of their own, which take their time to start where others have the processors

RUNNER = Path(__file__).parents[3] / "clients" / "python" / "conformance" / "main.py"


def answers(*cases: Any) -> list[Any]:
    """What the runner prints for cases."""
    done = subprocess.run(
        [sys.executable, str(RUNNER)],
        input="".join(json.dumps(case) + "\n" for case in cases),
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def seen(address: str, *steps: Any, **connect: Any) -> list[Any]:
    (answer,) = answers({"address": address, "connect": connect, "steps": steps})
    assert "seen" in answer, answer
    found: list[Any] = answer["seen"]
    return found


class Server:
    """A run of two custom events, on every call that streams it, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def stream(self, request: Any, context: Any) -> Iterator[run_service_pb2.StreamRunResponse]:
        self.asked.append(request)
        context.send_initial_metadata(IDS)
        yield batch(metadata(), *(event(seq, custom={"data": text('{"n":1e400}'), "node": "a"}) for seq in (2, 3)))
        yield batch(end(4, status=9))

    def get(self, request: Any, context: Any) -> run_service_pb2.GetRunResponse:
        self.asked.append(request)
        if request.run_id == "gone":
            context.abort_with_status(
                rich_status(grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND", "no such run", run_id="gone")
            )
        return run_service_pb2.GetRunResponse(run=run_pb2.Run(run_id=request.run_id, status=run_pb2.RUN_STATUS_SUCCESS))

    def search(self, request: Any, _context: Any) -> thread_service_pb2.SearchThreadsResponse:
        self.asked.append(request)
        found = [thread_pb2.Thread(thread_id=THREAD)]
        return thread_service_pb2.SearchThreadsResponse(threads=found, next_page_token="2")  # noqa: S106  not a password


STREAM = {"do": "stream", "save": "first", "request": {"assistant_id": "agent", "input": {"text": '{"n": 1}'}}}


def test_a_stream_is_told_event_by_event_and_what_it_was_can_be_used() -> None:
    server = Server()
    with serving_threads(StreamRun=server.stream, GetRun=server.get) as address:
        stream, call = seen(
            address,
            STREAM,
            {"do": "call", "method": "GetRun", "request": {"run_id": "${first.run_id}"}},
            keep_events=False,
        )

    assert (stream["run_id"], stream["thread_id"], stream["last_seq"], stream["error"]) == (RUN, THREAD, 4, None)
    assert [each["mode"] for each in stream["events"]] == ["metadata", "custom", "custom", "end"]
    assert (stream["events"][0]["attempt"], stream["events"][1]["node"]) == (1, "a")
    assert stream["events"][3]["status"] == 9
    assert call == {"response": {"run": {"run_id": RUN, "status": "RUN_STATUS_SUCCESS"}}}
    assert (server.asked[0].input.text, server.asked[0].stream_resumable) == ('{"n": 1}', False)


def test_a_step_takes_counts_and_gathers() -> None:
    server = Server()
    with serving_threads(StreamRun=server.stream) as address:
        taken, counted = seen(address, {**STREAM, "take": 2}, {**STREAM, "count": True, "gather": True})

    assert (len(taken["events"]), taken["last_seq"]) == (2, 2)
    assert (counted["events"], counted["messages"]) == (4, [])
    assert counted["seconds"] >= 0


def test_an_error_is_told_and_the_next_step_done() -> None:
    server = Server()
    with serving_threads(GetRun=server.get) as address:
        failed, done = seen(
            address, *({"do": "call", "method": "GetRun", "request": {"run_id": id_}} for id_ in ("gone", RUN))
        )

    assert failed["error"] == {
        "code": "NOT_FOUND",
        "reason": "RUN_NOT_FOUND",
        "message": "no such run",
        "metadata": {"run_id": "gone"},
        "fields": [],
        "retry_after": None,
    }
    assert done["response"]["run"]["run_id"] == RUN


def test_what_the_function_does_not_take_goes_through_the_stub() -> None:
    server = Server()
    with serving_threads(SearchThreads=server.search) as address:
        steps = ({"do": "call", "method": "SearchThreads", "request": given} for given in ({}, {"page_token": "1"}))
        first, second = seen(address, *steps, api_key="k")

    assert first == second == {"response": {"threads": [{"thread_id": THREAD}], "next_page_token": "2"}}
    assert [request.page_token for request in server.asked] == ["", "1"]


def test_what_it_does_not_know_is_told() -> None:
    steps = ({"do": "dance"}, {"do": "call", "method": "Dance"}, {"do": "join", "request": {"run_id": "${no.body}"}})
    found = answers(*({"address": "127.0.0.1:1", "steps": [step]} for step in steps))

    assert [answer["broken"].split(":")[0] for answer in found] == ["Broken"] * 3
