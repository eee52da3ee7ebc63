"""What an enemy sends, and how each must be refused."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.struct_pb2 import Value

from graphwire.v1 import run_service_pb2 as runs
from graphwire.v1 import thread_service_pb2 as threads
from graphwire.v1.event_pb2 import EventFilter
from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_pb2 import CheckpointRef, Command, Goto, RunConfig
from tests.support.serving import text

NOBODY = str(uuid.UUID(int=7))


@dataclass(frozen=True)
class Bad:
    """A request, and how it must be refused."""

    request: Callable[[str], Any]
    field: str = ""
    code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT
    reason: str = "INVALID_FIELD"


def _run(**fields: Any) -> Callable[[str], Any]:
    return lambda _: runs.StreamRunRequest(**{"assistant_id": "ticks", "input": text('{"n": 1}'), **fields})


def _on(**fields: Any) -> Callable[[str], Any]:
    """A run on the thread that is there."""
    return lambda thread: runs.StreamRunRequest(**{"assistant_id": "ticks", "thread_id": thread, **fields})


def _not_found(what: str, request: Callable[[str], Any]) -> Bad:
    return Bad(request, "", grpc.StatusCode.NOT_FOUND, f"{what}_NOT_FOUND")


DEEP = "[" * 5000 + "]" * 5000

RUNS = {
    "thread is no UUID": Bad(_run(thread_id="not-a-uuid"), "thread_id"),
    "thread is an empty text": Bad(_run(thread_id=""), "thread_id"),
    "thread is SQL": Bad(_run(thread_id="' OR 1=1; DROP TABLE runs; --"), "thread_id"),
    "thread has a line's end": Bad(_run(thread_id=NOBODY + "\n"), "thread_id"),
    "thread is a path": Bad(_run(thread_id="../../../../etc/passwd"), "thread_id"),
    "thread unknown": _not_found("THREAD", _run(thread_id=NOBODY)),
    "assistant unknown": _not_found("ASSISTANT", _run(assistant_id="nobody")),
    "assistant empty": Bad(_run(assistant_id=""), "assistant_id"),
    "assistant of unknown id": _not_found("ASSISTANT", _run(assistant_id=NOBODY)),
    "mode unknown": Bad(_run(stream_mode=["values", "everything"]), "stream_mode"),
    "mode of the filter unknown": Bad(_run(filter=EventFilter(modes=["all"])), "filter.modes"),
    "input is half JSON": Bad(_run(input=text('{"n": ')), "input"),
    "input is two values": Bad(_run(input=text("{} {}")), "input"),
    "input is empty": Bad(_run(input=Json()), "input"),
    "input has NaN": Bad(_run(input=text('{"n": NaN}')), "input"),
    "input is infinite": Bad(_run(input=Json(value=Value(number_value=float("inf")))), "input"),
    "input has a lone surrogate": Bad(_run(input=text('{"name": "\\ud800"}')), "input"),
    "input is very deep": Bad(_run(input=text(DEEP)), "input"),
    "metadata is no object": Bad(_run(metadata=text("[1]")), "metadata"),
    "context is no object": Bad(_run(context=text('"x"')), "context"),
    "input and command": Bad(_run(command=Command(resume=text("1"))), "command"),
    "command empty": Bad(_on(command=Command()), "command"),
    "goto nowhere": Bad(_on(command=Command(goto=[Goto()])), "command.goto.node"),
    "resume, stateless": Bad(
        lambda _: runs.StreamRunRequest(assistant_id="ticks", command=Command(resume=text("1"))),
        "",
        grpc.StatusCode.FAILED_PRECONDITION,
        "NOTHING_TO_RESUME",
    ),
    "resume with nothing to resume": Bad(
        _on(command=Command(resume=text("1"))), "", grpc.StatusCode.FAILED_PRECONDITION, "NOTHING_TO_RESUME"
    ),
    "checkpoint is no UUID": Bad(_on(checkpoint_id="latest"), "checkpoint_id"),
    "checkpoint unknown": _not_found("CHECKPOINT", _on(checkpoint_id=NOBODY)),
    "checkpoint without thread": Bad(_run(checkpoint_id=NOBODY), "checkpoint_id"),
    "checkpoints differ": Bad(
        _on(checkpoint_id=NOBODY, checkpoint=CheckpointRef(checkpoint_id=str(uuid.UUID(int=8)))), "checkpoint_id"
    ),
    "checkpoint of another thread": Bad(
        _on(checkpoint=CheckpointRef(thread_id=NOBODY, checkpoint_id=NOBODY)), "checkpoint.thread_id"
    ),
    "recursion limit 0": Bad(_run(config=RunConfig(recursion_limit=0)), "config.recursion_limit"),
    "recursion limit negative": Bad(_run(config=RunConfig(recursion_limit=-5)), "config.recursion_limit"),
    "concurrency 0": Bad(_run(config=RunConfig(max_concurrency=0)), "config.max_concurrency"),
    "strategy that nobody knows": Bad(_run(multitask_strategy=99), "multitask_strategy"),
    "durability that nobody knows": Bad(_run(durability=-1), "durability"),
    "disconnect that nobody knows": Bad(_run(on_disconnect=7), "on_disconnect"),
}


def _unknown(number: int) -> Any:
    """A number that no enum has."""
    return number


OTHERS = {
    "join no UUID": Bad(lambda _: runs.JoinRunRequest(run_id="x"), "run_id"),
    "join nobody": _not_found("RUN", lambda _: runs.JoinRunRequest(run_id=NOBODY)),
    "join a negative cursor": Bad(lambda _: runs.JoinRunRequest(run_id=NOBODY, after_seq=-1), "after_seq"),
    "get nobody": _not_found("RUN", lambda _: runs.GetRunRequest(run_id=NOBODY)),
    "wait for nobody": _not_found("RUN", lambda _: runs.WaitRunRequest(run_id=NOBODY)),
    "cancel nobody": _not_found("RUN", lambda _: runs.CancelRunRequest(run_id=NOBODY)),
    "delete nobody": _not_found("RUN", lambda _: runs.DeleteRunRequest(run_id=NOBODY)),
    "list a page too large": Bad(lambda thread: runs.ListRunsRequest(thread_id=thread, page_size=1001), "page_size"),
    "list a negative page": Bad(lambda thread: runs.ListRunsRequest(thread_id=thread, page_size=-1), "page_size"),
    "list of nobody": _not_found("THREAD", lambda _: runs.ListRunsRequest(thread_id=NOBODY)),
    "status that nobody knows": Bad(
        lambda thread: runs.ListRunsRequest(thread_id=thread, status=_unknown(77)), "status"
    ),
    "search a page too large": Bad(lambda _: threads.SearchThreadsRequest(page_size=1_000_000), "page_size"),
    "search too many threads": Bad(lambda _: threads.SearchThreadsRequest(thread_ids=[NOBODY] * 1001), "thread_ids"),
    "search no UUID": Bad(lambda _: threads.SearchThreadsRequest(thread_ids=["x"]), "thread_ids"),
    "search wrong JSON": Bad(lambda _: threads.SearchThreadsRequest(metadata=text("{")), "metadata"),
    "sort that nobody knows": Bad(lambda _: threads.SearchThreadsRequest(sort_by=_unknown(99)), "sort_by"),
    "history with a garbage token": Bad(
        lambda thread: threads.ListThreadHistoryRequest(thread_id=thread, page_token="garbage"),  # noqa: S106  no secret
        "page_token",
    ),
    "history before no UUID": Bad(
        lambda thread: threads.ListThreadHistoryRequest(thread_id=thread, before_checkpoint_id="x"),
        "before_checkpoint_id",
    ),
    "state of nobody": _not_found("THREAD", lambda _: threads.GetThreadStateRequest(thread_id=NOBODY)),
    "state at an unknown checkpoint": _not_found(
        "CHECKPOINT", lambda thread: threads.GetThreadStateRequest(thread_id=thread, checkpoint_id=NOBODY)
    ),
    "update as nobody": Bad(
        lambda thread: threads.UpdateThreadStateRequest(thread_id=thread, values=text("{}"), as_node="nobody"),
        "as_node",
    ),
    "a thread that is there": Bad(
        lambda thread: threads.CreateThreadRequest(thread_id=thread),
        "",
        grpc.StatusCode.ALREADY_EXISTS,
        "THREAD_EXISTS",
    ),
    "a thread of no UUID": Bad(lambda _: threads.CreateThreadRequest(thread_id="x"), "thread_id"),
    "delete a thread that is not there": _not_found("THREAD", lambda _: threads.DeleteThreadRequest(thread_id=NOBODY)),
}
LONG = "x" * 20_000
TOO_LONG = {
    "assistant": _not_found("ASSISTANT", _run(assistant_id=LONG)),
    "thread": Bad(_run(thread_id=LONG), "thread_id"),
    "mode": Bad(_run(stream_mode=[LONG]), "stream_mode"),
    "mode of the filter": Bad(_run(filter=EventFilter(modes=[LONG])), "filter.modes"),
    "run": Bad(lambda _: runs.GetRunRequest(run_id=LONG), "run_id"),
    "node": Bad(
        lambda thread: threads.UpdateThreadStateRequest(thread_id=thread, values=text("{}"), as_node=LONG), "as_node"
    ),
    "page token": Bad(lambda thread: threads.ListThreadHistoryRequest(thread_id=thread, page_token=LONG), "page_token"),
    "page token of another list": Bad(lambda _: threads.SearchThreadsRequest(page_token=LONG), "page_token"),
}
"""Refusals share 8 KiB of trailing metadata (wire D): one that repeats what the enemy said never reaches a client as what it is."""

DEEP_ENOUGH = '{"a": ' + "[" * 600 + "]" * 600 + "}"
DEEP_REQUESTS: dict[str, Callable[[str], Any]] = {
    "input": _on(input=text(DEEP_ENOUGH)),
    "metadata": _on(input=text('{"n": 1}'), metadata=text(DEEP_ENOUGH)),
    "context": _on(input=text('{"n": 1}'), context=text(DEEP_ENOUGH)),
    "command": _on(command=Command(update=text(DEEP_ENOUGH))),
    "thread's metadata": lambda _: threads.CreateThreadRequest(metadata=text(DEEP_ENOUGH)),
    "search": lambda _: threads.SearchThreadsRequest(metadata=text(DEEP_ENOUGH)),
    "state": lambda thread: threads.UpdateThreadStateRequest(thread_id=thread, values=text(DEEP_ENOUGH)),
}
