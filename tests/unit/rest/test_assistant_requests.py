from typing import Any

import pytest

from graphwire_server.core.assistants import MAX_XRAY
from graphwire_server.core.errors import InvalidField
from graphwire_server.rest.assistant_requests import (
    AssistantSearchBody,
    DrawQuery,
    LatestBody,
    SubgraphsQuery,
    VersionsBody,
)
from graphwire_server.rest.shapes import Shape, body_of, query_of


def test_a_search_by_default() -> None:
    made = body_of(AssistantSearchBody, {})

    assert (made.limit, made.offset, made.sort_by, made.sort_order, made.select) == (10, 0, None, None, None)


def test_a_search() -> None:
    given = {"graphId": "agent", "name": "a", "metadata": {"k": 1}, "sortBy": "name", "select": ["name"], "limit": 5}

    made = body_of(AssistantSearchBody, given)

    assert (made.graph_id, made.name, made.metadata) == ("agent", "a", {"k": 1})
    assert (made.sort_by, made.select, made.limit) == ("name", ["name"], 5)


@pytest.mark.parametrize(
    ("shape", "given", "field"),
    [
        (AssistantSearchBody, {"limit": 1001}, "limit"),
        (AssistantSearchBody, {"sort_by": "version"}, "sort_by"),
        (AssistantSearchBody, {"select": ["name", "x"]}, "select[1]"),
        (VersionsBody, {"offset": -1}, "offset"),
        (LatestBody, {}, "version"),
        (LatestBody, {"version": 0}, "version"),
        (LatestBody, {"version": "1"}, "version"),
    ],
)
def test_what_is_wrong_is_named(shape: type[Shape], given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        body_of(shape, given)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("query", "levels"),
    [
        (b"", 0),
        (b"xray=", 0),
        (b"xray=false", 0),
        (b"xray=true", MAX_XRAY),
        (b"xray=True", MAX_XRAY),
        (b"xray=0", 0),
        (b"xray=3", 3),
    ],
)
def test_how_many_levels_are_drawn(query: bytes, levels: int) -> None:
    assert query_of(DrawQuery, query).levels() == levels


@pytest.mark.parametrize("word", ["-1", "1.5", "all", "1000", "%C2%B2"])
def test_levels_that_cannot_be_meant(word: str) -> None:
    with pytest.raises(InvalidField, match="xray"):
        query_of(DrawQuery, f"xray={word}".encode()).levels()


def test_subgraphs_of_subgraphs_are_asked_for() -> None:
    assert [query_of(SubgraphsQuery, text).recurse for text in (b"", b"recurse=1")] == [False, True]
