import uuid

import pytest

from graphwire_server.core.assistants import Assistants, system_id
from graphwire_server.core.errors import AssistantNotFound, InvalidField, SystemAssistant
from tests.unit.core.fakes import Clock, Graphs


def assistants() -> Assistants:
    return Assistants(Graphs(), Clock())


def test_the_id_of_a_graphs_assistant_is_the_uuid_of_its_name() -> None:
    expected = uuid.uuid5(uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8"), "agent")

    assert system_id("agent") == str(expected) == "fe096781-5601-53d2-b2f6-0d3403f7e9ca"


@pytest.mark.parametrize("name", ["agent", system_id("agent"), system_id("agent").upper()])
def test_an_assistant_is_found_by_name_and_by_id(name: str) -> None:
    found = assistants().get(name)

    assert (found.graph_id, found.name, found.description, found.version) == ("agent", "agent", "talks", 1)
    assert found.metadata == {"created_by": "system"}


def test_an_unknown_one_is_not_found_and_an_empty_one_refused() -> None:
    with pytest.raises(AssistantNotFound):
        assistants().get("nobody")
    with pytest.raises(InvalidField) as refused:
        assistants().get("")

    assert refused.value.field == "assistant_id"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["agent", "writer"]),
        ({"descending": True}, ["writer", "agent"]),
        ({"sort": "graph_id"}, ["agent", "writer"]),
        ({"graph_id": "writer"}, ["writer"]),
        ({"name": "AGE"}, ["agent"]),
        ({"metadata": {"created_by": "system"}, "name": "w"}, ["writer"]),
        ({"metadata": {"created_by": "me"}}, []),
        ({"metadata": {"missing": None}}, []),
    ],
)
def test_search(wanted: dict[str, object], found: list[str]) -> None:
    result = assistants().search(**wanted)  # type: ignore[arg-type]  # the parameters of each case

    assert [assistant.name for assistant in result] == found


def test_count() -> None:
    made = assistants()

    counts = [made.count(), made.count(graph_id="writer"), made.count(name="x"), made.count(metadata={"a": 1})]

    assert counts == [2, 1, 0, 0]


@pytest.mark.parametrize("name", ["agent", system_id("agent").upper()])
def test_a_graphs_own_assistant_cannot_be_deleted(name: str) -> None:
    made = assistants()

    with pytest.raises(SystemAssistant) as refused:
        made.delete(name)

    assert refused.value.metadata == {"assistant_id": system_id("agent")}
    assert made.get("agent").graph_id == "agent"


def test_a_graphs_own_assistant_has_one_version() -> None:
    made = assistants()

    listed, latest = made.versions("agent"), made.set_latest("agent", 1)

    assert [each.version for each in listed] == [1]
    assert latest == made.get("agent")


@pytest.mark.parametrize("version", [0, 2, -1])
def test_a_version_that_there_is_not_is_refused(version: int) -> None:
    with pytest.raises(InvalidField) as refused:
        assistants().set_latest("agent", version)

    assert refused.value.field == "version"


def test_an_unknown_assistant_has_no_versions_and_cannot_be_deleted() -> None:
    made = assistants()

    for call in (made.delete, made.versions, lambda name: made.set_latest(name, 1)):
        with pytest.raises(AssistantNotFound):
            call("nobody")


@pytest.mark.parametrize("xray", [-1, 101])
async def test_xray_has_bounds(xray: int) -> None:
    with pytest.raises(InvalidField) as refused:
        await assistants().draw("agent", xray)

    assert refused.value.field == "xray"


async def test_a_graph_is_asked_by_its_own_name() -> None:
    made, name = assistants(), system_id("agent")

    drawn, schemas = await made.draw(name, 2), await made.schemas(name)
    inside, all_of_them = await made.subgraphs(name, "a", True), await made.subgraphs(name, "", False)

    assert (drawn.mermaid, schemas.graph_id) == ("agent 2", "agent")
    assert [inside[0].namespace, all_of_them[0].namespace] == ["a True", "None False"]
