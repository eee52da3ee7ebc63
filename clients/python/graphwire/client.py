"""The client: what a program holds to start runs, follow them and end them.

Owns the connection's life and the calls that start, follow and end runs. Threads, runs that exist, assistants and the store have their own modules.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Literal, Self, Unpack

from graphwire._patience import DEFAULT, Patience, patience_of
from graphwire._requests import as_mapping, chosen, event_filter, key_lifetime, run_request
from graphwire._route import JoinRoute, RunRoute
from graphwire.assistants import Assistants
from graphwire.channel import Wire, channel_credentials, open_channel
from graphwire.crons import Crons
from graphwire.model import Run, RunResult
from graphwire.options import Filter, InvokeOptions, PayloadFormat, RunOptions, StreamOptions
from graphwire.runs import Runs
from graphwire.store import Store
from graphwire.stream import RunStream
from graphwire.threads import Threads
from graphwire.v1 import run_service_pb2 as pb

DisconnectMode = Literal["continue", "cancel"]


def connect(
    address: str = "localhost:50051",
    *,
    api_key: str | None = None,
    metadata: Mapping[str, str] | None = None,
    tls: bool = False,
    root_certificates: bytes | None = None,
    certificate_chain: bytes | None = None,
    private_key: bytes | None = None,
    keep_events: bool = True,
    patience: float | timedelta = DEFAULT,
    options: Sequence[tuple[str, int | str]] = (),
) -> "Client":
    """A client of a server. Use it as `async with graphwire.connect(...) as client:`, inside the event loop that will use it.

    Nothing is sent before the first call, which raises `Unavailable` where nobody answers.

    Args:
        address: `host:port`, or any other target that gRPC knows, such as `unix:/run/graphwire.sock`.
        api_key: Sent with every call as `x-api-key`.
        metadata: Sent with every call, by key.
        tls: Whether the connection is encrypted, with the public root certificates. Default: False.
        root_certificates: The root certificates to trust instead, in PEM; then the connection is encrypted.
        certificate_chain: The certificate that this client shows, in PEM, where the server asks for one; then the connection is encrypted.
        private_key: The private key of that certificate, in PEM.
        keep_events: Whether `stream` asks the server to keep the run's events (`stream_resumable`), where the call does not say: then a stream outlives
            a lost connection and a restart of the server without a gap. Off, it comes back for as long as the server holds the events in memory. Default:
            True.
        patience: How long a stream whose call has broken goes on trying without progress, in seconds or as a timedelta; then the last error is raised. 0
            means not at all. Before the server's first answer to a stream it is 2 s at most. Default: 60 s.
        options: gRPC channel options. They win over this client's own: no limit on received messages, a ping after 30 s of silence while calls are open, a
            lost connection tried again after 0.1 s to 5 s, a service config that repeats reads.

    Raises:
        TypeError: `patience` is no length of time.
        ValueError: It is less than 0; or of certificate_chain and private_key there is only one.
    """
    credentials = channel_credentials(
        tls=tls, root_certificates=root_certificates, certificate_chain=certificate_chain, private_key=private_key
    )
    headers = dict(metadata or {})
    if api_key is not None:
        headers["x-api-key"] = api_key
    trying = Patience(seconds=patience_of(patience))
    channel = open_channel(address, credentials, options)
    return Client(Wire(channel, metadata=headers, patience=trying), keep_events=keep_events)


class Client:
    """The calls of a server. `connect` makes it.

    Every call raises `GraphwireError` where the service fails it, and ends when its task is cancelled; `asyncio.timeout` bounds any of
    them. A graph that fails is data: in the events of `stream`, in the result of `invoke`.

    Args:
        wire: The connection, which the client owns.
        keep_events: Whether `stream` asks for `stream_resumable`, where the call does not say.
    """

    def __init__(self, wire: Wire, *, keep_events: bool = True) -> None:
        self._wire = wire
        self._keep_events = keep_events
        self.threads = Threads(wire)
        self.runs = Runs(wire)
        self.assistants = Assistants(wire)
        self.store = Store(wire)
        self.crons = Crons(wire)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connection. Streams and calls that are under way raise `GraphwireError` with the code CANCELLED."""
        await self._wire.aclose()

    @property
    def wire(self) -> Wire:
        """The connection, for calls that have no function here: `await client.wire.call(client.wire.runs.GetRun, request)`, with the generated messages."""
        return self._wire

    def stream(
        self,
        assistant: str,
        input: object = None,  # noqa: A002  the name that the ecosystem uses
        **options: Unpack[StreamOptions],
    ) -> RunStream:
        """Creates a run and streams its events, one by one, until it has ended.

        A call that breaks is made again from where the stream is, for as long as the client's `patience` lasts, and the run is created once: a request
        without a `request_id` gets one. Unless the client was opened with `keep_events=False` or the call says `stream_resumable=False`, the run's
        events are kept for that on the server.

        Args:
            assistant: The assistant, or the name of a graph.
            input: The graph's input: any value that JSON can carry. None means none: the graph goes on from its checkpoint.
            **options: See `StreamOptions`.

        Returns:
            The stream. The run is created when the stream is entered, or when its first event is asked for.

        Raises:
            TypeError: An option does not exist, or JSON has no form for a value.
            ValueError: A value of an option is not one of its names.
        """
        request = run_request(pb.StreamRunRequest, assistant, input, as_mapping(options))
        if not request.request_id:
            request.request_id = str(uuid.uuid4())
            request.request_id_ttl.CopyFrom(key_lifetime(self._wire.patience.seconds))
        if options.get("stream_resumable") is None:
            request.stream_resumable = self._keep_events
        return RunStream(self._wire, RunRoute(self._wire, request))

    def join(
        self,
        run_id: str,
        *,
        after_seq: int | None = None,
        filter: Filter | None = None,  # noqa: A002  the name that the API uses
        thread_id: str | None = None,
        on_disconnect: DisconnectMode | None = None,
        payload_format: PayloadFormat | None = None,
    ) -> RunStream:
        """Attaches to a run: what it does from now on or, with a cursor, from there, until it has ended.

        A call that breaks is made again, as in `stream`; also without a cursor nothing is missed, since the server says where it starts.

        Args:
            run_id: The run: a UUID.
            after_seq: The cursor: the `last_seq` of the stream that was left. 0 means from the run's start. None means from now on. One that
                is no longer held raises `CursorExpired`.
            filter: Which of the run's events are delivered. Default: all.
            thread_id: The run's thread: a UUID. Default: whichever it is.
            on_disconnect: What happens to the run when this call is cut off. Default: continue.
            payload_format: As in `StreamOptions`.

        Returns:
            The stream, as from `stream`.
        """
        request = pb.JoinRunRequest(
            run_id=run_id,
            thread_id=thread_id,
            after_seq=after_seq,
            filter=event_filter(filter),
            on_disconnect=chosen(on_disconnect, "on_disconnect"),
            payload_format=chosen(payload_format, "payload_format"),
        )
        return RunStream(self._wire, JoinRoute(self._wire, request), run_id=run_id)

    async def invoke(
        self,
        assistant: str,
        input: object = None,  # noqa: A002  the name that the ecosystem uses
        **options: Unpack[InvokeOptions],
    ) -> RunResult:
        """Creates a run, waits until it has ended, and returns its outcome, well or not.

        A graph that failed raises nothing here: look at the result's `error` and `interrupts`, or call its `raise_for_error`.

        Args:
            assistant: The assistant, or the name of a graph.
            input: The graph's input, as in `stream`.
            **options: See `InvokeOptions`.
        """
        request = run_request(pb.InvokeRunRequest, assistant, input, as_mapping(options))
        return RunResult.read((await self._wire.call(self._wire.runs.InvokeRun, request)).result)

    async def create(
        self,
        assistant: str,
        input: object = None,  # noqa: A002  the name that the ecosystem uses
        **options: Unpack[RunOptions],
    ) -> Run:
        """Creates a run and returns at once; it executes in the background. `join` and `wait` follow it.

        Args:
            assistant: The assistant, or the name of a graph.
            input: The graph's input, as in `stream`.
            **options: See `RunOptions`.
        """
        request = run_request(pb.CreateRunRequest, assistant, input, as_mapping(options))
        return Run.read((await self._wire.call(self._wire.runs.CreateRun, request)).run)

    async def wait(
        self, run_id: str, *, thread_id: str | None = None, on_disconnect: DisconnectMode | None = None
    ) -> RunResult:
        """Waits until a run has ended and returns its outcome, as `invoke` does.

        Args:
            run_id: The run: a UUID.
            thread_id: Its thread: a UUID. Default: whichever it is.
            on_disconnect: What happens to the run when this call is cut off. Default: continue.
        """
        request = pb.WaitRunRequest(
            run_id=run_id, thread_id=thread_id, on_disconnect=chosen(on_disconnect, "on_disconnect")
        )
        return RunResult.read((await self._wire.call(self._wire.runs.WaitRun, request)).result)

    async def cancel(
        self,
        run_id: str,
        *,
        thread_id: str | None = None,
        action: Literal["interrupt", "rollback"] | None = None,
        wait: bool = False,
    ) -> Run | None:
        """Cancels a run. One that has ended raises `FailedPrecondition`.

        Args:
            run_id: The run: a UUID.
            thread_id: Its thread: a UUID. Default: whichever it is.
            action: `interrupt` keeps what it has done, `rollback` undoes it and deletes the run. Default: interrupt.
            wait: Whether to return only when the run has ended. Default: when the wish is durable, at once.

        Returns:
            The run; with `wait`, as it ended. None after a rollback that waited: the run is deleted.
        """
        request = pb.CancelRunRequest(run_id=run_id, thread_id=thread_id, action=chosen(action, "action"), wait=wait)
        answer = await self._wire.call(self._wire.runs.CancelRun, request)
        return Run.read(answer.run) if answer.HasField("run") else None
