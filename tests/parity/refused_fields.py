"""Rows: fields that are wrong. Both transports must name the same one."""

import uuid
from typing import Any

from tests.parity.crons import CRON_FIELDS
from tests.parity.face import Face, Json, Refused, join, stream
from tests.parity.scenario import Scenario
from tests.parity.streams import TOPIC
from tests.parity.wrongs import (
    GOOD,
    NO_ID,
    NOWHERE,
    batch,
    busy,
    new_run,
    one,
    refused,
    watch,
    with_assistant,
    with_run,
    with_thread,
)

CONTEXT_AND_CONFIG: Json = {"context": {"tone": "a"}, "config": {"configurable": {"user": "b"}}}
OTHER = str(uuid.UUID(int=8))

_RUNS = (
    new_run("of no assistant", assistant_id=""),
    new_run("on a thread whose id is no UUID", thread=NO_ID),
    new_run("in an unknown mode", stream_mode=["values", "sideways"]),
    new_run("with input and command", command={"update": {"topic": "x"}}),
    new_run("with an empty command", input=None, command={}),
    new_run("with an update that is no object", input=None, command={"update": [["a"]]}),
    new_run("with an update of another type", input=None, command={"update": 5}),
    new_run("with a goto to nowhere", input=None, command={"goto": [{"node": "", "input": 1}]}),
    new_run("with context and configurable", **CONTEXT_AND_CONFIG),
    new_run("with a recursion limit of 0", config={"recursion_limit": 0}),
    new_run("with a concurrency of 0", config={"max_concurrency": 0}),
    new_run("with a configurable that is no object", config={"configurable": 5}),
    new_run("with metadata that is no object", metadata=[1]),
    new_run("with a context that is no object", context="loud"),
    new_run("from a checkpoint whose id is no UUID", thread="new", input=None, checkpoint_id=NO_ID),
    new_run("from a checkpoint without a thread", input=None, checkpoint_id=NOWHERE),
    new_run("from a checkpoint of another thread", thread="new", input=None, checkpoint={"thread_id": NOWHERE}),
    new_run(
        "from two checkpoints", thread="new", input=None, checkpoint_id=NOWHERE, checkpoint={"checkpoint_id": OTHER}
    ),
    new_run(
        "from a checkpoint whose nested id is no UUID", thread="new", input=None, checkpoint={"checkpoint_id": NO_ID}
    ),
    new_run("with an unknown strategy", multitask_strategy="sideways"),
    new_run("with an unknown durability", durability="sideways"),
    new_run("with an unknown if_not_exists", thread="new", if_not_exists="sideways"),
    new_run("with an unknown on_completion", on_completion="sideways"),
    new_run("that is kept and has a thread", thread="new", on_completion="keep"),
    new_run("that is deleted and has a thread", thread="new", on_completion="delete"),
    new_run("that starts before now", after_seconds=-1),
    new_run("that starts in too many years", after_seconds=11 * 366 * 86400),
    new_run("with no time", timeout_seconds=0),
    new_run("with less than no time", timeout_seconds=-0.5),
    new_run("with too many years", timeout_seconds=11 * 366 * 86400),
    new_run("with a key that is too long", request_id="k" * 129),
    *(
        new_run(f"with a webhook that {name}", webhook=url)
        for name, url in {
            "is a path": "/hook",
            "has another scheme": "ftp://example.com/hook",
            "has no host": "https:///hook",
            "has a password": "https://me:secret@example.com/hook",
            "has spaces": "https://example.com/a hook",
            "is too long": "https://example.com/" + "x" * 2048,
            "is this machine": "http://127.0.0.1:8080/hook",
            "is this machine by name": "http://localhost/hook",
            "is this machine as a number": "http://2130706433/hook",
            "is private": "https://10.0.0.1/hook",
            "is private in IPv6": "https://[::ffff:192.168.0.1]/hook",
            "is link-local": "http://[fe80::1]/hook",
            "is metadata": "http://169.254.169.254/latest/meta-data",
            "is multicast": "http://224.0.0.1/hook",
        }.items()
    ),
    batch("with a wrong webhook", GOOD, {**GOOD, "webhook": "http://127.0.0.1/"}),
    one(
        "a stream with an unknown on_disconnect",
        lambda face: stream(face, "story", input=TOPIC, on_disconnect="sideways"),
    ),
    batch("that is empty"),
    batch("with a wrong run", GOOD, {**GOOD, "config": {"recursion_limit": 0}}),
    batch("with a wrong type", GOOD, {**GOOD, "metadata": [1]}),
    batch("with context and configurable", GOOD, {**GOOD, **CONTEXT_AND_CONFIG}),
    batch("with a mode that does not exist", {**GOOD, "stream_mode": ["sideways"]}),
    batch("with a wrong delay", GOOD, {**GOOD, "after_seconds": -1}),
    batch("with a wrong time limit", GOOD, {**GOOD, "timeout_seconds": 0}),
    one("a batch with a key that is too long", lambda face: face.batch([GOOD], request_id="k" * 127)),
    batch("of too many", *([GOOD] * 1001)),
)

_READS = (
    one("a run whose id is no UUID", lambda face: face.run(NO_ID)),
    one("to join a run whose id is no UUID", lambda face: join(face, NO_ID)),
    one("to wait for a run whose id is no UUID", lambda face: face.wait(NO_ID)),
    with_run(
        "to join with a mode that does not exist", lambda face, run, thread: join(face, run, thread, modes=["sideways"])
    ),
    with_run(
        "a cursor beyond a run that has ended",
        lambda face, run, thread: join(face, run, thread, 999),
        stream_resumable=True,
    ),
    with_run("a cursor below 0", lambda face, run, thread: join(face, run, thread, -2), stream_resumable=True),
    busy("a cursor beyond a run that goes on", lambda face, thread, run: join(face, run, thread, 999)),
    one("to watch a thread whose id is no UUID", lambda face: watch(face, NO_ID)),
    with_thread("to watch beyond the newest event", lambda face, thread: watch(face, thread, 9)),
    with_thread("to watch from below 0", lambda face, thread: watch(face, thread, -2)),
    with_run("to cancel with an unknown action", lambda face, run, thread: face.cancel(run, thread, action="sideways")),
    one("to cancel many with an unknown action", lambda face: face.cancel_many(status="all", action="sideways")),
    one("to cancel by ids without a thread", lambda face: face.cancel_many(run_ids=[NOWHERE])),
    one(
        "to cancel by ids and status",
        lambda face: face.cancel_many(status="pending", thread_id=NOWHERE, run_ids=[NOWHERE]),
    ),
    one("to cancel too many", lambda face: face.cancel_many(thread_id=NOWHERE, run_ids=[NOWHERE] * 101)),
    one("to cancel ids that are no UUIDs", lambda face: face.cancel_many(thread_id=NOWHERE, run_ids=[NO_ID])),
    one("to cancel on a thread that is no UUID", lambda face: face.cancel_many(thread_id=NO_ID, run_ids=[NOWHERE])),
    one("to cancel by a status that has ended", lambda face: face.cancel_many(status="success")),
    one("to delete a run whose id is no UUID", lambda face: face.delete_run(NO_ID)),
    with_thread("a page of runs that is too large", lambda face, thread: face.runs(thread, limit=1001)),
    with_thread("runs in an unknown status", lambda face, thread: face.runs(thread, status="sideways")),
)

_THREADS = (
    one("a thread whose id is no UUID", lambda face: face.thread(NO_ID)),
    one("to create a thread whose id is no UUID", lambda face: face.create_thread(thread_id=NO_ID)),
    one("a thread with metadata that is no object", lambda face: face.create_thread(metadata=[1])),
    one("a thread with an unknown if_exists", lambda face: face.create_thread(if_exists="sideways")),
    one("a thread that lives too long", lambda face: face.create_thread(ttl={"ttl": 11 * 366 * 1440})),
    one("a thread that lives less than no time", lambda face: face.create_thread(ttl={"ttl": -1})),
    one("a thread with an unknown end", lambda face: face.create_thread(ttl={"ttl": 1, "strategy": "sideways"})),
    with_thread("to let a thread live too long", lambda face, thread: face.update_thread(thread, {}, ttl={"ttl": 1e7})),
    one("to prune nothing", lambda face: face.prune_threads([])),
    one("to prune too many", lambda face: face.prune_threads([NOWHERE] * 1001)),
    one("to prune what is no UUID", lambda face: face.prune_threads([NOWHERE, NO_ID])),
    one("to prune in an unknown way", lambda face: face.prune_threads([NOWHERE], strategy="sideways")),
    one("to count ids that are no UUIDs", lambda face: face.count_threads(ids=[NO_ID])),
    one("to change a thread whose id is no UUID", lambda face: face.update_thread(NO_ID, {})),
    one("to delete a thread whose id is no UUID", lambda face: face.delete_thread(NO_ID)),
    one("to copy a thread whose id is no UUID", lambda face: face.copy_thread(NO_ID)),
    one("a search for an unknown status", lambda face: face.threads(status="sideways")),
    one("a search for ids that are no UUIDs", lambda face: face.threads(ids=[NO_ID])),
    one("a search for too many ids", lambda face: face.threads(ids=[NOWHERE] * 1001)),
    one("a search with values that are no object", lambda face: face.threads(values=[1])),
    one("to count values that are no object", lambda face: face.count_threads(values="x")),
    one("a search for too many parts", lambda face: face.threads(extract={str(n): "values" for n in range(11)})),
    one("a search for a part that is no path", lambda face: face.threads(extract={"x": "values[a]"})),
    one("a search for a part of nothing", lambda face: face.threads(extract={"x": "weather.today"})),
    one("a search by an unknown order", lambda face: face.threads(sort_by="sideways")),
    one("a page of threads that is too large", lambda face: face.threads(limit=1001)),
    one("to count threads in an unknown status", lambda face: face.count_threads(status="sideways")),
    with_run("a state at what is no UUID", lambda face, _, thread: face.state(thread, checkpoint_id=NO_ID)),
    with_run(
        "a state of another thread", lambda face, _, thread: face.state(thread, checkpoint={"thread_id": NOWHERE})
    ),
    with_run(
        "a change of a state by an unknown node",
        lambda face, _, thread: face.update_state(thread, values={"topic": "x"}, as_node="nobody"),
    ),
    with_run(
        "a change of a state at what is no UUID",
        lambda face, _, thread: face.update_state(thread, values={}, checkpoint_id=NO_ID),
    ),
    with_run("a history before what is no UUID", lambda face, _, thread: face.history(thread, before=NO_ID)),
    with_run("a history that is too long", lambda face, _, thread: face.history(thread, limit=1001)),
)

BEGUN: Json = {"values": {"topic": "tea"}, "as_node": "refine"}


def _begun(name: str, *supersteps: list[Json], graph: str | None = "story") -> Scenario:
    """A thread that would begin with supersteps. There is none then."""

    async def call(face: Face) -> list[Any]:
        thread_id = str(uuid.uuid4())
        steps = [{"updates": updates} for updates in supersteps]
        metadata = {} if graph is None else {"graph_id": graph}
        refusal = await refused(face.create_thread(thread_id=thread_id, metadata=metadata, supersteps=steps))
        gone = await refused(face.thread(thread_id))
        assert isinstance(gone, Refused)
        assert gone.reason == "THREAD_NOT_FOUND"
        return [refusal]

    return one(f"a thread whose supersteps {name}", call)


_HISTORIES = (
    _begun("have no graph", [BEGUN], graph=None),
    _begun("are empty", [BEGUN], []),
    _begun("are too many", *([[BEGUN]] * 1001)),
    _begun("are by an unknown node", [BEGUN], [BEGUN, {**BEGUN, "as_node": "nobody"}]),
    _begun("are nothing that the graph takes", [BEGUN], [{**BEGUN, "values": "x"}]),
    _begun("have values and a command", [{**BEGUN, "command": {"goto": ["tell"]}}]),
    _begun("have an answer", [{"as_node": "refine", "command": {"resume": "yes"}}]),
    _begun("go to nowhere", [{"as_node": "refine", "command": {"goto": [{"node": "", "input": 1}]}}]),
)

_ASSISTANTS = (
    one("assistants in an unknown order", lambda face: face.assistants(sort_by="sideways")),
    one("a page of assistants that is too large", lambda face: face.assistants(limit=1001)),
    one("a drawing of too many levels", lambda face: face.drawing("story", 101)),
    one("a version that an assistant does not have", lambda face: face.set_latest("story", 2)),
    one("a version of 0", lambda face: face.set_latest("story", 0)),
    one("an assistant without the name of a graph", lambda face: face.create_assistant("")),
    one("an assistant whose id is none", lambda face: face.create_assistant("story", assistant_id=NO_ID)),
    one("an assistant whose metadata is no object", lambda face: face.create_assistant("story", metadata=[1])),
    one("an assistant whose context is no object", lambda face: face.create_assistant("story", context="x")),
    one(
        "an assistant that may take no step", lambda face: face.create_assistant("story", config={"recursion_limit": 0})
    ),
    one(
        "an assistant with context and configurable",
        lambda face: face.create_assistant("story", context={"a": 1}, config={"configurable": {"a": 2}}),
    ),
    one(
        "an assistant that may exist in an unknown way",
        lambda face: face.create_assistant("story", if_exists="perhaps"),
    ),
    one("a page of versions that is too large", lambda face: face.versions("story", limit=1001)),
    with_assistant("a version that there never was", lambda face, mine: face.set_latest(mine, 2)),
    with_assistant(
        "a change of an assistant to metadata that is no object",
        lambda face, mine: face.update_assistant(mine, metadata="x"),
    ),
    with_assistant(
        "a change of an assistant with context and configurable",
        lambda face, mine: face.update_assistant(mine, context={"a": 1}, config={"configurable": {"b": 2}}),
    ),
)

FIELDS = (*_RUNS, *_READS, *_THREADS, *_HISTORIES, *_ASSISTANTS, *CRON_FIELDS)
