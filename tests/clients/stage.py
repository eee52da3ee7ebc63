"""What a case's clients talk to: real servers, scripts, and the lines before them.

Owns the processes. A real server that no case changes is shared by all cases with its graphs; one that a case sets up in its way, or kills, is the case's own.
"""

import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import trustme

from tests.clients.cases import Case, Server
from tests.clients.proxy import Proxy, proxied
from tests.clients.scripted import Script, scripted
from tests.faults.process import ServerProcess

ROOT = Path(__file__).parents[2]
AUTHORITY, STRANGER = "authority", "stranger"


class GraphServer(ServerProcess):
    """A server of graphs.

    Args:
        data_dir: Where it keeps its data, through any number of starts.
        config: Its langgraph.json.
        settings: Options of `Settings`, as their variables want them.
    """

    def __init__(self, data_dir: Path, config: Path, **settings: str) -> None:
        super().__init__(data_dir, **settings)
        self._options = ("--config", str(config))

    def keep_ports(self) -> None:
        """As in ServerProcess, and with the same graphs."""
        before = self._options
        super().keep_ports()
        self._options = (*before, *self._options)

    async def reborn(self) -> None:
        """kill -9, and a start on the same port and data."""
        await self.kill()
        await self.start()


def config(graphs: str) -> Path:
    """The langgraph.json behind a name of graphs."""
    return ROOT / ("examples" if graphs == "examples" else f"tests/{graphs}/app") / "langgraph.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is set up for a case.

    Attributes:
        address: Where its client connects.
        line: The proxy before a real server, where the case has cuts.
        script: The script, where there is one.
    """

    address: str
    line: Proxy | None = None
    script: Script | None = None

    def complaints(self) -> Iterator[str]:
        """What did not happen as the case says, whatever the client saw."""
        if self.script is not None:
            yield from self.script.complaints()
        if self.line is not None and self.line.pending:
            yield f"these cuts were not made, so that the case shows nothing: {self.line.pending}"


@dataclass(slots=True)
class Stages:
    """Sets up stages.

    Attributes:
        folder: Where servers keep their data, and certificates lie.
    """

    folder: Path
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _shared: dict[str, GraphServer] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _authorities: dict[str, trustme.CA] = field(default_factory=dict)

    async def aclose(self) -> None:
        """Ends all servers."""
        await self._stack.aclose()

    @asynccontextmanager
    async def of(self, case: Case) -> AsyncIterator[Stage]:
        """The stage of a case."""
        async with AsyncExitStack() as stack:
            yield await self._set(case.server, stack)

    async def shared(self, graphs: str) -> GraphServer:
        """The server of some graphs that all share."""
        if graphs not in self._shared:
            self._shared[graphs] = await self._started(Server(graphs=graphs), self._stack)
        return self._shared[graphs]

    def connect(self, case: Case) -> Mapping[str, Any]:
        """The case's `connect`, with files in the place of the names of authorities."""
        trusted = case.connect.get("root_certificates")
        return dict(case.connect) | ({"root_certificates": str(self._certificate(trusted))} if trusted else {})

    async def _set(self, server: Server, stack: AsyncExitStack) -> Stage:
        if server.absent:
            nobody = stack.enter_context(socket.socket())
            nobody.bind(("127.0.0.1", 0))  # taken, so that nobody else gets it; nobody listens
            return Stage(address=f"127.0.0.1:{nobody.getsockname()[1]}")
        if server.script is not None:
            address, script = await stack.enter_async_context(scripted(server.script))
            return Stage(address=address, script=script)
        process = await self._started(server, stack) if server.own else await self.shared(server.graphs)
        if not server.cuts:
            return Stage(address=process.address)
        line = await stack.enter_async_context(proxied(process.address, server.cuts, process.reborn))
        return Stage(address=line.address, line=line)

    async def _started(self, server: Server, stack: AsyncExitStack) -> GraphServer:
        folder = self.folder / f"server-{next(self._numbers)}"
        folder.mkdir()
        settings = dict(server.settings) | (self._issued(folder) if server.tls else {})
        process = GraphServer(folder / "data", config(server.graphs), **settings)
        stack.push_async_callback(process.close)
        await process.start()
        process.keep_ports()
        return process

    def _issued(self, folder: Path) -> dict[str, str]:
        """The settings of a server whose certificate the authority of these tests has issued."""
        self._certificate(AUTHORITY)
        issued = self._authorities[AUTHORITY].issue_cert("127.0.0.1", "localhost")
        cert, key = folder / "server.pem", folder / "server.key"
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return {"tls_cert": str(cert), "tls_key": str(key)}

    def _certificate(self, name: str) -> Path:
        path = self.folder / f"{name}.pem"
        if name not in self._authorities:
            self._authorities[name] = trustme.CA()
            self._authorities[name].cert_pem.write_to_path(path)
        return path
