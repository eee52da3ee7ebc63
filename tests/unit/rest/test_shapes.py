import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from graphwire_server.core.errors import InvalidField
from graphwire_server.rest.shapes import Shape, Words, body_of, parse, query_of

BIG = 123456789012345678901234567890


class Inner(Shape):
    node_name: Annotated[str, Field(min_length=1)]


class Sample(Shape):
    some_text: str | None = None
    some_number: Annotated[int, Field(ge=1)] | None = None
    some_flag: bool | None = None
    some_ratio: float | None = None
    anything: Any = None
    inner: Inner | None = None
    many: list[Inner] | None = None
    either: str | Inner | list[str | Inner] | None = None
    mode: Literal["a", "b"] | list[Literal["a", "b"]] | None = None


class Asked(Shape):
    some_words: Words
    limit: Annotated[int, Field(ge=1)] = 10
    flag: bool = False


def wrong(value: Any) -> InvalidField:
    with pytest.raises(InvalidField) as refused:
        body_of(Sample, value)
    return refused.value


@pytest.mark.parametrize("name", ["some_text", "someText"])
def test_names_may_be_written_both_ways(name: str) -> None:
    made = body_of(Sample, {name: "x"})

    assert made.some_text == "x"
    assert made.given("some_text")
    assert not made.given("some_flag")


def test_unknown_fields_are_ignored() -> None:
    assert body_of(Sample, {"strict_resume": True, "model_config": 1, "": 2}) == Sample()


def test_null_is_as_if_nothing_was_sent_but_can_be_told() -> None:
    made = body_of(Sample, {"some_text": None, "anything": None})

    assert made == Sample()
    assert made.given("anything")


@pytest.mark.parametrize("value", [[], "x", 1, None, True])
def test_a_body_is_an_object(value: Any) -> None:
    assert (wrong(value).field, wrong(value).problem) == ("body", "must be a JSON object")


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"some_text": 1}, "some_text"),
        ({"someText": 1}, "some_text"),
        ({"some_number": "1"}, "some_number"),
        ({"some_number": 1.0}, "some_number"),
        ({"some_number": True}, "some_number"),
        ({"some_number": 0}, "some_number"),
        ({"some_flag": "true"}, "some_flag"),
        ({"some_flag": 1}, "some_flag"),
        ({"some_ratio": "1"}, "some_ratio"),
        ({"some_ratio": True}, "some_ratio"),
        ({"inner": []}, "inner"),
        ({"inner": {}}, "inner.node_name"),
        ({"inner": {"nodeName": ""}}, "inner.node_name"),
        ({"many": {}}, "many"),
        ({"many": [{"node_name": "a"}, {"node_name": 1}]}, "many[1].node_name"),
        ({"either": 1}, "either"),
        ({"either": {}}, "either.node_name"),
        ({"either": ["a", 1]}, "either[1]"),
        ({"either": ["a", {"node_name": "b"}, {}]}, "either[2].node_name"),
        ({"mode": "c"}, "mode"),
        ({"mode": ["a", "c"]}, "mode[1]"),
        ({"some_text": 1, "many": [{}]}, "some_text"),
    ],
)
def test_types_are_strict_and_what_is_wrong_names_its_field(value: Any, field: str) -> None:
    assert wrong(value).field == field


def test_a_union_names_all_that_fits() -> None:
    assert wrong({"mode": 1}).problem == "input should be 'a' or 'b', or input should be a valid list"


def test_an_integer_is_a_number() -> None:
    assert body_of(Sample, {"some_ratio": 3}).some_ratio == 3


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_field_is_a_number_of_json(value: float) -> None:
    assert wrong({"some_ratio": value}).field == "some_ratio"


def test_a_shape_does_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        body_of(Sample, {}).some_text = "x"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"null", None),
        (b'{"a":{"b":[1,2.5,"x",true,null]}}', {"a": {"b": [1, 2.5, "x", True, None]}}),
        (b"%d" % BIG, BIG),
        (b"-%d" % BIG, -BIG),
        (b"1" + b"0" * 400, 10**400),
        (b"1e308", 1e308),
        (b"1e-999", 0.0),
        (b'"1e999 "', "1e999 "),
        (b'"%s"' % (b"1" * 250), "1" * 250),
        (b'"\\ud83d\\ude00 \\u2028 \\u0000"', "😀 \u2028 \x00"),
        (b'{"a":1,"a":2}', {"a": 2}),
    ],
)
def test_json_is_read_exactly(text: bytes, value: Any) -> None:
    made = parse(text)

    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"{} {}",
        b"nul",
        b"'a'",
        b"[1,]",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b'"a\x01b"',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b"1" * 5000,
    ],
)
def test_what_is_not_json_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidField, match="is not JSON") as refused:
        parse(text)

    assert refused.value.field == "body"


@pytest.mark.parametrize("text", [b"1e999", b"[-1E+400]", b'{"a":1e309}', b"1" + b"0" * 400 + b".0"])
def test_a_number_beyond_all_doubles_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidField, match="no double can hold"):
        parse(text)


@pytest.mark.parametrize("part", [b"[", b'{"a":'])
def test_what_nests_without_end_is_refused(part: bytes) -> None:
    with pytest.raises(InvalidField, match="is not JSON"):
        parse(part * 100_000)


def test_what_nests_a_little_is_taken() -> None:
    assert parse(b"[" * 150 + b"]" * 150) == json.loads("[" * 150 + "]" * 150)


@pytest.mark.parametrize("name", [b"some_words", b"someWords"])
def test_a_list_of_a_query_is_its_repeated_keys(name: bytes) -> None:
    assert query_of(Asked, name + b"=a&" + name + b"=b").some_words == ["a", "b"]
    assert query_of(Asked, name + b"=a").some_words == ["a"]


def test_of_other_repeated_keys_the_last_counts() -> None:
    assert query_of(Asked, b"limit=1&limit=2").limit == 2


@pytest.mark.parametrize("query", [b"", b"&&", b"unknown=1&x[]=2"])
def test_what_a_query_does_not_say_has_its_default(query: bytes) -> None:
    assert query_of(Asked, query) == Asked(some_words=[], limit=10, flag=False)


def test_a_query_is_decoded() -> None:
    assert query_of(Asked, b"some_words=a%20b+c%26%F0%9F%98%80&some_words=").some_words == ["a b c&😀", ""]


@pytest.mark.parametrize(("text", "value"), [(b"true", True), (b"1", True), (b"false", False), (b"0", False)])
def test_a_flag_of_a_query_is_a_word(text: bytes, value: bool) -> None:
    assert query_of(Asked, b"flag=" + text).flag is value


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (b"limit=x", "limit"),
        (b"limit=", "limit"),
        (b"limit=0", "limit"),
        (b"limit=1.5", "limit"),
        (b"limit=NaN", "limit"),
        (b"limit=" + b"9" * 5000, "limit"),
        (b"flag=perhaps", "flag"),
        (b"some_words=%ff", "query"),
        (b"some_words=%ED%A0%80", "query"),
        (b"some_words=\xff", "query"),
        (b"&".join([b"a=1"] * 201), "query"),
    ],
)
def test_what_is_wrong_in_a_query_is_named(query: bytes, field: str) -> None:
    with pytest.raises(InvalidField) as refused:
        query_of(Asked, query)

    assert refused.value.field == field
