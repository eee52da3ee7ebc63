import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from graphwire_server.core.assistant_store import AssistantChange, AssistantQuery, AssistantSort
from graphwire_server.core.assistants import system_id
from graphwire_server.core.errors import (
    AssistantExists,
    AssistantNotFound,
    GraphNotFound,
    InvalidField,
    SystemAssistant,
    ThreadBusy,
    ThreadNotFound,
)
from graphwire_server.core.model import Assistant, Page, RunConfig, RunSpec, ThreadQuery
from tests.unit.core.fakes import OTHER, THREAD, Executor, House, house, on_thread, running

ALL = AssistantQuery()
PAGE = Page(limit=100)


async def made(here: House, **parts: Any) -> Assistant:
    return await here.assistants.create(parts.pop("graph_id", "agent"), **parts)


# -- those of graphs -----------------------------------------------------------------------------------------------------


def test_the_id_of_a_graphs_assistant_is_the_uuid_of_its_name() -> None:
    expected = uuid.uuid5(uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), "agent")

    assert system_id("agent") == str(expected) == "fe096781-5601-53d2-b2f6-0d3403f7e9ca"


@pytest.mark.parametrize("name", ["agent", system_id("agent"), system_id("agent").upper()])
async def test_a_graphs_own_assistant_is_found_by_name_and_by_id(name: str) -> None:
    found = await house().assistants.get(name)

    assert (found.graph_id, found.name, found.description, found.version) == ("agent", "agent", "talks", 1)
    assert found.metadata == {"created_by": "system"}


@pytest.mark.parametrize("name", ["nobody", OTHER])
async def test_an_unknown_assistant(name: str) -> None:
    here = house().assistants
    calls = (
        here.get(name),
        here.delete(name),
        here.delete(name, delete_threads=True),
        here.versions(name, PAGE),
        here.set_latest(name, 1),
        here.update(name, AssistantChange(name="x")),
        here.draw(name, 0),
    )

    for call in calls:
        with pytest.raises(AssistantNotFound):
            await call


async def test_an_assistant_must_be_named() -> None:
    with pytest.raises(InvalidField) as refused:
        await house().assistants.get("")

    assert refused.value.field == "assistant_id"


@pytest.mark.parametrize("name", ["agent", system_id("agent").upper()])
async def test_a_graphs_own_assistant_is_neither_deleted_nor_changed(name: str) -> None:
    here = house().assistants

    with pytest.raises(SystemAssistant, match="deleted") as refused:
        await here.delete(name)
    with pytest.raises(SystemAssistant, match="changed"):
        await here.update(name, AssistantChange(name="x"))

    assert refused.value.metadata == {"assistant_id": system_id("agent")}
    assert (await here.get("agent")).name == "agent"


async def test_a_graphs_own_assistant_has_one_version() -> None:
    here = house().assistants
    own = await here.get("agent")

    assert list(await here.versions("agent", PAGE)) == [own]
    assert list(await here.versions("agent", Page(offset=1))) == []
    assert list(await here.versions("agent", PAGE, {"created_by": "me"})) == []
    assert await here.set_latest("agent", 1) == own


@pytest.mark.parametrize("version", [0, 2, -1, 2**31, 2**70])
async def test_a_version_that_there_is_not_is_refused(version: int) -> None:
    here = house()
    mine = await made(here)

    for name in ("agent", mine.assistant_id):
        with pytest.raises(InvalidField) as refused:
            await here.assistants.set_latest(name, version)
        assert refused.value.field == "version"


# -- those that callers make ---------------------------------------------------------------------------------------------


async def test_an_assistant_is_created_with_what_it_was_given() -> None:
    here = house()

    found = await made(
        here, assistant_id=OTHER.upper(), name="Ann", description="d", context={"tone": "dry"}, metadata={"team": 1}
    )

    assert await here.assistants.get(OTHER) == found
    assert (found.assistant_id, found.graph_id, found.name, found.description) == (OTHER, "agent", "Ann", "d")
    assert (found.context, found.metadata, found.version) == ({"tone": "dry"}, {"team": 1}, 1)
    assert found.created_at == found.updated_at


async def test_an_assistant_without_anything_has_a_version_4_id_and_is_untitled() -> None:
    found = await made(house())

    assert uuid.UUID(found.assistant_id).version == 4
    assert (found.name, found.description, found.config, found.context) == ("Untitled", "", RunConfig(), None)


@pytest.mark.parametrize("taken", [OTHER, system_id("writer")])
async def test_an_id_that_is_taken(taken: str) -> None:
    here = house()
    await made(here, assistant_id=OTHER, name="first")

    with pytest.raises(AssistantExists):
        await made(here, assistant_id=taken)
    kept = await made(here, assistant_id=taken, name="second", keep_existing=True)

    assert kept == await here.assistants.get(taken)
    assert kept.name in ("first", "writer")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"graph_id": ""}, "graph_id"),
        ({"assistant_id": "nobody"}, "assistant_id"),
        ({"assistant_id": ""}, "assistant_id"),
        ({"name": "\ud800"}, "name"),
        ({"description": "\udfff"}, "description"),
        ({"config": RunConfig(recursion_limit=0)}, "config.recursion_limit"),
        ({"config": RunConfig(max_concurrency=0)}, "config.max_concurrency"),
        ({"config": RunConfig(configurable={"a": 1}), "context": {"a": 2}}, "context"),
    ],
)
async def test_what_an_assistant_cannot_be(wrong: dict[str, Any], field: str) -> None:
    here = house()

    with pytest.raises(InvalidField) as refused:
        await made(here, **wrong)
    changes = {name: value for name, value in wrong.items() if name != "assistant_id"}
    mine = await made(here)
    if changes:
        with pytest.raises(InvalidField):
            await here.assistants.update(mine.assistant_id, AssistantChange(**changes))

    assert refused.value.field == field
    assert await here.assistants.get(mine.assistant_id) == mine


async def test_the_same_settings_in_both_forms_are_taken() -> None:
    found = await made(house(), config=RunConfig(configurable={"a": 1}), context={"a": 1})

    assert (found.config.configurable, found.context) == ({"a": 1}, {"a": 1})


async def test_a_graph_must_be_there() -> None:
    here = house()
    mine = await made(here)

    with pytest.raises(GraphNotFound, match="graph 'nothing'"):
        await made(here, graph_id="nothing")
    with pytest.raises(GraphNotFound):
        await here.assistants.update(mine.assistant_id, AssistantChange(graph_id="nothing"))


# -- versions ------------------------------------------------------------------------------------------------------------


async def test_an_update_makes_a_version_and_keeps_what_it_does_not_name() -> None:
    here = house()
    first = await made(here, name="Ann", description="d", context={"a": 1}, metadata={"a": {"b": 1}, "c": 1})

    second = await here.assistants.update(
        first.assistant_id, AssistantChange(description="", metadata={"a": {"d": 1}, "e": None})
    )

    assert second == replace(
        first, description="", metadata={"a": {"d": 1}, "c": 1, "e": None}, version=2, updated_at=second.updated_at
    )
    assert second.updated_at > first.updated_at
    assert list(await here.assistants.versions(first.assistant_id, PAGE)) == [second, first]


async def test_an_earlier_version_runs_again_and_the_next_is_made_of_it() -> None:
    here = house()
    first = await made(here, name="one")
    await here.assistants.update(first.assistant_id, AssistantChange(name="two"))

    chosen = await here.assistants.set_latest(first.assistant_id.upper(), 1)
    third = await here.assistants.update(first.assistant_id, AssistantChange(description="more"))

    assert chosen == first
    assert (third.version, third.name, third.description) == (3, "one", "more")
    assert await here.assistants.get(first.assistant_id) == third


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ((None, {"a": 1}), ({"b": 2}, None), ({"b": 2}, None)),
        (({"a": 1}, None), (None, {"b": 2}), (None, {"b": 2})),
        (({"a": 1}, None), (None, {}), ({"a": 1}, {})),
        ((None, {"a": 1}), ({}, None), ({}, {"a": 1})),
        (({"a": 1}, {"a": 1}), (None, {"a": 1}), ({"a": 1}, {"a": 1})),
        (({"a": 1}, {"a": 1}), ({"b": 1}, {"b": 1}), ({"b": 1}, {"b": 1})),
    ],
)
async def test_settings_in_one_form_take_the_place_of_those_in_the_other(before: Any, change: Any, after: Any) -> None:
    here = house()
    mine = await made(here, config=RunConfig(configurable=before[0], run_name="r"), context=before[1])
    config = None if change[0] is None else RunConfig(configurable=change[0], run_name="r")

    found = await here.assistants.update(mine.assistant_id, AssistantChange(config=config, context=change[1]))

    assert (found.config.configurable, found.context, found.config.run_name) == (*after, "r")


# -- search --------------------------------------------------------------------------------------------------------------


async def shelf() -> House:
    """Those of the graphs `agent` and `writer`, and three more."""
    here = house()
    await made(here, name="Beta", graph_id="writer", metadata={"team": {"a": 1, "b": 2}})
    await made(here, name="alpha", metadata={"team": {"a": 1}})
    await made(here, name="Straße", metadata={"team": None})
    return here


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["Beta", "Straße", "agent", "alpha", "writer"]),
        ({"graph_id": "writer"}, ["Beta", "writer"]),
        ({"name": "A"}, ["Beta", "Straße", "agent", "alpha"]),
        ({"name": "STRASSE"}, ["Straße"]),
        ({"metadata": {"created_by": "system"}}, ["agent", "writer"]),
        ({"metadata": {"created_by": "me"}}, []),
        ({"metadata": {"missing": None}}, []),
        ({"metadata": {"team": None}}, ["Straße"]),
        ({"metadata": {"team": {"a": 1}}}, ["Beta", "alpha"]),
    ],
)
async def test_search_and_count(query: dict[str, Any], found: list[str]) -> None:
    here = await shelf()

    listed = await here.assistants.search(AssistantQuery(**query), PAGE)

    assert [each.name for each in listed] == found
    assert await here.assistants.count(AssistantQuery(**query)) == len(found)


@pytest.mark.parametrize("sort", AssistantSort)
@pytest.mark.parametrize("descending", [False, True])
async def test_pages_are_slices_of_the_whole_list(sort: AssistantSort, descending: bool) -> None:
    here = (await shelf()).assistants
    whole = list(await here.search(ALL, PAGE, sort, descending=descending))

    assert whole == sorted(whole, key=sort.key, reverse=descending)
    for limit in (1, 2, 3, 6):
        for offset in range(7):
            page = await here.search(ALL, Page(offset=offset, limit=limit), sort, descending=descending)
            assert list(page) == whole[offset : offset + limit]


# -- graphs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("xray", [-1, 101])
async def test_xray_has_bounds(xray: int) -> None:
    with pytest.raises(InvalidField) as refused:
        await house().assistants.draw("agent", xray)

    assert refused.value.field == "xray"


async def test_a_graph_is_asked_with_the_assistant() -> None:
    here, name = house().assistants, system_id("agent")

    drawn, schemas = await here.draw(name, 2), await here.schemas(name)
    inside, all_of_them = await here.subgraphs(name, "a", True), await here.subgraphs(name, "", False)

    assert (drawn.mermaid, schemas.graph_id) == ("agent 2", "agent")
    assert [inside[0].namespace, all_of_them[0].namespace] == ["a True", "None False"]


async def test_an_assistant_whose_graph_is_gone_is_there_and_cannot_run() -> None:
    here = house()
    moment = datetime.fromisoformat("2026-01-01T00:00:00Z")
    gone = Assistant(assistant_id=OTHER, graph_id="gone", name="n", created_at=moment, updated_at=moment)
    await here.assistants._store.create(gone)

    assert await here.assistants.get(OTHER) == gone
    for call in (
        here.assistants.draw(OTHER, 0),
        here.assistants.schemas(OTHER),
        here.runs.create(RunSpec(assistant=OTHER)),
    ):
        with pytest.raises(GraphNotFound, match="graph 'gone' does not exist"):
            await call


# -- deletion ------------------------------------------------------------------------------------------------------------


async def test_a_deleted_assistant_is_gone_and_its_threads_stay() -> None:
    here = house()
    mine = await made(here)
    async with running(here):
        await here.end(await here.runs.create(replace(on_thread(), assistant=mine.assistant_id)))
        await here.assistants.delete(mine.assistant_id)

    assert (await here.threads.get(THREAD)).assistant_id == mine.assistant_id
    with pytest.raises(AssistantNotFound):
        await here.assistants.delete(mine.assistant_id)


async def test_threads_go_with_an_assistant_where_that_is_asked() -> None:
    here = house()
    mine = await made(here)
    async with running(here):
        for thread_id in (THREAD, None):
            spec = RunSpec(
                assistant=mine.assistant_id, thread_id=thread_id, create_thread=True, keep_thread=not thread_id
            )
            await here.end(await here.runs.create(spec))
        await here.end(await here.runs.create(replace(on_thread(), thread_id=OTHER)))
        await here.assistants.delete(mine.assistant_id.upper(), delete_threads=True)

    assert await here.threads.count(ThreadQuery()) == 1
    with pytest.raises(ThreadNotFound):
        await here.threads.get(THREAD)


async def test_a_busy_thread_keeps_all_threads_and_the_assistant() -> None:
    executor = Executor()
    executor.script = executor.held
    here = house(executor)
    mine = await made(here)
    async with running(here):
        run = await here.runs.create(replace(on_thread(), assistant=mine.assistant_id))
        await here.threads.create(OTHER, {}, graph=mine.assistant_id)
        with pytest.raises(ThreadBusy):
            await here.assistants.delete(mine.assistant_id, delete_threads=True)
        kept = await here.threads.get(OTHER), await here.assistants.get(mine.assistant_id)
        executor.release.set()
        await here.end(run)
        await here.assistants.delete(mine.assistant_id, delete_threads=True)

    assert kept[1] == mine
    with pytest.raises(ThreadNotFound):
        await here.threads.get(OTHER)


# -- runs ----------------------------------------------------------------------------------------------------------------

BASE = RunConfig(
    tags=("a", "b"),
    recursion_limit=5,
    configurable={"x": 1, "y": 1},
    metadata={"m": 1},
    max_concurrency=2,
    run_name="r",
)


async def test_a_run_is_laid_over_what_its_assistant_brings() -> None:
    here = house()
    mine = await made(here, config=BASE, metadata={"team": 1})
    over = RunConfig(tags=("b", "c"), configurable={"y": 2}, metadata={"n": 2}, max_concurrency=1)
    async with running(here):
        plain = await here.runs.create(RunSpec(assistant=mine.assistant_id))
        run = await here.runs.create(RunSpec(assistant=mine.assistant_id, config=over, metadata={"team": 2}))

    assert (plain.assistant_id, plain.graph_id, plain.spec.config) == (mine.assistant_id, "agent", BASE)
    assert plain.spec.all_metadata == {"team": 1, "m": 1}
    assert run.spec.config == RunConfig(
        tags=("a", "b", "c"),
        recursion_limit=5,
        configurable={"x": 1, "y": 2},
        metadata={"m": 1, "n": 2},
        max_concurrency=1,
        run_name="r",
    )
    assert run.spec.all_metadata == {"team": 2, "m": 1, "n": 2}


@pytest.mark.parametrize(
    ("brought", "given", "configurable", "context"),
    [
        (({"a": 1}, None), (None, None), {"a": 1}, None),
        ((None, {"a": 1}), (None, None), None, {"a": 1}),
        (({"a": 1}, None), (None, {"b": 2}), None, {"a": 1, "b": 2}),
        ((None, {"a": 1}), ({"b": 2}, None), {"a": 1, "b": 2}, None),
        ((None, {"a": 1}), ({"a": 2}, None), {"a": 2}, None),
        (({"a": 1}, {"a": 1}), (None, {"a": 2}), None, {"a": 2}),
        ((None, {"a": 1}), (None, {}), None, {"a": 1}),
        ((None, {}), (None, None), None, {}),
        ((None, None), (None, {}), None, {}),
    ],
)
async def test_settings_of_both_kinds_are_one(brought: Any, given: Any, configurable: Any, context: Any) -> None:
    here = house()
    mine = await made(here, config=RunConfig(configurable=brought[0]), context=brought[1])
    spec = RunSpec(assistant=mine.assistant_id, config=RunConfig(configurable=given[0]), context=given[1])
    async with running(here):
        run = await here.runs.create(spec)

    assert (run.spec.config.configurable, run.spec.context) == (configurable, context)


async def test_a_run_keeps_what_it_was_created_with() -> None:
    executor = Executor()
    executor.script = executor.held
    here = house(executor)
    mine = await made(here, context={"a": 1})
    spec = replace(on_thread(), assistant=mine.assistant_id)
    async with running(here):
        first, waiting = [await here.runs.create(spec) for _ in range(2)]
        await here.assistants.update(mine.assistant_id, AssistantChange(graph_id="writer", context={"a": 2}))
        await here.assistants.delete(mine.assistant_id)
        executor.release.set()
        ended = [await here.end(run) for run in (first, waiting)]

    assert [(run.graph_id, run.spec.context, run.status) for run in ended] == [("agent", {"a": 1}, "success")] * 2


async def test_metadata_comes_in_order_from_assistant_thread_configuration_and_run() -> None:
    here = house()
    mine = await made(here, metadata={"a": 1, "b": 1, "c": 1, "d": 1})
    await here.threads.create(THREAD, {"b": 2, "c": 2, "d": 2})
    spec = replace(
        on_thread(metadata={"d": 4}, config=RunConfig(metadata={"c": 3, "d": 3})), assistant=mine.assistant_id
    )
    async with running(here):
        run = await here.runs.create(spec)
        again = await here.runs.create(on_thread())

    assert run.spec.all_metadata == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert again.spec.all_metadata == {"b": 2, "c": 2, "d": 2}


async def test_a_key_knows_a_request_again_after_its_assistant_has_changed() -> None:
    here = house()
    mine = await made(here, context={"a": 1})
    spec = RunSpec(assistant=mine.assistant_id, request_id="key", keep_thread=True)
    async with running(here):
        first = await here.runs.create(spec)
        await here.assistants.update(mine.assistant_id, AssistantChange(context={"a": 2}))
        again = await here.runs.create(spec)

    assert again.run_id == first.run_id


async def test_a_batch_with_an_assistant_that_there_is_not_creates_nothing() -> None:
    here = house()
    mine = await made(here)
    async with running(here):
        with pytest.raises(AssistantNotFound) as refused:
            await here.runs.create_batch([RunSpec(assistant=mine.assistant_id), RunSpec(assistant=OTHER)])

    assert refused.value.metadata["index"] == "1"
    assert not here.executor.executed
