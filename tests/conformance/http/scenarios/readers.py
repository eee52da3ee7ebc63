"""Scenarios of readers: who come back to a run, who watch a thread over several runs, who wait."""

from collections.abc import Sequence
from typing import Any

from tests.conformance.http.api import Api, Json
from tests.conformance.http.scenarios.meetings import at_work
from tests.conformance.http.scenarios.streams import ICE
from tests.conformance.http.sse import Frame

_KEPT: Json = {"assistant_id": "custom", "input": {"n": 12}, "stream_mode": ["custom"], "stream_resumable": True}
_JOKE: Json = {"assistant_id": "joke", "input": ICE, "stream_mode": "updates"}
_FAILING: Json = {"assistant_id": "failing", "input": {"a": 0}, "stream_mode": "updates"}


def _done(frame: Frame) -> bool:
    return frame.event == "metadata" and frame.data.get("status") == "run_done"


async def _back(api: Api, path: str, cursor: str | None) -> list[str]:
    """The names of what a joiner gets."""
    headers = {} if cursor is None else {"last-event-id": cursor}
    return (await api.stream(path, method="GET", headers=headers)).names


async def replay_of_a_run_that_has_ended(api: Api) -> Json:
    """From each of its ids, and from its start under all its names."""
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", _KEPT)
    path, names = streamed.headers["location"], streamed.names
    ids = [frame.id for frame in streamed.frames]
    return {
        "names": names,
        "all have ids": None not in ids,
        "ids are different": len(set(ids)) == len(ids),
        "whole": [await _back(api, path, start) == names for start in ("-1", "0", "-")],
        "behind each": [len(await _back(api, path, cursor)) for cursor in ids],
        "live": await _back(api, path, None),
    }


async def replay_goes_on_live(api: Api) -> list[int]:
    thread = f"/threads/{await api.thread()}"
    body = {**_KEPT, "input": {"n": 20, "delay": 0.02}}
    async with at_work(api, thread, body) as run:
        events = await api.stream(f"{run}/stream", method="GET", headers={"last-event-id": "-1"})
    return [frame.data.get("progress", 0) for frame in events.frames if frame.event]


async def replay_of_a_failed_run(api: Api) -> Json:
    """Its error is replayed, whatever is filtered."""
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", {**_FAILING, "stream_resumable": True})
    path = streamed.headers["location"]
    return {"whole": await _back(api, path, "-1"), "filtered": await _back(api, f"{path}?stream_mode=values", "-1")}


async def no_ids_and_no_replay_unless_asked_for(api: Api) -> Json:
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", {**_KEPT, "stream_resumable": False})
    ids = {frame.id for frame in streamed.frames}
    return {"ids": list(ids), "replayed": await _back(api, streamed.headers["location"], "-1")}


def _told(frames: Sequence[Frame]) -> list[Any]:
    return [[frame.event, frame.data.get("status")] for frame in frames if frame.event]


async def watch_a_thread(api: Api) -> Json:
    """Two runs, one behind the other, and one that fails; then again from the middle."""
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream", method="GET") as reader:
        runs = []
        for body in (_JOKE, _JOKE, _FAILING):
            await api.post(f"{thread}/runs/wait", body)
            runs.append(await reader.until(_done))
    frames = [frame for each in runs for frame in each if frame.event]
    async with api.opened(f"{thread}/stream", method="GET", headers={"last-event-id": runs[0][-1].id or ""}) as back:
        again = [*await back.until(_done), *await back.until(_done)]
    return {
        "runs": [_told(each) for each in runs],
        "same run": [each[0].data["run_id"] == each[-1].data["run_id"] for each in runs],
        "all have ids": all(frame.id for frame in frames),
        "again": _told(again),
        "without a seam": [frame.id for frame in again]
        == [frame.id for each in runs[1:] for frame in each if frame.event],
    }


async def watch_starts_and_ends(api: Api) -> list[Any]:
    thread = f"/threads/{await api.thread()}"
    async with api.opened(f"{thread}/stream?stream_modes=lifecycle", method="GET") as reader:
        await api.post(f"{thread}/runs/wait", _JOKE)
        return _told(await reader.until(_done))


async def watch_refuses_what_no_event_has(api: Api) -> list[int]:
    path = f"/threads/{await api.thread()}/stream"
    answers = [await api.client.get(path, headers={"last-event-id": cursor}) for cursor in ("-1", "nonsense")]
    bad_mode = await api.client.get(f"{path}?stream_modes=nonsense")
    return [answer.status_code for answer in (*answers, bad_mode)]


async def wait_for_each_kind_of_end(api: Api) -> Json:
    """What a wait gives: for a run that ends well, that fails, that asks, that stops before a node; and who joins them gets the same."""
    found: Json = {}
    bodies: dict[str, Json] = {
        "well": {"assistant_id": "joke", "input": ICE},
        "failed": {"assistant_id": "failing", "input": {"a": 0}},
        "asked": {"assistant_id": "approval", "input": {"request": "launch"}},
        "stopped": {"assistant_id": "joke", "input": ICE, "interrupt_before": ["generate_joke"]},
    }
    for name, body in bodies.items():
        runs = f"/threads/{await api.thread()}/runs"
        waited = await api.call("POST", f"{runs}/wait", body)
        run_id = (await api.get(runs))[0]["run_id"]
        joined = await api.call("GET", f"{runs}/{run_id}/join")
        for interrupt in waited["body"].get("__interrupt__", []):
            api.label("interrupt", interrupt["id"])
        found[name] = {**waited, "joined alike": joined == waited}
    return found


SCENARIOS = (
    replay_of_a_run_that_has_ended, replay_goes_on_live, replay_of_a_failed_run, no_ids_and_no_replay_unless_asked_for, watch_a_thread,
    watch_starts_and_ends, watch_refuses_what_no_event_has, wait_for_each_kind_of_end,
)  # fmt: skip
