"""The readers of events: a run's, and those of all runs of a thread.

Owns the order of events over all calls that a stream makes. The invariant: every event comes whole, once and in order, and `last_seq` never runs
ahead of what was handed out, so it is always a safe cursor.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from types import TracebackType
from typing import ClassVar, Self

from graphwire._calls import Calls
from graphwire._fragments import Fragments, lost
from graphwire._route import Batch, Route
from graphwire.channel import Wire
from graphwire.errors import GraphwireError
from graphwire.event import Event
from graphwire.v1.event_pb2 import StreamEvent


class EventStream:
    """Events as they come: an async iterator of `Event`, and an async context manager.

    The call starts when the stream is entered, or when its first event is asked for. Leaving the context, or `aclose`, ends it; a stream that is
    dropped without either is left at once.

    A call that breaks is made again, from where the stream is, for as long as the client's `patience` lasts: a lost connection and a server that
    starts again are not seen here. What cannot be mended is raised.

    One task at a time iterates. If that task is cancelled, the call is ended, and `last_seq` is where to go on.

    Args:
        wire: The connection.
        route: How the events are asked for.
    """

    _cut: ClassVar[str]
    """What is wrong where the server ends the call well and the stream is not complete."""

    def __init__(self, wire: Wire, route: Route) -> None:
        self._calls = Calls(wire, route)
        self._batch: Iterator[StreamEvent] = iter(())
        self._fragments = Fragments()
        self._thread_id: str | None = None
        self._last_seq: int | None = None
        self._before: int | None = None  # `last_seq` when the call under way began
        self._passed = route.asked or 0
        self._placed = route.asked is not None

    async def __aenter__(self) -> Self:
        try:
            return await self.started()
        except BaseException:
            await self.aclose()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event.

        Raises:
            GraphwireError: The service failed the stream, as `SlowReader`, or it broke and patience has run out; go on with a new one from `last_seq`.
        """
        while True:
            try:
                for part in self._batch:
                    whole = self._fragments.whole(part) if part.seq > self._passed else self._again(part)
                    if whole is not None:
                        return self._seen(whole)
                batch = await self._read()
            except GraphwireError as error:
                await self._go_on(error)
                continue
            if batch is None:
                raise StopAsyncIteration
            self._batch = iter(batch.events)

    async def several(self) -> list[Event]:
        """The next event, and those that came in the same message: for readers to whom each wait is dear. Empty at the end.

        Raises:
            GraphwireError: As for one event.
        """
        first = await anext(self, None)
        found = [] if first is None else [first]
        for part in self._batch:
            if (
                part.HasField("fragment") or self._fragments.open
            ):  # a piece may be missing, and what is found here must not be lost with it
                self._batch = chain((part,), self._batch)
                break
            whole = part if part.seq > self._passed else self._again(part)
            if whole is not None:
                found.append(self._seen(whole))
        return found

    @property
    def thread_id(self) -> str:
        """The thread: a UUID. Known once the stream has been entered, or has given its first event.

        Raises:
            RuntimeError: It is not known yet.
        """
        return _known(self._thread_id)

    @property
    def last_seq(self) -> int | None:
        """The number of the last event that was handed out: the cursor to go on from. None before the first."""
        return self._last_seq

    async def started(self) -> Self:
        """Waits until the server has taken the call, and returns the stream: its ids are known then, and nothing passes by.

        No event is needed for that. Entering the stream does it as well. A call that breaks before is made again.

        Raises:
            GraphwireError: The server refused the call, or did not answer within 2 s, or the client's patience if that is less.
        """
        while not self._calls.over and not self._named:
            try:
                await self._look_ahead()
            except GraphwireError as error:
                await self._go_on(error)
        return self

    async def aclose(self) -> None:
        """Ends the call, if it has not ended. May be called at any time, by any task, and again; a task that iterates sees the end."""
        self._batch = iter(())
        self._calls.close()

    async def _look_ahead(self) -> None:
        """Makes the call and, where its metadata does not tell the ids, reads as far as they are told."""
        await self._begin()
        if not self._named and (batch := await self._read()) is not None:
            self._batch = iter(batch.events)

    async def _begin(self) -> None:
        if not self._calls.open:
            self._before = self._last_seq
            self._told(await self._calls.begin(self._cursor, self._run))

    async def _read(self) -> Batch | None:
        """The next message, or None at the end."""
        if not self._calls.open:
            await self._begin()
        batch = await self._calls.read()
        if batch is None:
            self._finish()
        elif not self._named and batch.events:
            self._name(batch.events[0])
        return batch

    def _finish(self) -> None:
        """Ends the stream well, or says that something is missing."""
        if not self._calls.over and (not self._complete or self._fragments.open):
            raise lost(self._cut)
        self._calls.over = True

    async def _go_on(self, error: GraphwireError) -> None:
        """Forgets what came in pieces, and waits until it is time to call again. Raises the error where the stream does not go on."""
        self._batch, self._fragments = iter(()), Fragments()
        if self._complete:  # the terminal event was handed out: nothing follows it, whatever became of the call
            self._calls.close()
        else:
            await self._calls.go_on(error, self._cursor, moved=self._last_seq != self._before)

    @property
    def _complete(self) -> bool:
        """Whether the stream may end well."""
        return False

    @property
    def _named(self) -> bool:
        """Whether all ids are known."""
        return self._thread_id is not None

    @property
    def _run(self) -> str | None:
        """The run, where the stream is of one and knows it."""
        return None

    @property
    def _cursor(self) -> int | None:
        """The number behind which the next call starts; None where nothing has said it."""
        return self._passed if self._placed or self._last_seq is not None else None

    def _told(self, metadata: Mapping[str, str]) -> None:
        self._thread_id = metadata.get("graphwire-thread-id", self._thread_id)
        start = metadata.get("graphwire-after-seq", "")
        if self._cursor is None and start.isdecimal():
            self._passed, self._placed = int(start), True

    def _name(self, event: StreamEvent) -> None:
        """Learns the ids from the first event, where they did not come before it."""
        self._thread_id = event.thread_id

    def _again(self, part: StreamEvent) -> StreamEvent | None:
        """What is to be handed out of an event whose number has passed: nothing."""
        return None

    def _seen(self, proto: StreamEvent) -> Event:
        self._passed = self._last_seq = proto.seq
        return Event(proto=proto)


class RunStream(EventStream):
    """The events of a run.

    The iteration ends after the event `end`. A graph that fails raises nothing: `error` and `end` say so. Leaving the stream leaves the run: it goes
    on, unless `on_disconnect="cancel"` was asked for.

    Args:
        wire: The connection.
        route: How the events are asked for.
        run_id: The run, where it is known.
    """

    _cut = "the stream ended before the run's terminal event"

    def __init__(self, wire: Wire, route: Route, *, run_id: str | None = None) -> None:
        super().__init__(wire, route)
        self._run_id = run_id
        self._end: Event | None = None

    @property
    def run_id(self) -> str:
        """The run: a UUID. Known once the stream has been entered, or has given its first event.

        Raises:
            RuntimeError: It is not known yet.
        """
        return _known(self._run_id)

    @property
    def end(self) -> Event | None:
        """The terminal event, once it has been handed out."""
        return self._end

    @property
    def _complete(self) -> bool:
        return self._end is not None

    @property
    def _named(self) -> bool:
        return self._run_id is not None and self._thread_id is not None

    @property
    def _run(self) -> str | None:
        return self._run_id

    def _told(self, metadata: Mapping[str, str]) -> None:
        super()._told(metadata)
        self._run_id = metadata.get("graphwire-run-id", self._run_id)

    def _name(self, event: StreamEvent) -> None:
        super()._name(event)
        self._run_id = event.run_id

    def _again(self, part: StreamEvent) -> StreamEvent | None:
        """The terminal event, also where its number is the cursor: the server gives it to whoever joins a run that has ended."""
        if self._end is not None or not (part.HasField("end") or part.HasField("fragment")):
            return None
        whole = self._fragments.whole(part)
        return whole if whole is not None and whole.HasField("end") else None

    def _seen(self, proto: StreamEvent) -> Event:
        event = super()._seen(proto)
        if proto.HasField("end"):
            self._end = event
        return event


class ThreadStream(EventStream):
    """The events of all runs of a thread, each with its `run_id`.

    The iteration does not end by itself: between runs it waits, and what ends it is an error, or `aclose`. Leaving it changes nothing for the runs.
    """

    _cut = "the watch ended, and nothing said why"


def _known(value: str | None) -> str:
    if value is None:
        raise RuntimeError("not known yet: enter the stream with `async with`, or await started()")
    return value
