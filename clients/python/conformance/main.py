"""The conformance runner: reads cases from its standard input, does what they ask with the client's public functions, and prints what it saw.

Owns the loop over the cases and the steps of one. What a step's request means in Python stands in `asking.py`, how it looks what came in `seeing.py`;
the protocol in clients/conformance/README.md.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping
from typing import Any

from asking import MESSAGES, Broken, answered, opened, streamed
from google.protobuf.json_format import ParseDict, ParseError
from seeing import seen_error, seen_event, seen_message

import graphwire
from graphwire.v1.run_service_pb2 import JoinRunRequest, StreamRunRequest
from graphwire.v1.thread_service_pb2 import WatchThreadRequest

Seen = dict[str, Any]

STREAMS = {
    "stream": ("StreamRun", StreamRunRequest),
    "join": ("JoinRun", JoinRunRequest),
    "watch": ("WatchThread", WatchThreadRequest),
}
"""For each step that streams, the call that it means."""


async def main() -> None:
    """Answers line after line, until the input ends."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            answer: Seen = {"seen": await case(json.loads(line))}
        except (Broken, ParseError, TypeError, ValueError, KeyError) as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            answer = {"broken": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)  # ASCII: text may have half a character, which has no bytes


async def case(asked: Mapping[str, Any]) -> list[Seen]:
    """What is seen in the steps of a case, one after another."""
    saved: dict[str, Seen] = {}
    found = []
    async with opened(asked["address"], asked.get("connect", {})) as client:
        for step in asked["steps"]:
            observation = await one(client, {**step, "request": filled(step.get("request", {}), saved)})
            found.append(observation)
            if "save" in step:
                saved[step["save"]] = observation
    return found


def filled(value: Any, saved: Mapping[str, Seen]) -> Any:
    """A request, with what earlier steps saw in place of each `${name.key}`."""
    if isinstance(value, str):
        return re.sub(r"\$\{([^.}]+)\.([^}]+)\}", lambda found: looked_up(saved, found[1], found[2]), value)
    if isinstance(value, dict):
        return {key: filled(item, saved) for key, item in value.items()}
    return [filled(item, saved) for item in value] if isinstance(value, list) else value


def looked_up(saved: Mapping[str, Seen], name: str, path: str) -> str:
    """What an earlier step saw, as text."""
    if name not in saved:
        raise Broken(f"no step has saved {name}")
    found: Any = saved[name]
    for key in path.split(".") if path in found else ["response", *path.split(".")]:
        found = found[int(key)] if isinstance(found, list) else found[key]
    return str(found)


async def one(client: graphwire.Client, step: Mapping[str, Any]) -> Seen:
    """What is seen in one step."""
    doing = step["do"]
    if doing == "call":
        return await called(client, step["method"], step["request"])
    if doing not in STREAMS:
        raise Broken(f"no step is {doing!r}")
    method, request = STREAMS[doing]
    return await read(streamed(client, method, ParseDict(step["request"], request())), step)


async def called(client: graphwire.Client, method: str, given: Mapping[str, Any]) -> Seen:
    """What a unary call answers."""
    if method not in MESSAGES:
        raise Broken(f"no service has {method}")
    try:
        return {"response": await answered(client, method, ParseDict(dict(given), MESSAGES[method]()))}
    except graphwire.GraphwireError as error:
        return {"error": seen_error(error)}


async def read(stream: graphwire.RunStream | graphwire.ThreadStream, step: Mapping[str, Any]) -> Seen:
    """What a stream gives, to its end or as far as the step wants it."""
    reading = Reading(stream, step)
    began = time.monotonic()
    try:
        async with asyncio.timeout(step.get("deadline")):
            await reading.read()
    except graphwire.GraphwireError as error:
        reading.error = seen_error(error)
    except TimeoutError:
        reading.error = {"code": "DEADLINE_EXCEEDED"}
    return reading.seen(time.monotonic() - began)


class Reading:
    """A stream that is read, and what was seen of it."""

    def __init__(self, stream: graphwire.RunStream | graphwire.ThreadStream, step: Mapping[str, Any]) -> None:
        self._stream = stream
        self._take = step.get("take", float("inf"))
        self._counts = step.get("count", False)
        self._events: list[Seen] = []
        self._number = 0
        self._messages = graphwire.Messages() if step.get("gather") else None
        self.error: Seen | None = None

    async def read(self) -> None:
        """Reads on, to the end or as far as wanted."""
        async with self._stream as events:
            if self._take <= 0:
                return
            async for event in events:
                self._note(event)
                if self._number >= self._take:
                    return

    def _note(self, event: graphwire.Event) -> None:
        self._number += 1
        if not self._counts:
            self._events.append(seen_event(event))
        if self._messages is not None:
            self._messages.add(event)

    def seen(self, seconds: float) -> Seen:
        """What was seen so far; `seconds` is how long it took."""
        found: Seen = {"last_seq": self._stream.last_seq, "error": self.error}
        for name in ("run_id", "thread_id"):
            try:
                found[name] = getattr(self._stream, name)
            except (AttributeError, RuntimeError):  # a watch has no run, and a call that was refused told neither
                continue
        found["events"] = self._number if self._counts else self._events
        if self._counts:
            found["seconds"] = seconds
        if self._messages is not None:
            found["messages"] = [seen_message(message) for message in self._messages]
        return found


if __name__ == "__main__":
    asyncio.run(main())
