"""HTTP/1.1 connections.

Owns what uvicorn leaves open: how large and how slow the head of a request may be, how long a caller may take no bytes and how long a connection may
lie idle, how much may be asked for ahead, what becomes of an answer that is under way when its connection ends or turns to garbage, and a way to end a
connection whose caller does not read. Everything else is uvicorn's. The invariant: no connection stays open for ever without a byte, and no answer
outlives its connection.
"""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

MOST_HEAD_BYTES = 64 << 10
"""The largest head of a request: its line and all headers."""

HEAD_PATIENCE = 30.0
"""How long a head may take from its first byte to its last, in seconds."""

WRITE_PATIENCE = 30.0
"""How long a caller may take none of the bytes that wait for it, in seconds."""

MOST_AHEAD = 16
"""How many requests may wait behind the one that is answered. A request that waits costs some hundred times its bytes."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection with bounds."""

    _head_bytes = 0
    _head_done = False
    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _answered: RequestResponseCycle | None = None
    _deaf = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Starts the clock of the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clocks, and tells the answer that is under way: uvicorn tells the newest request alone, and others may wait behind this one."""
        self._stop_clocks()
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes bytes, as long as the head that they belong to is not too large."""
        if self._deaf:
            return
        if not self._head_done:
            self._head_bytes += len(data)
        super().data_received(data)
        # What was just parsed may have ended the head, and all behind it is body.
        if not self._head_done and self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(431, b"the head of the request is too large", b"HEAD_TOO_LARGE")
        self._await_next()

    def on_message_begin(self) -> None:
        """Starts a request, which a pipelining client sends behind another."""
        if self._head_done:
            self._await_head()
        super().on_message_begin()
        # The type that ASGI's authors gave it has no room for callables.
        self.scope["extensions"] = {"graphwire.abort": self.transport.abort}  # type: ignore[dict-item]  # as said above

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header. Those behind a chunked body are dropped: they have no bound, and come when the head has been judged."""
        if not self._head_done:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Ends the head."""
        self._head_done = True
        self._stop_head_clock()
        if len(self.pipeline) >= MOST_AHEAD:
            raise TooFarAhead
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hands the connection over. One with an answer under way is not: nobody would tell that answer when the connection ends."""
        if self._under_way:
            self._end_behind_answers()
            return
        self._deaf = True
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no HTTP."""
        self._refuse(400, msg.encode("ascii", "replace").rstrip(b"."), b"MALFORMED_HTTP")

    def pause_writing(self) -> None:
        """Starts the clock of a caller that does not read."""
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        """Stops that clock."""
        self._stop_write_clock()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Ends an answer. Where the connection ends with it, what was not read yet must not keep it open."""
        super().on_response_complete()
        if self.transport.is_closing() and self._write_timer is None:
            self._await_reader()

    def timeout_keep_alive_handler(self) -> None:
        """Ends a connection on which nothing happened, whether its caller read the last answer or not."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]  # the same, in Starlette's words
        self._answered = cycle

        async def contained(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                # uvicorn alone cancels this task, at the server's end. It would take that for a defect, log it, and answer with a 500 of its own.
                cycle.disconnected = True
                self.transport.abort()

        super()._start_asgi_task(cycle, contained)  # type: ignore[arg-type]  # as above

    @property
    def _under_way(self) -> bool:
        return self._answered is not None and not self._answered.response_complete

    @property
    def _breaks_off(self) -> bool:
        """Whether what was to be parsed is the rest of the request that is under way, and nothing of its answer was sent."""
        return self.cycle is self._answered and self.cycle.more_body and not self.cycle.response_started

    def _end_behind_answers(self) -> None:
        """Closes the connection when all that was asked for is answered; what comes meanwhile is not looked at."""
        self._deaf = True
        self._stop_head_clock()
        last = self.pipeline[0][0] if self.pipeline else self._answered
        if last is not None:
            last.keep_alive = False

    def _await_head(self) -> None:
        self._head_done, self._head_bytes = False, 0
        self._stop_head_clock()
        self._head_timer = self.loop.call_later(HEAD_PATIENCE, self._head_late)

    def _head_late(self) -> None:
        self._refuse(408, b"the head of the request took too long", b"HEAD_TOO_SLOW")

    def _await_next(self) -> None:
        """Goes on counting how long the connection is idle: uvicorn stops at every byte, also where it is the end of a body whose answer was sent
        before, or an empty line, with which no request begins.
        """
        idle = self._head_done and not self._under_way and self.timeout_keep_alive_task is None
        if idle and not self._deaf and not self.transport.is_closing():
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _await_reader(self) -> None:
        self._stop_write_clock()
        waits = self.transport.get_write_buffer_size()
        if waits:
            self._write_timer = self.loop.call_later(WRITE_PATIENCE, self._look_at_reader, waits)

    def _look_at_reader(self, before: int) -> None:
        """Ends a connection whose caller took nothing since the last look; one that reads slowly may go on."""
        if self.transport.get_write_buffer_size() >= before:
            self.transport.abort()
        else:
            self._await_reader()

    def _stop_clocks(self) -> None:
        self._stop_head_clock()
        self._stop_write_clock()

    def _stop_head_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_write_clock(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _refuse(self, status: int, detail: bytes, code: bytes) -> None:
        if self._under_way and not self._breaks_off:
            # Bytes of ours would come before that answer or in the middle of it, and would be taken for a part of it.
            self._end_behind_answers()
            return
        if self.transport.is_closing():
            return
        body = b'{"detail":"%s","code":"%s"}' % (detail, code)
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


class TooFarAhead(Exception):
    """More requests are sent ahead than wait their turn. What is there is answered; the connection then ends."""
