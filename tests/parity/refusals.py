"""Rows: wrong requests, by the reason for which they are refused. Both transports must name it, and the same field."""

import uuid
from collections.abc import Mapping
from dataclasses import replace

from tests.parity.face import Json, join, stream
from tests.parity.refused_fields import FIELDS
from tests.parity.scenario import Scenario
from tests.parity.store import WRONG_ITEMS
from tests.parity.streams import TOPIC
from tests.parity.wrongs import (
    GOOD,
    NOWHERE,
    at_capacity,
    batch,
    batch_reused,
    behind_one_that_starts_later,
    busy,
    expired,
    key_of_one_that_is_gone,
    keyed,
    new_run,
    one,
    one_busy_assistant,
    refused,
    too_many_streams,
    undone,
    watch,
    with_assistant,
    with_run,
    with_thread,
)

KEYS: Json = {"settings": {"api_keys": "secret"}}
SMALL: Json = {"log_bytes_per_thread": 1 << 17, "log_bytes_spare": 0, "kept_bytes_per_run": 1 << 16}

REFUSALS_BY_REASON: Mapping[str, tuple[Scenario, ...]] = {
    "INVALID_FIELD": (*FIELDS, *WRONG_ITEMS),
    "ASSISTANT_NOT_FOUND": (
        new_run("of an unknown graph", assistant_id="nobody"),
        new_run("of an unknown assistant", assistant_id=NOWHERE),
        batch("with an unknown graph", GOOD, {**GOOD, "assistant_id": "nobody"}),
        one("an unknown graph", lambda face: face.assistant("nobody")),
        one("an unknown assistant", lambda face: face.assistant(NOWHERE)),
        one("to draw an unknown assistant", lambda face: face.drawing(NOWHERE)),
        one("a cron of an unknown graph", lambda face: face.create_cron("nobody", schedule="@daily")),
        one("a cron of an unknown assistant", lambda face: face.create_cron(NOWHERE, schedule="@daily")),
        one("crons of an unknown graph", lambda face: face.crons(assistant_id="nobody")),
        one("schemas of an unknown graph", lambda face: face.schemas("nobody")),
        one("subgraphs of an unknown assistant", lambda face: face.subgraphs(NOWHERE)),
        one("versions of an unknown assistant", lambda face: face.versions(NOWHERE)),
        one("a version of an unknown assistant", lambda face: face.set_latest(NOWHERE, 1)),
        one("to delete an unknown assistant", lambda face: face.delete_assistant(NOWHERE)),
        one("to change an unknown assistant", lambda face: face.update_assistant(NOWHERE, name="x")),
    ),
    "THREAD_NOT_FOUND": (
        new_run("on an unknown thread", thread=NOWHERE),
        new_run("that resumes on an unknown thread", thread=NOWHERE, input=None, command={"resume": 1}),
        one("a cron on an unknown thread", lambda face: face.create_cron("story", NOWHERE, schedule="@daily")),
        one("runs of an unknown thread", lambda face: face.runs(NOWHERE)),
        one("an unknown thread", lambda face: face.thread(NOWHERE)),
        one("to change an unknown thread", lambda face: face.update_thread(NOWHERE, {})),
        one("to delete an unknown thread", lambda face: face.delete_thread(NOWHERE)),
        one("to copy an unknown thread", lambda face: face.copy_thread(NOWHERE)),
        one("the state of an unknown thread", lambda face: face.state(NOWHERE)),
        one("to change the state of an unknown thread", lambda face: face.update_state(NOWHERE, values={})),
        one("the history of an unknown thread", lambda face: face.history(NOWHERE)),
        one("to watch an unknown thread", lambda face: watch(face, NOWHERE)),
    ),
    "RUN_NOT_FOUND": (
        one("an unknown run", lambda face: face.run(NOWHERE)),
        with_run("a run of another thread", lambda face, run_id, _: face.run(run_id, NOWHERE)),
        one("to join an unknown run", lambda face: join(face, NOWHERE)),
        one("to wait for an unknown run", lambda face: face.wait(NOWHERE)),
        one("to cancel an unknown run", lambda face: face.cancel(NOWHERE)),
        one("to cancel nothing", lambda face: face.cancel_many(status="pending")),
        with_run(
            "to cancel runs that have ended",
            lambda face, run, thread: face.cancel_many(thread_id=thread, run_ids=[run]),
        ),
        one("to delete an unknown run", lambda face: face.delete_run(NOWHERE)),
        undone("a run that was rolled back", lambda face, run, thread: face.run(run, thread)),
        undone("to cancel a run that was rolled back", lambda face, run, thread: face.cancel(run, thread)),
        undone("to delete a run that was rolled back", lambda face, run, thread: face.delete_run(run, thread)),
        undone("to join a run that was rolled back", lambda face, run, thread: join(face, run, thread, 0)),
        undone("to wait for a run that was rolled back", lambda face, run, thread: face.wait(run, thread)),
        with_run(
            "to roll back many runs that have ended",
            lambda face, run, thread: face.cancel_many(thread_id=thread, run_ids=[run], action="rollback"),
        ),
        one("a run whose key is of one that is gone", key_of_one_that_is_gone),
    ),
    "CHECKPOINT_NOT_FOUND": (
        new_run("from an unknown checkpoint", thread="new", input=None, checkpoint_id=NOWHERE),
        with_run(
            "the state at an unknown checkpoint", lambda face, _, thread: face.state(thread, checkpoint_id=NOWHERE)
        ),
        with_thread(
            "the state at a checkpoint of a new thread", lambda face, thread: face.state(thread, checkpoint_id=NOWHERE)
        ),
        with_run(
            "a change of an unknown checkpoint",
            lambda face, _, thread: face.update_state(thread, values={}, checkpoint_id=NOWHERE),
        ),
    ),
    "THREAD_EXISTS": (
        with_thread("a second thread of one id", lambda face, thread: face.create_thread(thread_id=thread)),
    ),
    "THREAD_BUSY": (
        one_busy_assistant("to delete an assistant and a busy thread"),
        busy(
            "a run that will not wait",
            lambda face, thread, _: face.create("story", thread, input=TOPIC, multitask_strategy="reject"),
        ),
        busy(
            "a stream that will not wait",
            lambda face, thread, _: stream(face, "story", thread, input=TOPIC, multitask_strategy="reject"),
        ),
        busy(
            "a change of a busy thread's state",
            lambda face, thread, _: face.update_state(thread, values={"trail": ["x"]}),
        ),
        busy("to delete a busy thread", lambda face, thread, _: face.delete_thread(thread)),
        one("a run that will not wait for one that starts later", behind_one_that_starts_later),
    ),
    "NOTHING_TO_RESUME": (
        new_run("that resumes without a thread", input=None, command={"resume": 1}),
        new_run("that resumes where nothing waits", thread="new", input=None, command={"resume": 1}),
        new_run(
            "that resumes a new thread",
            thread=str(uuid.UUID(int=9)),
            input=None,
            command={"resume": 1},
            if_not_exists="create",
        ),
    ),
    "CRON_NOT_FOUND": (
        one("an unknown cron", lambda face: face.cron(NOWHERE)),
        one("to change an unknown cron", lambda face: face.update_cron(NOWHERE, enabled=False)),
        one("to delete an unknown cron", lambda face: face.delete_cron(NOWHERE)),
    ),
    "THREAD_HAS_NO_GRAPH": (
        with_thread(
            "a change of a state without a graph", lambda face, thread: face.update_state(thread, values={"a": 1})
        ),
    ),
    "RUN_FINISHED": (
        with_run("to cancel a run that has ended", lambda face, run, thread: face.cancel(run, thread)),
        with_run(
            "to roll back a run that has ended", lambda face, run, thread: face.cancel(run, thread, action="rollback")
        ),
    ),
    "RUN_ACTIVE": (busy("to delete a run that goes on", lambda face, thread, run: face.delete_run(run, thread)),),
    "REQUEST_ID_REUSED": (
        keyed("with another input", input={"topic": "tea"}),
        keyed("with a delay", after_seconds=1),
        keyed("with another strategy", multitask_strategy="rollback"),
        keyed("without a thread", thread=None),
        one("a batch with the key of another", batch_reused),
    ),
    "CURSOR_EXPIRED": (Scenario(name="refuse a cursor that has expired", act=expired, settings=SMALL),),
    "CAPACITY_REACHED": (
        Scenario(name="refuse runs beyond the most", act=at_capacity, settings={"max_runs": 1}),
        Scenario(name="refuse streams beyond the most", act=too_many_streams, settings={"max_streams": 1}),
    ),
    "NOT_OFFERED": (
        one(
            "a cron where none are made",
            lambda face: face.create_cron("story", schedule="@daily"),
            settings={"crons": False},
        ),
    ),
    "UNAUTHENTICATED": (
        one("a run without a key", lambda face: refused(face.create("story", input=TOPIC)), **KEYS),
        one(
            "a stream with a wrong key",
            lambda face: stream(face, "story", input=TOPIC),
            headers={"x-api-key": "wrong"},
            **KEYS,
        ),
    ),
    "SYSTEM_ASSISTANT": (
        one("to delete a graph's own assistant", lambda face: face.delete_assistant("story")),
        one("to change a graph's own assistant", lambda face: face.update_assistant("story", name="x")),
    ),
    "ASSISTANT_EXISTS": (
        with_assistant(
            "a second assistant of one id", lambda face, mine: face.create_assistant("story", assistant_id=mine)
        ),
    ),
    "GRAPH_NOT_FOUND": (
        one("an assistant of no graph", lambda face: face.create_assistant("nobody")),
        with_assistant(
            "an assistant without a graph", lambda face, mine: face.update_assistant(mine, graph_id="nobody")
        ),
    ),
}

ELSEWHERE: Mapping[str, str] = {
    "SLOW_READER": "a reader that does not read differs between transports by nature; tests/faults has each",
    "DRAINING": "a server that stops says so to each transport in its own time; tests/faults has each",
    "STORE_UNAVAILABLE": "the store of this server does not fail; the tables of both transports have a test of all kinds",
    "INTERNAL": "a defect cannot be asked for; the tables of both transports have a test of all kinds",
    "ITEM_NOT_FOUND": "over HTTP an item that is not there is null; the rows of the store read both",
    "EMBEDDING_FAILED": "it takes an embedding function; tests/conformance/store has it over both transports",
    "LEASE_LOST": "it is said to an attempt that is over, not to a caller",
    "REQUEST_TOO_LARGE": "over gRPC the library itself refuses such a message, without a reason",
}
"""Reasons that no row can show, and why."""

REFUSALS = tuple(replace(row, refuses=reason) for reason, rows in REFUSALS_BY_REASON.items() for row in rows)
