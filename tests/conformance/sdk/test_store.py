"""The store, through both clients of the Python SDK: every call of `client.store`."""

from uuid import uuid4

import pytest
from langgraph_sdk.errors import UnprocessableEntityError

from tests.conformance.sdk.clients import Sdk


async def test_items_are_kept_found_and_removed(sdk: Sdk) -> None:
    user = ["sdk", str(uuid4())]
    await sdk(lambda c: c.store.put_item(user, key="a", value={"n": 1, "text": "first"}))
    await sdk(lambda c: c.store.put_item(user, "b", {"n": 2}, index=False, ttl=5))
    await sdk(lambda c: c.store.put_item([*user, "deep"], "c", {"n": 3}, index=["text"]))

    item = await sdk(lambda c: c.store.get_item(user, "a"))
    timed = await sdk(lambda c: c.store.get_item(user, key="b", refresh_ttl=True))
    found = await sdk(lambda c: c.store.search_items(user, filter={"n": {"$gt": 1}}, limit=1, offset=1, query="x"))
    names = await sdk(lambda c: c.store.list_namespaces(prefix=user, suffix=["deep"], max_depth=3, limit=5))
    await sdk(lambda c: c.store.delete_item(user, key="a"))

    assert (item["namespace"], item["key"], item["value"]) == (user, "a", {"n": 1, "text": "first"})
    assert item["created_at"] == item["updated_at"]
    assert timed["value"] == {"n": 2}
    assert [each["key"] for each in found["items"]] == ["b"]
    assert names == {"namespaces": [[*user, "deep"]]}
    assert await sdk(lambda c: c.store.get_item(user, "a")) is None


async def test_what_is_wrong_says_so(sdk: Sdk) -> None:
    with pytest.raises(UnprocessableEntityError, match=r"filter\.n: "):
        await sdk(lambda c: c.store.search_items([], filter={"n": {"$near": 1}}))
