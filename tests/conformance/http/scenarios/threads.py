"""Scenarios of threads: their life, their states, and what a conversation keeps."""

from typing import Any

from tests.conformance.http.api import Api, Json
from tests.conformance.http.scenarios.streams import HELLO, ICE


async def thread_lifecycle(api: Api) -> Json:
    made = await api.call("POST", "/threads", {"metadata": {"kind": "conformance", "n": 1}})
    thread_id = api.label("thread", made["body"]["thread_id"])
    path = f"/threads/{thread_id}"
    got = await api.call("GET", path)
    patched = await api.call("PATCH", path, {"metadata": {"n": 2}})
    again = await api.call("POST", "/threads", {"thread_id": thread_id})
    kept = await api.call("POST", "/threads", {"thread_id": thread_id, "if_exists": "do_nothing"})
    meant = {"metadata": {"kind": "conformance"}, "ids": [thread_id], "limit": 5}
    found = await api.call("POST", "/threads/search", meant)
    gone, after = await api.call("DELETE", path), await api.call("GET", path)
    return {
        "made": made,
        "got": got,
        "patched": patched["body"]["metadata"],
        "again": again["status"],
        "kept": kept["body"]["thread_id"],
        "found": len(found["body"]),
        "gone": gone["status"],
        "after": after["status"],
    }


async def thread_state_and_history(api: Api) -> Json:
    thread = f"/threads/{await api.thread()}"
    await api.post(f"{thread}/runs/wait", {"assistant_id": "joke", "input": ICE})
    state = await api.get(f"{thread}/state")
    history = await api.post(f"{thread}/history", {"limit": 10})
    wrote = await api.post(f"{thread}/state", {"values": {"topic": "rain"}, "as_node": "refine_topic"})
    after = await api.get(f"{thread}/state")
    names = ("values", "next", "tasks", "metadata", "interrupts")
    return {
        "state": {name: state[name] for name in names if name in state},
        "history": [_step(each) for each in history],
        "wrote": sorted(wrote),
        "after": {"values": after["values"], "next": after["next"]},
    }


def _step(state: Json) -> Json:
    metadata = state["metadata"]
    return {
        "next": state["next"],
        "values": state["values"],
        "step": metadata.get("step"),
        "source": metadata.get("source"),
    }


async def conversation_keeps_its_state(api: Api) -> Json:
    path = f"/threads/{await api.thread()}/runs/wait"
    first = await api.post(path, {"assistant_id": "chat", "input": HELLO})
    again: Any = {"messages": [{"role": "user", "content": "again", "id": "u2"}]}
    second = await api.post(path, {"assistant_id": "chat", "input": again})
    return {
        "first": [message["content"] for message in first["messages"]],
        "second": [[message["type"], message["content"]] for message in second["messages"]],
    }


SCENARIOS = (thread_lifecycle, thread_state_and_history, conversation_keeps_its_state)
