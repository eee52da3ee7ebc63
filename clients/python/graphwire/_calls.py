"""The calls of one stream, one after another.

Owns the call that is under way, the wait between two, and who ended them. Which events came, and behind which number the next call starts, the stream
knows. The invariant: what leaves here is a message, an end, a `GraphwireError`, or the reader's own cancellation.
"""

import asyncio
import logging
from collections.abc import Mapping

from graphwire._call import StreamCall, broke
from graphwire._patience import Waits
from graphwire._route import Batch, Route
from graphwire.channel import Activity, Wire, cut_off, task_cancelled
from graphwire.errors import GraphwireError

_log = logging.getLogger("graphwire")

GOES_ON = "stream goes on"
"""The text of the log line for each call that broke and is made again."""


class Calls:
    """The calls of a stream.

    Args:
        wire: The connection.
        route: How the events are asked for.

    Attributes:
        over: Whether there will be no other: the stream has ended, failed or was left.
    """

    def __init__(self, wire: Wire, route: Route) -> None:
        self._wire = wire
        self._route = route
        self._waits = Waits(wire.patience)
        self._call: StreamCall | None = None
        self._activity: Activity | None = None
        self.over = False

    def __del__(self) -> None:
        # gRPC's call and its iterator refer to each other, so a dropped call would live until the next round of the collector.
        if self._activity is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._activity.cancel)

    @property
    def open(self) -> bool:
        """Whether a call is under way."""
        return self._call is not None

    async def begin(self, cursor: int | None, run_id: str | None) -> Mapping[str, str]:
        """Makes the next call and returns its metadata; empty where the stream is over.

        Args:
            cursor: The number behind which it starts, where that is known.
            run_id: The run, where it is known.

        Raises:
            GraphwireError: The client is closed.
        """
        if self.over:
            return {}
        if self._wire.closed:
            self.over = True
            raise cut_off()
        self._loop = asyncio.get_running_loop()
        self._waits.begin()
        self._call = StreamCall(self._route.call(cursor, run_id))
        self._does(self._call)
        try:
            return await self._call.metadata()
        except asyncio.CancelledError:
            self._cut_off()
            return {}

    async def read(self) -> Batch | None:
        """The next message; None at the call's end, and where the stream is over.

        Raises:
            GraphwireError: The call failed, or the client was closed.
        """
        if self.over or self._call is None:
            return None
        try:
            return await self._call.read()
        except asyncio.CancelledError:
            self._cut_off()
            return None

    async def go_on(self, error: GraphwireError, cursor: int | None, *, moved: bool) -> None:
        """Waits until it is time for the next call.

        Args:
            error: How the last one ended.
            cursor: The number behind which the next one would start, where that is known.
            moved: Whether the last one brought an event.

        Raises:
            GraphwireError: The error, where the call did not break, the stream cannot go on, or patience has run out.
        """
        call, self._call = self._call, None
        taken = call is not None and call.taken
        if call is not None:
            call.cancel()
        wait: float | None = None
        if not self.over and broke(error) and self._route.starts_at(cursor, taken=taken):
            wait = self._waits.after(error, taken=taken, moved=moved)
        if wait is None:
            self.over = True
            raise error
        _log.info(
            GOES_ON, extra={"code": error.code.name, "after_seq": cursor, "wait": wait, "tries": self._waits.tries}
        )
        await self._pause(wait)

    def close(self) -> None:
        """Ends what is under way, and the stream. May be called again, and while another task reads: it sees the end."""
        self.over = True
        if self._activity is not None:
            self._activity.cancel()

    async def _pause(self, seconds: float) -> None:
        pause = asyncio.get_running_loop().create_task(self._wire.patience.sleep(seconds))
        self._does(pause)
        try:
            await pause
        except asyncio.CancelledError:
            self._cut_off()

    def _does(self, activity: Activity) -> None:
        self._activity = activity
        self._wire.holds(activity)

    def _cut_off(self) -> None:
        """Answers a CancelledError by who ended the call: this task, `close` (then it is a plain end), or the client."""
        closed, self.over = self.over, True
        if task_cancelled():
            raise  # noqa: PLE0704  called from except clauses only
        if not closed:
            raise cut_off() from None
