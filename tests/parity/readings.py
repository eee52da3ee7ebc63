"""Rows: readers who come later. Joins live and from every cursor, runs that have ended, filters, watches of threads."""

from typing import Any

from tests.faults.gate import Gate
from tests.parity.face import Face, Json, Reading, join, stream
from tests.parity.scenario import Scenario
from tests.parity.streams import TOPIC

MODES = ["values", "updates", "custom", "messages-tuple"]
KEPT: Json = {"stream_resumable": True, "stream_mode": ["values", "updates", "custom"]}


async def _thread(face: Face) -> str:
    return str((await face.create_thread())["thread_id"])


async def _finished(face: Face, _: Gate) -> Reading:
    return await stream(face, "story", await _thread(face), input=TOPIC, **KEPT)


async def _finished_second(face: Face, _: Gate) -> Reading:
    """A run whose numbers do not begin with 1."""
    thread_id = await _thread(face)
    await stream(face, "story", thread_id, input=TOPIC)
    return await stream(face, "story", thread_id, input=TOPIC, **KEPT)


async def _from_every_cursor(face: Face, made: Reading) -> list[Any]:
    return [await join(face, made.run_id, made.thread_id, cursor) for cursor in range(made.last_seq + 1)]


async def _without_cursor(face: Face, made: Reading) -> list[Reading]:
    return [await join(face, made.run_id, made.thread_id), await join(face, made.run_id)]


def _kept_run(graph: str, given: Json, **body: Json) -> Any:
    async def act(face: Face, _: Gate) -> Reading:
        modes = ["values", "updates", "custom", "messages-tuple", "tasks", "debug"]
        thread_id = await _thread(face)
        return await stream(
            face, graph, thread_id, input=given, stream_mode=modes, stream_subgraphs=True, stream_resumable=True, **body
        )

    return act


def _filtered(name: str, graph: str, given: Json, **wanted: Json) -> Scenario:
    async def look(face: Face, made: Reading) -> Reading:
        return await join(face, made.run_id, made.thread_id, 0, **wanted)

    return Scenario(name=f"join with {name}", act=_kept_run(graph, given), look=look)


async def _live(face: Face, gate: Gate) -> list[Reading]:
    """Joins while the run stands at the gate: live, from its start, from a cursor, and with a filter."""
    made = await face.create("gate", await _thread(face), input={"port": gate.port, "name": "run"}, **KEPT)
    run_id, thread_id = made["run_id"], made["thread_id"]
    await gate.entered("run")
    async with (
        face.joining(run_id, thread_id) as live,
        face.joining(run_id, thread_id, 0) as whole,
        face.joining(run_id, thread_id, 2) as behind,
        face.joining(run_id, thread_id, 0, modes=["custom"]) as filtered,
    ):
        gate.release("run")
        return [await each.rest() for each in (live, whole, behind, filtered)]


async def _live_not_kept(face: Face, gate: Gate) -> Reading:
    body: Json = {"stream_mode": ["values", "custom"]}
    made = await face.create("gate", await _thread(face), input={"port": gate.port, "name": "run"}, **body)
    await gate.entered("run")
    async with face.joining(made["run_id"], made["thread_id"]) as live:
        gate.release("run")
        return await live.rest()


async def _waiting(face: Face, gate: Gate) -> Reading:
    """A run that waits for its turn is joined before it starts."""
    thread_id = await _thread(face)
    await face.create("gate", thread_id, input={"port": gate.port, "name": "run"})
    await gate.entered("run")
    made = await face.create("story", thread_id, input=TOPIC, **KEPT)
    async with face.joining(made["run_id"], thread_id) as joined:
        gate.release("run")
        return await joined.rest()


async def _stateless(face: Face, _: Gate) -> Reading:
    made = await face.create("story", input=TOPIC, **KEPT)
    await face.wait(made["run_id"])
    return await join(face, made["run_id"], None, 0)


async def _not_kept(face: Face, _: Gate) -> list[Reading]:
    """A cursor for a run whose events nobody asked to keep."""
    made = await stream(face, "story", await _thread(face), input=TOPIC, stream_mode="updates")
    return [await join(face, made.run_id, made.thread_id, cursor) for cursor in (None, 0)]


async def _watched(face: Face, _: Gate) -> Reading:
    """Two runs of a thread, and one that fails, seen live; stateless runs beside them are not."""
    thread_id = await _thread(face)
    async with face.watching(thread_id) as watch:
        await face.invoke("story", thread_id, input=TOPIC, stream_mode=["values", "updates", "custom"])
        await face.invoke("story", input=TOPIC)
        await face.invoke(
            "chat", thread_id, input={"messages": [{"role": "user", "content": "hi"}]}, stream_mode="messages-tuple"
        )
        await face.invoke("failing", thread_id, input={})
        return await watch.until_ended(3)


async def _watch_again(face: Face, made: Reading) -> list[Reading]:
    """The same from its start, from a cursor, and starts and ends alone."""
    cursors = (0, 3)
    readings = []
    for after in cursors:
        async with face.watching(made.thread_id, after) as watch:
            readings.append(await watch.until_ended(3))
    async with face.watching(made.thread_id, 0, lifecycle=True) as watch:
        readings.append(await watch.until_ended(3))
    return readings


READINGS = (
    Scenario(name="join a finished run from every cursor", act=_finished, look=_from_every_cursor),
    Scenario(name="join a finished second run from every cursor", act=_finished_second, look=_from_every_cursor),
    Scenario(name="join a finished run without a cursor", act=_finished, look=_without_cursor),
    Scenario(name="join a run live, from its start, behind a cursor", act=_live),
    Scenario(name="join a run live that is not resumable", act=_live_not_kept),
    Scenario(name="join a run that waits for its turn", act=_waiting),
    Scenario(name="join a stateless run that has ended", act=_stateless),
    Scenario(name="join with a cursor a run that is not resumable", act=_not_kept),
    *(_filtered(f"the mode {mode}", "nested", {"foo": "a"}, modes=[mode]) for mode in MODES),
    _filtered("two modes", "nested", {"foo": "a"}, modes=["updates", "tasks"]),
    _filtered("the mode messages", "chat", {"messages": [{"role": "user", "content": "hi"}]}, modes=["messages"]),
    _filtered("the mode debug", "story", TOPIC, modes=["debug"]),
    _filtered("a mode that a failing run does not have", "failing", {}, modes=["events"]),
    _filtered("nodes", "story", TOPIC, nodes=["tell"]),
    _filtered("namespaces", "nested", {"foo": "a"}, namespaces=["middle"]),
    _filtered("tags", "chat", {"messages": [{"role": "user", "content": "hi"}]}, tags=["nobody's"]),
    Scenario(name="watch a thread", act=_watched, look=_watch_again),
)
