"""Every public method of the official SDKs is called here and works, but for those that docs/compatibility.md names.

Each client is watched: which of its methods a walk through the surface has called is noted, so a method that a new SDK brings makes this test fail.
"""

import asyncio
import inspect
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from typing import Any

import pytest

from tests.conformance.compatibility.page import section
from tests.conformance.sdk.clients import Sdk
from tests.conformance.sdk.javascript import SDKS, script
from tests.support.serving import Server

NOUNS = ("assistants", "threads", "runs", "crons", "store")
JOKE = {"topic": "ice"}
NAMESPACE = ["users", "ada"]


def methods(noun: object) -> set[str]:
    """The public methods of a client of one noun."""
    return {name for name, _ in inspect.getmembers(type(noun), inspect.isfunction) if not name.startswith("_")}


class Watched:
    """A client that notes which of its methods are called."""

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk
        self.called: set[str] = set()

    async def __call__(self, method: str, *given: Any, **fields: Any) -> Any:
        """What a method gives, such as `threads.create`; a stream as the list of its parts."""
        noun, _, name = method.partition(".")
        self.called.add(method)

        def use(client: Any) -> Any:
            return getattr(getattr(client, noun), name)(*given, **fields)

        return await self._sdk(use)

    async def first(self, method: str, *given: Any, **fields: Any) -> Any:
        """The first part of a stream that never ends."""
        noun, _, name = method.partition(".")
        self.called.add(method)
        stream = getattr(getattr(self._sdk.client, noun), name)(*given, **fields)
        if inspect.isawaitable(stream):
            stream = await stream
        if isinstance(stream, AsyncGenerator):
            async with aclosing(stream):
                return await anext(stream)
        with closing(stream):
            return await asyncio.to_thread(next, stream)

    async def output(self, given: dict[str, Any]) -> Any:
        """What a run gives that `threads.stream` starts."""
        self.called.add("threads.stream")
        opened = self._sdk.client.threads.stream(assistant_id="joke")
        if not hasattr(opened, "__aenter__"):
            return await asyncio.to_thread(_output, opened, given)
        async with opened as thread:
            await thread.run.start(input=given)
            return await thread.output


def _output(opened: Any, given: dict[str, Any]) -> Any:
    with opened as thread:
        thread.run.start(input=given)
        return thread.output


def unable(client: str) -> set[str]:
    """The methods that the page says cannot work with a client."""
    return {row.name for row in section("Methods of the SDKs that do not work").rows if client in row.twins}


async def test_every_method_of_the_python_sdk(sdk: Sdk) -> None:
    watched = Watched(sdk)
    await assistants(watched)
    thread_id = await threads(watched)
    await runs(watched, thread_id)
    await crons(watched, thread_id)
    await store(watched)
    await ends(watched, thread_id)

    there = {f"{noun}.{name}" for noun in NOUNS for name in methods(getattr(sdk.client, noun))}
    cannot = unable("Python")
    assert watched.called | cannot == there
    assert watched.called & cannot == set(), "what works is not named as what does not"


async def assistants(call: Watched) -> None:
    made = await call("assistants.create", "joke", name="Ada", metadata={"team": "a"}, config={"tags": ["x"]})
    named = made["assistant_id"]

    updated = await call("assistants.update", named, name="Bea", metadata={"more": 1})
    assert (updated["version"], updated["metadata"]["team"]) == (2, "a")
    assert (await call("assistants.get", named))["name"] == "Bea"
    assert [each["version"] for each in await call("assistants.get_versions", named)] == [2, 1]
    assert (await call("assistants.set_latest", named, 1))["name"] == "Ada"
    assert [each["assistant_id"] for each in await call("assistants.search", metadata={"team": "a"})] == [named]
    assert await call("assistants.count", metadata={"team": "a"}) == 1
    assert {node["id"] for node in (await call("assistants.get_graph", named))["nodes"]} > {"__start__"}
    assert (await call("assistants.get_schemas", named))["graph_id"] == "joke"
    assert await call("assistants.get_subgraphs", named) == {}
    await call("assistants.delete", named)
    assert await call("assistants.search", metadata={"team": "a"}) == []


async def threads(call: Watched) -> str:
    made = await call("threads.create", metadata={"series": "every"}, graph_id="joke")
    thread_id: str = made["thread_id"]

    assert (await call("threads.get", thread_id))["status"] == "idle"
    assert (await call("threads.update", thread_id, metadata={"m": 1}))["metadata"]["m"] == 1
    assert thread_id in [each["thread_id"] for each in await call("threads.search", metadata={"series": "every"})]
    assert await call("threads.count", metadata={"series": "every"}) >= 1
    await call("threads.update_state", thread_id, JOKE, as_node="refine_topic")
    assert (await call("threads.get_state", thread_id))["values"] == JOKE
    assert len(await call("threads.get_history", thread_id)) == 1
    await call("threads.copy", thread_id)
    pruned = await call("threads.create")
    assert (await call("threads.prune", [pruned["thread_id"]]))["pruned_count"] == 1
    return thread_id


async def runs(call: Watched, thread_id: str) -> None:
    made = await call("runs.create", thread_id, "joke", input=JOKE, stream_resumable=True)
    run_id = made["run_id"]

    assert (await call("runs.join", thread_id, run_id))["joke"]
    assert (
        next(part.event for part in await call("runs.join_stream", thread_id, run_id, last_event_id="-1")) == "metadata"
    )
    assert (await call("runs.get", thread_id, run_id))["status"] == "success"
    assert [each["run_id"] for each in await call("runs.list", thread_id)] == [run_id]
    assert next(part.event for part in await call("runs.stream", None, "joke", input=JOKE)) == "metadata"
    assert (await call("runs.wait", thread_id, "joke", input=JOKE))["joke"]
    waits = {"input": JOKE, "after_seconds": 3600}
    late = await call("runs.create", thread_id, "joke", **waits)
    await call("runs.cancel", thread_id, late["run_id"], wait=True)
    batch = await call("runs.create_batch", [{"assistant_id": "joke", **waits}])
    assert len(batch) == 1
    late = await call("runs.create", thread_id, "joke", **waits)
    await call("runs.cancel_many", thread_id=thread_id, run_ids=[late["run_id"]])
    await call("runs.delete", thread_id, run_id)
    assert (await call.first("threads.join_stream", thread_id, last_event_id="0")).event == "metadata"


async def crons(call: Watched, thread_id: str) -> None:
    yearly = "0 0 1 1 *"
    made = await call("crons.create", "joke", schedule=yearly, input=JOKE, metadata={"series": "every"})
    held = await call("crons.create_for_thread", thread_id, "joke", schedule=yearly, input=JOKE)

    found = await call("crons.search", metadata={"series": "every"})
    assert [each["cron_id"] for each in found] == [made["cron_id"]]
    assert await call("crons.count", metadata={"series": "every"}) == 1
    assert (await call("crons.update", made["cron_id"], enabled=False))["enabled"] is False
    for each in (made, held):
        await call("crons.delete", each["cron_id"])
    assert await call("crons.count", metadata={"series": "every"}) == 0


async def store(call: Watched) -> None:
    await call("store.put_item", NAMESPACE, "likes", {"food": "ice"})

    assert (await call("store.get_item", NAMESPACE, "likes"))["value"] == {"food": "ice"}
    found = await call("store.search_items", NAMESPACE[:1], filter={"food": "ice"})
    assert [each["key"] for each in found["items"]] == ["likes"]
    assert (await call("store.list_namespaces", prefix=NAMESPACE[:1]))["namespaces"] == [NAMESPACE]
    await call("store.delete_item", NAMESPACE, "likes")
    assert (await call("store.search_items", NAMESPACE[:1]))["items"] == []


async def ends(call: Watched, thread_id: str) -> None:
    assert (await call.output(JOKE))["joke"]
    await call("threads.delete", thread_id)


@pytest.mark.parametrize("package", SDKS)
async def test_every_method_of_the_javascript_sdk(server: Server, package: str) -> None:
    told = await script("every", package, server.url)

    cannot = unable("JavaScript")
    (called,), (there,) = told["called"], told["there"]
    assert set(called) | cannot == set(there)
    assert set(called) & cannot == set(), "what works is not named as what does not"
    assert told["wrong"] == []
