"""Bodies of enemies: each is refused with a code, or taken; never a 5xx but by design, never a hang, and the server goes on."""

import asyncio
import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.http.conftest import LIMIT
from tests.faults.http.fuzzed import FUZZED, NOBODY, POSTS, tried
from tests.faults.http.held import Held
from tests.faults.http.talk import goes_on, run
from tests.faults.http.wire import post, request
from tests.faults.process import APP
from tests.support.serving import Server, running

HISTORY = "/threads/{thread}/history"
REFUSED = {
    "a key that the checkpointer does not take": (HISTORY, {"metadata": {"a b": 1}}),
    "a number that SQLite does not take": (HISTORY, {"metadata": {"a": 2**70}}),
    "a change that a reducer does not take": ("/threads/{thread}/state", {"values": {"trail": 5}}),
    "a subgraph that is not there": (
        "/threads/{thread}/state",
        {"values": {"trail": []}, "checkpoint": {"checkpoint_ns": "nobody"}},
    ),
}
"""What LangGraph, its checkpointer or the graph's own code refuses."""

BOMB = b"[" * 100_000 + b"]" * 100_000
RAW = {
    "nothing": b"",
    "half an object": b'{"metadata": ',
    "two values": b"{} {}",
    "a bomb": BOMB,
    "a bomb inside": b'{"metadata": {"a": ' + BOMB + b"}}",
    "a bomb of objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a bomb without an end": b"[" * 100_000,
    "NaN": b'{"metadata": {"a": NaN}}',
    "infinite": b'{"metadata": {"a": -Infinity}}',
    "beyond doubles": b'{"metadata": {"a": 1e999}}',
    "ten thousand digits": b'{"metadata": {"a": ' + b"9" * 10_000 + b"}}",
    "four thousand digits": b'{"metadata": {"a": ' + b"9" * 4_000 + b"}}",
    "a small number": b'{"metadata": {"a": 1e-999}}',
    "a lone surrogate": b'{"metadata": {"a": "\\ud800"}}',
    "surrogates turned round": b'{"metadata": {"\\udc00\\ud800": 1}}',
    "bad UTF-8": b'{"metadata": {"a": "\xff\xfe"}}',
    "overlong UTF-8": b'{"metadata": {"a": "\xc0\xaf"}}',
    "a surrogate in UTF-8": b'{"metadata": {"a": "\xed\xa0\x80"}}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"metadata": {}}'.encode("utf-16"),
    "NUL": b'{"metadata": {"a\\u0000b": "\\u0000"}}',
    "a bare NUL": b'{"metadata": {"a": "\x00"}}',
    "a key twice": b'{"metadata": {"a": 1}, "metadata": {"b": 2}}',
    "a million elements": b'{"metadata": {"a": [' + b"1," * 400_000 + b"1]}}",
    "a long text": b'{"metadata": {"a": "' + b"x" * 900_000 + b'"}}',
    "a long key": b'{"' + b"x" * 900_000 + b'": 1}',
    "a text": b'"x"',
    "null": b"null",
    "an array": b"[]",
    "form data": b"a=1&b=2",
}


WRONG: tuple[Any, ...] = (None, True, 0, -1, 1.5, 2**70, "", "x", [], [1], [[]], {}, {"a": {}}, [None], {"": None})
"""Values of which each is of a wrong type for most fields."""


@pytest.mark.parametrize("name", RAW)
async def test_a_body_on_every_path(held: Held, server: Server, thread: str, name: str) -> None:
    before = held.now()
    for path in {*POSTS, "/runs/batch", "/threads/{thread}/runs/stream"}:
        await tried(server.url, post(path.replace("{thread}", thread), RAW[name]))
        await tried(server.url, post(path.replace("{thread}", NOBODY), RAW[name]))
    await tried(server.url, post(f"/threads/{thread}", RAW[name], method="PATCH"))
    await goes_on(server.url)
    await held.back_to(before)


@pytest.mark.parametrize("name", REFUSED)
async def test_what_the_graph_or_its_checkpointer_refuses_is_the_callers_mistake(
    server: Server, thread: str, name: str
) -> None:
    path, body = REFUSED[name]
    await tried(server.url, post(path.replace("{thread}", thread), body))


@pytest.mark.parametrize("field", ["input", "metadata", "context", "config", "command", "checkpoint", "assistant_id"])
async def test_a_bomb_in_every_part_of_a_run(server: Server, thread: str, field: str) -> None:
    """Deeper than JSON is read: refused. As deep as it is read: taken or refused, and the server knows what."""
    for depth in (100_000, 1000, 195, 150, 100):
        body = json.dumps(run("ticks", {"n": 1}, **{field: "BOMB"})).encode()
        for bomb in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
            for path in (f"/threads/{thread}/runs/wait", "/runs/stream"):
                await tried(server.url, post(path, body.replace(b'"BOMB"', bomb)))
    await goes_on(server.url)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["*", "", "ticks", NOBODY, "values", "__start__", "a|b:c", "\x00", "9" * 400]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def _fields(path: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(sorted(POSTS[path])), _JSON, max_size=5)


@FUZZED
@given(data=st.data())
def _fuzz(url: str, thread: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(POSTS)))
    body = data.draw(_fields(path))
    # Most runs need an assistant to get any further.
    if "runs" in path and data.draw(st.booleans()):
        body["assistant_id"] = "ticks"
    asyncio.run(tried(url, post(path.replace("{thread}", thread), body)))


async def test_fuzzed_bodies(server: Server, thread: str) -> None:
    await asyncio.to_thread(_fuzz, server.url, thread)
    await goes_on(server.url)


async def test_wrong_types_in_every_field(server: Server, thread: str) -> None:
    for path, fields in POSTS.items():
        for field in fields:
            for value in WRONG:
                body = {field: value} | (
                    {"assistant_id": "ticks"} if "runs" in path and field != "assistant_id" else {}
                )
                await tried(server.url, post(path.replace("{thread}", thread), body))
    await goes_on(server.url)


async def test_a_huge_array_of_runs_holds_nobody_up(tmp_path: Path) -> None:
    """A million requests in one: to look at each took half a minute, in which nobody else was answered."""
    body = b"[" + b",".join([b'{"assistant_id":"ticks"}'] * 1_000_000) + b"]"
    async with running(tmp_path / "data", APP) as server:
        begun = time.process_time()
        heard = await tried(server.url, post("/runs/batch", body))
        took = time.process_time() - begun
        await goes_on(server.url)
    assert heard is not None
    assert heard.status == 422
    assert took < 8


@pytest.mark.parametrize("path", ["/threads", "/runs/batch", "/nowhere", "/store/items/search"])
async def test_huge_bodies(held: Held, server: Server, path: str) -> None:
    before = held.now()
    part = b"x" * LIMIT
    await tried(server.url, request("POST", path, f"content-length: {8 * LIMIT}"), *[part] * 8)
    await tried(server.url, request("POST", path, f"content-length: {10**15}"), *[part] * 3)
    chunk = b"%x\r\n" % LIMIT + part + b"\r\n"
    await tried(server.url, request("POST", path, "transfer-encoding: chunked"), *[chunk] * 8, b"0\r\n\r\n")
    await goes_on(server.url)
    await held.back_to(before)


async def test_a_body_that_is_compressed_is_refused(server: Server) -> None:
    """Nothing is unpacked, so a small body cannot become a large one."""
    bomb = gzip.compress(b"[" + b"0," * (4 << 20) + b"0]")
    heard = await tried(server.url, post("/threads", bomb, "content-encoding: gzip"))
    assert heard is not None
    assert 400 <= heard.status < 500
