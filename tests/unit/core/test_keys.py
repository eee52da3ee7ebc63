import hmac

import pytest

from graphwire_server.core.errors import Unauthenticated
from graphwire_server.core.keys import ApiKeys

KEYS = ApiKeys(["first-key", "second-key"])


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": "first-key"},
        {"x-api-key": "second-key"},
        {"authorization": "Bearer second-key"},
        {"authorization": "bEARER  first-key "},
        {"x-api-key": "wrong", "authorization": "Bearer first-key"},
        {"x-api-key": "first-key", "authorization": "Basic d3Jvbmc="},
    ],
)
def test_a_right_key_passes(headers: dict[str, str]) -> None:
    KEYS.check(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "first"},
        {"x-api-key": "first-key,second-key"},
        {"x-api-key": "FIRST-KEY"},
        {"x-api-key": "Bearer first-key"},
        {"x-api-key": "\u00fc\udc80"},
        {"authorization": "first-key"},
        {"authorization": "Basic first-key"},
        {"authorization": "Bearer"},
        {"authorization": "Bearerfirst-key"},
        {"X-API-KEY": "first-key"},
    ],
)
def test_anything_else_is_refused_and_not_repeated(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated) as refused:
        KEYS.check(headers)

    assert "first" not in refused.value.message
    assert refused.value.metadata == {}


def test_without_keys_nobody_is_asked() -> None:
    ApiKeys().check({})
    ApiKeys([]).check({"x-api-key": "whatever"})

    assert not ApiKeys()
    assert KEYS


@pytest.mark.parametrize("shown", ["first-key", "second-key", "wrong", "x" * 100_000])
def test_every_key_is_compared_whichever_is_shown(monkeypatch: pytest.MonkeyPatch, shown: str) -> None:
    lengths: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    try:
        KEYS.check({"x-api-key": shown})
    except Unauthenticated:
        assert "key" not in shown

    assert lengths == [(32, 32)] * 2


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "schlüssel", "a\x7f"])
def test_a_key_that_lets_all_in_or_nobody_is_refused_unseen(key: str) -> None:
    with pytest.raises(ValueError, match="a key ") as refused:
        ApiKeys(["fine", key])

    assert "schl" not in str(refused.value)


def test_no_text_shows_a_key() -> None:
    assert repr(KEYS) == str(KEYS) == "ApiKeys(2 keys)"
    assert len(ApiKeys(["twice", "twice"])) == 1
