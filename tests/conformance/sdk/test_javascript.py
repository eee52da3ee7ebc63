"""The JavaScript SDK: the seed's examples, threads, runs, questions, refusals, attaching, and a chat that is reloaded."""

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.sdk.conftest import APP
from tests.conformance.sdk.javascript import SDKS, events, running_script, script
from tests.faults.gate import Gate
from tests.support.serving import Server, running

pytestmark = pytest.mark.parametrize("package", SDKS)

TOLD = {"topic": "ice and cats", "joke": "这是一个关于 ice and cats 的笑话"}
REFINED = {"refine_topic": {"topic": "ice and cats"}}
JOKED = {"generate_joke": {"joke": TOLD["joke"]}}
QUESTION = {"question": "approve lunch?"}


def _joke(kind: str, mode: Any, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "graph": "joke", "payload": {"input": {"topic": "ice"}, "streamMode": mode}, **more}


SEED = [
    _joke("updates", "updates"),
    _joke("values", "values"),
    _joke("several", ["updates", "values"]),
    _joke("debug", "debug"),
    _joke("events", "events"),
    _joke("stateless", "updates", stateless=True),
    {"kind": "tokens", "graph": "tokens", "payload": {"input": {"topic": "ice"}, "streamMode": "messages-tuple"}},
    {"kind": "custom", "graph": "progress", "payload": {"input": {"n": 2}, "streamMode": "custom"}},
    {
        "kind": "subgraphs",
        "graph": "nested",
        "payload": {"input": {"foo": "foo"}, "streamMode": "updates", "streamSubgraphs": True},
    },
]


async def test_the_seeds_examples(server: Server, package: str) -> None:
    told = await script("streams", package, server.url, runs=SEED)

    assert told["done"]
    seen = {kind: events(parts)[1:] for kind, parts in told.items() if kind != "done"}
    steps = [("values", {"topic": "ice"}), ("values", {"topic": "ice and cats"}), ("values", TOLD)]
    assert seen["updates"] == seen["stateless"] == [("updates", REFINED), ("updates", JOKED)]
    assert seen["values"] == steps
    assert seen["several"] == [steps[0], ("updates", REFINED), steps[1], ("updates", JOKED), steps[2]]
    types = [data["type"] for _, data in seen["debug"]]
    assert types == ["checkpoint", "checkpoint", *["task", "task_result", "checkpoint"] * 2]
    assert seen["events"][-1][1]["data"]["output"] == TOLD
    texts = [message["content"] for _, (message, _) in seen["tokens"]]
    assert [text for text in texts if text] == ["为", "ice", "生成一个笑话"]
    assert seen["custom"] == [("custom", {"step": 0}), ("custom", {"step": 1})]
    inside = seen["subgraphs"][1][0]
    assert inside.startswith("updates|node_2:")
    assert [name for name, _ in seen["subgraphs"]] == ["updates", inside, inside, "updates"]
    assert all(parts[0]["event"] == "metadata" for kind, parts in told.items() if kind != "done")


async def test_threads(server: Server, package: str) -> None:
    told = {kind: values[0] for kind, values in (await script("threads", package, server.url)).items()}

    assert told["taken"]["status"] == 409
    assert told["same"]["thread_id"] == told["made"]["thread_id"]
    assert told["changed"]["metadata"] == {**told["made"]["metadata"], "m": 2}
    assert (told["told"]["values"], told["told"]["status"], told["told"]["metadata"]["m"]) == (TOLD, "idle", 2)
    assert [thread["thread_id"] for thread in told["found"]] == [told["made"]["thread_id"]]
    assert told["count"] == 1
    assert [state["next"] for state in told["history"]] == [[], ["generate_joke"], ["refine_topic"], ["__start__"]]
    assert told["before"] == told["by id"] == told["history"][1]
    assert told["forked"] == told["copied"] == {"topic": "snow", "joke": "这是一个关于 snow 的笑话"}
    if "kept" in told:
        assert [thread["thread_id"] for thread in told["by value"]] == [told["made"]["thread_id"]]
        assert told["parts"] == [
            {"thread_id": told["made"]["thread_id"], "extracted": {"joke": told["forked"]["joke"], "none": None}}
        ]
        assert (told["value count"], told["select"]) == (0, {"values": {"topic": "snow"}})
    if "kept" in told:  # the older client cannot prune, nor ask for how long a thread lives
        assert (told["lives"]["ttl"]["ttl_minutes"], told["lives"]["ttl"]["strategy"]) == (5, "delete")
        assert (told["kept"]["pruned_count"], told["states"]) == (1, 1)
    assert told["gone"]["status"] == 404
    assert [node["id"] for node in told["graph"]["nodes"]][1:3] == ["refine_topic", "generate_joke"]


async def test_assistants(server: Server, package: str) -> None:
    told = {kind: values[0] for kind, values in (await script("assistants", package, server.url)).items()}

    made, changed = told["made"], told["changed"]
    assert told["own"]["name"] == "joke"
    assert [each["status"] for each in told["own kept"]] == [409, 409]
    assert (made["name"], made["context"], made["config"]["tags"], made["version"]) == (
        "Ann",
        {"tone": "dry"},
        ["x"],
        1,
    )
    assert told["kept"] == told["latest"] == made
    assert (told["taken"]["status"], told["no graph"]["status"]) == (409, 404)
    assert (changed["name"], changed["metadata"]["n"], changed["version"]) == ("Bob", 2, 2)
    assert told["versions"] == [changed, made]
    assert told["filtered"] == [changed]
    assert (told["warm"]["seen"]["tone"], told["dry"]["seen"]["tone"]) == ("warm", "dry")
    assert (told["found"], told["count"]) == ([made], 1)
    assert told["schemas"]["context_schema"]["properties"].keys() == {"tone"}
    assert [node["id"] for node in told["graph"]["nodes"]] == ["__start__", "read", "__end__"]
    assert (told["subgraphs"], list(told["inside"])) == ({}, ["node_2"])
    assert [each["status"] for each in told["gone"]] == [404, 404]


async def test_runs(server: Server, package: str) -> None:
    everything = await script("runs", package, server.url)
    told = {kind: values[0] for kind, values in everything.items()}

    assert told["joined"] == told["waited"] == told["stateless"] == TOLD
    assert (told["run"]["status"], told["run"]["metadata"]["k"]) == ("success", "v")
    assert told["listed"] == [told["run"]]
    assert told["filtered"] == told["empty"] == []
    thread_id = told["run"]["thread_id"]
    first, second, third = told["created"]
    assert {first["thread_id"], second["thread_id"]} == {thread_id}
    assert third.get("thread_id") is None
    assert told["batch"] == ["a", "b"]
    assert [values["topic"] for values in everything["batched"]] == ["a and cats", "b and cats"]
    seen = told["headers"]["seen"]
    assert {"x-tenant": "t", "user": "u"}.items() <= seen.items()


async def test_questions(server: Server, package: str) -> None:
    told = await script("runs", package, server.url)

    asked = events(told["asked"])
    (interrupt,) = next(data["__interrupt__"] for name, data in asked if name == "updates")
    assert interrupt["value"] == QUESTION
    assert asked[-1] == ("values", {"request": "lunch", "log": [], "__interrupt__": [interrupt]})
    assert told["waiting"][0]["status"] == "interrupted"
    assert list(told["waiting"][0]["interrupts"].values()) == [[{"id": interrupt["id"], "value": QUESTION}]]
    assert events(told["answered"])[1:] == [
        ("updates", {"ask": {"decision": "yes", "log": ["asked"]}}),
        ("updates", {"act": {"log": ["acted on yes"]}}),
    ]


async def test_failures_and_refusals(server: Server, package: str) -> None:
    told = {kind: values[-1] for kind, values in (await script("runs", package, server.url)).items()}

    failure = {"error": "ValueError", "message": "this node always fails"}
    assert (told["failing"]["event"], told["failing"]["data"]) == ("error", failure)
    assert told["failed"]["text"] == "ValueError: this node always fails"
    assert told["kept"] == {"__error__": failure}
    refused = ("no graph", "no thread", "no run", "no mode", "no thread to resume")
    assert [(told[kind]["name"], told[kind]["status"]) for kind in refused] == [
        ("HTTPError", status) for status in (422, 404, 404, 422, 400)
    ]


async def test_a_key(tmp_path: Path, package: str) -> None:
    one = [_joke("updates", "updates", stateless=True)]
    async with running(tmp_path, APP, api_keys="secret") as server:
        told = await script("streams", package, server.url, runs=one, apiKey="secret")
        refused = await script("streams", package, server.url, runs=one, apiKey="wrong")

    assert len(told["updates"]) == 3
    assert "updates" not in refused
    assert (refused["refused"][0]["name"], refused["refused"][0]["status"]) == ("HTTPError", 401)


async def test_attaching_and_cancelling(server: Server, gate: Gate, package: str) -> None:
    async with running_script("live", package, server.url, port=gate.port) as live:
        run_id = await live.until("created")
        await gate.entered()
        live.go_on()
        await live.until("attached", 2)  # to the thread, then to the run
        gate.release()
        await live.until("long")
        await gate.entered("long")
        live.go_on()
        told = await live.end()

    expected = [("custom", "passed"), ("updates", {"wait": {"trail": ["passed"]}})]
    assert events(told["joined"]) == expected
    assert events(told["watched"]) == [
        ("metadata", {"run_id": run_id, "attempt": 1}),
        ("custom", "knocked"),
        ("updates", {"knock": {"trail": ["knocked"]}}),
        *expected,
        ("metadata", {"status": "run_done", "run_id": run_id}),
    ]
    assert all(part["id"] for part in told["watched"])
    assert told["cancelled"] == [{}]
    assert told["status"] == ["interrupted"]


async def test_a_chat_that_is_reloaded(server: Server, package: str) -> None:
    words = 40
    told = await script("chat", package, server.url, words=words)

    expected = [f"w{index} " for index in range(words)]
    for kind in ("rejoined", "again"):
        texts = [data[0]["content"] for name, data in events(told[kind]) if name == "messages"]
        assert [text for text in texts if text] == expected
    ids = [int(part["id"]) for part in told["rejoined"]]
    assert ids == list(range(1, len(ids) + 1))
    assert told["rejoined"][0]["data"]["run_id"] == told["reloaded"][0]
    assert [state["next"] for state in told["history"][0]] == [[], ["say"], ["__start__"]]
    assert len(told["branches"][0]) > len(told["history"][0])


async def test_the_life_of_a_run(server: Server, package: str) -> None:
    everything = await script("life", package, server.url)
    told = {kind: values[0] for kind, values in everything.items()}

    assert told["interrupt"] == {"topic": "ice and cats", "statuses": ["interrupted", "interrupted", "success"]}
    assert told["rollback"] == {"topic": "ice and cats", "statuses": ["success"]}
    assert (told["rejected"]["status"], told["gone"]["status"], told["undone"]) == (409, 404, {})
    left = told["left"]
    assert (left["status"], left["values"], left["error"]["error"]) == ("idle", None, "UserRollback")
    assert (told["late"], told["soon"], told["after"]) == ("pending", TOLD, ["success"])
    assert package != SDKS[0] or told["nothing"]["status"] == 404
    whole = everything["whole"]
    assert events(whole)[1:] == [("custom", {"step": step}) for step in range(3)]


async def test_histories_and_answers(server: Server, package: str) -> None:
    told = {kind: values[0] for kind, values in (await script("life", package, server.url)).items()}

    assert (told["begun"], told["told"]["joke"]) == ({"topic": "tea"}, "这是一个关于 tea 的笑话")
    assert (told["wrong"]["status"], told["no thread"]["status"]) == (400, 404)
    assert (told["history"], told["before"], told["by metadata"]) == (2, 1, 1)
    assert told["answered"] == ["left left?", "right right?"]
