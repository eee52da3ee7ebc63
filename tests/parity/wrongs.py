"""How a wrong request is made.

Owns what rows of refusals have in common: each builder makes a row of one call, on nothing, on a thread, on a run that has ended, or on a busy thread.
"""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from tests.faults.gate import Gate
from tests.parity.face import Face, Json, Refused, join, stream
from tests.parity.scenario import Scenario
from tests.parity.streams import TOPIC

NOWHERE = str(uuid.UUID(int=7))
NO_ID = "nonsense"
GOOD: Json = {"assistant_id": "story", "input": TOPIC}


def one(name: str, call: Callable[[Face], Awaitable[Any]], **server: Any) -> Scenario:
    async def act(face: Face, _: Gate) -> Any:
        return await call(face)

    return Scenario(name=f"refuse {name}", act=act, **server)


def new_run(name: str, **body: Json) -> Scenario:
    """A run that is refused alike whether it is streamed, created, invoked, or one of a batch."""

    async def act(face: Face, _: Gate) -> list[Any]:
        given: Json = {"input": TOPIC, **body}
        assistant = given.pop("assistant_id", "story")
        thread_id = given.pop("thread", None)
        if thread_id == "new":
            thread_id = (await face.create_thread())["thread_id"]
        return [
            await refused(stream(face, assistant, thread_id, **given)),
            await refused(face.create(assistant, thread_id, **given)),
            await refused(face.invoke(assistant, thread_id, **given)),
        ]

    return Scenario(name=f"refuse a run {name}", act=act)


def batch(name: str, *bodies: Json) -> Scenario:
    return one(f"a batch {name}", lambda face: refused(face.batch(bodies)))


async def refused(call: Awaitable[Any]) -> Any:
    """The refusal of a call that must be refused."""
    try:
        answer = await call
    except Refused as refusal:
        return refusal
    return answer


def with_thread(name: str, call: Callable[[Face, str], Awaitable[Any]]) -> Scenario:
    async def act(face: Face, _: Gate) -> Any:
        return await call(face, (await face.create_thread())["thread_id"])

    return Scenario(name=f"refuse {name}", act=act)


def with_assistant(name: str, call: Callable[[Face, str], Awaitable[Any]]) -> Scenario:
    async def act(face: Face, _: Gate) -> Any:
        mine = (await face.create_assistant("story"))["assistant_id"]
        answer = await refused(call(face, mine))
        await face.delete_assistant(mine)
        return answer

    return Scenario(name=f"refuse {name}", act=act)


def one_busy_assistant(name: str) -> Scenario:
    """The deletion of an assistant with its threads, while its run is on one of them."""

    async def act(face: Face, gate: Gate) -> Any:
        mine = (await face.create_assistant("gate"))["assistant_id"]
        thread_id = (await face.create_thread())["thread_id"]
        run = await face.create(mine, thread_id, input={"port": gate.port, "name": "run"})
        await gate.entered("run")
        answer = await refused(face.delete_assistant(mine, delete_threads=True))
        gate.release("run")
        await face.wait(run["run_id"], thread_id)
        await face.delete_assistant(mine, delete_threads=True)
        return answer

    return Scenario(name=f"refuse {name}", act=act)


def with_run(name: str, call: Callable[[Face, str, str], Awaitable[Any]], **body: Json) -> Scenario:
    async def act(face: Face, _: Gate) -> Any:
        thread_id = (await face.create_thread())["thread_id"]
        ended = await stream(face, "story", thread_id, input=TOPIC, **body)
        return await call(face, ended.run_id, thread_id)

    return Scenario(name=f"refuse {name}", act=act)


def busy(name: str, call: Callable[[Face, str, str], Awaitable[Any]]) -> Scenario:
    async def act(face: Face, gate: Gate) -> Any:
        thread_id = (await face.create_thread())["thread_id"]
        run = await face.create("gate", thread_id, input={"port": gate.port, "name": "run"}, stream_resumable=True)
        await gate.entered("run")
        answer = await refused(call(face, thread_id, run["run_id"]))
        gate.release("run")
        await face.wait(run["run_id"], thread_id)
        return answer

    return Scenario(name=f"refuse {name}", act=act)


async def at_capacity(face: Face, gate: Gate) -> Any:
    run = await face.create("gate", input={"port": gate.port, "name": "run"}, stream_resumable=True)
    await gate.entered("run")
    answers = [
        await refused(face.create("story", input=TOPIC)),
        await refused(face.batch([{"assistant_id": "story", "input": TOPIC}])),
    ]
    gate.release("run")
    await face.wait(run["run_id"])
    return answers


async def too_many_streams(face: Face, gate: Gate) -> Any:
    made = await face.create("gate", input={"port": gate.port, "name": "run"})
    await gate.entered("run")
    async with face.joining(made["run_id"]) as opened:
        answer = await refused(join(face, made["run_id"]))
        gate.release("run")
        await opened.rest()
    return answer


async def expired(face: Face, gate: Gate) -> Any:
    """A cursor behind which events are gone, from memory and from what is kept: of a run, and of its thread."""
    thread_id = (await face.create_thread())["thread_id"]
    loud: Json = {"input": {"n": 40, "pad": 1000, "rounds": 10}, "stream_mode": "custom", "stream_resumable": True}
    loud["durability"] = "sync"
    async with face.watching(thread_id):
        ended = await face.create("loud", thread_id, **loud)
        await face.wait(ended["run_id"], thread_id)
        return [
            await refused(join(face, ended["run_id"], thread_id, 1)),
            await refused(_first(face, thread_id)),
        ]


async def _first(face: Face, thread_id: str) -> Any:
    async with face.watching(thread_id, 1) as watch:
        return await watch.until_ended(1)


async def watch(face: Face, thread_id: str, after: int | None = None) -> Any:
    async with face.watching(thread_id, after):
        return None


def undone(name: str, call: Callable[[Face, str, str], Awaitable[Any]]) -> Scenario:
    """A call for a run that was rolled back."""

    async def act(face: Face, gate: Gate) -> Any:
        thread_id = (await face.create_thread())["thread_id"]
        run = await face.create("gate", thread_id, input={"port": gate.port, "name": "run"}, stream_resumable=True)
        await gate.entered("run")
        await face.cancel(run["run_id"], thread_id, action="rollback", wait=True)
        return await call(face, run["run_id"], thread_id)

    return Scenario(name=f"refuse {name}", act=act)


def keyed(name: str, **other: Json) -> Scenario:
    """A run with the key of another, however it is asked for."""

    async def act(face: Face, _: Gate) -> list[Any]:
        thread_id = (await face.create_thread())["thread_id"]
        body: Json = {"input": TOPIC, "request_id": f"key-{thread_id}"}
        await face.invoke("story", thread_id, **body)
        given = {**body, **other}
        on = given.pop("thread", thread_id)
        return [
            await refused(stream(face, "story", on, **given)),
            await refused(face.create("story", on, **given)),
            await refused(face.invoke("story", on, **given)),
        ]

    return Scenario(name=f"refuse a run {name} and the key of another", act=act)


async def batch_reused(face: Face) -> Any:
    key, kept = str(uuid.uuid4()), {**GOOD, "stream_resumable": True}
    await face.batch([kept, kept], request_id=key)
    return await refused(face.batch([kept, {**kept, "metadata": {"a": 1}}], request_id=key))


async def key_of_one_that_is_gone(face: Face) -> list[Any]:
    thread_id = (await face.create_thread())["thread_id"]
    body: Json = {"input": TOPIC, "request_id": str(uuid.uuid4())}
    made = await face.invoke("story", thread_id, **body)
    await face.delete_run(made["run"]["run_id"], thread_id)
    return [
        await refused(stream(face, "story", thread_id, **body)),
        await refused(face.create("story", thread_id, **body)),
        await refused(face.invoke("story", thread_id, **body)),
    ]


async def behind_one_that_starts_later(face: Face) -> Any:
    thread_id = (await face.create_thread())["thread_id"]
    late = await face.create("story", thread_id, input=TOPIC, after_seconds=600)
    answer = await refused(face.create("story", thread_id, input=TOPIC, multitask_strategy="reject"))
    await face.cancel(late["run_id"], thread_id, wait=True)
    return answer
