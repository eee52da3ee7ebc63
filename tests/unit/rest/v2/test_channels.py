"""What a reader of the v2 event protocol may ask for, and what it then gets."""

from typing import Any

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.rest.v2.channels import CHANNELS, subscription
from graphwire_server.rest.v2.envelopes import Envelope

WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "channels"),
    ({"channels": []}, "channels"),
    ({"channels": "values"}, "channels"),
    ({"channels": ["value"]}, "channels"),
    ({"channels": ["custom:"]}, "channels"),
    ({"channels": [1]}, "channels"),
    ({"channels": ["values"] * 1001}, "channels"),
    ({"channels": ["values"], "namespaces": "a"}, "namespaces"),
    ({"channels": ["values"], "namespaces": ["a"]}, "namespaces"),
    ({"channels": ["values"], "namespaces": [[1]]}, "namespaces"),
    ({"channels": ["values"], "depth": True}, "depth"),
    ({"channels": ["values"], "depth": -1}, "depth"),
    ({"channels": ["values"], "since": "1"}, "since"),
    ({"channels": ["values"], "since": 2**53}, "since"),
]


def at(channel: str, *namespace: str, data: Any = None) -> Envelope:
    return Envelope(channel, channel, namespace, 0, data or {})


@pytest.mark.parametrize(("given", "field"), WRONG)
def test_what_is_wrong_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        subscription(given)

    assert (caught.value.field, caught.value.http_status) == (field, 400)


def test_all_channels() -> None:
    wanted = subscription({"channels": [*CHANNELS, "custom:chart"], "namespaces": None, "depth": None})

    assert all(wanted.wants(at(channel, "deep", "down")) for channel in CHANNELS)


def test_one_channel() -> None:
    wanted = subscription({"channels": ["values"]})

    assert wanted.wants(at("values"))
    assert not wanted.wants(at("updates"))


@pytest.mark.parametrize(
    ("channels", "name", "wanted"),
    [
        (["custom"], "chart", True),
        (["custom"], None, True),
        (["custom:chart"], "chart", True),
        (["custom:chart"], "other", False),
        (["custom:None"], None, False),
    ],
)
def test_custom_data_by_its_name(channels: list[str], name: str | None, wanted: bool) -> None:
    data = {"payload": 1} if name is None else {"name": name, "payload": 1}

    assert subscription({"channels": channels}).wants(at("custom", data=data)) is wanted


@pytest.mark.parametrize(
    ("path", "depth", "namespace", "wanted"),
    [
        (["a"], None, ("a:1", "b:2"), True),
        (["a:1"], None, ("a:1",), True),
        (["a:2"], None, ("a:1",), False),
        (["a"], None, (), False),
        (["a"], 0, ("a:1",), True),
        (["a"], 0, ("a:1", "b:2"), False),
        ([], 1, ("a:1",), True),
        ([], 0, ("a:1",), False),
    ],
)
def test_subgraphs(path: list[str], depth: int | None, namespace: tuple[str, ...], wanted: bool) -> None:
    asked = subscription({"channels": ["values"], "namespaces": [path], "depth": depth})

    assert asked.wants(at("values", *namespace)) is wanted


def test_the_cursor_of_the_body_comes_first() -> None:
    assert subscription({"channels": ["values"]}, 7).since == 7
    assert subscription({"channels": ["values"], "since": 9}, 7).since == 9
