"""What the Python SDK makes of connections that break, behind a proxy that breaks them: nothing is lost, nothing comes twice.

The SDK waits a second or more before it comes back, so these tests take as long as it waits.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.conformance.sdk.clients import KINDS, Sdk, connected, named
from tests.faults.gate import Gate
from tests.support.cutting import Cut, Cutter, clean, cutting
from tests.support.serving import Server

pytestmark = pytest.mark.parametrize("kind", KINDS)

HEAD = b"\r\n\r\n"
"""The end of the head of an answer."""


def cuts(word: bytes, at: Sequence[int]) -> list[Cut]:
    """A cut in the middle of an event, one before its id, one behind its id, and one that looks like the end of the answer."""
    first, second, third, fourth = at
    return [
        Cut(behind=word % first),
        Cut(behind=(word % second) + b"}\r\nid: ", reset=True),
        Cut(behind=(word % third) + b"}\r\nid: ", through=b"\r\n"),
        clean(word % fourth),
    ]


def _numbers(parts: list[Any]) -> list[int]:
    return [int(part.id) for part in parts]


async def _through(server: Server, kind: str, n: int, places: list[Cut], *, stateless: bool) -> list[Any]:
    """All events of a resumable run, of which the first connections are cut at these places."""
    async with cutting(server.url, places) as proxy, connected(kind, proxy.url) as sdk:
        thread_id = None if stateless else (await sdk(lambda c: c.threads.create()))["thread_id"]
        given = {"n": n, "delay": 0.01}
        parts: list[Any] = await sdk(
            lambda c: c.runs.stream(
                thread_id, "progress", input=given, stream_mode=["custom", "updates"], stream_resumable=True
            )
        )
    assert proxy.made == len(places)
    return parts


async def test_custom_events_through_four_cuts(server: Server, kind: str) -> None:
    n = 300
    places = cuts(b'{"step":%d', (50, 110, 170, 230))
    # To the SDK, an end that looks clean is the end of a run without a thread, since it asks for a run's status by its thread.
    streamed = await asyncio.gather(
        _through(server, kind, n, places, stateless=False), _through(server, kind, n, places[:3], stateless=True)
    )

    for parts in streamed:
        assert [part.event for part in parts] == ["metadata", *["custom"] * n, "updates"]
        assert [part.data for part in parts[1:-1]] == [{"step": step} for step in range(n)]
        assert parts[-1].data == {"work": {"done": n}}
        assert _numbers(parts) == list(range(1, n + 3))


async def test_tokens_through_three_cuts(server: Server, kind: str) -> None:
    n = 250
    places = [Cut(behind=b'"w%d ' % at, reset=at == 90) for at in (30, 90, 160)]
    async with cutting(server.url, places) as proxy, connected(kind, proxy.url) as sdk:
        thread_id = (await sdk(lambda c: c.threads.create()))["thread_id"]
        parts = await sdk(
            lambda c: c.runs.stream(
                thread_id,
                "words",
                input={"messages": str(n)},
                stream_mode=["messages-tuple", "values"],
                stream_resumable=True,
            )
        )

    words = [part.data[0]["content"] for part in parts if part.event == "messages"]
    assert proxy.made == 3
    assert [word for word in words if word] == [f"w{index} " for index in range(n)]
    assert [part.event for part in parts].count("values") == 2
    assert parts[-1].event == "values"
    assert _numbers(parts) == sorted(set(_numbers(parts)))


async def test_a_line_that_breaks_when_the_run_has_ended(server: Server, kind: str) -> None:
    n = 20
    places = [Cut(behind=b'{"step":5')]
    streamed = await asyncio.gather(
        *(_through(server, kind, n, places, stateless=stateless) for stateless in (False, True))
    )

    for parts in streamed:
        assert [part.data for part in parts[1:-1]] == [{"step": step} for step in range(n)]
        assert _numbers(parts) == list(range(1, n + 3))


async def test_joining_through_cuts(server: Server, kind: str) -> None:
    n = 60
    async with (
        cutting(server.url, [Cut(behind=b'{"step":5'), clean(b'{"step":30')]) as proxy,
        connected(kind, proxy.url) as sdk,
    ):
        thread_id = (await sdk(lambda c: c.threads.create()))["thread_id"]
        run = await sdk(
            lambda c: c.runs.create(
                thread_id, "progress", input={"n": n, "delay": 0.05}, stream_mode="custom", stream_resumable=True
            )
        )
        parts = await sdk(lambda c: c.runs.join_stream(thread_id, run["run_id"], last_event_id="-1"))

    assert proxy.made == 2
    assert [data for name, data in named(parts) if name == "custom"] == [{"step": step} for step in range(n)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A client behind a proxy, and a gate where its run waits until the line is broken."""

    sdk: Sdk
    proxy: Cutter
    gate: Gate

    async def whole(self, use: Callable[[Any], Any], *asked: bytes) -> Any:
        """What a use of the client gives when the line breaks, and the run goes on when the client has asked for all this again."""
        using = asyncio.create_task(self.sdk(use))
        await self.gate.entered()
        await self.proxy.all_made()
        for words in asked:
            await self.proxy.heard(words)
        self.gate.release()
        return await using


@pytest_asyncio.fixture(loop_scope="module")
async def broken(server: Server, gate: Gate, kind: str) -> AsyncIterator[Broken]:
    async with cutting(server.url) as proxy, connected(kind, proxy.url) as sdk:
        yield Broken(sdk=sdk, proxy=proxy, gate=gate)


@pytest.mark.parametrize("stateless", [False, True])
async def test_a_wait_that_breaks(broken: Broken, stateless: bool) -> None:
    thread_id = None if stateless else (await broken.sdk(lambda c: c.threads.create()))["thread_id"]
    given = {"port": broken.gate.port}
    broken.proxy.pending.append(Cut(behind=HEAD))

    with pytest.warns(UserWarning, match=r"attempting reconnect to Location: .*/join$"):
        values = await broken.whole(lambda c: c.runs.wait(thread_id, "gate", input=given), b"/join HTTP/1.1\r\n")

    assert values["trail"] == ["knocked", "passed"]


async def test_a_join_that_breaks_while_the_run_ends(broken: Broken) -> None:
    thread_id = (await broken.sdk(lambda c: c.threads.create()))["thread_id"]
    run = await broken.sdk(lambda c: c.runs.create(thread_id, "gate", input={"port": broken.gate.port}))
    await broken.gate.entered()
    broken.proxy.pending.append(Cut(behind=HEAD))

    with pytest.warns(UserWarning, match="attempting reconnect"):
        values = await broken.whole(lambda c: c.runs.join(thread_id, run["run_id"]))

    assert values["trail"] == ["knocked", "passed"]


async def test_a_run_that_is_not_resumable_goes_on_live(broken: Broken) -> None:
    thread_id = (await broken.sdk(lambda c: c.threads.create()))["thread_id"]
    given = {"port": broken.gate.port}
    broken.proxy.pending.append(Cut(behind=b"knocked", through=HEAD))

    with pytest.warns(UserWarning, match="without a Last-Event-ID"):
        parts = await broken.whole(
            lambda c: c.runs.stream(thread_id, "gate", input=given, stream_mode="custom"), b"GET /threads/"
        )

    assert named(parts)[1:] == [("custom", "knocked"), ("custom", "passed")]
