"""The store, through the JavaScript SDK: every call of `client.store`."""

import pytest

from tests.conformance.sdk.javascript import SDKS, script
from tests.support.serving import Server

pytestmark = pytest.mark.parametrize("package", SDKS)


async def test_items_are_kept_found_and_removed(server: Server, package: str) -> None:
    told = await script("store", package, server.url)

    (item,), (timed,), (found,), (names,) = told["item"], told["timed"], told["found"], told["names"]
    assert (item["key"], item["value"], item["createdAt"]) == ("a", {"n": 1}, item["created_at"])
    assert timed["value"] == {"n": 2}
    assert [each["key"] for each in found["items"]] == ["b"]
    assert names["namespaces"] == [[*item["namespace"], "deep"]]
    assert told["gone"] == [None]
    assert told["wrong"][0]["status"] == 422
