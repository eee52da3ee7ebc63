"""What the SDKs make of a server that is started anew while they read: nothing is lost, nothing comes twice.

They come back by themselves, a second or two after the line broke, so these tests take as long as they wait.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.sdk.clients import KINDS, Sdk, connected, named
from tests.conformance.sdk.conftest import APP
from tests.conformance.sdk.javascript import SDKS, script
from tests.conformance.sdk.moving import Relay, relaying
from tests.faults.gate import Gate
from tests.support.serving import running

AT_ONCE = timedelta(0)
NAMES = ["metadata", "custom", "updates", "metadata", "custom", "updates"]
DATA = ["knocked", {"knock": {"trail": ["knocked"]}}, "passed", {"wait": {"trail": ["passed"]}}]


async def _over_a_restart(data_dir: Path, relay: Relay, gate: Gate, use: Callable[[], Any]) -> Any:
    """What a use of a client gives whose server is started anew while its run stands at the gate."""
    async with running(data_dir, APP, drain_grace=AT_ONCE) as first:
        relay.target = first.url
        using = asyncio.create_task(use())
        await gate.entered()
    relay.target = ""
    await gate.left()
    async with running(data_dir, APP) as second:
        relay.target = second.url
        await gate.entered()
        gate.release()
        return await using


def _parts(streamed: list[Any]) -> list[Any]:
    return [part.data for part in streamed if part.event != "metadata"]


async def _all_in_one(kind: str, url: str, gate: Gate) -> list[Any]:
    """A stream on a thread: the thread is made by the first server."""
    async with connected(kind, url) as sdk:
        thread_id = (await sdk(lambda c: c.threads.create()))["thread_id"]
        given = {"port": gate.port}
        parts: list[Any] = await sdk(
            lambda c: c.runs.stream(
                thread_id, "gate", input=given, stream_mode=["custom", "updates"], stream_resumable=True
            )
        )
        return parts


@pytest.mark.parametrize("kind", KINDS)
async def test_a_resumable_stream_has_all_of_both_attempts(tmp_path: Path, gate: Gate, kind: str) -> None:
    async with relaying() as relay:
        parts = await _over_a_restart(tmp_path, relay, gate, lambda: _all_in_one(kind, relay.url, gate))

    assert [part.event for part in parts] == NAMES
    assert _parts(parts) == DATA
    assert [parts[place].data["attempt"] for place in (0, 3)] == [1, 2]
    assert [int(part.id) for part in parts] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stateless_one_too(tmp_path: Path, gate: Gate, kind: str) -> None:
    async def use() -> Any:
        async with connected(kind, relay.url) as sdk:
            given = {"port": gate.port}
            return await sdk(
                lambda c: c.runs.stream(None, "gate", input=given, stream_mode="custom", stream_resumable=True)
            )

    async with relaying() as relay:
        parts = await _over_a_restart(tmp_path, relay, gate, use)

    assert named(parts)[1:2] == [("custom", "knocked")]
    assert _parts(parts)[-1] == "passed"
    assert [int(part.id) for part in parts] == list(range(1, len(parts) + 1))


async def _waited(sdk: Sdk, gate: Gate) -> Any:
    thread_id = (await sdk(lambda c: c.threads.create()))["thread_id"]
    return await sdk(lambda c: c.runs.wait(thread_id, "gate", input={"port": gate.port}))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wait_gets_its_value(tmp_path: Path, gate: Gate, kind: str) -> None:
    async def use() -> Any:
        async with connected(kind, relay.url) as sdk:
            return await _waited(sdk, gate)

    async with relaying() as relay:
        with pytest.warns(UserWarning, match="attempting reconnect"):
            values = await _over_a_restart(tmp_path, relay, gate, use)

    assert values["trail"] == ["knocked", "passed"]


@pytest.mark.parametrize("package", SDKS)
async def test_the_javascript_sdk(tmp_path: Path, gate: Gate, package: str) -> None:
    payload = {"input": {"port": gate.port}, "streamMode": ["custom", "updates"], "streamResumable": True}
    run = {"kind": "run", "graph": "gate", "payload": payload}
    async with relaying() as relay:
        told = await _over_a_restart(tmp_path, relay, gate, lambda: script("streams", package, relay.url, runs=[run]))

    parts = told["run"]
    assert [part["event"] for part in parts] == NAMES
    assert [part["data"] for part in parts if part["event"] != "metadata"] == DATA
    assert [int(part["id"]) for part in parts] == [1, 2, 3, 4, 5, 6]
