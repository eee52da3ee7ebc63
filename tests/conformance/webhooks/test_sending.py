"""One attempt over real sockets: TLS, large bodies, odd receivers."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from graphwire_server.core.delivery import Delivery
from graphwire_server.core.webhooks import Answer, UrlPolicy
from graphwire_server.delivery.sender import HttpSender, SenderOptions
from tests.conformance.webhooks.servers import KEY
from tests.conformance.webhooks.test_calls import verified
from tests.support.receiver import Reply, receiving

OPEN = UrlPolicy(allow_loopback=True)


async def here(host: str, port: int) -> Sequence[str]:
    """Every name is this machine."""
    return ["127.0.0.1"]


async def send(url: str, body: bytes = b"{}", trust: ssl.SSLContext | None = None, **options: Any) -> Answer:
    made = SenderOptions(**{"policy": OPEN, "timeout": timedelta(seconds=10), **options})
    sender = HttpSender(made, lambda: datetime.now(UTC), here, trust)
    return await sender.send(Delivery(run_id="r", thread_id="t", url=url), body)


def contexts(authority: trustme.CA, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What the receiver shows, and what the sender believes."""
    shown, believed = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(*names).configure_cert(shown)
    authority.configure_trust(believed)
    return shown, believed


async def test_a_certificate_is_held_to_the_name_and_not_to_the_address() -> None:
    shown, believed = contexts(trustme.CA(), "hooks.example")
    async with receiving(tls=shown) as receiver:
        port = receiver.url.rpartition(":")[2]
        good = await send(f"https://hooks.example:{port}", trust=believed)
        wrong = await send(f"https://other.example:{port}", trust=believed)

    assert good == Answer(status=200)
    assert "certificate is not valid" in wrong.error
    assert not wrong.final
    assert [call.headers["host"] for call in receiver.calls] == [f"hooks.example:{port.removesuffix('/hook')}"]


async def test_a_certificate_of_nobody_who_is_trusted() -> None:
    shown, _ = contexts(trustme.CA(), "hooks.example")
    async with receiving(tls=shown) as receiver:
        answer = await send(receiver.url.replace("localhost", "hooks.example"))

    assert "certificate is not valid" in answer.error
    assert receiver.calls == []


async def test_a_receiver_without_tls() -> None:
    async with talking(b"HTTP/1.1 400 Bad Request\r\n\r\n", listens=False) as url:
        answer = await send(url.replace("http://127.0.0.1", "https://hooks.example"))

    assert (answer.status, answer.final) == (None, False)
    assert "TLS" in answer.error


async def test_a_large_body_is_sent_whole_and_signed() -> None:
    body = b"[" + b"1," * 2_000_000 + b"1]"
    async with receiving() as receiver:
        answer = await send(receiver.url, body, secrets=[KEY])

    assert answer == Answer(status=200)
    assert receiver.calls[0].body == body
    assert verified(receiver.calls[0])


async def test_headers_of_the_file_go_along_and_ours_win() -> None:
    async with receiving() as receiver:
        await send(receiver.url, headers={"User-Agent": "mine", "X-Key": "k"})

    [call] = receiver.calls
    assert (call.headers["user-agent"], call.headers["x-key"], call.headers["webhook-id"]) == ("mine", "k", "r")


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [("7", 7, 7), ("0", 0, 0), ("99999999999999999999", 10**8, 10**9), ("in a while", None, None), ("-5", None, None)],
)
async def test_how_long_a_receiver_wants_to_be_left_alone(said: str, least: int | None, most: int | None) -> None:
    async with receiving(Reply(status=503, headers={"Retry-After": said})) as receiver:
        answer = await send(receiver.url)

    if least is None or most is None:
        assert answer.retry_after is None
    else:
        assert answer.retry_after is not None
        assert least <= answer.retry_after.total_seconds() <= most


@pytest.mark.parametrize(("ahead", "sign"), [(3600, 1), (-3600, 0)])
async def test_a_date_until_which_a_receiver_wants_to_be_left_alone(ahead: int, sign: int) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + ahead))
    async with receiving(Reply(status=429, headers={"Retry-After": date})) as receiver:
        answer = await send(receiver.url)

    assert answer.retry_after is not None
    assert (answer.retry_after > timedelta(minutes=30)) == bool(sign)


async def test_what_may_no_longer_be_called_is_given_up() -> None:
    async with receiving() as receiver:
        answer = await send(receiver.url, policy=UrlPolicy())

    assert answer.final
    assert "webhook" in answer.error
    assert receiver.calls == []


@pytest.mark.parametrize(
    "said",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000, b"HTTP/1.1 99999 What\r\n\r\n"],
)
async def test_what_is_no_answer(said: bytes) -> None:
    async with talking(said) as url:
        answer = await send(url)

    assert (answer.status, answer.final) == (None, False)
    assert answer.error


async def test_an_endless_body_is_not_read() -> None:
    async with talking(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n" + b"x" * 100_000) as url:
        assert (await send(url)).taken


async def test_an_answer_that_comes_byte_by_byte_is_cut_off() -> None:
    async with talking(b"HTTP/1.1 200 OK", pause=3600) as url:
        answer = await send(url, timeout=timedelta(seconds=0.2))

    assert answer.error == "no answer within 0.2 seconds"


@asynccontextmanager
async def talking(said: bytes, pause: float = 0, *, listens: bool = True) -> AsyncIterator[str]:
    """A receiver that says something, whatever it is asked, and hangs up."""
    tasks: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]  # it is one
        try:
            if listens:
                await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            await asyncio.sleep(pause)
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
