"""Enemies of connections: slow ones, silent ones, those that ask too much at once, that speak another protocol, or that leave in the middle.

Each is answered or cut, the server answers others at once, and nothing of it stays.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from graphwire_server.rest import calls, protocol
from tests.faults.gate import Gate
from tests.faults.http.conftest import LIMIT
from tests.faults.http.held import Count, Held, eventually
from tests.faults.http.talk import goes_on, new_thread, run, sane, shown, streaming, told
from tests.faults.http.wire import Cut, exchange, get, post, request, wire
from tests.faults.process import APP
from tests.support.serving import Server, running

SOON = 0.3
"""What takes half a minute by default, in these tests."""

WEBSOCKET = (
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.fixture
async def before(held: Held, server: Server) -> AsyncIterator[Count]:
    """What was held before; what is held after the test must not be more, and the server must answer."""
    await goes_on(server.url)
    count = held.now()
    yield count
    await goes_on(server.url)
    await held.back_to(count)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_PATIENCE", SOON)
    monkeypatch.setattr(protocol, "WRITE_PATIENCE", SOON)
    monkeypatch.setattr("graphwire_server.rest.server._KEEP_ALIVE", SOON)
    monkeypatch.setattr(
        "graphwire_server.http_face.BodyLimits",
        lambda most_bytes: calls.BodyLimits(most_bytes=most_bytes, patience=SOON),
    )


@pytest.mark.usefixtures("impatient", "before")
class TestPatience:
    async def test_who_connects_and_says_nothing_is_sent_away(self, server: Server) -> None:
        async with wire(server.url) as line:
            heard = await line.hear()
            assert heard is not None
            assert (heard.status, heard.json["code"]) == (408, "HEAD_TOO_SLOW")
            assert await line.ended() == b""

    async def test_a_slow_head_is_sent_away(self, server: Server) -> None:
        async with wire(server.url) as line:
            await line.say(b"GET /ok HTTP/1.1\r\nhost: x\r\nx-slow: ")
            heard = await line.hear()
            assert heard is not None
            assert heard.status == 408

    async def test_a_slow_body_is_cut(self, server: Server) -> None:
        async with wire(server.url) as line:
            await line.say(request("POST", "/threads", "content-length: 100"), b'{"metadata"')
            assert await line.ended() == b""

    @pytest.mark.parametrize("last", [b"", b"\r\n", b"\r\n\r\n\r\n"])
    async def test_an_idle_connection_ends(self, server: Server, last: bytes) -> None:
        """An empty line begins no request, so it must not stop the clock."""
        async with wire(server.url) as line:
            await line.say(get("/ok"))
            assert await line.hear()
            await line.say(last)
            assert await line.ended() == b""

    async def test_a_connection_whose_body_comes_behind_its_answer_ends(self, server: Server) -> None:
        async with wire(server.url) as line:
            await line.say(request("POST", "/nowhere", "content-length: 10"))
            heard = await line.hear()
            assert heard is not None
            assert heard.status == 404
            await line.say(b"0123456789")
            assert await line.ended() == b""


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("last", [(), ("connection: close",)])
async def test_who_does_not_read_a_large_answer_is_cut(
    monkeypatch: pytest.MonkeyPatch, held: Held, server: Server, last: tuple[str, ...]
) -> None:
    """The answer has been made and nobody waits for it any more: its bytes must not lie there for ever."""
    thread = await new_thread(server.url)
    await told(server.url, f"/threads/{thread}/runs/wait", run("ticks", {"n": 0, "name": "x" * 900_000}))
    monkeypatch.setattr(protocol, "WRITE_PATIENCE", SOON)
    async with wire(server.url, limit=1024) as line:
        line.reader._transport.pause_reading()  # type: ignore[attr-defined]  # streams have no other way not to read
        files = held.now().files
        await line.say(*[get(f"/threads/{thread}/state")] * 15, get(f"/threads/{thread}/state", *last))
        await eventually(lambda: held.now().files < files, 25, held.now)


@pytest.mark.usefixtures("before")
class TestManyAtOnce:
    async def test_five_hundred_idle_connections_hinder_nobody(self, server: Server) -> None:
        lines = [wire(server.url) for _ in range(500)]
        opened = await asyncio.gather(*(line.__aenter__() for line in lines))
        try:
            await asyncio.gather(*(line.say(b"GET /ok HT") for line in opened[::2]))
            await goes_on(server.url)
        finally:
            await asyncio.gather(*(line.__aexit__(None, None, None) for line in lines))

    async def test_requests_that_are_sent_ahead_are_answered_in_order(self, server: Server) -> None:
        async with wire(server.url) as line:
            await line.say(get("/ok") + get("/info") + get("/nowhere") + get("/ok"))
            heard = [await line.hear() for _ in range(4)]
        assert [each and each.status for each in heard] == [200, 200, 404, 200]

    async def test_requests_far_ahead_are_not_kept(self, server: Server, gate: Gate) -> None:
        """Twenty thousand wait behind a stream: each would cost kilobytes, and the stream may last for days."""
        thread = await new_thread(server.url)
        async with streaming(server.url, get(f"/threads/{thread}/stream")) as stream:
            await stream.line.say(get("/ok") * 20_000)
            await told(server.url, f"/threads/{thread}/runs/wait", run("ticks", {"n": 1}))
            assert (await stream.first("updates")).data == {"tick": {"trail": ["ticked"]}}
            assert sum(isinstance(each, RequestResponseCycle) for each in gc.get_objects()) < 100


BEHIND = {
    "a request": get("/ok"),
    "half a request": b"GET /o",
    "garbage": b"\x00\xff garbage\r\n\r\n",
    "an upgrade": get("/ok", *WEBSOCKET),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a megabyte": b"GET /ok HTTP/1.1\r\nx: " + b"y" * (1 << 20),
    "empty lines": b"\r\n" * 1000,
}


@pytest.mark.usefixtures("before")
class TestBehindAStream:
    """What comes on a connection whose answer is under way: the stream goes on, and ends when its caller goes."""

    @pytest.mark.parametrize("name", BEHIND)
    async def test_the_stream_goes_on(self, server: Server, name: str) -> None:
        thread = await new_thread(server.url)
        async with streaming(server.url, get(f"/threads/{thread}/stream")) as stream:
            await stream.line.say(BEHIND[name])
            await told(server.url, f"/threads/{thread}/runs/wait", run("ticks", {"n": 1}))
            assert (await stream.first("updates")).data == {"tick": {"trail": ["ticked"]}}

    @pytest.mark.parametrize("name", BEHIND)
    async def test_its_end_is_noticed(self, held: Held, server: Server, before: Count, name: str) -> None:
        """uvicorn tells of the end of a connection to the newest request on it, which here is not the one that is answered."""
        thread = await new_thread(server.url)
        async with streaming(server.url, get(f"/threads/{thread}/stream")) as stream:
            await stream.line.say(BEHIND[name])
            await goes_on(server.url)
        await held.back_to(before)

    async def test_a_body_that_never_ends_is_passed_over(self, server: Server) -> None:
        thread = await new_thread(server.url)
        asked = request("GET", f"/threads/{thread}/stream", "content-length: 1000000000")
        async with streaming(server.url, asked) as stream:
            await stream.line.say(*[b"x" * 100_000] * 100)
            await told(server.url, f"/threads/{thread}/runs/wait", run("ticks", {"n": 1}))
            assert (await stream.first("updates")).data == {"tick": {"trail": ["ticked"]}}


@pytest.mark.usefixtures("before")
class TestBodies:
    async def test_a_body_that_is_announced_too_large_is_refused_at_once(self, server: Server) -> None:
        async with wire(server.url) as line:
            await line.say(request("POST", "/threads", f"content-length: {LIMIT + 1}", "expect: 100-continue"))
            heard = await line.head()
            assert heard.status == 413, "and no 100 Continue"

    @pytest.mark.parametrize("framing", ["content-length", "chunked"])
    async def test_a_body_that_is_too_large_is_told_so(self, server: Server, framing: str) -> None:
        """A caller who sends all of it before it reads gets the answer too."""
        megabyte = b"x" * (1 << 20)
        if framing == "chunked":
            head, part = request("POST", "/threads", "transfer-encoding: chunked"), b"100000\r\n" + megabyte + b"\r\n"
        else:
            head, part = request("POST", "/threads", f"content-length: {20 << 20}"), megabyte
        heard = await exchange(server.url, head, *[part] * 20)
        assert heard is not None
        assert (heard.status, heard.json["code"]) == (413, "REQUEST_TOO_LARGE")

    @pytest.mark.parametrize("announced", [1, 12])
    async def test_a_body_longer_than_announced(self, server: Server, announced: int) -> None:
        """What is too much is no request. The request itself is answered as it was announced."""
        async with wire(server.url) as line:
            await line.say(request("POST", "/threads", f"content-length: {announced}"), b"{          }{}{}{}")
            heard = await line.hear()
            assert heard is not None
            assert heard.status == (422 if announced == 1 else 200)
            assert await line.ended() == b""

    async def test_trailers_are_no_headers(self, server: Server) -> None:
        """They come without a bound, and behind the moment at which a key was looked for."""
        head = request("POST", "/nowhere", "transfer-encoding: chunked")
        async with wire(server.url) as line:
            await line.say(head, b"0\r\n", *[b"x-more: " + b"y" * 60_000 + b"\r\n"] * 100)
            heard = await line.hear()
            assert heard is not None
            assert heard.status == 404
            await goes_on(server.url)
            kept = [len(each.headers or ()) for each in gc.get_objects() if isinstance(each, protocol.BoundedProtocol)]
            assert max(kept) < 5

    @pytest.mark.parametrize(
        "chunks", [b"5\r\nabcdefgh\r\n", b"zz\r\n", b"ffffffffffffffffffff\r\n", b"-1\r\n", b"5;" + b"e" * 100_000]
    )
    async def test_chunks_that_are_none(self, server: Server, chunks: bytes) -> None:
        async with wire(server.url) as line:
            await line.say(request("POST", "/threads", "transfer-encoding: chunked"), chunks)
            if chunks.startswith(b"5;"):
                return  # an extension without an end: whoever sends it waits for itself
            heard = await line.hear()
            assert heard is not None
            assert heard.status == 400

    async def test_a_caller_who_leaves_in_the_middle_of_a_body(self, server: Server) -> None:
        for _ in range(50):
            async with wire(server.url) as line:
                await line.say(post("/threads", {"metadata": {}})[:-5])


@pytest.mark.usefixtures("before")
async def test_a_half_closed_connection_leaves_nothing(server: Server) -> None:
    """Whoever closes its side for writing is taken to be gone, as by most servers in Python: its stream must not stay."""
    thread = await new_thread(server.url)
    async with streaming(server.url, get(f"/threads/{thread}/stream")) as stream:
        stream.line.writer.write_eof()
        with pytest.raises(Cut):
            await stream.rest()


@pytest.mark.usefixtures("before")
async def test_other_protocols(server: Server) -> None:
    h2c = ("connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQCAAAAAAIAAAAA")
    async with wire(server.url) as line:
        for _ in range(2):  # an offer that is not taken, as curl --http2 makes; the connection goes on
            await line.say(get("/ok", *h2c))
            heard = await line.hear()
            assert heard is not None
            assert heard.status == 200
    for path in ("/ok", "/nowhere", "/runs/stream"):
        refused = await exchange(server.url, get(path, *WEBSOCKET))
        assert refused is not None
        assert refused.status == 403
    sane(await exchange(server.url, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    sane(await exchange(server.url, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)))
    old = await exchange(server.url, b"GET /ok HTTP/1.0\r\n\r\n")
    assert old is not None
    assert (old.status, old.headers["connection"]) == (200, "close")
    assert await shown(server.url, "/info")


async def test_a_caller_who_is_one_too_many_has_made_no_run(tmp_path: Path) -> None:
    """It is told to try again, so whatever it has made it would make twice."""
    async with running(tmp_path / "data", APP, max_streams=1) as server:
        url = server.url
        thread, mine = await new_thread(url), await new_thread(url)
        async with streaming(url, get(f"/threads/{thread}/stream")):
            for what in ("stream", "wait"):
                heard = await exchange(url, post(f"/threads/{mine}/runs/{what}", run("ticks", {"n": 1})))
                assert heard is not None
                assert (heard.status, heard.json["code"]) == (429, "CAPACITY_REACHED")
        assert await shown(url, f"/threads/{mine}/runs") == []
