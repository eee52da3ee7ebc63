"""Rows: assistants that callers make. Their versions, their searches, and what they bring to their runs."""

from typing import Any

from tests.faults.gate import Gate
from tests.parity.face import Face, Json, stream
from tests.parity.scenario import Scenario
from tests.parity.streams import TOPIC

KEPT: Json = {"stream_resumable": True, "stream_mode": ["values", "debug"]}
MARK: Json = {"row": "assistants"}


async def _shelf(face: Face, _: Gate) -> list[Json]:
    """Three assistants of one mark, with versions."""
    plain = await face.create_assistant("story", metadata=MARK)
    full = await face.create_assistant(
        "context",
        name="Ann",
        description="d",
        config={"tags": ["x"], "recursion_limit": 9, "metadata": {"big": 2**60}, "run_name": "r"},
        context={"user": "Ann"},
        metadata={**MARK, "k": {"a": [1, None]}},
    )
    other = await face.create_assistant("story", name="Bob", config={"configurable": {"tone": "dry"}}, metadata=MARK)
    kept = await face.create_assistant("nested", assistant_id=plain["assistant_id"], if_exists="do_nothing")
    mine = full["assistant_id"]
    changed = [
        await face.update_assistant(mine, name="Cy", metadata={"k": None}),
        await face.update_assistant(mine, description="", config={"configurable": {"user": "Cy"}}),
        await face.update_assistant(mine, graph_id="nested", context={}),
    ]
    return [plain, full, other, kept, *changed, await face.set_latest(mine, 2), await face.update_assistant(mine)]


async def _found(face: Face, made: list[Json]) -> list[Json]:
    mine = made[1]["assistant_id"]
    asked: list[Json] = [
        {},
        {"sort_by": "assistant_id"},
        {"sort_by": "created_at", "sort_order": "desc"},
        {"sort_by": "updated_at", "limit": 2},
        {"sort_by": "updated_at", "limit": 2, "offset": 2},
        {"name": "cY"},
        {"graph_id": "story"},
    ]
    versions: list[Json] = [{}, {"limit": 2}, {"limit": 2, "offset": 3}, {"metadata": {"k": None}}]
    return [
        await face.assistant(mine),
        *[await face.assistants(metadata=MARK, **body) for body in asked],
        await face.count_assistants(metadata=MARK),
        *[await face.versions(mine, **body) for body in versions],
        await face.schemas(mine),
        await face.drawing(mine),
    ]


async def _runs(face: Face, _: Gate) -> list[Any]:
    """What a run takes from its assistant, its thread and its request; an update does not reach a run that was there before."""
    body: Json = {
        "config": {"configurable": {"user": "Ann"}, "tags": ["x"]},
        "metadata": {"a": 1, "b": 1, "c": 1, "origin": "assistant"},
    }
    mine = (await face.create_assistant("context", **body))["assistant_id"]
    thread_id = (await face.create_thread(metadata={"b": 2, "c": 2, "d": 2}))["thread_id"]
    late = await face.create(mine, thread_id, input={}, after_seconds=600, metadata={"late": True})
    await face.update_assistant(mine, config={"configurable": {"user": "Bob"}}, metadata={"a": 9})
    events = await stream(face, mine, thread_id, input={}, metadata={"c": 3, "origin": "run"}, **KEPT)
    outcomes = [
        await face.invoke(mine, thread_id, input={}, context={"user": "Cy"}),
        await face.invoke(mine, thread_id, input={}, config={"configurable": {"tone": "dry"}, "metadata": {"e": 5}}),
    ]
    rows = [await face.run(late["run_id"], thread_id), await face.run(events.run_id, thread_id)]
    await face.cancel(late["run_id"], thread_id, wait=True)
    thread = await face.thread(thread_id)
    await face.delete_assistant(mine, delete_threads=True)
    return [events, *outcomes, *rows, thread]


async def _story(face: Face, _: Gate) -> list[Any]:
    """A run by an assistant that has nothing but a graph is as one by the graph's name."""
    mine = (await face.create_assistant("story"))["assistant_id"]
    threads = [(await face.create_thread())["thread_id"] for _ in range(2)]
    found = [
        await stream(face, name, thread, input=TOPIC, **KEPT)
        for name, thread in zip((mine, "story"), threads, strict=True)
    ]
    await face.delete_assistant(mine.upper())
    return found


ASSISTANTS = (
    Scenario(name="assistants that callers make", act=_shelf, look=_found),
    Scenario(name="runs of an assistant that callers made", act=_runs),
    Scenario(name="a run of an assistant without anything", act=_story),
)
