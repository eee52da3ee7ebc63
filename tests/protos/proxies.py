"""nginx and Envoy with the configurations of docs/clients.md, on ports of the test's own.

Owns how a configuration of the page becomes one for a test: ports, files, and that only the loopback is listened on. Nothing else of it is changed.
"""

import asyncio
import os
import shutil
import socket
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from tests.protos.page import block

_PATIENCE = 40.0
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

Configure = Callable[[Path, int, str], list[str]]
"""Writes the configuration into a folder, for a port and the server's port; returns the command."""


def nginx(folder: Path, port: int, server_port: str) -> list[str]:
    """The page's nginx.conf. What Debian's build writes into /var goes into the folder."""
    kept = "".join(f"    {name}_temp_path {folder}/{name};\n" for name in _TEMPORARY)
    text = block("nginx").replace("http {\n", f"http {{\n    access_log off;\n{kept}", 1)
    text = text.replace("listen 8443", f"listen 127.0.0.1:{port}").replace(
        "127.0.0.1:50051", f"127.0.0.1:{server_port}"
    )
    (folder / "nginx.conf").write_text(text)
    return [
        _program("nginx"),
        "-p",
        str(folder),
        "-c",
        "nginx.conf",
        "-e",
        "stderr",
        "-g",
        f"daemon off; pid {folder}/pid;",
    ]


def envoy(folder: Path, port: int, server_port: str) -> list[str]:
    """The page's bootstrap file."""
    text = block("yaml").replace("address: 0.0.0.0, port_value: 8443", f"address: 127.0.0.1, port_value: {port}")
    (folder / "envoy.yaml").write_text(text.replace("port_value: 50051", f"port_value: {server_port}"))
    return [
        _program("envoy"),
        "-c",
        "envoy.yaml",
        "--concurrency",
        "1",
        "--use-dynamic-base-id",
        "--log-level",
        "warning",
    ]


PROXIES: dict[str, Configure] = {"nginx": nginx, "envoy": envoy}


def _program(name: str) -> str:
    """Where a proxy is: in $NGINX or $ENVOY, on PATH, or where Debian has it. Skips the test where it is absent."""
    found = os.environ.get(name.upper()) or shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@asynccontextmanager
async def proxied(name: str, folder: Path, server_address: str) -> AsyncIterator[tuple[str, bytes]]:
    """Starts a proxy before a server, and ends it.

    Args:
        name: Which.
        folder: An empty folder for its files.
        server_address: The server's host and port.

    Returns:
        The proxy's address, and the certificate of its authority.
    """
    authority, port = trustme.CA(), _free_port()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    (folder / "server.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(folder / "server.key")
    command = PROXIES[name](folder, port, server_address.rpartition(":")[2])
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=PIPE, stderr=STDOUT)
    try:
        await _listening(process, port)
        yield f"localhost:{port}", authority.cert_pem.bytes()
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), _PATIENCE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    """Waits until the proxy takes connections."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            if process.returncode is not None:
                assert process.stdout is not None
                pytest.fail(f"it has ended: {(await process.stdout.read()).decode()}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)  # a program that is not ours says in no other way that it is ready
            else:
                writer.close()
                return
