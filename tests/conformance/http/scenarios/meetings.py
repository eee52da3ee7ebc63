"""Scenarios of runs that meet on a thread, that are cancelled, and that wait: for their turn or for their time.

A run that takes a while is one of `custom` with a delay; it is at work when its stream has its first event.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.conformance.http.api import Api, Json
from tests.conformance.http.scenarios.streams import ICE

SHORT: Json = {"assistant_id": "custom", "stream_mode": ["custom"]}
_LONG: Json = {**SHORT, "input": {"n": 20, "delay": 0.02}}
_ENDLESS: Json = {**SHORT, "input": {"n": 3000, "delay": 0.02}}
_NOBODY = "00000000-0000-4000-8000-000000000000"


@asynccontextmanager
async def at_work(api: Api, thread: str, body: Json) -> AsyncIterator[str]:
    """The path of a run that has begun, while somebody reads its stream."""
    async with api.opened(f"{thread}/runs/stream", body) as reader:
        await reader.until(lambda frame: frame.event == "custom")
        yield reader.headers["content-location"]


async def _pending(api: Api, thread: str, n: int, **more: Any) -> str:
    """The path of a run that is created behind another."""
    made = await api.post(f"{thread}/runs", {**SHORT, "input": {"n": n}, **more})
    return f"{thread}/runs/{made['run_id']}"


async def _status(api: Api, run: str) -> Any:
    """A run's status once it has ended; the HTTP status where it is gone."""
    await api.client.get(f"{run}/join")
    found = await api.call("GET", run)
    return found["body"]["status"] if found["status"] == 200 else found["status"]


async def left(api: Api, thread: str) -> Json:
    """What runs have left on their thread."""
    found = await api.get(thread)
    error = (found.get("error") or {}).get("error")
    return {"status": found["status"], "values": found["values"], "error": error}


async def steps(api: Api, thread: str) -> list[Any]:
    """The states that a thread has had, the newest first: where each came from, and what it has done."""
    states = await api.post(f"{thread}/history", {"limit": 20})
    return [[state["metadata"]["source"], state["values"].get("done")] for state in states]


async def _met(api: Api, strategy: str) -> Json:
    """A run at work, one that waits behind it, and one with the strategy, on a thread on which another has ended."""
    thread = f"/threads/{await api.thread()}"
    await api.post(f"{thread}/runs/wait", {**SHORT, "input": {"n": 1}})
    async with at_work(api, thread, _LONG) as first:
        second = await _pending(api, thread, 2)
        made = await api.call("POST", f"{thread}/runs", {**SHORT, "input": {"n": 3}, "multitask_strategy": strategy})
    runs = [first, second]
    if made["status"] == 200:
        runs.append(f"{thread}/runs/{made['body']['run_id']}")
    return {
        "answer": made["status"],
        "runs": [await _status(api, run) for run in runs],
        "thread": await left(api, thread),
        "steps": await steps(api, thread),
    }


async def meeting_enqueue(api: Api) -> Json:
    return await _met(api, "enqueue")


async def meeting_reject(api: Api) -> Json:
    return await _met(api, "reject")


async def meeting_interrupt(api: Api) -> Json:
    return await _met(api, "interrupt")


async def meeting_rollback(api: Api) -> Json:
    return await _met(api, "rollback")


async def _cancelled(api: Api, query: str) -> Json:
    """A run at work is cancelled, and once more."""
    thread = f"/threads/{await api.thread()}"
    await api.post(f"{thread}/runs/wait", {**SHORT, "input": {"n": 1}})
    before = await api.get(f"{thread}/state")
    async with at_work(api, thread, _ENDLESS) as run:
        answer = await api.call("POST", f"{run}/cancel?{query}")
        joined = await api.call("GET", f"{run}/join")
    again = await api.call("POST", f"{run}/cancel?{query}")
    after = await api.get(f"{thread}/state")
    return {
        "answer": answer,
        "joined": joined["status"],
        "again": again["status"],
        "run": await _status(api, run),
        "thread": await left(api, thread),
        "next": after["next"],
        "as before": after["checkpoint"] == before["checkpoint"],
        "steps": await steps(api, thread),
    }


async def cancel(api: Api) -> Json:
    return await _cancelled(api, "action=interrupt")


async def cancel_and_wait(api: Api) -> Json:
    return await _cancelled(api, "action=interrupt&wait=1")


async def cancel_with_rollback(api: Api) -> Json:
    return await _cancelled(api, "action=rollback&wait=1")


async def cancel_ends_the_stream_without_an_error(api: Api) -> Json:
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/runs/stream", _ENDLESS) as reader:
        await reader.until(lambda frame: frame.event == "custom")
        run = reader.headers["content-location"]
        await api.client.post(f"{run}/cancel")
        events = {frame.event for frame in await reader.rest() if frame.event}
    return {"more events": sorted(events - {"custom"}), "joined": await api.call("GET", f"{run}/join")}


async def cancel_pending(api: Api) -> Json:
    """Two runs that wait for their turn, cancelled in both ways; the one at work goes on."""
    thread = f"/threads/{await api.thread()}"
    async with at_work(api, thread, _LONG) as first:
        runs = [await _pending(api, thread, n) for n in (2, 3)]
        answers = [
            await api.call("POST", f"{run}/cancel?wait=1&action={action}")
            for run, action in zip(runs, ("interrupt", "rollback"), strict=True)
        ]
        at_once = [(await api.call("GET", run))["status"] for run in runs]
    return {
        "answers": answers,
        "at once": at_once,
        "runs": [await _status(api, run) for run in (first, *runs)],
        "thread": await left(api, thread),
    }


async def cancel_many(api: Api) -> Json:
    thread_id = await api.thread()
    thread = f"/threads/{thread_id}"
    async with at_work(api, thread, _LONG) as first:
        second, third = [await _pending(api, thread, n) for n in (2, 3)]
        ids = [run.rpartition("/")[2] for run in (first, second)]
        both = {"status": "pending", "thread_id": thread_id, "run_ids": ids}
        asked = [
            await api.call("POST", "/runs/cancel", body) for body in (both, {"thread_id": thread_id, "run_ids": ids})
        ]
    statuses = [await _status(api, run) for run in (first, second, third)]
    nothing = await api.call("POST", "/runs/cancel", {"thread_id": thread_id, "run_ids": [*ids, _NOBODY]})
    return {"asked": [each["status"] for each in asked], "nothing": nothing["status"], "runs": statuses}


async def start_later(api: Api) -> Json:
    """A run that waits for its time: others of its thread go first."""
    thread = f"/threads/{await api.thread()}"
    late = await api.post(f"{thread}/runs", {**SHORT, "input": {"n": 1}, "after_seconds": 0.5})
    busy = (await api.get(thread))["status"]
    soon = await api.post(f"{thread}/runs/wait", {**SHORT, "input": {"n": 2}})
    between = await api.get(f"{thread}/runs/{late['run_id']}")
    return {
        "created": late["status"],
        "thread": busy,
        "soon": soon["done"],
        "between": between["status"],
        "ended": await _status(api, f"{thread}/runs/{late['run_id']}"),
        "left": await left(api, thread),
    }


async def start_later_stateless(api: Api) -> Json:
    return await api.call("POST", "/runs/wait", {"assistant_id": "joke", "input": ICE, "after_seconds": 0.2})


SCENARIOS = (
    meeting_enqueue, meeting_reject, meeting_interrupt, meeting_rollback, cancel, cancel_and_wait, cancel_with_rollback,
    cancel_ends_the_stream_without_an_error, cancel_pending, cancel_many, start_later, start_later_stateless,
)  # fmt: skip
