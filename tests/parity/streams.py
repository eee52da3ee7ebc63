"""Rows: streams of new runs.

Each is read live over the transport that created it, and then from its start over both: the runs are resumable, so the ids of frames are the numbers
of events.
"""

from typing import Any

from tests.faults.gate import Gate
from tests.parity.face import Face, Json, Reading, join, stream
from tests.parity.scenario import Act, Scenario

TOPIC = {"topic": "ice"}
SAYS = {"messages": [{"role": "user", "content": "hello there my friend"}]}
USES_TOOL = {"messages": [{"role": "user", "content": "use the tool"}]}
EVERY_MODE = ["values", "updates", "custom", "tasks", "checkpoints", "debug", "messages-tuple", "events"]


async def from_start(face: Face, made: Reading) -> Reading:
    """All of a run that can be resumed."""
    return await join(face, made.run_id, made.thread_id or None, 0)


def _act(graph: str, given: Json, *, stateless: bool = False, **body: Json) -> Act:
    async def act(face: Face, _: Gate) -> Reading:
        thread_id = None if stateless else (await face.create_thread())["thread_id"]
        return await stream(face, graph, thread_id, **{"input": given, "stream_resumable": True, **body})

    return act


def _row(name: str, graph: str, given: Json, **body: Any) -> Scenario:
    return Scenario(name=f"stream {name}", act=_act(graph, given, **body), look=from_start)


def _resumed(name: str, graph: str, given: Json, *commands: Json, **body: Json) -> Scenario:
    async def act(face: Face, _: Gate) -> list[Reading]:
        thread_id = (await face.create_thread())["thread_id"]
        options = {"stream_resumable": True, "stream_mode": ["values", "updates"], **body}
        readings = [await stream(face, graph, thread_id, input=given, **options)]
        return readings + [await stream(face, graph, thread_id, command=each, **options) for each in commands]

    async def look(face: Face, made: list[Reading]) -> list[Reading]:
        return [await from_start(face, reading) for reading in made]

    return Scenario(name=f"stream {name}", act=act, look=look)


async def _cancelled(face: Face, gate: Gate) -> Reading:
    body: Json = {"stream_resumable": True, "stream_mode": ["updates", "custom"]}
    given = {"port": gate.port, "name": "run"}
    thread_id = (await face.create_thread())["thread_id"]
    async with face.opening("gate", thread_id, input=given, **body) as opened:
        await gate.entered("run")
        await face.cancel(opened.run_id, thread_id)
        await gate.left("run")
        return await opened.rest()


async def _in_turn(face: Face, gate: Gate) -> list[Reading]:
    """Three runs on one thread: the first executes, the second is cancelled before its turn, the third waits for it."""
    thread_id = (await face.create_thread())["thread_id"]
    body: Json = {"stream_resumable": True, "stream_mode": "updates"}
    async with face.opening("gate", thread_id, input={"port": gate.port, "name": "run"}, **body) as first:
        await gate.entered("run")
        async with (
            face.opening("story", thread_id, input=TOPIC, **body) as second,
            face.opening("story", thread_id, input=TOPIC, **body) as third,
        ):
            await face.cancel(second.run_id, thread_id, wait=True)
            gate.release("run")
            return [await each.rest() for each in (first, second, third)]


async def _each_of(face: Face, made: list[Reading]) -> list[Reading]:
    return [await from_start(face, reading) for reading in made]


async def _forked(face: Face, _: Gate) -> Reading:
    """A run from a checkpoint of another, without input."""
    thread_id = (await face.create_thread())["thread_id"]
    await stream(face, "story", thread_id, input=TOPIC)
    states = await face.history(thread_id, limit=10)
    before_tell = next(state for state in states if state["next"] == ["tell"])
    at = {"checkpoint_id": before_tell["checkpoint_id"]}
    return await stream(
        face, "story", thread_id, checkpoint=at, stream_resumable=True, stream_mode=["values", "updates"]
    )


async def _not_kept(face: Face, _: Gate) -> Reading:
    """A stateless run whose events nobody can come back for: no ids, no thread."""
    return await stream(face, "story", input=TOPIC, stream_mode=["values", "updates"])


STREAMS = (
    _row("values by default", "story", TOPIC),
    *(_row(f"of mode {mode}", "story", TOPIC, stream_mode=mode) for mode in EVERY_MODE),
    _row("of mode tools", "looking", {"query": "ice"}, stream_mode="tools"),
    _row("of mode messages-tuple of a model", "chat", SAYS, stream_mode="messages-tuple"),
    _row("of mode messages of a model: whole messages", "chat", SAYS, stream_mode="messages"),
    _row("of both messages modes", "chat", SAYS, stream_mode=["messages", "messages-tuple"]),
    _row("of tool calls", "chat", USES_TOOL, stream_mode=["messages-tuple", "values"]),
    _row("of tool calls: whole messages", "chat", USES_TOOL, stream_mode=["messages"]),
    _row("of content blocks", "blocks", SAYS, stream_mode="messages-tuple"),
    _row("of content blocks: whole messages", "blocks", SAYS, stream_mode="messages"),
    _row("of callbacks of a model", "chat", SAYS, stream_mode="events"),
    _row("of every mode", "story", TOPIC, stream_mode=EVERY_MODE),
    _row("of every mode with subgraphs", "nested", {"foo": "a"}, stream_mode=EVERY_MODE, stream_subgraphs=True),
    _row("of subgraphs unasked", "nested", {"foo": "a"}, stream_mode=EVERY_MODE),
    _row("of map and reduce", "fanout", {"items": ["a", "b"]}, stream_mode=["updates", "tasks"]),
    _row("of values that JSON does not know", "odd", {"big": 1}, stream_mode=["values", "updates", "custom"]),
    _row("of a loop by command", "loop", {"until": 3}, stream_mode=["values", "updates"]),
    _row("of a stateless run", "story", TOPIC, stateless=True, stream_mode=["values", "updates"]),
    _row("of a stateless run with checkpoints", "story", TOPIC, stateless=True, stream_mode=["checkpoints", "debug"]),
    _row(
        "of a stateless run that is kept", "story", TOPIC, stateless=True, on_completion="keep", stream_mode="updates"
    ),
    _row("of a run that fails", "failing", {}, stream_mode=["values", "updates", "tasks", "debug"]),
    _row("of a run that fails and may not say why", "secret", {}, stream_mode="updates"),
    _row("of a run over its recursion limit", "loop", {"until": 9}, config={"recursion_limit": 2}),
    _row("of a run without input", "story", None),
    _row("of an interrupt in every mode", "approval", {"request": "x"}, stream_mode=EVERY_MODE),
    _row("of an interrupt that no mode shows", "approval", {"request": "x"}, stream_mode="custom"),
    _row("of two interrupts at once", "pair", {}, stream_mode=["values", "updates"]),
    _row("of an interrupt below", "nested", {"foo": "a", "asks": True}, stream_mode=EVERY_MODE, stream_subgraphs=True),
    _row("stopped before a node", "story", TOPIC, stream_mode=["values", "updates"], interrupt_before=["tell"]),
    _row("stopped after every node", "story", TOPIC, stream_mode=["values", "updates"], interrupt_after="*"),
    _row("with context", "context", {}, context={"tone": "loud"}),
    _row(
        "with configurable",
        "context",
        {},
        config={"configurable": {"user": "ada"}, "tags": ["t"], "metadata": {"origin": "m"}},
    ),
    _row("with durability exit", "story", TOPIC, stream_mode=["values", "checkpoints"], durability="exit"),
    _resumed("of an interrupt and its answer", "approval", {"request": "x"}, {"resume": "yes"}),
    _resumed(
        "of an answer and an update", "approval", {"request": "x"}, {"resume": "yes", "update": {"log": ["told"]}}
    ),
    _resumed("of a goto", "story", TOPIC, {"goto": "tell", "update": {"topic": "tea"}}),
    _resumed("of a goto with input", "fanout", {"items": ["a"]}, {"goto": [{"node": "each", "input": {"item": "z"}}]}),
    Scenario(name="stream of a run that is cancelled", act=_cancelled, look=from_start),
    Scenario(name="stream of runs that wait for their turn", act=_in_turn, look=_each_of),
    Scenario(name="stream from a checkpoint", act=_forked, look=from_start),
    Scenario(name="stream of a stateless run that is not resumable", act=_not_kept),
)
