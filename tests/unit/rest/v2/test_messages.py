"""Messages: when they begin, when they are finished, and what is said of each."""

from collections.abc import Iterable
from typing import Any

from graphwire_server.core.events import Message, TokenUsage
from graphwire_server.rest.v2 import messages
from graphwire_server.rest.v2.messages import Messages, Said
from tests.unit.rest.v2.tapes import origin, piece

LAST = {"chunk_position": "last", "response_metadata": {"finish_reason": "stop"}}


def names(said: Iterable[Said]) -> list[str]:
    return [data["event"] for _, _, data in said]


def added(found: Messages, *pieces: Message) -> list[Any]:
    return [data for each in pieces for _, _, data in found.add((), each)]


def test_a_message_from_its_first_piece_to_its_last() -> None:
    made = added(Messages(), piece("a"), piece("b"), piece(dump=LAST))

    assert [each["event"] for each in made] == [
        "message-start",
        "content-block-start",
        "content-block-delta",
        "content-block-delta",
        "content-block-finish",
        "message-finish",
    ]
    assert {(each["id"], each["run_id"]) for each in made} == {("lc_run--c1", "c1")}
    assert made[-1]["metadata"] == {"finish_reason": "stop"}


def test_what_is_said_at_the_start() -> None:
    start = added(Messages(), piece("a"))[0]

    assert start["role"] == "ai"
    metadata = {"provider": "p", "model": "m", "model_type": "chat", "langgraph_node": "say", "langgraph_step": 1}
    assert start["metadata"] == metadata


def test_a_whole_message() -> None:
    made = added(Messages(), piece("done", message_id="m1", kind="tool", complete=True, tool_call_id="c", name="add"))

    assert (made[0]["role"], made[0]["tool_call_id"], made[0]["name"]) == ("tool", "c", "add")
    assert made[-1] == {"event": "message-finish", "id": "m1", "run_id": "m1"}


def test_tokens_are_counted() -> None:
    first = TokenUsage(input_tokens=3, output_tokens=0, total_tokens=3, details=b'{"input_token_details":{"audio":1}}')
    second = TokenUsage(input_tokens=0, output_tokens=2, total_tokens=2, details=None)
    made = added(Messages(), piece("a", usage=first), piece("b", usage=second, dump=LAST))

    assert made[-1]["usage"] == {
        "input_tokens": 3,
        "output_tokens": 2,
        "total_tokens": 5,
        "input_token_details": {"audio": 1},
    }


def test_messages_that_grow_side_by_side() -> None:
    found = Messages()
    made = added(found, piece("a"), piece("b", message_id="lc_run--c2"), piece("c", dump=LAST))

    assert made[-1] | {"event": ""} == {**made[-1], "event": "", "id": "lc_run--c1"}
    assert names(found.close(None)) == ["content-block-finish", "message-finish"]


def test_the_end_of_a_task_finishes_its_messages() -> None:
    found = Messages()
    added(found, piece("a"), piece("b", message_id="other", origin=origin("say:t2")))

    assert {data["id"] for _, _, data in found.close(None, "t1")} == {"lc_run--c1"}
    assert {data["id"] for _, _, data in found.close("broken")} == {"other"}


def test_a_failure_fails_what_grows() -> None:
    found = Messages()
    added(found, piece("a"))
    said = list(found.close("broken"))

    assert [data["message"] for _, _, data in said] == ["broken"]
    assert names(said) == ["error"]
    assert list(found.close(None)) == []


def test_so_many_grow_at_once_and_no_more() -> None:
    found = Messages()
    added(found, *(piece("a", message_id=str(number)) for number in range(messages._MOST_OPEN)))

    made = added(found, piece("a", message_id="one more"))

    assert [each["id"] for each in made if each["event"] == "message-finish"] == ["0"]
