"""What nodes write with `runtime.store` is what both transports read, and the other way round."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from graphwire.v1.store_service_pb2 import GetItemRequest, PutItemRequest
from tests.support.serving import Server, text

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _run(http: httpx.AsyncClient, graph: str, **given: Any) -> Any:
    answer = await http.post("/runs/wait", json={"assistant_id": graph, "input": given})
    return answer.json()


@pytest.mark.parametrize("graph", ["notes", "own", "outer"])
@pytest.mark.parametrize("how", ["sync", "async", "sync on the loop", "by get_store"])
async def test_what_a_node_keeps_is_there_for_callers(
    server: Server, http: httpx.AsyncClient, graph: str, how: str
) -> None:
    place = {"namespace": ["notes", str(uuid4())], "key": "k"}

    state = await _run(http, graph, how=how, text="abc", **place)
    read = (await http.get("/store/items", params={"namespace": ".".join(place["namespace"]), "key": "k"})).json()
    item = (await server.store.GetItem(GetItemRequest(namespace=place["namespace"], key="k"))).item

    found = {"sync on the loop": [place["namespace"]], "by get_store": "k"}.get(how, "abc")
    assert state["found"] == found
    assert (read["value"], item.value.text) == ({"text": "abc"}, '{"text":"abc"}')


async def test_what_a_caller_keeps_is_there_for_factories_and_nodes(server: Server, http: httpx.AsyncClient) -> None:
    namespace = ["told", str(uuid4())]
    await server.store.PutItem(PutItemRequest(namespace=namespace, key="k", value=text('{"text": "hello"}')))

    thread = (await http.post("/threads", json={})).json()["thread_id"]
    body = {"assistant_id": "made", "input": {"namespace": namespace, "key": "k"}}
    state = (await http.post(f"/threads/{thread}/runs/wait", json=body)).json()

    assert state["found"] == [True, "hello"]
    assert (await http.get(f"/threads/{thread}/state")).json()["values"]["found"] == [True, "hello"]
    assert (await _run(http, "made", namespace=namespace, key="nothing"))["found"] == [True, None]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"how": "sync", "namespace": ["a.b"], "text": "a"}, "InvalidNamespaceError"),
        ({"how": "async", "namespace": ["langgraph"], "text": "a"}, "InvalidNamespaceError"),
        ({"how": "async", "namespace": ["x"], "text": "fail"}, "EmbeddingFailed"),
        ({"how": "wrong", "namespace": ["x"], "text": "a"}, "TypeError"),
    ],
)
async def test_what_cannot_be_kept_fails_the_node(http: httpx.AsyncClient, given: Any, error: str) -> None:
    state = await _run(http, "notes", key="k", **given)

    assert state["__error__"]["error"] == error
