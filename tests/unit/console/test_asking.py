"""The options of a run, from the command line to the request."""

from collections.abc import Callable
from typing import Any

import pytest

from graphwire.v1 import run_pb2
from graphwire.v1 import run_service_pb2 as runs_pb
from tests.unit.client.scripted import RUN, THREAD, batch, end, text
from tests.unit.console.verbs import run_verb, serving_verbs


def asked(verb: str, *words: str) -> Any:
    """The request that a verb sends."""
    seen: list[Any] = []

    def stream(request: runs_pb.StreamRunRequest, _context: Any) -> Any:
        seen.append(request)
        yield batch(end(1))

    def invoke(request: runs_pb.InvokeRunRequest, _context: Any) -> runs_pb.InvokeRunResponse:
        seen.append(request)
        run = run_pb2.Run(run_id=RUN, status=run_pb2.RUN_STATUS_SUCCESS)
        return runs_pb.InvokeRunResponse(result=run_pb2.RunResult(run=run, values=text("null")))

    with serving_verbs(StreamRun=stream, InvokeRun=invoke) as address:
        result = run_verb(verb, "agent", *words, address=address)
    assert result.exit_code == 0, result.stderr
    return seen[0]


OPTIONS: list[tuple[list[str], Callable[[Any], Any], Any]] = [
    (["--multitask", "interrupt"], lambda r: r.multitask_strategy, run_pb2.MULTITASK_STRATEGY_INTERRUPT),
    (["--multitask", "rollback"], lambda r: r.multitask_strategy, run_pb2.MULTITASK_STRATEGY_ROLLBACK),
    (["--multitask", "reject"], lambda r: r.multitask_strategy, run_pb2.MULTITASK_STRATEGY_REJECT),
    (["--after", "10m"], lambda r: r.start_after.seconds, 600),
    (["--timeout", "1.5"], lambda r: (r.timeout.seconds, r.timeout.nanos), (1, 500_000_000)),
    (["--timeout", "0"], lambda r: r.HasField("timeout"), True),
    (["--resumable"], lambda r: r.stream_resumable, True),
    (["--no-resumable"], lambda r: r.stream_resumable, False),
    (["--request-id", "k"], lambda r: r.request_id, "k"),
    (["--thread", "t"], lambda r: r.thread_id, "t"),
    (["--resume", "null"], lambda r: r.command, run_pb2.Command(resume=text("null"))),
    (["--update", '{"a":1}'], lambda r: r.command, run_pb2.Command(update=text('{"a":1}'))),
    (["--config", '{"tags":["t"]}'], lambda r: list(r.config.tags), ["t"]),
    (["--context", '{"a":1}'], lambda r: r.context.text, '{"a":1}'),
    (["--metadata", '{"a":1}'], lambda r: r.metadata.text, '{"a":1}'),
    (["--checkpoint", "c"], lambda r: r.checkpoint_id, "c"),
    (["--interrupt-after", "a", "--interrupt-after", "b"], lambda r: list(r.interrupt_after), ["a", "b"]),
]


@pytest.mark.parametrize("verb", ["stream", "invoke"])
@pytest.mark.parametrize(("words", "look", "value"), OPTIONS)
def test_each_option_reaches_its_field(verb: str, words: list[str], look: Callable[[Any], Any], value: Any) -> None:
    assert look(asked(verb, *words)) == value


def test_what_is_not_given_is_not_sent() -> None:
    assert asked("invoke") == runs_pb.InvokeRunRequest(assistant_id="agent")
    assert asked("stream", "--request-id", "k") == runs_pb.StreamRunRequest(
        assistant_id="agent",
        stream_mode=["updates", "messages-tuple", "custom"],
        stream_resumable=True,
        request_id="k",
    )


@pytest.mark.parametrize("verb", ["stream", "invoke"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--multitask", "queue"), "queue"),
        (("--after", "soon"), "--after is not a length of time"),
        (("--timeout", "-5"), "--timeout is not a length of time"),
        (("--new-thread", "--thread", THREAD), "--thread and --new-thread exclude one another"),
        (("--new-thread", "--request-id", "k"), "--request-id and --new-thread exclude one another"),
    ],
)
def test_wrong_usage_exits_with_2_and_sends_nothing(verb: str, words: tuple[str, ...], says: str) -> None:
    result = run_verb(verb, "agent", *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in " ".join(result.stderr.split())
