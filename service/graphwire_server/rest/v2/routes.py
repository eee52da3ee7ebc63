"""The v2 event protocol over HTTP.

Owns which part of the protocol each route is.
"""

from graphwire_server.core.headers import HeaderRule
from graphwire_server.core.runs import Runs
from graphwire_server.core.spec import check_uuid
from graphwire_server.core.streams import Streams
from graphwire_server.core.threads import Threads
from graphwire_server.rest.calls import Answer, Call, Reply
from graphwire_server.rest.idempotency import as_sent, request_key
from graphwire_server.rest.v2.channels import subscription, wrong
from graphwire_server.rest.v2.commands import Commands, command
from graphwire_server.rest.v2.starting import Sent
from graphwire_server.rest.v2.stream import EnvelopeStream

_CURSOR = "last-event-id"


class ProtocolRoutes:
    """The operations of the protocol.

    Args:
        threads: The threads of this server.
        runs: Its runs.
        streams: The answers that last and are open.
        headers: Which headers of a request its nodes may read.
    """

    def __init__(self, threads: Threads, runs: Runs, streams: Streams, headers: HeaderRule) -> None:
        self._threads = threads
        self._streams = streams
        self._headers = headers
        self._commands = Commands(threads, runs)

    async def events(self, call: Call) -> Reply:
        """Streams a thread."""
        thread_id = check_uuid("thread_id", call.path["thread_id"])
        wanted = subscription(call.body.model_dump(exclude_none=True), _cursor(call))
        return EnvelopeStream(self._threads, self._streams, thread_id, wanted)

    async def command(self, call: Call) -> Reply:
        """Does what a command says."""
        thread_id = check_uuid("thread_id", call.path["thread_id"])
        asked = command(call.body.model_dump())
        sent = Sent(headers=self._headers.select(call.headers), key=request_key(call))
        with as_sent():
            return Answer(value=await self._commands.answer(thread_id, asked, sent))


def _cursor(call: Call) -> int | None:
    """The header Last-Event-ID: the same as `since`, for clients that know no more of a stream than its frames."""
    given = call.header(_CURSOR)
    if not given:
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > 16:
        raise wrong("Last-Event-ID", "must be the id of a frame of this stream")
    return int(given)
