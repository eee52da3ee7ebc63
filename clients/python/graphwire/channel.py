"""The connection to a server.

Owns the channel, how it is encrypted, the metadata of every call, and the one way to make a unary call. The invariant: what leaves here is an answer, a
`GraphwireError`, or the caller's own cancellation.
"""

import asyncio
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Protocol, TypeVar
from weakref import WeakSet

import grpc

from graphwire._patience import Patience
from graphwire.errors import GraphwireError, from_rpc
from graphwire.v1.assistant_service_pb2_grpc import AssistantServiceStub
from graphwire.v1.cron_service_pb2_grpc import CronServiceStub
from graphwire.v1.run_service_pb2_grpc import RunServiceStub
from graphwire.v1.store_service_pb2_grpc import StoreServiceStub
from graphwire.v1.thread_service_pb2_grpc import ThreadServiceStub

Request = TypeVar("Request")
Response = TypeVar("Response")

OPTIONS: tuple[tuple[str, int | str], ...] = (
    # A state may be larger than gRPC's 4 MiB; the server splits events, but answers of unary calls come whole.
    ("grpc.max_receive_message_length", -1),
    # A stream may be silent while a model thinks. Pings find a dead connection in 40 s; without calls there is nothing to keep.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    # A lost connection is tried again soon, and never given up; an attempt that nobody answers is given up after 5 s (gRPC's name for that is "min").
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)
"""The channel's options; those of `connect` come after them and win."""


@cache
def service_config() -> str:
    """The channel's service config, as JSON: reads are repeated by gRPC itself, and several servers behind one name are used in turn."""
    found = pkgutil.get_data("graphwire", "service_config.json")
    assert found is not None  # noqa: S101  it is part of the package
    return found.decode()


def open_channel(
    address: str, credentials: grpc.ChannelCredentials | None, options: Sequence[tuple[str, int | str]]
) -> grpc.aio.Channel:
    """A channel to a server. Nothing is sent yet.

    Args:
        address: `host:port`, or any other target that gRPC knows.
        credentials: TLS; None means an unencrypted connection.
        options: Channel options, beside and over this client's own.
    """
    merged = {"grpc.service_config": service_config()} | dict(OPTIONS) | dict(options)
    # gRPC's core waits this long for the answer to a ping, a minute by default, whatever the timeout of keepalive says.
    merged.setdefault("grpc.http2.ping_timeout_ms", merged["grpc.keepalive_timeout_ms"])
    if credentials is None:
        return grpc.aio.insecure_channel(address, [*merged.items()])
    return grpc.aio.secure_channel(address, credentials, [*merged.items()])


def channel_credentials(
    *, tls: bool, root_certificates: bytes | None, certificate_chain: bytes | None, private_key: bytes | None
) -> grpc.ChannelCredentials | None:
    """How a channel is encrypted; None is not at all. The arguments are those of `connect`.

    Raises:
        ValueError: Of certificate_chain and private_key there is only one.
    """
    if (certificate_chain is None) != (private_key is None):
        raise ValueError("certificate_chain and private_key belong together: give both, or none")
    if not tls and root_certificates is None and certificate_chain is None:
        return None
    return grpc.ssl_channel_credentials(root_certificates, private_key, certificate_chain)


class Activity(Protocol):
    """What a stream does at the moment: a call, or a wait between two."""

    def cancel(self) -> bool:
        """Ends it: whoever awaits it gets a CancelledError."""


class Wire:
    """A channel and what every call on it needs.

    Args:
        channel: The channel, which the wire owns.
        metadata: What every call carries.
        patience: What streams have of it.

    Attributes:
        runs: The generated stub of the run service; `threads`, `assistants`, `crons` and `store` likewise.
        closed: Whether the client is closed. No call may be made any more.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        *,
        metadata: Mapping[str, str],
        patience: Patience,
    ) -> None:
        self._channel = channel
        self._under_way: WeakSet[Activity] = WeakSet()
        self.patience = patience
        self.closed = False
        self.metadata = tuple((key.lower(), value) for key, value in metadata.items())
        self.runs = RunServiceStub(self._channel)
        self.threads = ThreadServiceStub(self._channel)
        self.assistants = AssistantServiceStub(self._channel)
        self.crons = CronServiceStub(self._channel)
        self.store = StoreServiceStub(self._channel)

    async def aclose(self) -> None:
        """Closes the channel. Calls that are under way are cut off, and so are waits between two."""
        self.closed = True
        for activity in list(self._under_way):
            activity.cancel()
        await self._channel.close(None)

    def holds(self, activity: "Activity") -> None:
        """Takes note of a stream's call or wait, which is cancelled when the client is closed. Older versions of gRPC do not see to that themselves."""
        self._under_way.add(activity)

    async def call(self, method: "grpc.aio.UnaryUnaryMultiCallable[Request, Response]", request: Request) -> Response:
        """The answer to a request. To bound the wait, use `asyncio.timeout`: a cancelled caller cancels the call.

        Raises:
            GraphwireError: The service failed the call; which error, its class says.
        """
        if self.closed:
            raise cut_off()
        try:
            return await method(request, metadata=self.metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error
        except asyncio.CancelledError:
            if task_cancelled():
                raise
            raise cut_off() from None


def task_cancelled() -> bool:
    """Whether the CancelledError that is being handled means this task.

    gRPC raises the same error where only its call was cancelled, as when the channel is closed; to the caller that would look like
    a cancellation of its own task, and end it in silence.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def cut_off() -> GraphwireError:
    """The error of a call that ended because its client was closed."""
    return GraphwireError("the call was cut off: the client was closed", code=grpc.StatusCode.CANCELLED)
