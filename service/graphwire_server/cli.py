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

if TYPE_CHECKING:
    from graphwire_server.app import Serving
    from graphwire_server.config import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _verbs() -> None:
    """Serve LangGraph graphs over gRPC, and talk to such a server."""


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
    isolate_graphs: Annotated[
        bool | None,
        typer.Option(
            "--isolate-graphs",
            help="Run each graph on an event loop of its own: a node that blocks it holds up that graph alone.",
        ),
    ] = None,
    loops_per_graph: Annotated[
        int | None,
        typer.Option(
            help="Loops of a graph then; with more than 1 its clients and locks are used on several. [default: 1]"
        ),
    ] = None,
    block_warning: Annotated[
        str | None, typer.Option(help="Log who blocks an event loop for so many seconds; 0 is off. [default: 1]")
    ] = None,
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
    _serve_or_refuse(_settings({name: value for name, value in locals().items() if value is not None}))


def _serve_or_refuse(settings: "Settings") -> None:
    gc.disable()  # nearly all that a start makes stays; looking for what does not takes a sixth of it. See `_tune_collector`
    from graphwire_server.app import EngineNotOffered, check_engines  # noqa: PLC0415  see the module's docstring
    from graphwire_server.core.errors import StoreUnavailable  # noqa: PLC0415  see the module's docstring
    from graphwire_server.logs import set_up  # noqa: PLC0415  see the module's docstring
    from graphwire_server.security import SecurityError  # noqa: PLC0415  see the module's docstring

    set_up(settings)
    refusals: tuple[type[Exception], ...] = (EngineNotOffered, SecurityError, *_refusals(settings))
    try:
        check_engines(os.environ)
        _run(_serve(settings))
    except refusals as error:
        _refuse(str(error))
    except StoreUnavailable:
        _refuse(
            f"the database in {settings.data_dir} does not answer; is another program using it, or is its disk full?"
        )


def _refusals(settings: "Settings") -> tuple[type[Exception], ...]:
    """What keeps a server from starting for a reason that its text says."""
    from graphwire_server.engine.manifest import ManifestError  # noqa: PLC0415  see the module's docstring
    from graphwire_server.rpc.server import PortTaken  # noqa: PLC0415  see the module's docstring
    from graphwire_server.storage.sqlite.directory import DataDirError  # noqa: PLC0415  see the module's docstring

    if settings.no_http:
        return ManifestError, DataDirError, PortTaken
    from graphwire_server.rest.custom import CustomAppFailed  # noqa: PLC0415  see the module's docstring
    from graphwire_server.rest.server import HttpPortTaken  # noqa: PLC0415  see the module's docstring

    return ManifestError, DataDirError, PortTaken, CustomAppFailed, HttpPortTaken


def _settings(given: dict[str, Any]) -> "Settings":
    try:
        from pydantic import ValidationError  # noqa: PLC0415  see the module's docstring

        from graphwire_server.config import Settings  # noqa: PLC0415  see the module's docstring
    except ModuleNotFoundError as missing:
        _refuse(f"serving needs the server's extra (no module {missing.name}): pip install 'graphwire[server]'")
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        _refuse(f"option {name if name.isupper() else name.replace('_', '-')}: {first['msg']}, not {first['input']!r}")


def _run(main: Coroutine[Any, Any, None]) -> None:
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop  # noqa: PLC0415  not there on Windows

        uvloop.run(main)


async def _serve(settings: "Settings") -> None:
    from graphwire_server.app import serving  # noqa: PLC0415  see the module's docstring
    from graphwire_server.engine import threads  # noqa: PLC0415  see the module's docstring

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    pool = threads.start(settings.node_threads)
    async with serving(settings, pool) as server:
        _tune_collector()
        print(_ready_line(settings, server), flush=True)
        print(await _next_steps(settings, server), file=sys.stderr, flush=True)
        await stop.wait()
    pool.leave(timedelta(seconds=1))


def _tune_collector() -> None:
    """What is there now stays for ever, and runs make much that is freed by counting: the collector need not look at either so often.

    A run of 4,000 tokens is freed before the collector comes to it (at 50,000 it took a sixth of the run's time). What waits for the collector is small:
    600 runs that failed on states of 2 MB left 26 MiB more than at 50,000. A start leaves next to no garbage (some thousand objects of 200,000), and looking
    for it would take a tenth of a second, so it stays as well.
    """
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    gc.enable()


def _ready_line(settings: "Settings", server: "Serving") -> str:
    http = "" if server.http_port is None else f" http {settings.address(server.http_port)}"
    return f"graphwire ready: grpc {settings.address(server.grpc_port)}{http}"


async def _next_steps(settings: "Settings", server: "Serving") -> str:
    """What a newcomer types in a second terminal, for the first graph of this server."""
    from graphwire_server.hints import example_input  # noqa: PLC0415  see the module's docstring
    from graphwire_server.next_steps import next_steps  # noqa: PLC0415  see the module's docstring

    graphs = server.assistants.graphs
    example = (graphs[0], example_input(await server.assistants.schemas(graphs[0])))
    commands = next_steps(settings, sys.argv[0], example, (server.grpc_port, server.http_port))
    return "\n  ".join([f"graphs: {', '.join(graphs)}\nnext, in a second terminal:", *commands])


def _refuse(line: str) -> NoReturn:
    print(f"graphwire: {line}", file=sys.stderr)
    raise SystemExit(2)


def main() -> None:
    """The entry point of the command `graphwire`."""
    if sys.argv[1:2] != ["serve"]:  # a server needs no verbs for people
        from graphwire_server.console import register  # noqa: PLC0415  see the module's docstring

        register(app)
    app()
