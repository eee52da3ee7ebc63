"""The verbs, from the command line to a server that does what each test says, and their exit statuses."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGINT
from typing import Any

import grpc
import pytest

from graphwire.v1 import assistant_pb2, assistant_service_pb2, error_pb2, event_pb2, run_pb2, thread_pb2
from graphwire.v1 import run_service_pb2 as runs_pb
from graphwire.v1 import thread_service_pb2 as threads_pb
from tests.unit.client.scripted import (
    IDS,
    RUN,
    THREAD,
    batch,
    end,
    event,
    metadata,
    rich_status,
    text,
)
from tests.unit.console.verbs import run_verb, serving_verbs

ROOT = Path(__file__).parents[3]
PROGRAM = "import typer; from graphwire_server.console import register; app = typer.Typer(); register(app); app()"


def _streaming(
    *events: event_pb2.StreamEvent, seen: list[runs_pb.StreamRunRequest] | None = None
) -> Callable[..., Iterator[runs_pb.StreamRunResponse]]:
    def stream(request: runs_pb.StreamRunRequest, context: Any) -> Iterator[runs_pb.StreamRunResponse]:
        if seen is not None:
            seen.append(request)
        context.send_initial_metadata(IDS)
        yield batch(*events)

    return stream


def _update(seq: int) -> event_pb2.StreamEvent:
    return event(seq, updates=event_pb2.UpdatesEvent(node="a", update=text('{"n":9007199254740993}')))


def test_stream_prints_what_happens_and_succeeds() -> None:
    with serving_verbs(StreamRun=_streaming(metadata(), _update(2), end(3))) as address:
        result = run_verb("stream", "agent", "{}", address=address)

    assert (result.exit_code, result.stderr) == (0, "")
    assert "a\n  n: 9007199254740993\n" in result.stdout
    assert "\x1b" not in result.stdout


def test_stream_as_json_is_one_event_per_line_and_nothing_else() -> None:
    with serving_verbs(StreamRun=_streaming(metadata(), _update(2), end(3))) as address:
        result = run_verb("stream", "agent", "{}", "--json", address=address)

    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert lines[1] == {
        "seq": 2,
        "run_id": RUN,
        "thread_id": THREAD,
        "updates": {"node": "a", "update": {"n": 9007199254740993}},
    }
    assert lines[2]["end"] == {"status": "RUN_STATUS_SUCCESS", "event_count": 3}


def test_a_run_that_failed_exits_with_1() -> None:
    failed = error_pb2.RunError(type="ValueError", message="no")
    last = end(2, status=run_pb2.RUN_STATUS_ERROR, error=failed)
    with serving_verbs(StreamRun=_streaming(metadata(), last)) as address:
        result = run_verb("stream", "agent", "{}", address=address)

    assert (result.exit_code, result.stderr) == (1, "ValueError: no\n")


def test_a_refused_call_exits_with_1_and_names_the_field() -> None:
    def stream(_request: Any, context: Any) -> Iterator[runs_pb.StreamRunResponse]:
        status = rich_status(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "config.recursion_limit: 1 or more")
        context.abort_with_status(status)
        yield batch()

    with serving_verbs(StreamRun=stream) as address:
        result = run_verb("stream", "agent", "{}", address=address)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "INVALID_FIELD: config.recursion_limit: 1 or more\n"


def test_assistants_are_listed_by_the_word_that_other_verbs_take() -> None:
    own = assistant_pb2.Assistant(
        assistant_id="1", graph_id="agent", name="agent", description="talks", metadata=text('{"created_by":"system"}')
    )
    made = assistant_pb2.Assistant(
        assistant_id=THREAD, graph_id="agent", name="Ann", description="dry", metadata=text("{}")
    )
    plain = assistant_pb2.Assistant(assistant_id=RUN, graph_id="agent", name="Untitled", metadata=text("{}"))

    def search(request: Any, context: Any) -> assistant_service_pb2.SearchAssistantsResponse:
        return assistant_service_pb2.SearchAssistantsResponse(assistants=[own, made, plain])

    with serving_verbs(SearchAssistants=search) as address:
        result = run_verb("graphs", address=address)

    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert lines[1:] == [["agent", "agent", "talks"], [THREAD, "agent", "Ann: dry"], [RUN, "agent", "Untitled"]]


def test_no_server_is_one_clear_line() -> None:
    result = run_verb("graphs")

    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert "127.0.0.1:1" in result.stderr
    assert "graphwire serve" in result.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("stream", "agent", "hello"), "single quotes"),
        (("stream", "agent", "@/no/such/file"), "cannot be read"),
        (("stream", "agent", "{}", "--config", "{"), "--config is not JSON"),
        (("stream", "agent", "{}", "--config", '{"nonsense":1}'), "nonsense"),
        (("stream", "agent", "--resume", "yes"), "--resume is not JSON"),
        (("stream", "agent", "--thread", THREAD, "--new-thread"), "exclude"),
        (("stream",), "assistant"),
        (("threads", "list", "--status", "asleep"), "asleep"),
    ],
)
def test_wrong_usage_exits_with_2(words: tuple[str, ...], says: str) -> None:
    result = run_verb(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr.lower() or says in result.stderr


def test_options_reach_the_request() -> None:
    seen: list[runs_pb.StreamRunRequest] = []
    words = [
        "--thread",
        "t",
        "--node",
        "n",
        "--tag",
        "g",
        "--subgraphs",
        "--interrupt-before",
        "b",
        "-m",
        "values",
        "-m",
        "custom",
        "--cancel-on-exit",
    ]
    with serving_verbs(StreamRun=_streaming(end(1), seen=seen)) as address:
        run_verb("stream", "agent", "-", *words, "--resume", "null", "--goto", "x", address=address, stdin='{"a":1}')

    request = seen[0]
    assert (request.thread_id, request.input.text) == ("t", '{"a":1}')
    assert request.command == run_pb2.Command(resume=text("null"), goto=[run_pb2.Goto(node="x")])
    assert list(request.stream_mode) == ["values", "custom"]
    assert (list(request.filter.nodes), list(request.filter.tags)) == (["n"], ["g"])
    assert request.stream_subgraphs
    assert list(request.interrupt_before) == ["b"]
    assert request.on_disconnect == run_pb2.DISCONNECT_MODE_CANCEL


def test_a_file_is_read(tmp_path: Path) -> None:
    seen: list[runs_pb.StreamRunRequest] = []
    (tmp_path / "in.json").write_text('{"topic":"中"}', encoding="utf-8")
    with serving_verbs(StreamRun=_streaming(end(1), seen=seen)) as address:
        run_verb("stream", "agent", f"@{tmp_path / 'in.json'}", address=address)

    assert seen[0].input.text == '{"topic":"中"}'
    assert list(seen[0].stream_mode) == ["updates", "messages-tuple", "custom"]


def test_a_new_thread_is_told_beside_the_output() -> None:
    seen: list[runs_pb.StreamRunRequest] = []

    def create(_request: Any, _context: Any) -> threads_pb.CreateThreadResponse:
        return threads_pb.CreateThreadResponse(thread=thread_pb2.Thread(thread_id=THREAD))

    with serving_verbs(CreateThread=create, StreamRun=_streaming(end(1), seen=seen)) as address:
        result = run_verb("stream", "agent", "--new-thread", "--json", address=address)

    assert (seen[0].thread_id, result.stderr) == (THREAD, f"thread {THREAD}\n")
    assert len(result.stdout.splitlines()) == 1


def test_invoke_prints_the_output() -> None:
    def invoke(_request: Any, _context: Any) -> runs_pb.InvokeRunResponse:
        run = run_pb2.Run(run_id=RUN, status=run_pb2.RUN_STATUS_SUCCESS)
        return runs_pb.InvokeRunResponse(result=run_pb2.RunResult(run=run, values=text('{"joke":"ha"}')))

    with serving_verbs(InvokeRun=invoke) as address:
        people = run_verb("invoke", "agent", "{}", address=address)
        program = run_verb("invoke", "agent", "{}", "--json", address=address)

    assert people.stdout == "joke: ha\n"
    assert json.loads(program.stdout)["values"] == {"joke": "ha"}


def test_join_goes_on_behind_the_cursor() -> None:
    seen: list[runs_pb.JoinRunRequest] = []

    def get(_request: Any, _context: Any) -> runs_pb.GetRunResponse:
        return runs_pb.GetRunResponse(run=run_pb2.Run(run_id=RUN, graph_id="agent"))

    def join(request: runs_pb.JoinRunRequest, context: Any) -> Iterator[runs_pb.JoinRunResponse]:
        seen.append(request)
        context.send_initial_metadata(IDS)
        yield runs_pb.JoinRunResponse(events=[end(8)])

    with serving_verbs(GetRun=get, JoinRun=join) as address:
        result = run_verb("join", RUN, "--after-seq", "7", address=address)

    assert (result.exit_code, seen[0].after_seq) == (0, 7)


def test_a_list_shows_no_more_than_asked_for() -> None:
    def search(_request: Any, _context: Any) -> threads_pb.SearchThreadsResponse:
        found = [thread_pb2.Thread(thread_id=f"t{i}", status=thread_pb2.THREAD_STATUS_IDLE) for i in range(2)]
        return threads_pb.SearchThreadsResponse(threads=found, next_page_token="more")  # noqa: S106  not a password

    with serving_verbs(SearchThreads=search) as address:
        result = run_verb("threads", "list", "--limit", "3", address=address)

    assert [line.split()[0] for line in result.stdout.splitlines()] == ["THREAD", "t0", "t1", "t0"]


def test_a_graph_is_drawn_or_printed_as_mermaid() -> None:
    def graph(_request: Any, _context: Any) -> assistant_service_pb2.GetAssistantGraphResponse:
        nodes = [assistant_pb2.GraphNode(id=name, name=name) for name in ("a", "b")]
        edges = [assistant_pb2.GraphEdge(source="a", target="b")]
        return assistant_service_pb2.GetAssistantGraphResponse(nodes=nodes, edges=edges, mermaid="graph TD;\n")

    with serving_verbs(GetAssistantGraph=graph) as address:
        drawn = run_verb("draw", "agent", address=address)
        mermaid = run_verb("draw", "agent", "--mermaid", address=address)

    assert "▼" in drawn.stdout
    assert mermaid.stdout == "graph TD;\n"


def test_a_stream_that_loses_its_server_says_so_once_and_goes_on() -> None:
    seen: list[runs_pb.JoinRunRequest] = []

    def stream(_request: Any, context: Any) -> Iterator[runs_pb.StreamRunResponse]:
        context.send_initial_metadata(IDS)
        yield batch(metadata(), _update(2))
        context.abort(grpc.StatusCode.UNAVAILABLE, "the line broke")

    def join(request: runs_pb.JoinRunRequest, context: Any) -> Iterator[runs_pb.JoinRunResponse]:
        seen.append(request)
        if len(seen) < 3:
            context.abort(grpc.StatusCode.UNAVAILABLE, "still away")
        context.send_initial_metadata(IDS)
        yield runs_pb.JoinRunResponse(events=[_update(3), end(4)])

    with serving_verbs(StreamRun=stream, JoinRun=join) as address:
        result = run_verb("stream", "agent", "{}", "--json", address=address)

    assert (result.exit_code, result.stderr) == (0, "lost the connection to the server, trying to go on\n")
    assert [json.loads(line)["seq"] for line in result.stdout.splitlines()] == [1, 2, 3, 4]
    assert [request.after_seq for request in seen] == [2, 2, 2]


@pytest.mark.timeout(180)  # a program of its own, which takes its time to start where others have the processors
def test_ctrl_c_leaves_the_run_and_says_how_to_come_back() -> None:
    left = threading.Event()

    def stream(_request: Any, context: Any) -> Iterator[runs_pb.StreamRunResponse]:
        context.send_initial_metadata(IDS)
        context.add_callback(left.set)
        yield batch(metadata())
        left.wait(90)

    with serving_verbs(StreamRun=stream) as address:
        words = [sys.executable, "-c", PROGRAM, "stream", "agent", "{}", "--json", "--address", address]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as program:
            assert program.stdout is not None
            program.stdout.readline()
            program.send_signal(SIGINT)
            _, err = program.communicate(timeout=60)
        assert left.wait(60)

    assert program.returncode == 130
    assert err == f"run {RUN} goes on; to come back: graphwire join {RUN} --after-seq 1 --address {address}\n"
