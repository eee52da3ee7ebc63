"""What the JavaScript SDK makes of connections that break: nothing is lost, nothing comes twice.

The SDK waits before it comes back: 1 to 2 s each time, and version 2.0.0 twice as long each time.
"""

from typing import Any

import pytest

from tests.conformance.sdk.javascript import SDKS, events, script
from tests.support.cutting import Cut, clean, cutting
from tests.support.serving import Server

NEWEST = SDKS[0]


def _run(graph: str, given: Any, mode: Any, **more: Any) -> dict[str, Any]:
    payload = {"input": given, "streamMode": mode, "streamResumable": True}
    return {"kind": "run", "graph": graph, "payload": payload, **more}


def _ids(parts: list[Any]) -> list[int]:
    return [int(part["id"]) for part in parts]


@pytest.mark.parametrize(("package", "stateless"), [(NEWEST, False), (NEWEST, True), (SDKS[1], False)])
async def test_custom_events_through_three_cuts(server: Server, package: str, stateless: bool) -> None:
    n = 300
    places = [
        Cut(behind=b'{"step":40'),
        Cut(behind=b'{"step":120}\r\nid: ', reset=True),
        Cut(behind=b'{"step":200}\r\nid: ', through=b"\r\n"),
    ]
    run = _run("progress", {"n": n, "delay": 0.01}, ["custom", "updates"], stateless=stateless)
    async with cutting(server.url, places) as proxy:
        parts = (await script("streams", package, proxy.url, runs=[run]))["run"]

    assert proxy.made == 3
    assert [part["event"] for part in parts] == ["metadata", *["custom"] * n, "updates"]
    assert [part["data"] for part in parts[1:-1]] == [{"step": step} for step in range(n)]
    assert parts[-1]["data"] == {"work": {"done": n}}
    assert _ids(parts) == list(range(1, n + 3))


async def test_tokens_through_three_cuts_and_an_end_that_looks_clean(server: Server) -> None:
    n = 250
    places = [*(Cut(behind=b'"w%d ' % at, reset=at == 90) for at in (30, 90, 160)), clean(b'"w200 ')]
    run = _run("words", {"messages": str(n)}, ["messages-tuple", "values"])
    async with cutting(server.url, places) as proxy:
        parts = (await script("streams", NEWEST, proxy.url, runs=[run]))["run"]

    words = [data[0]["content"] for name, data in events(parts) if name == "messages"]
    assert proxy.made == 4
    assert [word for word in words if word] == [f"w{index} " for index in range(n)]
    assert [name for name, _ in events(parts)].count("values") == 2
    assert parts[-1]["event"] == "values"
    assert _ids(parts) == sorted(set(_ids(parts)))


@pytest.mark.parametrize("package", SDKS)
@pytest.mark.parametrize("stateless", [False, True])
async def test_a_line_that_breaks_when_the_run_has_ended(server: Server, package: str, stateless: bool) -> None:
    n = 20
    run = _run("progress", {"n": n}, "custom", stateless=stateless)
    async with cutting(server.url, [Cut(behind=b'{"step":5')]) as proxy:
        parts = (await script("streams", package, proxy.url, runs=[run]))["run"]

    assert proxy.made == 1
    assert [data for name, data in events(parts) if name == "custom"] == [{"step": step} for step in range(n)]
    assert _ids(parts) == list(range(1, n + 2))
