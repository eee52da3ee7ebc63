"""A small endpoint that speaks OpenAI's chat completions on the loopback, for tests of graphs that call a model."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

PIECES = ("Why ", "did the ", "ice cream ", "cross ", "the road?")
USAGE = {"prompt_tokens": 7, "completion_tokens": len(PIECES), "total_tokens": 7 + len(PIECES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIEndpoint:
    """Where it listens, and what it was asked."""

    base_url: str
    requests: list[Request] = field(default_factory=list)


@asynccontextmanager
async def openai_endpoint(
    pieces: Sequence[str] = PIECES, *, hold: asyncio.Event | None = None
) -> AsyncIterator[OpenAIEndpoint]:
    """Answers every chat with the same text.

    Args:
        pieces: The text, in the pieces in which it is streamed.
        hold: What a stream waits for after its first piece, to show that a reader has that piece before there is a second.
    """
    handlers: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            request = await _read(reader)
            endpoint.requests.append(request)
            await _answer(writer, request, pieces, hold)
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    endpoint = OpenAIEndpoint(base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    try:
        yield endpoint
    finally:
        server.close()
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(path=head[0].split(" ")[1], headers=headers, body=json.loads(body) if body else None)


async def _answer(
    writer: asyncio.StreamWriter, request: Request, pieces: Sequence[str], hold: asyncio.Event | None
) -> None:
    if request.path != "/v1/chat/completions":
        _head(writer, "404 Not Found", "application/json")
        writer.write(json.dumps({"error": {"message": f"unknown path {request.path}"}}).encode())
    elif request.body.get("stream"):
        _head(writer, "200 OK", "text/event-stream")
        for place, chunk in enumerate(_chunks(request.body["model"], pieces)):
            writer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
            await writer.drain()
            if place == 0 and hold is not None:
                await hold.wait()
        writer.write(b"data: [DONE]\n\n")
    else:
        _head(writer, "200 OK", "application/json")
        writer.write(json.dumps(_whole(request.body["model"], pieces)).encode())
    await writer.drain()


def _head(writer: asyncio.StreamWriter, status: str, content_type: str) -> None:
    # The end of the connection is the end of the answer: no lengths, and nothing stays open in the client's pool.
    writer.write(f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nConnection: close\r\n\r\n".encode())


def _chunks(model: str, pieces: Sequence[str]) -> Iterator[dict[str, Any]]:
    common = {"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1, "model": model}
    for place, piece in enumerate(pieces):
        delta = {"role": "assistant", "content": piece} if place == 0 else {"content": piece}
        yield {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**common, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    yield {**common, "choices": [], "usage": USAGE}


def _whole(model: str, pieces: Sequence[str]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(pieces)}
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": USAGE,
    }
