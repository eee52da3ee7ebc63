"""The client for programs without asyncio, against a server that does what each test says."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

import graphwire
import graphwire.sync
from graphwire.v1 import run_pb2
from graphwire.v1 import run_service_pb2 as runs_pb
from graphwire.v1 import thread_service_pb2 as threads_pb
from graphwire.v1.thread_pb2 import Thread
from tests.unit.client.scripted import (
    IDS,
    RUN,
    THREAD,
    batch,
    end,
    fragments,
    metadata,
    rich_status,
    serving_threads,
    values,
)

ROOT = Path(__file__).parents[3]
SOON = 15


def _streaming(*batches: runs_pb.StreamRunResponse) -> Callable[..., Iterator[runs_pb.StreamRunResponse]]:
    def stream(_request: Any, context: Any) -> Iterator[runs_pb.StreamRunResponse]:
        context.send_initial_metadata(IDS)
        yield from batches

    return stream


class Endless:
    """A run that gives one event and then waits for its caller to go."""

    def __init__(self) -> None:
        self.left = threading.Event()

    def stream(self, _request: Any, context: Any) -> Iterator[runs_pb.StreamRunResponse]:
        context.send_initial_metadata(IDS)
        context.add_callback(self.left.set)
        yield batch(metadata())
        self.left.wait(SOON)


def _get(request: runs_pb.GetRunRequest, _context: Any) -> runs_pb.GetRunResponse:
    return runs_pb.GetRunResponse(run=run_pb2.Run(run_id=request.run_id, status=run_pb2.RUN_STATUS_RUNNING))


def test_a_stream_is_an_iterator_and_a_context_manager() -> None:
    pieces = fragments(values(2, '"' + "x" * 50 + '"'), 2)
    script = _streaming(batch(metadata(), pieces[0]), batch(pieces[1], values(3, "{}"), end(4)))
    with (
        serving_threads(StreamRun=script) as address,
        graphwire.sync.connect(address) as client,
        client.stream("agent", {}) as run,
    ):
        before = (run.run_id, run.thread_id, run.last_seq, run.end)
        seqs = [(event.seq, run.last_seq) for event in run]

    assert before == (RUN, THREAD, None, None)
    assert seqs == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert run.end is not None
    assert run.end.status == "success"


def test_the_cursor_does_not_run_ahead_of_what_was_handed_out() -> None:
    script = _streaming(batch(metadata(), values(2, "{}"), end(3)))
    with serving_threads(StreamRun=script) as address, graphwire.sync.connect(address) as client:
        run = client.stream("agent", {})
        next(run)
        assert (run.last_seq, run.end) == (1, None)


def test_a_call_returns_its_answer_and_raises_its_error() -> None:
    def wait(_request: Any, context: Any) -> runs_pb.WaitRunResponse:
        context.abort_with_status(rich_status(grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND", "no such run"))
        return runs_pb.WaitRunResponse()

    with serving_threads(GetRun=_get, WaitRun=wait) as address, graphwire.sync.connect(address) as client:
        assert client.runs.get(RUN).status == "running"
        with pytest.raises(graphwire.NotFound, match="no such run"):
            client.wait(RUN)


def test_a_list_fetches_page_after_page() -> None:
    def search(request: threads_pb.SearchThreadsRequest, _context: Any) -> threads_pb.SearchThreadsResponse:
        page = int(request.page_token or 0)
        found = [Thread(thread_id=f"t{page}{i}") for i in range(2)]
        return threads_pb.SearchThreadsResponse(threads=found, next_page_token=str(page + 1) if page < 2 else "")

    with serving_threads(SearchThreads=search) as address, graphwire.sync.connect(address) as client:
        assert [thread.thread_id for thread in client.threads.search()] == ["t00", "t01", "t10", "t11", "t20", "t21"]


def test_a_wrong_option_is_told_at_once() -> None:
    with graphwire.sync.connect("127.0.0.1:1") as client:
        with pytest.raises(TypeError, match="unknown option"):
            client.stream("agent", nonsense=1)  # type: ignore[call-arg]  # that is the mistake
        with pytest.raises(graphwire.Unavailable):
            client.runs.get(RUN)


def own_threads() -> int:
    return sum(thread.name == "graphwire" for thread in threading.enumerate())


def test_a_client_that_cannot_be_opened_leaves_no_thread() -> None:
    with pytest.raises(ValueError, match="belong together"):
        graphwire.sync.connect("127.0.0.1:1", private_key=b"PEM")

    assert own_threads() == 0


def test_several_threads_use_one_client() -> None:
    script = _streaming(*(batch(values(seq, "{}")) for seq in range(1, 50)), batch(end(50)))

    def read(_number: int) -> list[int]:
        return [event.seq for event in client.stream("agent", {})]

    with (
        serving_threads(StreamRun=script) as address,
        graphwire.sync.connect(address) as client,
        ThreadPoolExecutor(4) as pool,
    ):
        found = list(pool.map(read, range(8)))

    assert found == [list(range(1, 51))] * 8


@pytest.mark.parametrize("leave", ["close", "drop", "context"])
def test_leaving_a_stream_ends_the_call(leave: str) -> None:
    endless = Endless()
    with serving_threads(StreamRun=endless.stream) as address, graphwire.sync.connect(address) as client:
        run = client.stream("agent", {})
        if leave == "context":
            with run:
                next(run)
        else:
            next(run)
        if leave == "close":
            run.close()
            run.close()
            assert list(run) == []
        if leave == "drop":
            del run
        assert endless.left.wait(SOON)


def test_closing_the_client_tells_those_who_wait() -> None:
    endless = Endless()

    def read() -> None:
        for _ in run:
            first.set()

    with serving_threads(StreamRun=endless.stream) as address, ThreadPoolExecutor(1) as pool:
        client, first = graphwire.sync.connect(address), threading.Event()
        run = client.stream("agent", {})
        reading = pool.submit(read)
        assert first.wait(SOON)
        client.close()
        client.close()
        with pytest.raises(graphwire.GraphwireError, match="client was closed") as caught:
            reading.result(SOON)
        assert caught.value.code is grpc.StatusCode.CANCELLED
        assert endless.left.wait(SOON)
        run.close()
        with pytest.raises(graphwire.GraphwireError, match="client was closed"):
            client.runs.get(RUN)


def test_a_client_that_is_dropped_ends_its_thread_and_not_before_its_stream() -> None:
    script = _streaming(batch(metadata(), end(2)))
    with serving_threads(StreamRun=script) as address:
        run = graphwire.sync.connect(address).stream("agent", {})
        assert [event.seq for event in run] == [1, 2]
        assert own_threads() == 1
        del run

    assert own_threads() == 0


PROGRAM = """
import faulthandler, signal, sys, threading, time, traceback
import graphwire.sync

faulthandler.dump_traceback_later(60, exit=True)  # where it hangs, the test says where

main = threading.get_ident()

first, left = threading.Event(), threading.Event()

def interrupt():
    first.wait()
    while not any(frame.f_code.co_name == "result" for frame, _ in traceback.walk_stack(sys._current_frames()[main])):
        time.sleep(0.001)  # until it waits for the next event
    signal.pthread_kill(main, signal.SIGINT)
    while not left.wait(5):  # one that comes just before the thread goes to sleep is noticed when it wakes, in any program
        signal.pthread_kill(main, signal.SIGINT)

threading.Thread(target=interrupt).start()
client = graphwire.sync.connect(sys.argv[1])
run = client.stream("agent", {})
try:
    for event in run:
        first.set()
except KeyboardInterrupt:
    left.set()
    print("left after", run.last_seq, client.runs.get(run.run_id).status, list(run))
"""


@pytest.mark.timeout(180)  # a program of its own, which takes its time to start where others have the processors
def test_ctrl_c_ends_the_call_and_the_client_goes_on() -> None:
    endless = Endless()

    def get(request: runs_pb.GetRunRequest, context: Any) -> runs_pb.GetRunResponse:
        assert endless.left.wait(60), "the call goes on"
        return _get(request, context)

    with serving_threads(StreamRun=endless.stream, GetRun=get) as address:
        words = [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM, address]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=90, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "left after 1 running []\n", "")
