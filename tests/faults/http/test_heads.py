"""Ids, queries, headers and methods of enemies: each is refused with a code, or taken; never a 5xx but by design, never a hang, and the server goes on."""

import asyncio
import itertools
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.http.fuzzed import FUZZED, NOBODY, POSTS, tried
from tests.faults.http.held import Held
from tests.faults.http.talk import goes_on, run, told
from tests.faults.http.wire import exchange, get, post, request
from tests.support.serving import Server

IDS = ["x", "%00", "%ff", "%2e%2e%2f", "..", "%F0%9F%98%80", "a" * 20_000, NOBODY + "%0a", NOBODY.upper(), "-", "%2F", "'%20OR%201=1", "{thread_id}", "null", "1e5", NOBODY[:-1] + "٣".encode().hex()]  # fmt: skip
PATHS = [
    "/threads/ID", "/threads/ID/state", "/threads/ID/state/ID", "/threads/ID/history", "/threads/ID/stream", "/threads/ID/runs",
    "/threads/ID/runs/ID", "/threads/ID/runs/ID/join", "/threads/ID/runs/ID/stream", "/runs/ID", "/runs/ID/join", "/runs/ID/stream",
    "/assistants/ID", "/assistants/ID/graph", "/assistants/ID/schemas", "/assistants/ID/subgraphs", "/assistants/ID/subgraphs/ID", "/ID",
]  # fmt: skip


async def test_ids(server: Server) -> None:
    for wrong, path in itertools.product(IDS, PATHS):
        heard = await tried(server.url, get(path.replace("ID", wrong)))
        assert heard is not None
        assert len(heard.body) < 4000 or len(wrong) < 1000, "what was sent is not sent back at length"
        for method in ("DELETE", "PATCH", "POST"):
            await tried(server.url, post(path.replace("ID", wrong), {}, method=method))
    await goes_on(server.url)


_WORD = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["", "[", "[" * 5000, '["values"]', "-1", "1e3", "9" * 5000, "true", "\x00", "run_modes", "values,updates", "NaN"]
)
_QUERIES = {
    "limit", "offset", "status", "select", "stream_mode", "stream_modes", "cancel_on_disconnect", "subgraphs", "before", "xray",
    "recurse", "check_db", "wait", "action",
}  # fmt: skip


@FUZZED
@given(
    path=st.sampled_from(PATHS),
    query=st.lists(st.tuples(st.sampled_from(sorted(_QUERIES)), _WORD), max_size=4),
    last_id=st.none() | st.text(string.printable.strip() + "é", max_size=30) | st.sampled_from(["-1", "0", "9" * 30]),
)
def _fuzz_queries(url: str, ids: tuple[str, str], path: str, query: list[tuple[str, str]], last_id: str | None) -> None:
    known = path.replace("ID", ids[0], 1).replace("ID", ids[1])
    if known.endswith(f"{ids[0]}/stream"):
        return  # that one does not end by itself
    written = "&".join(f"{name}={quote(value)}" for name, value in query)
    headers = [] if last_id is None else [f"last-event-id: {last_id}"]
    asyncio.run(tried(url, get(f"{known}?{written}", *headers)))


async def _ended_run(url: str, thread: str) -> str:
    made = await told(url, f"/threads/{thread}/runs", run("ticks", {"n": 1}, stream_resumable=True))
    await exchange(url, get(f"/threads/{thread}/runs/{made['run_id']}/join"))
    run_id: str = made["run_id"]
    return run_id


async def test_fuzzed_queries_and_last_event_ids(server: Server, thread: str) -> None:
    await asyncio.to_thread(_fuzz_queries, server.url, (thread, await _ended_run(server.url, thread)))
    await goes_on(server.url)


HEADS = {
    "64 KiB": request("GET", "/ok", "x-long: " + "y" * (70 << 10)),
    "a megabyte": request("GET", "/ok", "x-long: " + "y" * (1 << 20)),
    "ten thousand headers": request("GET", "/ok", *["a:b"] * 10_000),
    "a hundred thousand headers": request("GET", "/ok", *["a:b"] * 100_000),
    "a long path": get("/" + "x" * 100_000),
    "a long query": get("/ok?" + "x=1&" * 20_000),
    "control characters": request("GET", "/ok", "x-bad: a\x01b\x7f"),
    "NUL in a header": request("GET", "/ok", "x-bad: a\x00b"),
    "a name with a space": request("GET", "/ok", "x bad: 1"),
    "no name": request("GET", "/ok", ": 1"),
    "a folded header": request("GET", "/ok", "x-a: 1", " 2"),
    "bare line feeds": b"GET /ok HTTP/1.1\nhost: x\n\n",
    "lengths that differ": request("POST", "/threads", "content-length: 2", "content-length: 3") + b"{}",
    "the same length twice": request("POST", "/threads", "content-length: 2", "content-length: 2") + b"{}",
    "a list of lengths": request("POST", "/threads", "content-length: 2, 2") + b"{}",
    "a negative length": request("POST", "/threads", "content-length: -2") + b"{}",
    "a length in hex": request("POST", "/threads", "content-length: 0x2") + b"{}",
    "a length with a sign": request("POST", "/threads", "content-length: +2") + b"{}",
    "an endless length": request("POST", "/threads", "content-length: " + "9" * 400) + b"{}",
    "length and chunks": request("POST", "/threads", "content-length: 2", "transfer-encoding: chunked") + b"0\r\n\r\n",
    "chunks and length": request("POST", "/threads", "transfer-encoding: chunked", "content-length: 2") + b"0\r\n\r\n",
    "an unknown coding": request("POST", "/threads", "transfer-encoding: rot13") + b"{}",
    "chunks that are not last": request("POST", "/threads", "transfer-encoding: chunked, gzip") + b"0\r\n\r\n",
    "chunks twice": request("POST", "/threads", "transfer-encoding: chunked", "transfer-encoding: chunked") + b"0\r\n\r\n",
    "a hidden coding": request("POST", "/threads", "transfer-encoding : chunked") + b"0\r\n\r\n",
    "HTTP/0.9": b"GET /ok\r\n\r\n",
    "HTTP/3.0": b"GET /ok HTTP/3.0\r\n\r\n",
    "HTTP/1.10": b"GET /ok HTTP/1.10\r\n\r\n",
    "no host": b"GET /ok HTTP/1.1\r\n\r\n",
    "two hosts": request("GET", "/ok", "host: other"),
    "an unknown method": request("EXPLODE", "/ok"),
    "a method in lower case": request("get", "/ok"),
    "CONNECT": request("CONNECT", "example.org:443"),
    "TRACE": request("TRACE", "/ok", "x-secret: 1"),
    "an asterisk": request("OPTIONS", "*"),
    "another host's URL": request("GET", "http://example.org/ok"),
    "no path": request("GET", "ok"),
    "bytes in the path": b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n",
    "an Expect of another kind": request("POST", "/threads", "expect: 200-ok", "content-length: 2") + b"{}",
    "an empty line first": b"\r\n\r\n" + get("/ok"),
}  # fmt: skip


async def test_heads(held: Held, server: Server) -> None:
    before = held.now()
    for name, said in HEADS.items():
        try:
            await tried(server.url, said)
            await goes_on(server.url)
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(name) from error
    await held.back_to(before)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "TRACE", "PROPFIND"])
async def test_methods_on_every_path(server: Server, method: str) -> None:
    for path in (*PATHS, *POSTS, "/", "/ok", "/docs", "/openapi.json", "/store/items", "/runs/crons"):
        async with asyncio.timeout(40):
            known = path.replace("ID", NOBODY).replace("{thread}", NOBODY)
            heard = await exchange(server.url, request(method, known, "connection: close"))
            assert heard is not None
            assert heard.status < 500 or heard.status == 501
    await goes_on(server.url)
