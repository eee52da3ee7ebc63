from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from graphwire_server.core.errors import GraphwireError, InvalidField, NotOffered
from graphwire_server.core.model import (
    CheckpointRef,
    Command,
    Goto,
    Page,
    StateUpdate,
    ThreadQuery,
    ThreadSort,
    ThreadStatus,
)
from graphwire_server.core.ttl import Ttl, TtlStrategy
from graphwire_server.rest.shapes import Shape, body_of, query_of
from graphwire_server.rest.thread_requests import (
    CheckpointStateBody,
    HistoryBody,
    HistoryQuery,
    StateBody,
    StateQuery,
    ThreadBody,
    ThreadCountBody,
    ThreadPatch,
    ThreadQueryParts,
    ThreadSearchBody,
    WatchQuery,
    life,
)

UUID = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"
OTHER = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7e"
THREAD = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a00"


def search(**fields: Any) -> ThreadSearchBody:
    return body_of(ThreadSearchBody, fields)


@pytest.mark.parametrize(
    ("metadata", "graph"),
    [
        (None, None),
        ({}, None),
        ({"graph_id": "agent"}, "agent"),
        ({"graph_id": ""}, None),
        ({"graph_id": 5}, None),
    ],
)
def test_metadata_may_name_the_graph_of_a_thread(metadata: dict[str, Any] | None, graph: str | None) -> None:
    assert body_of(ThreadBody, {"metadata": metadata}).graph == graph


@pytest.mark.parametrize(
    ("update", "made"),
    [
        ({}, StateUpdate()),
        ({"values": None, "command": None, "as_node": None}, StateUpdate()),
        ({"values": {"a": 1}, "as_node": "n"}, StateUpdate(values={"a": 1}, as_node="n")),
        ({"values": [["a", 1]], "asNode": "n"}, StateUpdate(values=[["a", 1]], as_node="n")),
        ({"values": 5}, StateUpdate(values=5)),
        ({"command": {}, "as_node": "n"}, StateUpdate(as_node="n")),
        (
            {"values": None, "command": {"update": {"a": 1}, "goto": ["m"], "resume": None}, "as_node": "n"},
            StateUpdate(command=Command(update={"a": 1}, goto=(Goto(node="m"),)), as_node="n"),
        ),
        (
            {"values": {"a": 1}, "command": {"goto": "m"}},
            StateUpdate(values={"a": 1}, command=Command(goto=(Goto(node="m"),))),
        ),
    ],
)
def test_a_change_of_what_a_state_begins_with(update: dict[str, Any], made: StateUpdate) -> None:
    given = {"supersteps": [{"updates": [update, {"as_node": "z"}]}, {"updates": []}]}

    assert body_of(ThreadBody, given).history == ((made, StateUpdate(as_node="z")), ())


@pytest.mark.parametrize("given", [{}, {"supersteps": None}, {"supersteps": []}])
def test_a_state_may_begin_with_nothing(given: dict[str, Any]) -> None:
    assert body_of(ThreadBody, given).history == ()


@pytest.mark.parametrize("shape", [ThreadBody, ThreadPatch])
@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, None),
        ({"ttl": None}, None),
        ({"ttl": 5}, Ttl(after=timedelta(minutes=5))),
        ({"ttl": 0.5}, Ttl(after=timedelta(seconds=30))),
        ({"ttl": {"ttl": 1}}, Ttl(after=timedelta(minutes=1))),
        (
            {"ttl": {"ttl": 0, "strategy": "keep_latest"}},
            Ttl(after=timedelta(0), strategy=TtlStrategy.KEEP_LATEST),
        ),
    ],
)
def test_how_long_a_thread_lives(shape: Any, given: dict[str, Any], made: Ttl | None) -> None:
    assert life(body_of(shape, given).ttl) == made


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"ttl": "5"}, "ttl"),
        ({"ttl": {"strategy": "delete"}}, "ttl.ttl"),
        ({"ttl": {"ttl": 5, "strategy": "sideways"}}, "ttl.strategy"),
        ({"ttl": 1e30}, "ttl"),
    ],
)
def test_a_life_that_cannot_be_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        life(body_of(ThreadBody, given).ttl)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("query", "wanted"),
    [(b"", False), (b"include=ttl", True), (b"include=ttl&include=ttl", True), (b"include=%5B%22ttl%22%5D", True)],
)
def test_what_a_thread_is_shown_with(query: bytes, wanted: bool) -> None:
    assert query_of(ThreadQueryParts, query).with_ttl() is wanted


def test_a_part_that_there_is_not() -> None:
    with pytest.raises(InvalidField, match="weather"):
        query_of(ThreadQueryParts, b"include=ttl,weather").with_ttl()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, ThreadQuery()),
        ({"metadata": {"a": 1}}, ThreadQuery(metadata={"a": 1})),
        ({"status": "busy"}, ThreadQuery(status=ThreadStatus.BUSY)),
        ({"values": {}}, ThreadQuery()),
    ],
)
def test_which_threads_are_counted(given: dict[str, Any], made: ThreadQuery) -> None:
    assert body_of(ThreadCountBody, given).query() == made
    assert search(**given).query() == made


def test_threads_are_found_by_their_ids() -> None:
    assert search(ids=[UUID, OTHER], status="idle").query() == ThreadQuery(
        thread_ids=(UUID, OTHER), status=ThreadStatus.IDLE
    )


def test_threads_are_found_by_their_values() -> None:
    assert search(values={"a": [1]}).query() == ThreadQuery(values={"a": [1]})
    assert body_of(ThreadCountBody, {"values": {"a": 1}, "ids": [UUID]}).query() == ThreadQuery(
        values={"a": 1}, thread_ids=(UUID,)
    )


def test_a_page_asks_for_one_more() -> None:
    assert search(offset=3, limit=1000).page == Page(offset=3, limit=1001)
    assert search().page == Page(offset=0, limit=11)


@pytest.mark.parametrize(
    ("given", "sort"),
    [
        (None, ThreadSort.UPDATED_AT),
        ("state_updated_at", ThreadSort.STATE_UPDATED_AT),
        ("updated_at", ThreadSort.UPDATED_AT),
        ("created_at", ThreadSort.CREATED_AT),
        ("thread_id", ThreadSort.THREAD_ID),
        ("status", ThreadSort.STATUS),
    ],
)
def test_threads_are_sorted(given: str | None, sort: ThreadSort) -> None:
    assert search(sort_by=given).sort is sort


@pytest.mark.parametrize(
    ("shape", "given", "field"),
    [
        (ThreadBody, {"if_exists": "replace"}, "if_exists"),
        (ThreadBody, {"metadata": []}, "metadata"),
        (ThreadBody, {"supersteps": {}}, "supersteps"),
        (ThreadBody, {"supersteps": [1]}, "supersteps[0]"),
        (ThreadBody, {"supersteps": [{}]}, "supersteps[0].updates"),
        (ThreadBody, {"supersteps": [{"updates": []}, {"updates": {}}]}, "supersteps[1].updates"),
        (ThreadBody, {"supersteps": [{"updates": [{}, 1]}]}, "supersteps[0].updates[1]"),
        (ThreadBody, {"supersteps": [{"updates": [{"as_node": 1}]}]}, "supersteps[0].updates[0].as_node"),
        (
            ThreadBody,
            {"supersteps": [{"updates": [{"command": {"update": 1}}]}]},
            "supersteps[0].updates[0].command.update",
        ),
        (ThreadBody, {"supersteps": [{"updates": [{}]}] * 1001}, "supersteps"),
        (ThreadCountBody, {"status": "asleep"}, "status"),
        (ThreadSearchBody, {"limit": 0}, "limit"),
        (ThreadSearchBody, {"limit": 1001}, "limit"),
        (ThreadSearchBody, {"offset": 2**62}, "offset"),
        (ThreadSearchBody, {"sortBy": "values"}, "sort_by"),
        (ThreadSearchBody, {"sort_order": "up"}, "sort_order"),
        (ThreadSearchBody, {"select": ["values", "secret"]}, "select[1]"),
        (CheckpointStateBody, {}, "checkpoint"),
        (StateBody, {"values": 1}, "values"),
        (HistoryBody, {"limit": 0}, "limit"),
        (HistoryBody, {"before": 5}, "before"),
        (HistoryBody, {"before": {"checkpoint_id": 5}}, "before.checkpoint_id"),
    ],
)
def test_what_is_wrong_is_named(shape: type[Shape], given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        body_of(shape, given)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({}, CheckpointRef()),
        ({"checkpoint_id": UUID.upper()}, CheckpointRef(checkpoint_id=UUID)),
        ({"checkpoint": {"checkpoint_id": UUID, "checkpoint_ns": "a:1"}}, CheckpointRef(checkpoint_id=UUID, checkpoint_ns="a:1")),
        ({"checkpoint": {"checkpoint_ns": "a:1"}, "checkpoint_id": UUID}, CheckpointRef(checkpoint_id=UUID, checkpoint_ns="a:1")),
        ({"checkpoint": {"checkpoint_id": UUID}, "checkpoint_id": UUID.upper()}, CheckpointRef(checkpoint_id=UUID)),
        ({"checkpoint": {"thread_id": THREAD, "checkpoint_map": {"": OTHER}}}, CheckpointRef(checkpoint_map={"": OTHER})),
    ],
)  # fmt: skip
def test_a_change_goes_on_from_a_checkpoint(given: dict[str, Any], at: CheckpointRef) -> None:
    assert body_of(StateBody, given).at(THREAD) == at


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"checkpoint_id": "x"}, "checkpoint_id"),
        ({"checkpoint": {"checkpoint_id": UUID}, "checkpoint_id": OTHER}, "checkpoint_id"),
        ({"checkpoint": {"thread_id": OTHER}}, "checkpoint.thread_id"),
    ],
)
def test_a_change_that_cannot_be_meant(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        body_of(StateBody, given).at(THREAD)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "before",
    [
        UUID.upper(),
        {"checkpoint_id": UUID},
        {"checkpointId": UUID, "thread_id": THREAD},
        {"configurable": {"checkpoint_id": UUID}},
        {"configurable": {"checkpoint_id": UUID, "thread_id": THREAD, "more": 1}},
    ],
)
def test_a_history_ends_before_a_checkpoint(before: Any) -> None:
    assert body_of(HistoryBody, {"before": before}).before_id(THREAD) == UUID


@pytest.mark.parametrize("before", [None, "", {}, {"configurable": None}, {"configurable": {}}])
def test_a_history_may_begin_at_the_end(before: Any) -> None:
    assert body_of(HistoryBody, {"before": before}).before_id(THREAD) is None


@pytest.mark.parametrize(
    ("before", "field"),
    [
        ("x", "before"),
        ({"checkpoint_id": "x"}, "before.checkpoint_id"),
        ({"checkpoint_id": UUID, "thread_id": OTHER}, "before.thread_id"),
        ({"configurable": {"checkpoint_id": 5}}, "before.configurable.checkpoint_id"),
        ({"configurable": {"checkpoint_id": "x"}}, "before.configurable.checkpoint_id"),
    ],
)
def test_a_checkpoint_that_cannot_be_meant(before: Any, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        body_of(HistoryBody, {"before": before}).before_id(THREAD)

    assert refused.value.field == field


def test_a_history_by_query() -> None:
    made = query_of(HistoryQuery, f"limit=1000&before={UUID.upper()}".encode())

    assert (made.limit, made.before_id(THREAD)) == (1000, UUID)


def test_a_history_is_one_state_by_default() -> None:
    made = query_of(HistoryQuery, b"before=")

    assert (made.limit, made.before_id(THREAD)) == (1, None)
    assert body_of(HistoryBody, {}).limit == 1


@pytest.mark.parametrize("text", [b"limit=0", b"limit=1001"])
def test_a_history_has_bounds(text: bytes) -> None:
    with pytest.raises(InvalidField, match="limit"):
        query_of(HistoryQuery, text)


def test_a_history_ends_before_a_uuid() -> None:
    with pytest.raises(InvalidField, match="before"):
        query_of(HistoryQuery, b"before=x").before_id(THREAD)


def test_states_of_subgraphs_are_asked_for() -> None:
    assert [query_of(StateQuery, text).subgraphs for text in (b"", b"subgraphs=true")] == [False, True]


def watch(*pairs: tuple[str, str]) -> WatchQuery:
    return query_of(WatchQuery, urlencode(pairs).encode())


@pytest.mark.parametrize(
    ("pairs", "lifecycle"),
    [
        ([], False),
        ([("stream_modes", "")], False),
        ([("stream_modes", "run_modes")], False),
        ([("stream_modes", "lifecycle")], True),
        ([("stream_mode", "lifecycle")], True),
        ([("stream_modes", "lifecycle"), ("stream_mode", "lifecycle")], True),
        ([("stream_modes", "lifecycle,run_modes")], False),
        ([("stream_modes", "lifecycle"), ("stream_modes", "run_modes")], False),
        ([("stream_mode", '["lifecycle", "run_modes"]')], False),
        ([("stream_mode", '["lifecycle"]')], True),
    ],
)
def test_what_of_a_threads_stream_is_wanted(pairs: list[tuple[str, str]], lifecycle: bool) -> None:
    assert watch(*pairs).lifecycle_only() is lifecycle


@pytest.mark.parametrize(("mode", "error"), [("state_update", NotOffered), ("values", InvalidField)])
def test_what_a_threads_stream_does_not_have(mode: str, error: type[GraphwireError]) -> None:
    made = watch(("stream_modes", f"lifecycle,{mode}"))

    with pytest.raises(error, match=mode):
        made.lifecycle_only()
