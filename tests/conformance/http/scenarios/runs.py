"""Scenarios of runs: waiting, joining, stopping for a person, failing, and requests that are wrong."""

import asyncio
from typing import Any

from tests.conformance.http.api import Api, Json
from tests.conformance.http.scenarios.streams import ICE

_NOBODY = "00000000-0000-4000-8000-000000000000"


async def stateless_wait(api: Api) -> Json:
    return await api.call("POST", "/runs/wait", {"assistant_id": "joke", "input": ICE})


async def wait_on_thread(api: Api) -> Json:
    return await api.call("POST", f"/threads/{await api.thread()}/runs/wait", {"assistant_id": "joke", "input": ICE})


async def background_run_and_join(api: Api) -> Json:
    runs = f"/threads/{await api.thread()}/runs"
    made = await api.post(runs, {"assistant_id": "joke", "input": ICE, "metadata": {"k": "v"}})
    run_id = api.label("run", made["run_id"])
    joined = await api.call("GET", f"{runs}/{run_id}/join")
    got = await api.get(f"{runs}/{run_id}")
    listed = [run["run_id"] for run in await api.get(runs)]
    return {"joined": joined, "status": got["status"], "metadata": got["metadata"]["k"], "listed": listed}


async def _at_work(api: Api, steps: int, delay: float) -> str:
    """The path of a run that writes how far it is."""
    runs = f"/threads/{await api.thread()}/runs"
    given = {"n": steps, "delay": delay}
    made = await api.post(runs, {"assistant_id": "custom", "input": given, "stream_mode": ["custom"]})
    return f"{runs}/{api.label('run', made['run_id'])}"


async def join_stream_is_live_only(api: Api) -> Json:
    """A join in mid-run gets what comes after it, and not what came before: another joiner tells when the run is at work."""
    run = await _at_work(api, 8, 0.25)
    async with api.opened(f"{run}/stream", method="GET") as first:
        await first.until(lambda frame: frame.event == "custom" and frame.data["progress"] == 2)
        got = await api.events("GET", f"{run}/stream")
    progress = [event["data"]["progress"] for event in got if event["event"] == "custom"]
    return {
        "missed the start": progress[0] > 1,
        "saw the end": progress[-1] == 8,
        "in order": progress == sorted(progress),
        "names": sorted({event["event"] for event in got}),
    }


async def two_joiners_see_the_same(api: Api) -> Json:
    run = await _at_work(api, 6, 0.2)
    both = await asyncio.gather(*(api.events("GET", f"{run}/stream") for _ in range(2)))
    first, second = ([event["data"] for event in got if event["event"] == "custom"][-3:] for got in both)
    return {"a": first, "b": second}


async def interrupt_and_resume(api: Api) -> Json:
    thread = f"/threads/{await api.thread()}"
    body: Json = {"assistant_id": "approval", "input": {"request": "launch"}, "stream_mode": ["updates", "values"]}
    first = await api.events("POST", f"{thread}/runs/stream", body)
    api.label("run", first[0]["data"]["run_id"])
    state, before = await api.get(f"{thread}/state"), await api.get(thread)
    body = {"assistant_id": "approval", "command": {"resume": "yes"}, "stream_mode": "updates"}
    second = await api.events("POST", f"{thread}/runs/stream", body)
    after = await api.get(thread)
    return {
        "first": first,
        "next": state["next"],
        "interrupts": [item["value"] for item in state["tasks"][0]["interrupts"]],
        "thread": before["status"],
        "second": second[1:],
        "after": after["status"],
        "values": after["values"],
    }


async def failing_run(api: Api) -> Json:
    thread_id = await api.thread()
    body = {"assistant_id": "failing", "input": {"a": 0}, "stream_mode": "updates"}
    events = await api.events("POST", f"/threads/{thread_id}/runs/stream", body)
    run = await api.ended(thread_id, api.label("run", events[0]["data"]["run_id"]))
    thread = await api.get(f"/threads/{thread_id}")
    return {"events": events, "run": run["status"], "thread": thread["status"]}


async def failing_wait(api: Api) -> Json:
    return await api.call(
        "POST", f"/threads/{await api.thread()}/runs/wait", {"assistant_id": "failing", "input": {"a": 0}}
    )


async def _status(api: Api, method: str, path: str, body: Any = None) -> int:
    status: int = (await api.call(method, path, body))["status"]
    return status


async def unknown_assistant(api: Api) -> int:
    return await _status(
        api, "POST", f"/threads/{await api.thread()}/runs/stream", {"assistant_id": "nobody", "input": {}}
    )


async def unknown_thread(api: Api) -> Json:
    run = {"assistant_id": "joke", "input": ICE}
    return {
        "get": await _status(api, "GET", f"/threads/{_NOBODY}"),
        "stream": await _status(api, "POST", f"/threads/{_NOBODY}/runs/stream", run),
        "run": await _status(api, "GET", f"/threads/{_NOBODY}/runs/{_NOBODY}"),
    }


async def bad_input(api: Api) -> Json:
    runs, run = f"/threads/{await api.thread()}/runs", {"assistant_id": "joke", "input": ICE}
    return {
        "no assistant": await _status(api, "POST", f"{runs}/stream", {"input": ICE}),
        "unknown mode": await _status(api, "POST", f"{runs}/stream", {**run, "stream_mode": "nonsense"}),
        "not a uuid": await _status(api, "GET", "/threads/not-a-uuid"),
        "strategy": await _status(api, "POST", runs, {**run, "multitask_strategy": "nonsense"}),
    }


SCENARIOS = (
    stateless_wait, wait_on_thread, background_run_and_join, join_stream_is_live_only, two_joiners_see_the_same, interrupt_and_resume, failing_run,
    failing_wait, unknown_assistant, unknown_thread, bad_input,
)  # fmt: skip
