"""The client for programs without asyncio: the same calls, which wait for their answers, and streams that are ordinary iterators.

    with graphwire.sync.connect("localhost:50051") as client:
        for event in client.stream("agent", {"topic": "ice cream"}):
            ...

Owns an event loop in a thread, on which the client itself works. The invariant: the client is touched on that loop alone, so that any thread may use it;
and whoever waits can be interrupted, which ends what is waited for.
"""

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from graphwire import assistants as _assistants
from graphwire import client as _client
from graphwire import crons as _crons
from graphwire import runs as _runs
from graphwire import store as _store
from graphwire import stream as _stream
from graphwire import threads as _threads
from graphwire.channel import cut_off
from graphwire.errors import GraphwireError
from graphwire.event import Event

P = ParamSpec("P")
T = TypeVar("T")
Inner = TypeVar("Inner")
Read = TypeVar("Read", bound=_stream.EventStream)


class _Work(Generic[T]):
    """A coroutine on the loop, and whoever waits for it in another thread.

    It is made on the loop: one that is interrupted before it gets there was never begun.

    Args:
        make: Makes the coroutine.
    """

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._make = make
        self._task: asyncio.Task[T] | None = None
        self.outcome: Future[T] = Future()

    def start(self) -> None:
        """Begins the work. Called on the loop."""
        self._task = asyncio.get_running_loop().create_task(self._make())
        self._task.add_done_callback(self._done)

    def leave(self) -> None:
        """Ends the work: nobody waits for it any more. Called on the loop."""
        if self._task is not None:
            self._task.cancel()

    def _done(self, task: "asyncio.Task[T]") -> None:
        if task.cancelled():
            self.outcome.set_exception(cut_off())
        elif (error := task.exception()) is not None:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(task.result())


class _Background:
    """An event loop in a thread of its own, and the client that works on it. It ends with `close`, with its last user, or with the program.

    Args:
        opened: Makes the client.
    """

    def __init__(self, opened: Callable[[], _client.Client]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="graphwire", daemon=True)
        self._submitting = threading.Lock()
        self._closed = False
        self._thread.start()
        try:
            self.client = self.wait(lambda: _called(opened))
        except BaseException:
            _ended(self._loop, self._thread, None)
            raise
        self._end = weakref.finalize(self, _ended, self._loop, self._thread, self.client)

    def wait(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of a coroutine. Whoever is interrupted while it waits, as by Ctrl-C, cancels it.

        Raises:
            GraphwireError: The client is closed, or was closed meanwhile; and whatever the coroutine raises.
        """
        work = _Work(make)
        try:
            with self._submitting:
                if self._closed:
                    raise cut_off()
                self._loop.call_soon_threadsafe(work.start)
            return work.outcome.result()
        except BaseException:
            self.soon(work.leave)
            raise

    def soon(self, function: Callable[[], object]) -> None:
        """Calls a function on the loop, and does not wait for it. Does nothing where the client is closed."""
        with self._submitting:
            if not self._closed:
                self._loop.call_soon_threadsafe(function)

    @property
    def closed(self) -> bool:
        """Whether `close` has been called."""
        return self._closed

    def close(self) -> None:
        """Closes the client, and ends the loop and its thread. May be called again; whoever waits gets an error."""
        with self._submitting:  # what is handed to the loop after its end would be waited for in vain
            self._closed = True
        self._end()


async def _called(function: Callable[[], T]) -> T:
    """A plain call, made on the loop: gRPC's channel belongs to the loop on which it is made."""
    return function()


def _ended(loop: asyncio.AbstractEventLoop, thread: threading.Thread, client: _client.Client | None) -> None:
    """Ends what runs on a loop, and its thread. On that thread, where the collector may call it, it can but ask for the end."""
    ending = asyncio.run_coroutine_threadsafe(_left(client), loop)
    ending.add_done_callback(lambda _: loop.call_soon_threadsafe(loop.stop))
    if threading.current_thread() is not thread:
        thread.join()
        loop.close()


async def _left(client: _client.Client | None) -> None:
    if client is not None:
        await client.aclose()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _Face(Generic[Inner]):
    """A part of the client, whose calls wait."""

    def __init__(self, background: _Background, inner: Inner) -> None:
        self._background = background
        self._inner = inner


def _answer(
    method: Callable[Concatenate[Inner, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[_Face[Inner], P], T]:
    """The call that waits for the answer of another."""

    @wraps(method)
    def call(self: _Face[Inner], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._background.wait(lambda: method(self._inner, *args, **kwargs))

    return call


def _pages(
    method: Callable[Concatenate[Inner, P], AsyncIterator[T]],
) -> Callable[Concatenate[_Face[Inner], P], Iterator[T]]:
    """The list whose pages are waited for."""

    @wraps(method)
    def call(self: _Face[Inner], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        found = method(self._inner, *args, **kwargs)
        while next_ := self._background.wait(lambda: _next(found)):
            yield next_[0]

    return call


async def _next(found: AsyncIterator[T]) -> tuple[T] | None:
    """The next of a list, in a tuple; None at its end."""
    async for item in found:
        return (item,)
    return None


class EventStream(Generic[Read]):
    """Events as they come: an iterator of `Event`, and a context manager. It goes on by itself, as the stream of the client does.

    The call starts when the stream is entered, or when its first event is asked for. Leaving the context, or `close`, ends it, and so does Ctrl-C while
    an event is waited for; a stream that is dropped is left at once. One thread at a time iterates.
    """

    def __init__(self, background: _Background, inner: Read) -> None:
        self._background = background
        self._inner = inner
        self._events: deque[Event] = deque()
        self._last_seq: int | None = None

    def __enter__(self) -> Self:
        return self.started()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        """The next event. Raises GraphwireError as the client's stream does."""
        if not self._events:
            self._events.extend(self._several())
        if not self._events:
            raise StopIteration
        event = self._events.popleft()
        self._last_seq = event.seq
        return event

    def _several(self) -> list[Event]:
        try:
            return self._background.wait(self._inner.several)
        except GraphwireError:
            raise
        except BaseException:  # interrupted, perhaps before the wait began: the call shall not outlive it
            self._background.soon(_Work(self._inner.aclose).start)
            raise

    @property
    def thread_id(self) -> str:
        """The thread: a UUID. Raises RuntimeError before the stream has been entered, or has given its first event."""
        return self._inner.thread_id

    @property
    def last_seq(self) -> int | None:
        """The number of the last event that was handed out: the cursor to go on from. None before the first."""
        return self._last_seq

    def started(self) -> Self:
        """Waits until the server has taken the call, and returns the stream: its ids are known then, and nothing passes by.

        Raises:
            GraphwireError: The server refused the call, or did not answer.
        """
        try:
            self._background.wait(self._inner.started)
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Ends the call, if it has not ended. May be called at any time, by any thread, and again; a thread that iterates sees the end."""
        self._events.clear()
        if not self._background.closed:
            self._background.wait(self._inner.aclose)


class RunStream(EventStream[_stream.RunStream]):
    """The events of a run. The iteration ends after the event `end`."""

    @property
    def run_id(self) -> str:
        """The run: a UUID. Raises RuntimeError before the stream has been entered, or has given its first event."""
        return self._inner.run_id

    @property
    def end(self) -> Event | None:
        """The terminal event, once it has been handed out."""
        end = self._inner.end
        return end if end is not None and end.seq == self._last_seq else None


class ThreadStream(EventStream[_stream.ThreadStream]):
    """The events of all runs of a thread, each with its `run_id`. The iteration does not end by itself."""


def _run_stream(
    method: Callable[Concatenate[Inner, P], _stream.RunStream],
) -> Callable[Concatenate[_Face[Inner], P], RunStream]:
    @wraps(method)
    def call(self: _Face[Inner], /, *args: P.args, **kwargs: P.kwargs) -> RunStream:
        return RunStream(self._background, method(self._inner, *args, **kwargs))

    return call


def _thread_stream(
    method: Callable[Concatenate[Inner, P], _stream.ThreadStream],
) -> Callable[Concatenate[_Face[Inner], P], ThreadStream]:
    @wraps(method)
    def call(self: _Face[Inner], /, *args: P.args, **kwargs: P.kwargs) -> ThreadStream:
        return ThreadStream(self._background, method(self._inner, *args, **kwargs))

    return call


class Threads(_Face[_threads.Threads]):
    """The calls of `client.threads`."""

    create = _answer(_threads.Threads.create)
    get = _answer(_threads.Threads.get)
    update = _answer(_threads.Threads.update)
    delete = _answer(_threads.Threads.delete)
    prune = _answer(_threads.Threads.prune)
    copy = _answer(_threads.Threads.copy)
    watch = _thread_stream(_threads.Threads.watch)
    search = _pages(_threads.Threads.search)
    count = _answer(_threads.Threads.count)
    state = _answer(_threads.Threads.state)
    update_state = _answer(_threads.Threads.update_state)
    history = _pages(_threads.Threads.history)


class Runs(_Face[_runs.Runs]):
    """The calls of `client.runs`."""

    get = _answer(_runs.Runs.get)
    list = _pages(_runs.Runs.list)
    delete = _answer(_runs.Runs.delete)
    create_batch = _answer(_runs.Runs.create_batch)
    cancel_many = _answer(_runs.Runs.cancel_many)


class Assistants(_Face[_assistants.Assistants]):
    """The calls of `client.assistants`."""

    get = _answer(_assistants.Assistants.get)
    create = _answer(_assistants.Assistants.create)
    update = _answer(_assistants.Assistants.update)
    search = _pages(_assistants.Assistants.search)
    count = _answer(_assistants.Assistants.count)
    delete = _answer(_assistants.Assistants.delete)
    versions = _pages(_assistants.Assistants.versions)
    set_latest = _answer(_assistants.Assistants.set_latest)
    graph = _answer(_assistants.Assistants.graph)
    schemas = _answer(_assistants.Assistants.schemas)
    subgraphs = _answer(_assistants.Assistants.subgraphs)


class Store(_Face[_store.Store]):
    """The calls of `client.store`."""

    put = _answer(_store.Store.put)
    get = _answer(_store.Store.get)
    delete = _answer(_store.Store.delete)
    search = _pages(_store.Store.search)
    namespaces = _pages(_store.Store.namespaces)


class Crons(_Face[_crons.Crons]):
    """The calls of `client.crons`."""

    create = _answer(_crons.Crons.create)
    get = _answer(_crons.Crons.get)
    update = _answer(_crons.Crons.update)
    delete = _answer(_crons.Crons.delete)
    search = _pages(_crons.Crons.search)
    count = _answer(_crons.Crons.count)


class Client(_Face[_client.Client]):
    """The calls of a server, which wait for their answers. `connect` makes it, and any thread may use it.

    Every call raises as that of `graphwire.Client` does. Ctrl-C while a call is waited for ends the call.
    """

    def __init__(self, background: _Background) -> None:
        super().__init__(background, background.client)
        self.threads = Threads(background, background.client.threads)
        self.runs = Runs(background, background.client.runs)
        self.assistants = Assistants(background, background.client.assistants)
        self.store = Store(background, background.client.store)
        self.crons = Crons(background, background.client.crons)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection and ends the client's thread. Streams and calls that are under way raise `GraphwireError` with the code CANCELLED."""
        self._background.close()

    stream = _run_stream(_client.Client.stream)
    join = _run_stream(_client.Client.join)
    invoke = _answer(_client.Client.invoke)
    create = _answer(_client.Client.create)
    wait = _answer(_client.Client.wait)
    cancel = _answer(_client.Client.cancel)


def _opening(opened: Callable[P, _client.Client]) -> Callable[P, Client]:
    @wraps(opened, assigned=())
    def connect(*args: P.args, **kwargs: P.kwargs) -> Client:
        """A client of a server, for programs without asyncio. Use it as `with graphwire.sync.connect(...) as client:`; arguments are those of `graphwire.connect`.

        It has a thread of its own, until it is closed. Nothing is sent before the first call.
        """
        return Client(_Background(lambda: opened(*args, **kwargs)))

    return connect


connect = _opening(_client.connect)
