"""Assistants as a Python program makes them on a real server, with and without asyncio."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

import graphwire
import graphwire.sync
from tests.support.serving import Server, running


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with running(tmp_path) as started:
        yield started


async def test_an_assistant_from_its_creation_to_its_end(server: Server) -> None:
    async with graphwire.connect(server.address) as client:
        mine, mark = str(uuid4()), {"mark": 2**60}
        made = await client.assistants.create(
            "context", assistant_id=mine, name="Ann", context={"tone": "dry"}, config={"tags": ["x"]}, metadata=mark
        )
        kept = await client.assistants.create("joke", assistant_id=mine, if_exists="keep")
        second = await client.assistants.update(mine, context={"tone": "warm"}, metadata={"n": None})
        warm = await client.invoke(mine, {})
        first = await client.assistants.set_latest(mine, 1)
        dry = await client.invoke(mine, {}, context={"user": "Ann"}, metadata={"k": 1})
        third = await client.assistants.update(mine, description="d")
        versions = [each async for each in client.assistants.versions(mine, page_size=2)]
        marked = [each async for each in client.assistants.versions(mine, metadata={"n": None})]
        found = [each async for each in client.assistants.search(metadata=mark, sort_by="assistant_id")]
        thread = await client.threads.create()
        await client.invoke(mine, {}, thread_id=thread.thread_id)
        with pytest.raises(graphwire.AlreadyExists):
            await client.assistants.create("joke", assistant_id=mine)
        with pytest.raises(graphwire.NotFound) as unknown:
            await client.assistants.create("nobody")
        with pytest.raises(graphwire.FailedPrecondition):
            await client.assistants.update("joke", name="x")
        await client.assistants.delete(mine, delete_threads=True)
        for gone in (client.assistants.get(mine), client.threads.get(thread.thread_id)):
            with pytest.raises(graphwire.NotFound):
                await gone

    assert kept == first == made
    assert (made.name, made.context, made.config["tags"], made.metadata, made.version) == (
        "Ann",
        {"tone": "dry"},
        ["x"],
        mark,
        1,
    )
    assert (second.context, second.metadata, second.version) == ({"tone": "warm"}, {**mark, "n": None}, 2)
    assert (third.description, third.context, third.version) == ("d", {"tone": "dry"}, 3)
    assert (warm.values["seen"]["tone"], dry.values["seen"]["tone"], dry.values["seen"]["user"]) == (
        "warm",
        "dry",
        "Ann",
    )
    assert dry.run.metadata == {**mark, "k": 1}
    assert versions == [third, second, first]
    assert marked == [second]
    assert found == [third]
    assert unknown.value.reason == "GRAPH_NOT_FOUND"


def _without_asyncio(address: str) -> None:
    with graphwire.sync.connect(address) as client:
        made = client.assistants.create("context", context={"tone": "dry"})
        changed = client.assistants.update(made.assistant_id, context={"tone": "warm"})
        assert list(client.assistants.versions(made.assistant_id)) == [changed, made]
        assert client.invoke(made.assistant_id, {}).values["seen"]["tone"] == "warm"
        client.assistants.delete(made.assistant_id)
        with pytest.raises(graphwire.NotFound):
            client.assistants.get(made.assistant_id)


async def test_the_same_without_asyncio(server: Server) -> None:
    await asyncio.to_thread(_without_asyncio, server.address)
