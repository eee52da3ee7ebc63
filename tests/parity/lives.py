"""Rows: the life of a run. Runs that meet, that start later, that take too long, that are cancelled and undone, that are asked for twice; and threads that begin
with a history.

What is streamed is read live over the transport that created it, and then from its start over both.
"""

import asyncio
from datetime import timedelta
from typing import Any

from tests.faults.gate import Gate
from tests.parity.face import Face, Json, Reading, stream
from tests.parity.results import all_of_thread
from tests.parity.scenario import Scenario
from tests.parity.streams import TOPIC, from_start

KEPT: Json = {"stream_resumable": True, "stream_mode": ["updates", "custom"]}
SOON = 0.05
"""A delay that a row waits for, in seconds. Nothing of what it compares happens meanwhile."""
LATER = timedelta(seconds=60)
"""A delay and a time limit which the row lets pass."""
OWN: Json = {"drain_grace": timedelta(0)}
"""Such a row has a server of its own, and so a time of its own."""


async def _thread(face: Face, **body: Json) -> str:
    return str((await face.create_thread(**body))["thread_id"])


def _gated(gate: Gate) -> Json:
    return {"port": gate.port, "name": "run"}


async def _each_of(face: Face, made: list[Reading]) -> list[Reading]:
    return [await from_start(face, reading) for reading in made]


# -- runs that meet ---------------------------------------------------------------------------------


def _meeting(strategy: str, *, kept: bool) -> tuple[Scenario, Scenario]:
    """What is streamed of three runs that meet, and what they leave. Those that are `kept` can be read again."""

    async def streams(face: Face, gate: Gate) -> list[Reading]:
        thread_id = await _thread(face)
        async with face.opening("gate", thread_id, input=_gated(gate), **KEPT) as first:
            await gate.entered("run")
            async with (
                face.opening("story", thread_id, input=TOPIC, **KEPT) as second,
                face.opening("story", thread_id, input=TOPIC, multitask_strategy=strategy, **KEPT) as third,
            ):
                return [await each.rest() for each in (first, second, third)]

    async def look(face: Face, made: list[Reading]) -> list[Reading]:
        return await _each_of(face, made if kept else made[-1:])

    async def results(face: Face, gate: Gate) -> Json:
        thread_id = await _thread(face)
        first = await face.create("gate", thread_id, input=_gated(gate))
        await gate.entered("run")
        second = await face.create("story", thread_id, input=TOPIC)
        third = await face.invoke("story", thread_id, input=TOPIC, multitask_strategy=strategy)
        runs = [await face.run(run["run_id"], thread_id) for run in (first, second)] if kept else []
        return {"thread_id": thread_id, "created": [first, second], "outcome": third, "runs": runs}

    return (
        Scenario(name=f"stream of runs that meet: {strategy}", act=streams, look=look),
        Scenario(name=f"runs that meet: {strategy}", act=results, look=all_of_thread),
    )


# -- times ------------------------------------------------------------------------------------------


async def _later(face: Face, _: Gate) -> Reading:
    return await _streamed_later(face, await _thread(face))


async def _later_stateless(face: Face, _: Gate) -> Reading:
    return await _streamed_later(face, None)


async def _streamed_later(face: Face, thread_id: str | None) -> Reading:
    async with face.opening("story", thread_id, input=TOPIC, after_seconds=LATER.seconds, **KEPT) as opened:
        face.time.pass_(LATER)
        return await opened.rest()


async def _created_later(face: Face, _: Gate) -> list[Json]:
    """Rows of runs that wait for their time, and one that goes before them."""
    thread_id = await _thread(face)
    late = [await face.create("story", thread_id, input=TOPIC, after_seconds=delay) for delay in (LATER.seconds, 600)]
    soon = await face.invoke("story", thread_id, input=TOPIC)
    face.time.pass_(LATER)
    await face.wait(late[0]["run_id"], thread_id)
    busy = await face.thread(thread_id)
    await face.cancel(late[1]["run_id"], thread_id, wait=True)
    return [*late, soon, busy, await face.thread(thread_id)]


async def _joined_later(face: Face, _: Gate) -> Reading:
    """A run that waits for its time is joined before it."""
    made = await face.create("story", await _thread(face), input=TOPIC, after_seconds=LATER.seconds, **KEPT)
    async with face.joining(made["run_id"], made["thread_id"]) as live:
        face.time.pass_(LATER)
        return await live.rest()


async def _too_slow(face: Face, gate: Gate) -> Reading:
    body: Json = {"input": _gated(gate), "timeout_seconds": LATER.seconds, **KEPT}
    async with face.opening("gate", await _thread(face), **body) as opened:
        await gate.entered("run")
        face.time.pass_(LATER)
        reading = await opened.rest()
    await gate.left("run")
    return reading


async def _too_slow_outcome(face: Face, gate: Gate) -> Json:
    return await timed_out(face, gate, await _thread(face), input=_gated(gate))


async def timed_out(face: Face, gate: Gate, thread_id: str, **body: Json) -> Json:
    """The outcome of a run that stands at the gate, as `run`, until its time is over."""
    waiting = asyncio.create_task(face.invoke("gate", thread_id, timeout_seconds=LATER.seconds, **body))
    await gate.entered("run")
    face.time.pass_(LATER)
    outcome = await waiting
    await gate.left("run")
    return outcome


async def _ended(face: Face, made: Json) -> list[Json]:
    run_id, thread_id = made["run"]["run_id"], made["run"]["thread_id"]
    return [await face.wait(run_id, thread_id), *await all_of_thread(face, {"thread_id": thread_id})]


# -- cancels ----------------------------------------------------------------------------------------


def _undone(name: str, **query: Json) -> Scenario:
    """A run on a thread on which another has ended is rolled back."""

    async def act(face: Face, gate: Gate) -> Json:
        thread_id = await _thread(face)
        await face.invoke("story", thread_id, input=TOPIC)
        made = await face.create("gate", thread_id, input=_gated(gate), **KEPT)
        await gate.entered("run")
        async with face.joining(made["run_id"], thread_id) as live:
            answer = await face.cancel(made["run_id"], thread_id, action="rollback", **query)
            await live.rest()
        await gate.left("run")
        return {"thread_id": thread_id, "answer": answer}

    return Scenario(name=name, act=act, look=all_of_thread)


async def _stream_undone(face: Face, gate: Gate) -> Reading:
    thread_id = await _thread(face)
    async with face.opening("gate", thread_id, input=_gated(gate), **KEPT) as opened:
        await gate.entered("run")
        await face.cancel(opened.run_id, thread_id, action="rollback", wait=True)
        return await opened.rest()


async def _undone_waiting(face: Face, gate: Gate) -> Json:
    """Runs that wait, for their turn and for their time, in both ways; the one that executes goes on."""
    thread_id = await _thread(face)
    first = await face.create("gate", thread_id, input=_gated(gate))
    await gate.entered("run")
    made = [await face.create("story", thread_id, input=TOPIC, after_seconds=delay) for delay in (0, 0, 600, 600)]
    answers = [
        await face.cancel(run["run_id"], thread_id, action=action, wait=True)
        for run, action in zip(made, ("interrupt", "rollback") * 2, strict=True)
    ]
    gate.release("run")
    await face.wait(first["run_id"], thread_id)
    return {"thread_id": thread_id, "answers": answers}


async def _many_undone(face: Face, gate: Gate) -> Json:
    thread_id = await _thread(face)
    first = await face.create("gate", thread_id, input=_gated(gate))
    await gate.entered("run")
    others = [await face.create("story", thread_id, input=TOPIC) for _ in range(2)]
    ids = [first["run_id"], others[0]["run_id"]]
    answers = [await face.cancel_many(thread_id=thread_id, run_ids=ids, action="rollback")]
    await gate.left("run")
    await face.wait(others[1]["run_id"], thread_id)
    return {"thread_id": thread_id, "answers": answers}


async def _lingering(face: Face, gate: Gate) -> Json:
    """A synchronous node, which nothing can stop."""
    thread_id = await _thread(face)
    made = await face.create("stubborn", thread_id, input=_gated(gate), **KEPT)
    await gate.entered("run")
    waited = await face.cancel(made["run_id"], thread_id, wait=True)
    gate.release("run")
    return {"thread_id": thread_id, "waited": waited, "run_id": made["run_id"]}


async def _lingered(face: Face, made: Json) -> list[Any]:
    run = await face.run(made["run_id"], made["thread_id"])
    return [run, *await all_of_thread(face, made)]


async def _lingering_stream(face: Face, gate: Gate) -> Reading:
    thread_id = await _thread(face)
    async with face.opening("stubborn", thread_id, input=_gated(gate), **KEPT) as opened:
        await gate.entered("run")
        await face.cancel(opened.run_id, thread_id)
        reading = await opened.rest()
    gate.release("run")
    return reading


async def _watched(face: Face, gate: Gate) -> Reading:
    """All that can become of runs, as a thread's stream has it: one is met, one rolled back, one takes too long, one never has its turn, one starts later."""
    thread_id = await _thread(face)
    body: Json = {"input": _gated(gate), "stream_mode": "custom"}
    async with face.watching(thread_id) as watch:
        await face.create("gate", thread_id, **body)
        await gate.entered("run")
        waits = await face.create("story", thread_id, input=TOPIC)
        await face.cancel(waits["run_id"], thread_id, wait=True)
        await face.invoke("story", thread_id, input=TOPIC, stream_mode="updates", multitask_strategy="interrupt")
        await gate.left("run")
        undone = await face.create("gate", thread_id, **body)
        await gate.entered("run")
        await face.cancel(undone["run_id"], thread_id, wait=True, action="rollback")
        await gate.left("run")
        await timed_out(face, gate, thread_id, **body)
        await face.create("story", thread_id, input=TOPIC, after_seconds=LATER.seconds, stream_mode="updates")
        face.time.pass_(LATER)
        return await watch.until_ended(6)


# -- keys -------------------------------------------------------------------------------------------


async def _asked_again(face: Face, gate: Gate) -> list[Reading]:
    """A stream that is asked for again: while the run is at work, and when it has ended."""
    thread_id = await _thread(face)
    body: Json = {"input": _gated(gate), "request_id": f"again-{thread_id}", **KEPT}
    async with face.opening("gate", thread_id, **body) as first:
        await gate.entered("run")
        async with face.opening("gate", thread_id, **body) as second:
            gate.release("run")
            readings = [await first.rest(), await second.rest()]
    readings.append(await stream(face, "gate", thread_id, **body))
    assert len({reading.run_id for reading in readings}) == 1
    return readings


async def _created_again(face: Face, _: Gate) -> Json:
    thread_id = await _thread(face)
    body: Json = {"input": TOPIC, "request_id": f"again-{thread_id}"}
    first = await face.invoke("story", thread_id, **body)
    again = [await face.invoke("story", thread_id, **body), await face.create("story", thread_id, **body)]
    assert again[1]["run_id"] == first["run"]["run_id"]
    return {"thread_id": thread_id, "first": first, "again": again}


async def _odd_key(face: Face, _: Gate) -> Json:
    return await face.create("story", await _thread(face), input=TOPIC, request_id="clé")


async def _batched_again(face: Face, _: Gate) -> list[Json]:
    key = f"batch-{await _thread(face)}"
    body: Json = {"assistant_id": "story", "input": TOPIC, "stream_resumable": True}
    first = await face.batch([body, {**body, "after_seconds": SOON}], request_id=key)
    for run in first:
        await face.wait(run["run_id"])
    again = await face.batch([body, {**body, "after_seconds": SOON}, body], request_id=key)
    assert [run["run_id"] for run in again[:2]] == [run["run_id"] for run in first]
    for run in again:
        await face.wait(run["run_id"])
    return [await face.run(run["run_id"]) for run in again]


# -- histories --------------------------------------------------------------------------------------


def _begun(name: str, graph: str, *supersteps: list[Json], run: bool = True) -> Scenario:
    async def act(face: Face, _: Gate) -> Json:
        steps = [{"updates": updates} for updates in supersteps]
        made = await face.create_thread(metadata={"graph_id": graph, "k": 1}, supersteps=steps)
        outcome = await face.invoke(graph, made["thread_id"]) if run else None
        return {"thread_id": made["thread_id"], "made": made, "outcome": outcome}

    return Scenario(name=f"thread that begins with {name}", act=act, look=all_of_thread)


async def _answered_by_id(face: Face, _: Gate) -> list[Reading]:
    """Two questions, answered one after the other."""
    thread_id = await _thread(face)
    body: Json = {"stream_resumable": True, "stream_mode": ["values", "updates"]}
    asked = await stream(face, "pair", thread_id, input={}, **body)
    tasks = (await face.state(thread_id))["tasks"]
    ids = {each["value"]: each["id"] for task in tasks for each in task["interrupts"]}
    answers = [{"resume": {ids[question]: question}} for question in ("right?", "left?")]
    return [asked, *[await stream(face, "pair", thread_id, command=answer, **body) for answer in answers]]


LIVES = (
    *_meeting("interrupt", kept=True),
    *_meeting("rollback", kept=False),
    Scenario(name="stream of a run that starts later", act=_later, look=from_start, settings=OWN),
    Scenario(name="stream of a stateless run that starts later", act=_later_stateless, look=from_start, settings=OWN),
    Scenario(name="rows of runs that start later", act=_created_later, settings=OWN),
    Scenario(name="join a run that starts later", act=_joined_later, look=from_start, settings=OWN),
    Scenario(name="stream of a run that takes too long", act=_too_slow, look=from_start, settings=OWN),
    Scenario(name="outcome of a run that takes too long: it fails", act=_too_slow_outcome, look=_ended, settings=OWN),
    _undone("cancel a run with rollback"),
    _undone("cancel a run with rollback and wait", wait=True),
    Scenario(name="stream of a run that is rolled back", act=_stream_undone),
    Scenario(name="cancel runs that wait", act=_undone_waiting, look=all_of_thread),
    Scenario(name="cancel many runs with rollback", act=_many_undone, look=all_of_thread),
    Scenario(name="cancel a run whose node lingers", act=_lingering, look=_lingered),
    Scenario(name="stream of a run whose node lingers", act=_lingering_stream, look=from_start),
    Scenario(name="watch all that can become of runs", act=_watched, settings=OWN),
    Scenario(name="stream that is asked for again", act=_asked_again, look=_each_of),
    Scenario(name="run that is asked for again", act=_created_again, look=all_of_thread),
    Scenario(name="run with a key that no header carries", act=_odd_key),
    Scenario(name="batch that is asked for again", act=_batched_again),
    _begun("supersteps", "story", [{"values": TOPIC, "as_node": "refine"}], [{"values": {}, "as_node": "tell"}]),
    _begun("a superstep of several nodes", "pair", [{"values": {"log": [n]}, "as_node": n} for n in ("left", "right")]),
    _begun("a command", "loop", [{"command": {"update": {"count": 2}, "goto": ["bump"]}, "as_node": "bump"}]),
    _begun("no supersteps", "story", run=False),
    Scenario(name="stream of two answers by id", act=_answered_by_id, look=_each_of),
)
