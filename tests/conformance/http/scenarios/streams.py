"""Scenarios of streams: each mode, and what surrounds it."""

from typing import Any

from tests.conformance.http.api import Api, Json

ICE = {"topic": "ice cream"}
HELLO = {"messages": [{"role": "user", "content": "hello there", "id": "u1"}]}
USE_TOOL = {"messages": [{"role": "user", "content": "please use tool", "id": "u1"}]}


async def stream(api: Api, path: str, assistant: str, given: Any, mode: Any, **more: Any) -> list[Json]:
    """The events of a new run, whose id has a label."""
    body = {"assistant_id": assistant, "input": given, "stream_mode": mode, **more}
    events = await api.events("POST", path, body)
    if events and events[0]["event"] == "metadata":
        api.label("run", events[0]["data"]["run_id"])
    return events


async def _on_thread(api: Api, assistant: str, given: Any, mode: Any, **more: Any) -> list[Json]:
    return await stream(api, f"/threads/{await api.thread()}/runs/stream", assistant, given, mode, **more)


async def values(api: Api) -> list[Json]:
    return await _on_thread(api, "joke", ICE, "values")


async def updates(api: Api) -> list[Json]:
    return await _on_thread(api, "joke", ICE, "updates")


async def debug(api: Api) -> list[Json]:
    return await _on_thread(api, "joke", ICE, "debug")


async def tasks(api: Api) -> list[Json]:
    return await _on_thread(api, "joke", ICE, "tasks")


async def checkpoints(api: Api) -> list[Json]:
    return await _on_thread(api, "joke", ICE, "checkpoints")


async def events_mode(api: Api) -> list[Json]:
    return await _on_thread(api, "joke", ICE, "events")


async def messages_tuple(api: Api) -> list[Json]:
    return await _on_thread(api, "chat", HELLO, "messages-tuple")


async def messages_tuple_with_tool(api: Api) -> list[Json]:
    return await _on_thread(api, "chat", USE_TOOL, "messages-tuple")


async def messages_mode(api: Api) -> list[Json]:
    return await _on_thread(api, "chat", HELLO, "messages")


async def custom(api: Api) -> list[Json]:
    return await _on_thread(api, "custom", {"n": 3}, "custom")


async def two_modes(api: Api) -> list[Json]:
    return await _on_thread(api, "custom", {"n": 2}, ["updates", "custom"])


async def default_mode(api: Api) -> list[Json]:
    path = f"/threads/{await api.thread()}/runs/stream"
    return await api.events("POST", path, {"assistant_id": "joke", "input": ICE})


async def subgraphs_updates(api: Api) -> list[Json]:
    return await _on_thread(api, "nested", {"foo": "foo"}, "updates", stream_subgraphs=True)


async def subgraphs_values(api: Api) -> list[Json]:
    return await _on_thread(api, "nested", {"foo": "foo"}, ["values"], stream_subgraphs=True)


async def subgraphs_off(api: Api) -> list[Json]:
    return await _on_thread(api, "nested", {"foo": "foo"}, "updates")


async def stateless_stream(api: Api) -> list[Json]:
    return await stream(api, "/runs/stream", "joke", ICE, "updates")


async def response_headers(api: Api) -> Json:
    body = {"assistant_id": "joke", "input": ICE, "stream_mode": "updates"}
    streamed = await api.stream(f"/threads/{await api.thread()}/runs/stream", body)
    api.label("run", streamed.frames[0].data["run_id"])
    names = ("content-type", "location", "content-location", "cache-control", "x-accel-buffering")
    return {name: streamed.headers.get(name) for name in names}


SCENARIOS = (
    values, updates, debug, tasks, checkpoints, events_mode, messages_tuple, messages_tuple_with_tool, messages_mode, custom, two_modes, default_mode,
    subgraphs_updates, subgraphs_values, subgraphs_off, stateless_stream, response_headers,
)  # fmt: skip
