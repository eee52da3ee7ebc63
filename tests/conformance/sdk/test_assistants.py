"""Assistants, through both clients of the Python SDK."""

from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from langgraph_sdk.errors import APIStatusError, ConflictError, NotFoundError

from tests.conformance.sdk.clients import Sdk

NAMESPACE = UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")
JOKE = str(uuid5(NAMESPACE, "joke"))
NESTED = str(uuid5(NAMESPACE, "nested"))


async def test_each_graph_has_an_assistant(sdk: Sdk) -> None:
    assistant = await sdk(lambda c: c.assistants.get(JOKE))
    found = await sdk(lambda c: c.assistants.search(limit=100))
    named = await sdk(lambda c: c.assistants.search(graph_id="joke", select=["assistant_id"]))

    assert (assistant["graph_id"], assistant["name"], assistant["version"]) == ("joke", "joke", 1)
    assert assistant in found
    assert named == [{"assistant_id": JOKE}]
    assert await sdk(lambda c: c.assistants.count()) == len(found)
    assert await sdk(lambda c: c.assistants.count(graph_id="joke")) == 1


async def _page(sdk: Sdk, offset: int) -> Any:
    return await sdk(
        lambda c: c.assistants.search(
            limit=5, offset=offset, sort_by="name", sort_order="asc", response_format="object"
        )
    )


async def test_pages(sdk: Sdk) -> None:
    everything = await sdk(lambda c: c.assistants.search(limit=100, sort_by="name", sort_order="asc"))
    page = await _page(sdk, 0)
    listed = page["assistants"]
    while page["next"] is not None:
        page = await _page(sdk, int(page["next"]))
        listed += page["assistants"]

    assert listed == everything


async def test_the_graph(sdk: Sdk) -> None:
    graph = await sdk(lambda c: c.assistants.get_graph(JOKE))
    inside = await sdk(lambda c: c.assistants.get_graph(NESTED, xray=True))

    assert [node["id"] for node in graph["nodes"]] == ["__start__", "refine_topic", "generate_joke", "__end__"]
    assert [(edge["source"], edge["target"]) for edge in graph["edges"]] == [
        ("__start__", "refine_topic"),
        ("refine_topic", "generate_joke"),
        ("generate_joke", "__end__"),
    ]
    assert {"node_2:subgraph_node_1", "node_2:subgraph_node_2"} <= {node["id"] for node in inside["nodes"]}


async def test_the_schemas(sdk: Sdk) -> None:
    schemas = await sdk(lambda c: c.assistants.get_schemas(JOKE))

    assert schemas["graph_id"] == "joke"
    assert set(schemas["input_schema"]["properties"]) == {"topic", "joke"}
    assert set(schemas["state_schema"]["properties"]) == {"topic", "joke"}


async def test_the_subgraphs(sdk: Sdk) -> None:
    everything = await sdk(lambda c: c.assistants.get_subgraphs(NESTED))
    one = await sdk(lambda c: c.assistants.get_subgraphs(NESTED, namespace="node_2"))

    assert list(everything) == list(one) == ["node_2"]
    assert set(one["node_2"]["state_schema"]["properties"]) == {"foo", "bar"}


async def test_versions(sdk: Sdk) -> None:
    assistant = await sdk(lambda c: c.assistants.get(JOKE))

    assert await sdk(lambda c: c.assistants.get_versions(JOKE)) == [assistant]
    assert await sdk(lambda c: c.assistants.set_latest(JOKE, 1)) == assistant
    with pytest.raises(APIStatusError):
        await sdk(lambda c: c.assistants.set_latest(JOKE, 2))


async def test_a_graphs_own_assistant_stays(sdk: Sdk) -> None:
    with pytest.raises(ConflictError):
        await sdk(lambda c: c.assistants.delete(JOKE))


async def test_the_life_of_an_assistant(sdk: Sdk) -> None:
    mine, mark = str(uuid4()), {"mark": str(uuid4())}
    made = await sdk(
        lambda c: c.assistants.create(
            "context",
            {"tags": ["x"]},
            context={"tone": "dry"},
            metadata=mark,
            assistant_id=mine,
            if_exists="raise",
            name="Ann",
            description="d",
        )
    )
    again = await sdk(lambda c: c.assistants.create("joke", assistant_id=mine, if_exists="do_nothing"))
    changed = await sdk(lambda c: c.assistants.update(mine, context={"tone": "warm"}, metadata={"n": 2}, name="Bob"))
    versions = await sdk(lambda c: c.assistants.get_versions(mine))
    filtered = await sdk(lambda c: c.assistants.get_versions(mine, metadata={"n": 2}, limit=1))
    warm = await sdk(lambda c: c.runs.wait(None, mine, input={}))
    latest = await sdk(lambda c: c.assistants.set_latest(mine, 1))
    dry = await sdk(lambda c: c.runs.wait(None, mine, input={}))

    assert (made["assistant_id"], made["name"], made["description"], made["version"]) == (mine, "Ann", "d", 1)
    assert (made["context"], made["config"]["tags"], made["metadata"]) == ({"tone": "dry"}, ["x"], mark)
    assert again == latest == made
    assert (changed["name"], changed["metadata"], changed["version"]) == ("Bob", {**mark, "n": 2}, 2)
    assert versions == [changed, made]
    assert filtered == [changed]
    assert (warm["seen"]["tone"], dry["seen"]["tone"]) == ("warm", "dry")
    assert await sdk(lambda c: c.assistants.search(metadata=mark)) == [made]
    assert await sdk(lambda c: c.assistants.count(metadata=mark, name="ann", graph_id="context")) == 1
    assert (await sdk(lambda c: c.assistants.get_schemas(mine)))["context_schema"]["properties"].keys() == {"tone"}
    assert (await sdk(lambda c: c.assistants.get_graph(mine)))["nodes"]
    assert await sdk(lambda c: c.assistants.get_subgraphs(mine, recurse=True)) == {}
    with pytest.raises(ConflictError):
        await sdk(lambda c: c.assistants.create("joke", assistant_id=mine))


async def test_an_assistant_goes_with_its_threads(sdk: Sdk) -> None:
    mine = (await sdk(lambda c: c.assistants.create("joke")))["assistant_id"]
    thread = (await sdk(lambda c: c.threads.create()))["thread_id"]
    await sdk(lambda c: c.runs.wait(thread, mine, input={"topic": "x"}))

    await sdk(lambda c: c.assistants.delete(mine, delete_threads=True))

    for use in (lambda c: c.assistants.get(mine), lambda c: c.threads.get(thread)):
        with pytest.raises(NotFoundError):
            await sdk(use)


async def test_an_assistant_that_is_not_there(sdk: Sdk) -> None:
    nobody = str(uuid5(NAMESPACE, "nobody"))
    for use in (
        lambda c: c.assistants.get(nobody),
        lambda c: c.assistants.get_graph(nobody),
        lambda c: c.assistants.get_schemas(nobody),
        lambda c: c.assistants.get_subgraphs(nobody),
        lambda c: c.assistants.get_versions(nobody),
        lambda c: c.assistants.delete(nobody),
        lambda c: c.assistants.update(nobody, name="x"),
        lambda c: c.assistants.create("nobody"),
    ):
        with pytest.raises(NotFoundError):
            await sdk(use)
