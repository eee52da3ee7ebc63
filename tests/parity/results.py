"""Rows: what calls answer with. What is read is read over both transports, of the same thing."""

from typing import Any

from tests.faults.gate import Gate
from tests.parity.face import Face, Json, stream
from tests.parity.scenario import Act, Look, Scenario
from tests.parity.streams import TOPIC

ASKED: Json = {"request": "lunch"}
EXTRACT: Json = {
    "last": "values.log[-1]",
    "none": "values.nobody[3].at.all",
    "n": "metadata.n",
    "status": "status",
    "whole": "values",
    "waits": "interrupts",
    "when": "state_updated_at",
}


async def _thread(face: Face, **body: Json) -> str:
    return str((await face.create_thread(**body))["thread_id"])


def _outcome(name: str, graph: str, given: Json, *, stateless: bool = False, **body: Json) -> Scenario:
    """What a run gives to whoever waits for it: at once, and again by its id."""

    async def act(face: Face, _: Gate) -> Json:
        thread_id = None if stateless else await _thread(face)
        return await face.invoke(graph, thread_id, input=given, stream_resumable=True, **body)

    async def look(face: Face, made: Json) -> list[Json]:
        run_id, thread_id = made["run"]["run_id"], None if stateless else made["run"]["thread_id"]
        return [await face.wait(run_id, thread_id), await face.run(run_id, thread_id)]

    return Scenario(name=f"outcome {name}", act=act, look=look)


def _state_of(name: str, graph: str, given: Json, **body: Json) -> Scenario:
    """A thread with all that can be read of it: itself, its states, its runs."""

    async def act(face: Face, _: Gate) -> str:
        thread_id = await _thread(face, metadata={"who": "me"})
        await stream(face, graph, thread_id, input=given, **body)
        return thread_id

    return Scenario(name=f"thread {name}", act=_named(act), look=all_of_thread)


def _named(act: Any) -> Act:
    async def made(face: Face, gate: Gate) -> Json:
        return {"thread_id": await act(face, gate)}

    return made


async def all_of_thread(face: Face, made: Json) -> list[Json]:
    thread_id = made["thread_id"]
    states = await face.history(thread_id, limit=100)
    at_each = [await face.state(thread_id, checkpoint_id=state["checkpoint_id"]) for state in states]
    below = [
        await face.state(thread_id, checkpoint=task["checkpoint"])
        for state in states[:1]
        for task in state["tasks"]
        if task["checkpoint"]
    ]
    return [
        await face.thread(thread_id),
        await face.state(thread_id),
        await face.state(thread_id, subgraphs=True),
        states,
        at_each,
        below,
        await face.history(thread_id, limit=2, before=states[0]["checkpoint_id"] if states else None),
        await face.history(thread_id, limit=10, metadata={"source": "input"}),
        await face.history(thread_id, limit=10, checkpoint_ns="middle"),
        await face.runs(thread_id),
        await face.runs(thread_id, limit=1, offset=1),
        await face.runs(thread_id, status="success"),
    ]


async def _changed(face: Face, _: Gate) -> Json:
    """A state that a person changed, as a node and at an earlier checkpoint."""
    thread_id = await _thread(face)
    await stream(face, "approval", thread_id, input=ASKED)
    first = await face.update_state(thread_id, values={"log": ["changed"]}, as_node="prepare")
    again = await face.update_state(thread_id, values={"log": ["forked"]}, checkpoint_id=first["checkpoint_id"])
    return {"thread_id": thread_id, "written": [first, again]}


async def _copied(face: Face, _: Gate) -> Json:
    source = await _thread(face, metadata={"who": "me"})
    await stream(face, "approval", source, input=ASKED)
    return await face.copy_thread(source)


async def _cancelled(face: Face, gate: Gate) -> Json:
    thread_id = await _thread(face)
    run = await face.create("gate", thread_id, input={"port": gate.port, "name": "run"})
    await gate.entered("run")
    at_once = await face.cancel(run["run_id"], thread_id)
    await gate.left("run")
    return {"thread_id": thread_id, "at_once": at_once, "outcome": await face.wait(run["run_id"], thread_id)}


async def _cancelled_and_waited(face: Face, gate: Gate) -> Json:
    thread_id = await _thread(face)
    run = await face.create("gate", thread_id, input={"port": gate.port, "name": "run"})
    await gate.entered("run")
    waited = await face.cancel(run["run_id"], thread_id, wait=True)
    await gate.left("run")
    return {"thread_id": thread_id, "waited": waited}


async def _cancelled_many(face: Face, gate: Gate) -> Json:
    """By ids, then by status, then all that is left."""
    thread_id = await _thread(face)
    first = await face.create("gate", thread_id, input={"port": gate.port, "name": "run"})
    await gate.entered("run")
    others = [await face.create("story", thread_id, input=TOPIC) for _ in range(3)]
    answers = [await face.cancel_many(thread_id=thread_id, run_ids=[others[0]["run_id"]])]
    await face.wait(others[0]["run_id"], thread_id)
    answers.append(await face.cancel_many(thread_id=thread_id, status="pending"))
    for other in others[1:]:
        await face.wait(other["run_id"], thread_id)
    answers.append(await face.cancel_many(status="all"))
    await face.wait(first["run_id"], thread_id)
    await gate.left("run")
    return {"thread_id": thread_id, "answers": answers}


async def _batched(face: Face, _: Gate) -> list[Json]:
    body: Json = {"assistant_id": "story", "input": TOPIC, "stream_resumable": True, "metadata": {"in": "batch"}}
    runs = await face.batch([body, {**body, "stream_mode": ["updates", "values"]}])
    return [await face.wait(run["run_id"]) for run in runs]


async def _each_run(face: Face, made: list[Json]) -> list[Json]:
    return [await face.run(outcome["run"]["run_id"]) for outcome in made]


async def _created(face: Face, gate: Gate) -> list[Json]:
    """Rows of runs as they are created: one that starts at once, one that waits for its turn."""
    thread_id = await _thread(face)
    body: Json = {"input": {"port": gate.port, "name": "run"}, "metadata": {"a": 1}, "config": {"tags": ["t"]}}
    runs = [await face.create("gate", thread_id, **body)]
    await gate.entered("run")
    runs.append(await face.create("story", thread_id, input=TOPIC, multitask_strategy="enqueue"))
    gate.release("run")
    for run in runs:
        await face.wait(run["run_id"], thread_id)
    return runs


async def _deleted_run(face: Face, _: Gate) -> Json:
    thread_id = await _thread(face)
    made = await stream(face, "story", thread_id, input=TOPIC)
    await face.delete_run(made.run_id, thread_id)
    return {"thread_id": thread_id}


async def _threads(face: Face, _: Gate) -> list[Json]:
    """Threads of one mark, found in each way."""
    mark = {"mark": "x"}
    made = [await face.create_thread(metadata={**mark, "n": n}) for n in range(3)]
    ids = [thread["thread_id"] for thread in made]
    kept = await face.create_thread(thread_id=ids[0], if_exists="do_nothing")
    await face.update_thread(ids[1], {"more": None})
    await stream(face, "approval", ids[2], input=ASKED)
    graph = await face.create_thread(metadata={"graph_id": "story"})
    gone = await face.create_thread(metadata=mark)
    await face.delete_thread(gone["thread_id"])
    return [ids, kept, graph]


async def _searched(face: Face, made: list[Json]) -> list[Json]:
    ids = made[0]
    asked: list[Json] = [
        {"ids": ids, "sort_by": "created_at", "sort_order": "asc"},
        {"ids": ids, "sort_by": "updated_at"},
        {"ids": ids, "sort_by": "thread_id", "limit": 2},
        {"ids": ids, "sort_by": "thread_id", "limit": 2, "offset": 2},
        {"ids": ids, "sort_by": "status", "sort_order": "asc"},
        {"ids": ids, "status": "interrupted"},
        {"ids": ids, "metadata": {"n": 1}},
        {"ids": ids, "sort_by": "state_updated_at", "sort_order": "asc"},
        {"ids": ids, "values": {"request": "lunch"}},
        {"ids": ids, "values": {"request": "dinner"}},
        {"ids": ids, "values": {"log": ["prepared"]}, "status": "interrupted", "metadata": {"n": 2}},
        {"ids": ids, "sort_by": "thread_id", "extract": EXTRACT},
    ]
    counts: list[Json] = [
        {"status": "interrupted"},
        {"metadata": {"n": 1}},
        {"ids": ids},
        {"ids": ids, "values": {"request": "lunch"}},
        {},
    ]
    return [*[await face.threads(**body) for body in asked], *[await face.count_threads(**body) for body in counts]]


async def _nothing(face: Face, _: Gate) -> None:
    return None


def _read(name: str, look: Look) -> Scenario:
    return Scenario(name=f"assistants {name}", act=_nothing, look=look)


async def _listed(face: Face, _: Any) -> list[Json]:
    asked: list[Json] = [
        {"limit": 100},
        {"limit": 100, "sort_by": "graph_id", "sort_order": "desc"},
        {"limit": 2, "offset": 1},
        {"graph_id": "story"},
        {"name": "O"},
        {"metadata": {"created_by": "system"}},
        {"metadata": {"created_by": "nobody"}},
    ]
    counts: list[Json] = [{}, {"graph_id": "story"}, {"name": "o"}]
    return [
        *[await face.assistants(**body) for body in asked],
        *[await face.count_assistants(**body) for body in counts],
    ]


async def _each_graph(face: Face, _: Any) -> list[Json]:
    story = await face.assistant("story")
    return [
        story,
        await face.assistant(story["assistant_id"]),
        await face.versions("story"),
        await face.set_latest("story", 1),
        *[await face.schemas(graph) for graph in ("story", "context", "chat", "nested")],
        *[await face.drawing(graph) for graph in ("story", "chat", "loop", "nested")],
        await face.drawing("nested", 1),
        await face.drawing("nested", 2),
        await face.subgraphs("nested"),
        await face.subgraphs("nested", recurse=True),
        await face.subgraphs("nested", "middle"),
        await face.subgraphs("nested", "middle|deep", recurse=True),
        await face.subgraphs("story"),
    ]


RESULTS = (
    _outcome("of a run", "story", TOPIC),
    _outcome("of a stateless run", "story", TOPIC, stateless=True),
    _outcome("of an interrupt", "approval", ASKED),
    _outcome("of a stateless interrupt", "approval", ASKED, stateless=True),
    _outcome("of two interrupts", "pair", {}),
    _outcome("of a run that stops before a node", "story", TOPIC, interrupt_before=["tell"]),
    _outcome("of a run that fails", "failing", {}),
    _outcome("of a run that may not say why it fails", "secret", {}),
    _outcome("of a stateless run that fails", "failing", {}, stateless=True),
    _outcome("of a run without input", "story", None),
    _outcome("of a run without values among its modes", "story", TOPIC, stream_mode="updates"),
    _outcome("of values that JSON does not know", "odd", {"big": 1}),
    Scenario(name="outcome of a batch", act=_batched, look=_each_run),
    Scenario(name="rows of new runs", act=_created),
    Scenario(name="cancel a run", act=_cancelled, look=all_of_thread),
    Scenario(name="cancel a run and wait", act=_cancelled_and_waited, look=all_of_thread),
    Scenario(name="cancel many runs", act=_cancelled_many, look=all_of_thread),
    Scenario(name="delete a run", act=_deleted_run, look=all_of_thread),
    Scenario(name="thread without a run", act=_named(lambda face, _: _thread(face)), look=all_of_thread),
    _state_of("of a run", "story", TOPIC),
    _state_of("of messages", "chat", {"messages": [{"role": "user", "content": "use the tool"}]}),
    _state_of("of an interrupt", "approval", ASKED),
    _state_of("of two interrupts", "pair", {}),
    _state_of("of subgraphs", "nested", {"foo": "a"}),
    _state_of("of an interrupt below", "nested", {"foo": "a", "asks": True}),
    _state_of("of a run that failed", "failing", {}),
    _state_of("of values that JSON does not know", "odd", {"big": 1}),
    Scenario(name="thread whose state was changed", act=_changed, look=all_of_thread),
    Scenario(name="thread that is a copy", act=_copied, look=all_of_thread),
    Scenario(name="threads that are searched", act=_threads, look=_searched),
    _read("that are listed", _listed),
    _read("and their graphs", _each_graph),
)
