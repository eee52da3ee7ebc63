"""`webhook` of both SDKs: on every method that creates a run."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from langgraph_sdk.errors import UnprocessableEntityError

from tests.conformance.sdk.clients import Sdk
from tests.conformance.sdk.conftest import APP
from tests.conformance.sdk.javascript import SDKS, script
from tests.support.receiver import Receiver, receiving
from tests.support.serving import Server, running

TOPIC = {"topic": "ice"}
TOLD = "ice and cats"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One that may call this machine."""
    async with running(tmp_path_factory.mktemp("data"), APP, webhook_allow_private=True) as started:
        yield started


async def _topics(receiver: Receiver, count: int) -> list[str]:
    return [call.json["values"]["topic"] for call in await receiver.first(count)]


@pytest.mark.parametrize("on_thread", [True, False])
async def test_each_method_that_creates_a_run(sdk: Sdk, thread_id: str, on_thread: bool) -> None:
    async with receiving() as receiver:
        where = thread_id if on_thread else None
        how: dict[str, Any] = {"input": TOPIC, "webhook": receiver.url}
        await sdk(lambda c: c.runs.create(where, "joke", **how))
        await sdk(lambda c: c.runs.wait(where, "joke", **how))
        await sdk(lambda c: c.runs.stream(where, "joke", **how))

        assert await _topics(receiver, 3) == [TOLD] * 3


async def test_a_batch(sdk: Sdk) -> None:
    async with receiving() as receiver:
        each = {"assistant_id": "joke", "input": TOPIC, "webhook": receiver.url}
        made = await sdk(lambda c: c.runs.create_batch([each, each]))

        assert {call.json["run_id"] for call in await receiver.first(2)} == {run["run_id"] for run in made}


async def test_what_became_of_the_call_is_shown(sdk: Sdk, thread_id: str) -> None:
    async with receiving() as receiver:
        made = await sdk(lambda c: c.runs.create(thread_id, "joke", input=TOPIC, webhook=receiver.url))
        await receiver.first()
        found = await sdk(lambda c: c.runs.get(thread_id, made["run_id"]))

    assert found["kwargs"]["webhook"] == receiver.url
    assert found["webhook_delivery"]["state"] in ("pending", "delivered")  # the note of it may be on its way


async def test_a_wrong_one_is_refused(sdk: Sdk, thread_id: str) -> None:
    with pytest.raises(UnprocessableEntityError, match="webhook"):
        await sdk(lambda c: c.runs.create(thread_id, "joke", input=TOPIC, webhook="/hook"))


@pytest.mark.parametrize("package", SDKS)
async def test_javascript(server: Server, package: str) -> None:
    async with receiving() as receiver:
        told = await script("webhooks", package, server.url, webhook=receiver.url)

        assert told["done"]
        [count] = told["runs"]
        assert await _topics(receiver, count) == [TOLD] * count
    assert told["refused"][0]["status"] == 422
    assert told["shown"] == [receiver.url]
