"""The gRPC server: its options, its standard services, its start and its stop.

Owns the listening socket. The services' methods are elsewhere. The invariant: health says SERVING only while new runs are taken.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pool
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_reflection.v1alpha import reflection

from graphwire.v1 import assistant_service_pb2, cron_service_pb2, run_service_pb2, store_service_pb2, thread_service_pb2
from graphwire_server.core.keys import ApiKeys
from graphwire_server.core.streams import Streams
from graphwire_server.core.tally import Tally
from graphwire_server.rpc.assistant_service import AssistantService
from graphwire_server.rpc.calls import handler
from graphwire_server.rpc.cron_service import CronService
from graphwire_server.rpc.keys import KeyCheck
from graphwire_server.rpc.run_service import RunService
from graphwire_server.rpc.store_service import StoreService
from graphwire_server.rpc.symbols import Symbols
from graphwire_server.rpc.thread_service import ThreadService

SERVICES = (
    run_service_pb2.DESCRIPTOR.services_by_name["RunService"],
    thread_service_pb2.DESCRIPTOR.services_by_name["ThreadService"],
    assistant_service_pb2.DESCRIPTOR.services_by_name["AssistantService"],
    cron_service_pb2.DESCRIPTOR.services_by_name["CronService"],
    store_service_pb2.DESCRIPTOR.services_by_name["StoreService"],
)
"""The services of the protos, all of which are served."""
_STOP_GRACE = 1.0
_MOST_WAITING = 100_000
"""Far more than the streams and runs that a server takes (`core/streams`, `core/runs`)."""
_NO_KEYS = ApiKeys()


class PortTaken(Exception):
    """The address cannot be listened on; the text is one line for the person who started the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate:
    """What the server shows to prove who it is, in PEM.

    Attributes:
        cert: The certificate, and those between it and its root.
        key: Its private key.
        client_ca: The authorities whose clients are let in; None asks no client for a certificate.
    """

    cert: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server listens.

    Attributes:
        host: The address to bind.
        port: The port; 0 picks a free one.
        max_request_bytes: The largest message that is taken; a larger one is RESOURCE_EXHAUSTED.
        max_connection_age: After how long a client is asked to connect again, to rebalance; None is never.
        channelz: Whether the channelz service is offered.
        tls: The server's certificate; None is without TLS.
    """

    host: str = "127.0.0.1"
    port: int = 50051
    max_request_bytes: int = 64 << 20
    max_connection_age: timedelta | None = None
    channelz: bool = False
    tls: ServerCertificate | None = None


class GrpcServer:
    """The gRPC face of a server.

    Args:
        options: How it listens.
        runs: The RPCs of runs.
        threads: The RPCs of threads.
        assistants: The RPCs of assistants.
        crons: The RPCs of crons.
        store: The RPCs of the store.
        streams: The streams that are open.
        tally: Counts the calls.
        keys: The keys of which callers show one; with none, nobody is asked.
    """

    def __init__(
        self,
        options: ServerOptions,
        *,
        runs: RunService,
        threads: ThreadService,
        assistants: AssistantService,
        crons: CronService,
        store: StoreService,
        streams: Streams,
        tally: Tally,
        keys: ApiKeys = _NO_KEYS,
    ) -> None:
        self._options = options
        checks = [KeyCheck(keys)] if keys else []
        self._server = grpc.aio.server(interceptors=checks, options=_channel_options(options))
        servicers = zip(SERVICES, (runs, threads, assistants, crons, store), strict=True)
        self._server.add_generic_rpc_handlers(
            tuple(handler(service, each, streams, tally) for service, each in servicers)
        )
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # its stubs know the synchronous one alone
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [service.full_name for service in SERVICES]
        shown = (*names, health.SERVICE_NAME, reflection.SERVICE_NAME)
        symbols: Any = Symbols(descriptor_pool.Default())
        reflection.enable_server_reflection(shown, self._server, symbols)
        if options.channelz:
            channelz.add_channelz_servicer(self._server)  # type: ignore[arg-type]  # its stubs know the synchronous server alone

    def bind(self) -> int:
        """Takes the port and returns it; nothing is answered yet. Raises PortTaken."""
        host = f"[{self._options.host}]" if ":" in self._options.host else self._options.host
        address, tls = f"{host}:{self._options.port}", self._options.tls
        try:
            if tls is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, _credentials(tls))
        except RuntimeError as error:
            raise PortTaken(
                f"cannot listen on {address}: the port is taken or the address is not this machine's; "
                "choose another with --grpc-port (0 picks a free one) or --host"
            ) from error

    async def start(self) -> None:
        """Answers calls, and says SERVING."""
        await self._server.start()
        for service in ("", *(each.full_name for each in SERVICES)):
            await self._health.set(service, HealthCheckResponse.SERVING)

    async def drain(self) -> None:
        """Says NOT_SERVING for good, so that balancers send no more calls. Open calls go on."""
        await self._health.enter_graceful_shutdown()

    async def stop(self) -> None:
        """Ends what is still open and stops listening."""
        await self._server.stop(_STOP_GRACE)


def _credentials(tls: ServerCertificate) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials(
        [(tls.key, tls.cert)], root_certificates=tls.client_ca, require_client_auth=tls.client_ca is not None
    )


def _channel_options(options: ServerOptions) -> list[tuple[str, int]]:
    """Sizes, and keepalive: dead clients are noticed in 40 s, and clients may ping every 10 s without being sent away (wire D)."""
    made = [
        ("grpc.max_receive_message_length", options.max_request_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.so_reuseport", 0),
        # Calls that wait for the loop to see them: the core would refuse some of them at random from 1,000 on, with CANCELLED and no reason. Our own bounds say why.
        ("grpc.server.max_pending_requests", _MOST_WAITING),
        ("grpc.server.max_pending_requests_hard_limit", _MOST_WAITING),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.ping_timeout_ms", 10_000),  # the core goes by this one, and would wait 60 s for an answer
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ]
    if options.max_connection_age is not None:
        made.append(("grpc.max_connection_age_ms", int(options.max_connection_age.total_seconds() * 1000)))
        made.append(("grpc.max_connection_age_grace_ms", 30_000))
    return made
