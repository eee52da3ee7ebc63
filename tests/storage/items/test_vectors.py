from graphwire_server.core.model import Page
from tests.storage.items.shelf import USERS, Shelf


async def test_the_nearest_comes_first_with_its_score(kept: Shelf) -> None:
    await kept.fill(USERS, a={"text": "aaab"}, b={"text": "bbba"}, c={"text": "cc"}, silent={"other": "a"})

    found = await kept.items.search(USERS, query="a")

    assert [item.key for item in found] == ["a", "b", "c"]
    scores = [item.score for item in found]
    assert scores == sorted(scores, key=lambda score: -(score or 0))
    assert abs((scores[0] or 0) - 3 / 10**0.5) < 1e-6
    assert scores[2] == 0


async def test_a_query_goes_with_a_prefix_a_filter_and_pages(kept: Shelf) -> None:
    await kept.fill(("users", "1"), a={"text": "aab", "n": 1}, b={"text": "abb", "n": 1}, c={"text": "a", "n": 2})
    await kept.fill(("users", "2"), d={"text": "a", "n": 1})

    assert await kept.found(("users", "1"), query="a", wanted={"n": 1}) == ["a", "b"]
    assert await kept.found(("users", "1"), query="a", page=Page(limit=1, offset=1)) == ["a"]


async def test_an_item_is_as_near_as_the_nearest_of_its_texts(kept: Shelf) -> None:
    await kept.items.put(USERS, "k", {"x": "a", "y": "b"}, fields=["x", "y"])

    for query in ("a", "b"):
        (item,) = await kept.items.search(USERS, query=query)
        assert item.score == 1


async def test_a_write_replaces_vectors_and_may_leave_none(kept: Shelf) -> None:
    await kept.fill(USERS, k={"text": "a"}, l={"text": "b"})
    await kept.fill(USERS, k={"text": "c"})
    await kept.items.put(USERS, "l", {"text": "a"}, fields=[])

    (item,) = await kept.items.search(USERS, query="a")

    assert (item.key, item.score) == ("k", 0)
