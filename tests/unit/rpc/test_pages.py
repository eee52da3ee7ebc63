import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import Page
from graphwire_server.rpc import pages


def test_pages_follow_one_another() -> None:
    first = pages.page(0, "")
    token = pages.next_token(first, 10)

    second = pages.page(1000, token)

    assert (first, second) == (Page(offset=0, limit=10), Page(offset=10, limit=1000))
    assert pages.next_token(second, 999) == ""


@pytest.mark.parametrize(
    "token",
    ["x", "é", "b2Zmc2V0Oi0x", "b2Zmc2V0Onh4", "b2Zmc2V0Og==", "AAAA", "b2Zmc2V0OjEwMDAwMDAwMDAwMDAwMDAwMDAwMDA="],
)
def test_tokens_that_are_not_ours_are_refused(token: str) -> None:
    with pytest.raises(InvalidField) as refused:
        pages.page(0, token)

    assert refused.value.field == "page_token"


def test_the_token_of_a_history_is_a_checkpoint() -> None:
    assert pages.page_start("1f1e5dc4-9c47-6f52-8000-2baae6a2e1d2") == "1f1e5dc4-9c47-6f52-8000-2baae6a2e1d2"
    with pytest.raises(InvalidField, match="pass next_page_token unchanged"):
        pages.page_start("b2Zmc2V0OjEw")


@pytest.mark.parametrize("size", [-1, 1001])
def test_pages_have_a_bound(size: int) -> None:
    with pytest.raises(InvalidField) as refused:
        pages.page(size, "")

    assert refused.value.field == "page_size"
