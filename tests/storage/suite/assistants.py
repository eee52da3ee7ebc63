"""Assistants and their versions."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from graphwire_server.core.assistant_store import AssistantChange, AssistantQuery, AssistantSort
from graphwire_server.core.errors import AssistantExists, AssistantNotFound
from graphwire_server.core.model import Assistant, Page, RunConfig
from tests.storage.suite.engine import Engine
from tests.storage.suite.samples import at

BIG = 2**70
EVERY = AssistantQuery()
PAGE = Page(limit=100)


def assistant(assistant_id: str, *, second: float = 0, **changes: Any) -> Assistant:
    made = Assistant(
        assistant_id=assistant_id, graph_id="joke", name="Untitled", created_at=at(second), updated_at=at(second)
    )
    return replace(made, **changes)


class AssistantCases:
    async def test_an_assistant_reads_back_as_it_was(self, engine: Engine) -> None:
        kept = assistant(
            "a1",
            name="Ärger",
            description="d\n",
            config=RunConfig(
                tags=("x",), recursion_limit=3, configurable={"big": BIG}, metadata={"lone": "\ud800"}, run_name="r"
            ),
            context={"a": [1, None, 2.5]},
            metadata={"a": {"b": BIG}, "lone": "\ud800"},
        )
        await engine.assistants.create(kept)
        assert await engine.assistants.get("a1") == kept
        assert list(await engine.assistants.versions("a1", {}, PAGE)) == [kept]

    async def test_an_unknown_assistant(self, engine: Engine) -> None:
        store = engine.assistants
        assert await store.get("nobody") is None
        calls = (
            store.update("nobody", AssistantChange(), at(1)),
            store.versions("nobody", {}, PAGE),
            store.set_latest("nobody", 1),
            store.delete("nobody"),
        )
        for call in calls:
            with pytest.raises(AssistantNotFound):
                await call

    async def test_an_assistant_is_created_once(self, engine: Engine) -> None:
        first = assistant("a1", name="first")
        made = await asyncio.gather(
            *(engine.assistants.create(each) for each in (first, assistant("a1", name="second"))),
            return_exceptions=True,
        )
        assert [type(each) for each in made] == [type(None), AssistantExists]
        assert await engine.assistants.get("a1") == first

    async def test_an_update_makes_a_version(self, engine: Engine) -> None:
        first = assistant("a1", context={}, metadata={"a": 1})
        await engine.assistants.create(first)
        change = AssistantChange(name="new", graph_id="story", metadata={"b": None})
        second = await engine.assistants.update("a1", change, at(5))
        assert second == replace(
            first, name="new", graph_id="story", metadata={"a": 1, "b": None}, version=2, updated_at=at(5)
        )
        assert await engine.assistants.get("a1") == second
        assert list(await engine.assistants.versions("a1", {}, PAGE)) == [second, first]

    async def test_updates_at_once_lose_nothing(self, engine: Engine) -> None:
        await engine.assistants.create(assistant("a1"))
        changes = (AssistantChange(metadata={str(number): number}) for number in range(20))
        made = await asyncio.gather(*(engine.assistants.update("a1", change, at(1)) for change in changes))
        latest = await engine.assistants.get("a1")
        assert sorted(each.version for each in made) == list(range(2, 22))
        assert latest is not None
        assert latest.metadata == {str(number): number for number in range(20)}

    async def test_a_version_that_runs_again(self, engine: Engine) -> None:
        first = assistant("a1", name="one")
        await engine.assistants.create(first)
        second = await engine.assistants.update("a1", AssistantChange(name="two"), at(1))
        assert await engine.assistants.set_latest("a1", 1) == first
        assert await engine.assistants.get("a1") == first
        assert await engine.assistants.count(AssistantQuery(name="two")) == 0
        for missing in (0, 3, -1, 2**31 - 1):
            assert await engine.assistants.set_latest("a1", missing) is None
        third = await engine.assistants.update("a1", AssistantChange(description="d"), at(2))
        assert third == replace(first, description="d", version=3, updated_at=at(2))
        assert list(await engine.assistants.versions("a1", {}, PAGE)) == [third, second, first]

    async def test_versions_have_pages_and_a_filter(self, engine: Engine) -> None:
        await engine.assistants.create(assistant("a1", metadata={"n": {"v": 1, "w": 0}}))
        for number in range(2, 6):
            await engine.assistants.update("a1", AssistantChange(metadata={"n": {"v": number % 2}}), at(number))

        async def versions(metadata: dict[str, Any], page: Page) -> list[int]:
            return [each.version for each in await engine.assistants.versions("a1", metadata, page)]

        assert await versions({}, Page(offset=1, limit=2)) == [4, 3]
        assert await versions({"n": {"v": 1}}, PAGE) == [5, 3, 1]
        assert await versions({"n": {"v": 1}}, Page(offset=1, limit=1)) == [3]
        assert await versions({"n": {"w": 0}}, PAGE) == [1]
        assert await versions({"n": {"v": True}}, PAGE) == []

    async def test_a_deleted_assistant_leaves_nothing(self, engine: Engine) -> None:
        await engine.assistants.create(assistant("a1"))
        await engine.assistants.update("a1", AssistantChange(name="x"), at(1))
        await engine.assistants.delete("a1")
        assert await engine.assistants.get("a1") is None
        assert await engine.assistants.count(EVERY) == 0
        again = assistant("a1", second=9)
        await engine.assistants.create(again)
        assert list(await engine.assistants.versions("a1", {}, PAGE)) == [again]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["a1", "a2", "a3"]),
            ({"graph_id": "story"}, ["a2"]),
            ({"name": "EX"}, ["a1", "a2"]),
            ({"name": "strasse"}, ["a3"]),
            ({"name": "%"}, []),
            ({"metadata": {"k": {"a": 1}}}, ["a1"]),
            ({"metadata": {"k": None}}, ["a2"]),
            ({"metadata": {"k": [1, 2]}, "name": "s"}, ["a3"]),
            ({"metadata": {"k": True}}, []),
        ],
    )
    async def test_search_and_count(self, engine: Engine, query: dict[str, Any], found: list[str]) -> None:
        await engine.assistants.create(assistant("a1", name="Alex", metadata={"k": {"a": 1, "b": 2}}))
        await engine.assistants.create(assistant("a2", name="exit", graph_id="story", metadata={"k": None}))
        await engine.assistants.create(assistant("a3", name="Straße", metadata={"k": [1, 2]}))
        wanted = AssistantQuery(**query)
        listed = await engine.assistants.search(wanted, PAGE, AssistantSort.ASSISTANT_ID, descending=False)
        assert [each.assistant_id for each in listed] == found
        assert await engine.assistants.count(wanted) == len(found)

    @pytest.mark.parametrize("sort", AssistantSort)
    @pytest.mark.parametrize("descending", [False, True])
    async def test_order_and_pages(self, engine: Engine, sort: AssistantSort, descending: bool) -> None:
        names = ["b", "B", "ß", "\U0001f600", "\uffff", "b", ""]
        made = [
            assistant(f"a{5 - number}", name=name, second=number % 3, graph_id="gh"[number % 2])
            for number, name in enumerate(names)
        ]
        for each in made:
            await engine.assistants.create(each)
        ordered = sorted(made, key=sort.key, reverse=descending)
        assert list(await engine.assistants.search(EVERY, PAGE, sort, descending=descending)) == ordered
        page = await engine.assistants.search(EVERY, Page(offset=2, limit=3), sort, descending=descending)
        assert list(page) == ordered[2:5]
