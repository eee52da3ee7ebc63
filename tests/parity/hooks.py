"""Rows: webhooks. What a receiver is told does not depend on how the run was asked for, and what became of the call is shown alike."""

import asyncio
import json
from typing import Any

from tests.faults.gate import Gate
from tests.parity.face import Face, Json, stream
from tests.parity.lives import timed_out
from tests.parity.scenario import Act, Scenario
from tests.parity.streams import TOPIC
from tests.support.receiver import Receiver, Reply, receiving

_OPEN: Json = {"webhook_allow_private": True, "webhook_retry_delay": 0.02, "webhook_attempts": 2, "webhook_timeout": 60}
_PATIENCE = 60
_STEADY = ("content-type", "webhook-id", "user-agent")


def _told(receiver: Receiver) -> list[Json]:
    """What came, but for what differs between two servers."""
    return [
        {"path": call.path, "body": call.json, **{name: call.headers[name] for name in _STEADY}}
        for call in receiver.calls
    ]


def _without(receiver: Receiver, answer: Json) -> Json:
    """An answer without the port of the receiver."""
    return json.loads(json.dumps(answer).replace(receiver.url, "http://receiver/hook"))


async def _settled(face: Face, run: Json) -> Json:
    async with asyncio.timeout(_PATIENCE):
        while True:
            found = await face.run(run["run_id"], run["thread_id"])
            if found.get("webhook_delivery", {}).get("state") in ("delivered", "failed"):
                return found
            await asyncio.sleep(0.01)  # a row tells nobody


def _delivered(name: str, *replies: Reply, graph: str = "story", given: Json = TOPIC) -> Scenario:
    """A run on a thread whose webhook is called."""

    async def act(face: Face, _: Gate) -> Json:
        async with receiving(*replies) as receiver:
            thread_id = (await face.create_thread())["thread_id"]
            made = await face.create(graph, thread_id, input=given, webhook=receiver.url, metadata={"k": 1})
            run = await _settled(face, made)
            return _without(receiver, {"made": made, "run": run, "told": _told(receiver)})

    async def look(face: Face, made: Json) -> list[Any]:
        run = made["run"]
        return [await face.run(run["run_id"], run["thread_id"]), await face.runs(run["thread_id"])]

    return Scenario(name=f"webhook {name}", act=act, look=look, settings=_OPEN)


async def _each_way(face: Face, _: Gate) -> Json:
    async with receiving() as receiver:
        body: Json = {"input": TOPIC, "webhook": receiver.url}
        await stream(face, "story", **body)
        await receiver.first(1)
        await face.invoke("story", **body)
        await receiver.first(2)
        await face.create("story", **body)
        await receiver.first(3)
        await face.batch([{"assistant_id": "story", **body}])
        await receiver.first(4)
        return _without(receiver, _told(receiver))


async def _cancelled(face: Face, gate: Gate) -> Json:
    """A run that is cancelled, one that is rolled back, and one that takes too long."""
    async with receiving() as receiver:
        thread_id = (await face.create_thread())["thread_id"]
        body: Json = {"input": {"port": gate.port, "name": "run"}, "webhook": receiver.url}
        for number, action in enumerate(("interrupt", "rollback"), start=1):
            made = await face.create("gate", thread_id, **body)
            await gate.entered("run")
            await face.cancel(made["run_id"], thread_id, action=action, wait=True)
            await gate.left("run")
            await receiver.first(number)
        await timed_out(face, gate, thread_id, **body)
        await receiver.first(3)
        return _without(receiver, [{**told, "body": _portless(told["body"])} for told in _told(receiver)])


def _portless(body: Json) -> Json:
    return {name: value for name, value in body.items() if name not in ("kwargs", "values")}


def _ways(name: str, act: Act) -> Scenario:
    return Scenario(name=f"webhook {name}", act=act, settings=_OPEN)


HOOKS = (
    _delivered("that is taken"),
    _delivered("that is taken the second time", Reply(status=500), Reply(status=204)),
    _delivered("that is given up", Reply(status=500)),
    _delivered("that is sent elsewhere", Reply(status=302, headers={"location": "http://127.0.0.1:1/"})),
    _delivered("of a run that fails", graph="failing", given={}),
    _ways("of each way to create a run", _each_way),
    _ways("of runs that are cut short", _cancelled),
)
