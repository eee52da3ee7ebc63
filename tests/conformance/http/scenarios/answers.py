"""Scenarios of people in the middle of a run: answers, edits of states, forks, and conversations that come from elsewhere."""

from typing import Any

from tests.conformance.http.api import Api, Json
from tests.conformance.http.scenarios.streams import ICE

_NOBODY = "00000000-0000-4000-8000-000000000000"


async def _asked(api: Api, assistant: str = "approval", given: Any = None) -> tuple[str, Json]:
    """The path of a thread that waits for answers, and the value of the run that asked."""
    thread = f"/threads/{await api.thread()}"
    given = given or {"request": "launch"}
    return thread, await api.post(f"{thread}/runs/wait", {"assistant_id": assistant, "input": given})


async def _commanded(api: Api, thread: str, assistant: str, **command: Any) -> Json:
    return await api.call("POST", f"{thread}/runs/wait", {"assistant_id": assistant, "command": command})


async def answer_one(api: Api) -> Json:
    """An answer, and one without a thread on which a question could wait."""
    thread, asked = await _asked(api)
    answered = await _commanded(api, thread, "approval", resume="yes")
    return {
        "asked": [each["value"] for each in asked["__interrupt__"]],
        "answered": answered["body"]["log"],
        "stateless": (await _commanded(api, "", "approval", resume="yes"))["status"],
    }


async def answer_by_id(api: Api) -> Json:
    thread, asked = await _asked(api)
    (interrupt,) = asked["__interrupt__"]
    answered = await _commanded(api, thread, "approval", resume={interrupt["id"]: "no"})
    return {"log": answered["body"]["log"], "thread": (await api.get(thread))["status"]}


async def answer_two_by_id(api: Api) -> Json:
    """Two questions of one superstep: both at once, or one after the other."""
    thread, asked = await _asked(api, "pair")
    ids = {each["value"]: each["id"] for each in asked["__interrupt__"]}
    both = await _commanded(api, thread, "pair", resume={ids["left?"]: 1, ids["right?"]: 2})
    other, asked = await _asked(api, "pair")
    ids = {each["value"]: each["id"] for each in asked["__interrupt__"]}
    first = await _commanded(api, other, "pair", resume={ids["right?"]: 2})
    between = (await api.get(other))["status"]
    second = await _commanded(api, other, "pair", resume={ids["left?"]: 1})
    return {
        "asked": sorted(ids),
        "both": sorted(both["body"]["log"]),
        "left to ask": [each["value"] for each in first["body"]["__interrupt__"]],
        "between": between,
        "second": sorted(second["body"]["log"]),
    }


async def answer_with_an_update(api: Api) -> Json:
    thread, _ = await _asked(api)
    answered = await _commanded(api, thread, "approval", resume="yes", update={"log": ["told"]})
    return {"log": answered["body"]["log"]}


async def go_to_a_node(api: Api) -> Json:
    thread, _ = await _asked(api)
    went = await _commanded(api, thread, "approval", update={"decision": "mine"}, goto="act")
    return {"log": went["body"]["log"], "decision": went["body"]["decision"]}


async def fork_from_a_checkpoint(api: Api) -> Json:
    """A run from an earlier checkpoint: what came behind that stays in the history, and is no longer the thread's state."""
    thread = f"/threads/{await api.thread()}"
    await api.post(f"{thread}/runs/wait", {"assistant_id": "joke", "input": ICE})
    states = await api.post(f"{thread}/history", {"limit": 10})
    at = next(state for state in states if state["next"] == ["generate_joke"])["checkpoint"]
    await api.post(f"{thread}/state", {"values": {"topic": "tea"}, "as_node": "refine_topic", "checkpoint": at})
    edited = (await api.get(f"{thread}/state"))["checkpoint"]["checkpoint_id"]
    body: Json = {"assistant_id": "joke", "stream_mode": "updates"}
    forks = [
        await api.events("POST", f"{thread}/runs/stream", {**body, "checkpoint_id": checkpoint_id})
        for checkpoint_id in (edited, at["checkpoint_id"])
    ]
    kept = [state["checkpoint"] for state in await api.post(f"{thread}/history", {"limit": 20})]
    return {
        "events": [[event["data"] for event in events[1:]] for events in forks],
        "state": (await api.get(f"{thread}/state"))["values"],
        "kept": all(state["checkpoint"] in kept for state in states),
        "no uuid": (await api.call("POST", f"{thread}/runs", {**body, "checkpoint_id": "x"}))["status"],
        "unknown": (await api.call("POST", f"{thread}/runs", {**body, "checkpoint_id": _NOBODY}))["status"],
    }


async def edit_a_state(api: Api) -> Json:
    """A person answers in the node's place."""
    thread, _ = await _asked(api)
    unknown = await api.call("POST", f"{thread}/state", {"values": {}, "as_node": "nobody"})
    await api.post(f"{thread}/state", {"values": {"decision": "mine", "log": ["edited"]}, "as_node": "ask"})
    state = await api.get(f"{thread}/state")
    went_on = await api.call("POST", f"{thread}/runs/wait", {"assistant_id": "approval"})
    bare = await api.call("POST", f"/threads/{await api.thread()}/state", {"values": {"decision": "mine"}})
    return {
        "unknown node": unknown["status"],
        "next": state["next"],
        "log": went_on["body"]["log"],
        "no graph": bare["status"],
    }


async def begin_with_supersteps(api: Api) -> Json:
    """A conversation that comes from elsewhere goes on here."""
    supersteps = [
        {"updates": [{"values": {"request": "launch"}, "as_node": "__input__"}]},
        {"updates": [{"values": {"request": "launch"}, "as_node": "__start__"}]},
        {"updates": [{"values": {"log": ["prepared elsewhere"]}, "command": None, "as_node": "prepare"}]},
    ]
    made = await api.call("POST", "/threads", {"metadata": {"graph_id": "approval"}, "supersteps": supersteps})
    thread = f"/threads/{api.label('thread', made['body']['thread_id'])}"
    states = await api.post(f"{thread}/history", {"limit": 10})
    asked = await api.post(f"{thread}/runs/wait", {"assistant_id": "approval"})
    return {
        "made": made["status"],
        "states": [[state["next"], state["values"]] for state in states],
        "asked": [each["value"] for each in asked["__interrupt__"]],
    }


async def begin_with_wrong_supersteps(api: Api) -> Json:
    thread_id = "0192f2d3-0a6b-7c1e-9b1a-2f6f1c3b5a01"
    supersteps = [
        {"updates": [{"values": {"request": "launch"}, "as_node": "__input__"}]},
        {"updates": [{"values": {}, "as_node": "nobody"}]},
    ]
    body = {"thread_id": thread_id, "metadata": {"graph_id": "approval"}, "supersteps": supersteps}
    made = await api.call("POST", "/threads", body)
    return {"made": made["status"], "thread": (await api.call("GET", f"/threads/{thread_id}"))["status"]}


async def history_in_parts(api: Api) -> Json:
    thread = f"/threads/{await api.thread()}"
    for topic in ("ice", "tea"):
        await api.post(
            f"{thread}/runs/wait", {"assistant_id": "joke", "input": {"topic": topic}, "metadata": {"t": topic}}
        )

    async def found(**body: Any) -> list[int]:
        return [state["metadata"]["step"] for state in await api.post(f"{thread}/history", body)]

    whole = await api.post(f"{thread}/history", {"limit": 100})
    middle = whole[3]["checkpoint"]
    return {
        "whole": [state["metadata"]["step"] for state in whole],
        "default": await found(),
        "three": await found(limit=3),
        "before": await found(limit=100, before=middle),
        "before by id": await found(limit=100, before=middle["checkpoint_id"]),
        "inputs": await found(limit=100, metadata={"source": "input"}),
        "of one run": await found(limit=100, metadata={"t": "ice"}),
        "of one run before": await found(limit=2, before=middle, metadata={"t": "ice"}),
        "of nobody": await found(limit=100, metadata={"t": "milk"}),
    }


async def copy_a_conversation(api: Api) -> Json:
    """A copy waits for its own answer."""
    thread, _ = await _asked(api)
    copy = (await api.post(f"{thread}/copy"))["thread_id"]
    answers = [
        await _commanded(api, path, "approval", resume=word)
        for path, word in ((f"/threads/{copy}", "yes"), (thread, "no"))
    ]
    return {"logs": [answer["body"]["log"] for answer in answers], "runs": len(await api.get(f"/threads/{copy}/runs"))}


SCENARIOS = (
    answer_one, answer_by_id, answer_two_by_id, answer_with_an_update, go_to_a_node, fork_from_a_checkpoint, edit_a_state, begin_with_supersteps,
    begin_with_wrong_supersteps, history_in_parts, copy_a_conversation,
)  # fmt: skip
