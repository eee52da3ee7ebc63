"""One WebSocket of the v2 event protocol, without its wire.

Owns its subscriptions, and what is answered to its commands (wire facts 55 and 59). Commands are done one after the other; envelopes and answers come as they
are made. All subscriptions are fed by one reader of the thread, in the order of the thread: clients take the end of a run that one of them hears for the end of
all. A new subscription wants what is past, so the reader begins anew, and says to each what it lacks. The invariants: an envelope is said once to all who want it; the answer
to a subscription is said before its first envelope.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from graphwire_server.core.errors import CursorExpired, Draining, GraphwireError, InvalidField, SlowReader
from graphwire_server.core.follow import Batches
from graphwire_server.core.runs import Runs
from graphwire_server.core.threads import Threads
from graphwire_server.rest.errors import status_of
from graphwire_server.rest.json_text import dumps
from graphwire_server.rest.v2.channels import Subscription, subscription
from graphwire_server.rest.v2.commands import Command, Commands, Said, refusal, success
from graphwire_server.rest.v2.envelopes import Numbered, encoded, failure, hidden, seen
from graphwire_server.rest.v2.reading import SLICE, behind, beyond, last_words
from graphwire_server.rest.v2.starting import Sent
from graphwire_server.rest.v2.tape import Tape

MOST_SUBSCRIPTIONS = 100
"""The most subscriptions of one socket."""

SOURCE_ENDED = 1011
RESTARTS = 1012
COME_BACK = 1013
_OF_STATUS = 4000
"""What is added to an HTTP status to say it as the code of an end: clients read it so, since browsers cannot read why an upgrade is refused."""


class Closed(Exception):
    """The socket is to be closed.

    Args:
        code: Why, as WebSockets say it.
        reason: Why, in words.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Way(Protocol):
    """The way to the caller."""

    async def say(self, *texts: bytes) -> None:
        """Sends messages. Raises TimeoutError where they are not taken in time, OSError where the caller is gone."""
        ...

    async def close(self, closed: Closed) -> None:
        """Ends the connection."""
        ...


class _Listener:
    """One subscription, and how far it has come.

    Args:
        wanted: What is wanted.
    """

    __slots__ = ("_wanted", "at")

    def __init__(self, wanted: Subscription) -> None:
        self._wanted = wanted
        self.at = wanted.since

    def lacks(self, numbered: Numbered) -> bool:
        """Whether it wants an envelope that it does not have."""
        return (self.at is None or not hidden(numbered.seq, self.at)) and self._wanted.wants(numbered.envelope)

    def come_to(self, seq: int) -> None:
        """Remembers that it has what it wants up to a number."""
        if self.at is None or seq > self.at:
            self.at = seq


class Session:
    """One socket.

    Args:
        thread_id: Its thread: a UUID.
        sent: What came with it.
        threads: The threads of this server.
        runs: Its runs.
        commands: What is done for commands.
        way: The way to the caller.
    """

    def __init__(
        self,
        *,
        thread_id: str,
        sent: Sent,
        threads: Threads,
        runs: Runs,
        commands: Commands,
        way: Way,
    ) -> None:
        self._thread_id = thread_id
        self._sent = sent
        self._threads = threads
        self._runs = runs
        self._commands = commands
        self._way = way
        self._listeners: dict[str, _Listener] = {}
        self._feed: asyncio.Task[None] | None = None
        self._made = 0
        self._own: Mapping[str, Callable[[Command], Awaitable[Said | None]]] = {
            "subscription.subscribe": self._subscribe,
            "subscription.unsubscribe": self._unsubscribe,
            "subscription.reconnect": self._reconnect,
        }

    async def answer(self, asked: Command) -> None:
        """Does what a command says, and says its answer. Raises Closed where nothing can follow."""
        try:
            said = await self._done(asked)
        except Draining as error:
            raise Closed(RESTARTS, error.message) from error
        except GraphwireError as error:
            said = refusal(error, asked.id)
        if said is not None:
            await self._way.say(dumps(said))

    async def _done(self, asked: Command) -> Said | None:
        own = self._own.get(asked.method)
        if own is not None:
            return await own(asked)
        return await self._commands.answer(self._thread_id, asked, self._sent)

    async def end(self) -> None:
        """Says no more envelopes."""
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.cancel()
            await asyncio.wait((feed,))

    async def _subscribe(self, asked: Command) -> None:
        """Begins a subscription, which says its own answer: behind it come its envelopes."""
        wanted = subscription(asked.params)
        if len(self._listeners) >= MOST_SUBSCRIPTIONS:
            raise InvalidField("method", f"a socket has at most {MOST_SUBSCRIPTIONS} subscriptions; end one of them")
        self._made += 1
        name = f"subscription-{self._made}"
        said = dumps(success(asked.id, {"subscription_id": name}))
        await self.end()
        self._listeners[name] = _Listener(wanted)
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._feed = asyncio.create_task(self._feed_all(begun, said))
        try:
            await begun
        except GraphwireError as error:
            await self._way.say(dumps(refusal(error, asked.id)))
            raise Closed(_OF_STATUS + status_of(error), error.message) from error

    async def _unsubscribe(self, asked: Command) -> Said:
        name = asked.params.get("subscription_id")
        if not isinstance(name, str) or self._listeners.pop(name, None) is None:
            return failure("no_such_subscription", f"this socket has no subscription {name!r}", asked.id)
        if not self._listeners:
            await self.end()
        return success(asked.id, {})

    async def _reconnect(self, asked: Command) -> Said:
        """Tells whether subscriptions are there. A socket that is new has none: its client subscribes anew, with `since`, and nothing is lost."""
        run_id, names = asked.params.get("run_id"), asked.params.get("subscriptions") or []
        if not isinstance(run_id, str):
            raise InvalidField("run_id", "must be the id of a run: a UUID")
        if not isinstance(names, list):
            raise InvalidField("subscriptions", "must be an array of ids")
        await self._runs.get(run_id, self._thread_id)
        restored = bool(names) and all(isinstance(name, str) and name in self._listeners for name in names)
        return success(asked.id, {"restored": restored})

    async def _feed_all(self, begun: asyncio.Future[None], said: bytes) -> None:
        try:
            async with self._threads.watch_whole(self._thread_id, self._cursor()) as (_, batches):
                self._check_gap(batches.after_seq)
                await self._way.say(said)
                begun.set_result(None)
                await self._say_all(batches)
        except Exception as error:  # noqa: BLE001  whatever ends it is said
            if begun.done():
                await self._last_words(error)
            else:
                begun.set_exception(beyond(error))

    def _cursor(self) -> int | None:
        """Behind which event the thread is read: where the listener is that has the least."""
        found = [behind(each.at) for each in self._listeners.values()]
        cursors = [each for each in found if each is not None]
        return min(cursors) if len(cursors) == len(found) else None

    def _check_gap(self, start: int) -> None:
        """Raises CursorExpired where a listener has come as far as an event behind which others are no longer held."""
        for each in self._listeners.values():
            if each.at is not None and seen(each.at)[0] < start:
                raise CursorExpired(seen(each.at)[0], start + 1, start)

    async def _say_all(self, batches: Batches) -> None:
        """Says each envelope once, whoever wants it, in the order of the thread. Where it is cut short, everybody knows how far it came."""
        tape = Tape()
        async for batch in batches:
            for index, event in enumerate(batch, 1):
                for numbered in tape.envelopes(event):
                    if any(each.lacks(numbered) for each in self._listeners.values()):
                        await self._way.say(encoded(numbered))
                    for each in self._listeners.values():
                        each.come_to(numbered.seq)
                if index % SLICE == 0:
                    await asyncio.sleep(0)

    async def _last_words(self, error: Exception) -> None:
        if isinstance(error, TimeoutError | OSError):  # there is nobody to tell
            await self._way.close(Closed(SOURCE_ENDED, "the caller does not read"))
        elif isinstance(error, Draining):
            await self._way.close(Closed(RESTARTS, error.message))
        elif isinstance(error, SlowReader):
            await self._way.close(Closed(COME_BACK, error.message))
        else:
            words: dict[str, Any] = last_words(error)
            with suppress(TimeoutError, OSError):
                await self._way.say(dumps(words))
            gone = words["error"] == "no_such_run"
            await self._way.close(Closed(_OF_STATUS + 404 if gone else SOURCE_ENDED, words["message"]))
