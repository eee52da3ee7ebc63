"""Rows: how long threads live, and what is pruned of them."""

from tests.faults.gate import Gate
from tests.parity.face import Face, Json, stream
from tests.parity.results import ASKED, all_of_thread
from tests.parity.scenario import Scenario
from tests.parity.streams import TOPIC
from tests.parity.wrongs import NOWHERE

LIFE: Json = {"ttl": 60.5, "strategy": "keep_latest"}


async def _living(face: Face, _: Gate) -> list[str]:
    """A life from the start, one that is given later, one that is taken away, and none."""
    made = [await face.create_thread(ttl=LIFE), await face.create_thread(), await face.create_thread(ttl={"ttl": 5})]
    ids = [str(thread["thread_id"]) for thread in made]
    await face.create_thread(thread_id=ids[0], if_exists="do_nothing", ttl={"ttl": 1})
    await face.update_thread(ids[1], {"n": 1}, ttl={"ttl": 1.5})
    await face.update_thread(ids[2], {}, ttl={"ttl": 0})
    return [*ids, str((await face.create_thread(ttl={"ttl": 0}))["thread_id"])]


async def _each(face: Face, ids: list[str]) -> list[Json]:
    return [await face.thread(thread_id) for thread_id in ids]


async def _kept(face: Face, _: Gate) -> Json:
    """A thread that lost all states but the one that waits for an answer."""
    thread_id = (await face.create_thread())["thread_id"]
    await stream(face, "approval", thread_id, input=ASKED)
    pruned = await face.prune_threads([thread_id, NOWHERE], strategy="keep_latest")
    return {"thread_id": thread_id, "pruned": pruned, "states": len(await face.history(thread_id, limit=100))}


async def _answered(face: Face, gate: Gate) -> Json:
    """The same, answered afterwards."""
    made = await _kept(face, gate)
    outcome = await face.invoke("approval", made["thread_id"], command={"resume": "yes"})
    return {**made, "values": outcome["values"]}


async def _pruned(face: Face, gate: Gate) -> Json:
    """Threads that are deleted, but for one with a run on it."""
    ids = [(await face.create_thread())["thread_id"] for _ in range(3)]
    await stream(face, "story", ids[1], input=TOPIC)
    run = await face.create("gate", ids[0], input={"port": gate.port, "name": "run"})
    await gate.entered("run")
    answers = [await face.prune_threads([*ids, ids[1]]), await face.prune_threads(ids, strategy="keep_latest")]
    gate.release("run")
    await face.wait(run["run_id"], ids[0])
    return {"answers": answers, "left": await face.count_threads(ids=ids)}


async def _asked(face: Face, _: Gate) -> str:
    thread_id = (await face.create_thread())["thread_id"]
    await stream(face, "approval", thread_id, input=ASKED)
    return str(thread_id)


async def _parts(face: Face, thread_id: str) -> list[Json]:
    """States with some keys of their values, and with none that is there."""
    states = await face.history(thread_id, limit=2, value_keys=["log"])
    return [
        states,
        await face.state(thread_id, value_keys=["log", "nobody"]),
        await face.state(thread_id, value_keys=["nobody"]),
        await face.state(thread_id, checkpoint_id=states[1]["checkpoint_id"], value_keys=["request"]),
        await face.state(thread_id, checkpoint=states[0]["checkpoint"], value_keys=["log"]),
    ]


KEEPING = (
    Scenario(name="thread whose states are read in parts", act=_asked, look=_parts),
    Scenario(name="threads that live for a time", act=_living, look=_each),
    Scenario(name="thread that keeps its latest state", act=_kept, look=all_of_thread),
    Scenario(name="thread that keeps its latest state and is answered", act=_answered, look=all_of_thread),
    Scenario(name="threads that are pruned", act=_pruned),
)
