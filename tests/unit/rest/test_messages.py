import json

import pytest
from langchain_core.messages import AIMessageChunk

from graphwire_server.core.events import NO_EXTRAS, Message, MessageOrigin
from graphwire_server.rest.messages import message_parts

ORIGIN = MessageOrigin(node="n", step=0, tags=(), model="", checkpoint_ns="", metadata=b"{}")
TEXTS = [
    "",
    "Hi",
    'a "quoted" \\ word',
    "line\nend\r\ttab",
    "\x00\x01\x1f\x7f",
    "\u2028\u2029\u0085",
    "😀 héllo 漢字",
    "</script>",
]


def piece(text: str, message_id: str = "run-1", dump: bytes | None = None) -> Message:
    return Message(message_id, "ai", text, ORIGIN, NO_EXTRAS, first=False, complete=False, dump=dump)


def message_text(message: Message) -> bytes:
    return b"".join(message_parts(message))


@pytest.mark.parametrize("text", TEXTS)
def test_a_plain_piece_is_said_as_langchain_says_it(text: str) -> None:
    theirs = json.loads(AIMessageChunk(content=text, id="run-1").model_dump_json())

    made = json.loads(message_text(piece(text)))

    assert made == theirs
    assert list(made) == list(theirs)


def test_a_piece_without_an_id_is_said_as_langchain_says_it() -> None:
    theirs = json.loads(AIMessageChunk(content="x").model_dump_json())

    assert json.loads(message_text(piece("x", message_id=""))) == theirs


def test_an_id_is_quoted() -> None:
    assert json.loads(message_text(piece("x", message_id='a"b')))["id"] == 'a"b'


@pytest.mark.parametrize("text", TEXTS)
def test_a_piece_is_one_line(text: str) -> None:
    made = message_text(piece(text))

    assert b"\n" not in made
    assert b"\r" not in made


def test_what_brings_its_json_keeps_it_to_the_byte() -> None:
    dump = b'{"content":[],"big":123456789012345678901234567890}'

    assert message_parts(piece("x", dump=dump)) == (dump,)
