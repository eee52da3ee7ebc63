"""The command line: `graphwire serve`, and the verbs of the console.

Owns the entry point and what the start of a server prints. Everything heavy is imported when a server starts, so that the verbs for people are
quick and work where only the client is installed.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

try:
    import typer
except ModuleNotFoundError:  # the light install has no command line
    sys.exit("the command line needs its extra: pip install 'graphwire[cli]', or 'graphwire[server]' to serve")

# Before the first import of grpc: its core would put lines of its own between ours, on a port that is taken, say.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from graphwire_server.console import register

if TYPE_CHECKING:
    from graphwire_server.app import Serving
    from graphwire_server.config import Settings

app = typer.Typer(
    help="Serve LangGraph graphs over gRPC, and talk to such a server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
register(app)


@app.command()
def serve(
    config: Annotated[
        Path | None, typer.Option(help="The file that names the graphs. [default: langgraph.json]")
    ] = None,
    host: Annotated[str | None, typer.Option(help="The address to bind. [default: 127.0.0.1]")] = None,
    grpc_port: Annotated[
        int | None, typer.Option(help="The port of gRPC; 0 picks a free one. [default: 50051]")
    ] = None,
    http_port: Annotated[int | None, typer.Option(help="The port of HTTP; 0 picks a free one. [default: 8123]")] = None,
    no_http: Annotated[bool | None, typer.Option("--no-http", help="Serve gRPC alone.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where data is kept. [default: .graphwire]")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error. [default: info]")] = None,
    log_format: Annotated[str | None, typer.Option(help="text or json. [default: text]")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Encrypt, with this certificate chain: PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The private key of that certificate: PEM.")] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help="Let in clients with a certificate of these authorities alone: PEM.")
    ] = None,
    api_keys_file: Annotated[
        Path | None, typer.Option(help="Ask callers for one of these keys, one a line. See also GRAPHWIRE_API_KEYS.")
    ] = None,
    allow_anonymous: Annotated[
        bool | None, typer.Option("--allow-anonymous", help="Ask nobody, on an address that others reach.")
    ] = None,
) -> None:
    """Serves the graphs of a langgraph.json. Each option is also a variable GRAPHWIRE_..., such as GRAPHWIRE_GRPC_PORT.

    Keys themselves are in the variable GRAPHWIRE_API_KEYS or in a file, since others on this machine see command lines.
    """
    given = {name: value for name, value in locals().items() if value is not None}
    settings = _settings(given)
    from graphwire_server.app import EngineNotOffered, check_engines  # noqa: PLC0415  see the module's docstring
    from graphwire_server.engine.manifest import ManifestError  # noqa: PLC0415
    from graphwire_server.logs import set_up  # noqa: PLC0415
    from graphwire_server.rest.custom import CustomAppFailed  # noqa: PLC0415
    from graphwire_server.rest.server import HttpPortTaken  # noqa: PLC0415
    from graphwire_server.rpc.server import PortTaken  # noqa: PLC0415
    from graphwire_server.security import SecurityError  # noqa: PLC0415
    from graphwire_server.storage.sqlite.directory import DataDirError  # noqa: PLC0415

    set_up(settings)
    try:
        check_engines(os.environ)
        _run(_serve(settings))
    except (
        ManifestError,
        DataDirError,
        PortTaken,
        HttpPortTaken,
        CustomAppFailed,
        EngineNotOffered,
        SecurityError,
    ) as error:
        _refuse(str(error))


def _settings(given: dict[str, Any]) -> "Settings":
    try:
        from pydantic import ValidationError  # noqa: PLC0415  see the module's docstring

        from graphwire_server.config import Settings  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        _refuse(f"serving needs the server's extra (no module {missing.name}): pip install 'graphwire[server]'")
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        _refuse(f"option {str(first['loc'][0]).replace('_', '-')}: {first['msg']}, not {first['input']!r}")


def _run(main: Coroutine[Any, Any, None]) -> None:
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop  # noqa: PLC0415  not there on Windows

        uvloop.run(main)


async def _serve(settings: "Settings") -> None:
    from graphwire_server import node_threads  # noqa: PLC0415  see the module's docstring
    from graphwire_server.app import serving  # noqa: PLC0415

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    pool = node_threads.start(settings.node_threads)
    async with serving(settings) as server:
        _tune_collector()
        print(_ready_line(settings, server), flush=True)
        print(await _next_steps(settings, server), file=sys.stderr, flush=True)
        await stop.wait()
    node_threads.leave(pool, timedelta(seconds=1))


def _tune_collector() -> None:
    """What is loaded now stays for ever, and runs make much that is freed by counting: the collector need not look at either so often.

    A run of 4,000 tokens is freed before the collector comes to it (at 50,000 it took a sixth of the run's time). What waits for the collector is small:
    600 runs that failed on states of 2 MB left 26 MiB more than at 50,000.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


def _ready_line(settings: "Settings", server: "Serving") -> str:
    http = "" if server.http_port is None else f" http {settings.address(server.http_port)}"
    return f"graphwire ready: grpc {settings.address(server.grpc_port)}{http}"


async def _next_steps(settings: "Settings", server: "Serving") -> str:
    """What a newcomer types in a second terminal, for the first graph of this server."""
    from graphwire_server.hints import example_input  # noqa: PLC0415  see the module's docstring
    from graphwire_server.next_steps import next_steps  # noqa: PLC0415

    graphs = [info.graph_id for info in server.catalogue.list()]
    example = (graphs[0], example_input(await server.catalogue.schemas(graphs[0])))
    commands = next_steps(settings, sys.argv[0], example, (server.grpc_port, server.http_port))
    return "\n  ".join([f"graphs: {', '.join(graphs)}\nnext, in a second terminal:", *commands])


def _refuse(line: str) -> NoReturn:
    print(f"graphwire: {line}", file=sys.stderr)
    raise SystemExit(2)


def main() -> None:
    """The entry point of the command `graphwire`."""
    app()
