"""The servers of the page's sections.

Owns which section needs another than the usual one, and what lies in the folder where its recipes are run.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trustme

from tests.conformance.test_examples import EXAMPLES
from tests.support.serving import APP, running
from tools.protos import ROOT, write

PORT = "50051"
"""The port on the page, for which that of the test's server is put in."""

KEY = "a-long-random-key"

SPECIAL: dict[str, frozenset[str]] = {
    "Several questions at once": frozenset({"questions"}),
    "API keys and other metadata": frozenset({"keys"}),
    "TLS": frozenset({"keys", "tls"}),
    "Certificates of clients": frozenset({"tls", "clients"}),
    "Without reflection": frozenset({"protos"}),
    "buf curl": frozenset({"protos"}),
    "buf curl with TLS and keys": frozenset({"keys", "tls", "protos"}),
}
"""What is special about the server, or the folder, of a section; all others have the examples, unencrypted and open."""


@asynccontextmanager
async def served(heading: str, folder: Path, data: Path) -> AsyncIterator[str]:
    """The port of a section's server.

    Args:
        heading: The section.
        folder: Where its recipes are run.
        data: Where the server keeps its data.
    """
    wants = SPECIAL.get(heading, frozenset())
    settings: dict[str, Any] = {"api_keys": (KEY,)} if "keys" in wants else {}
    if "tls" in wants:
        settings |= _certificates(folder, clients="clients" in wants)
    if "protos" in wants:
        write(folder / "dist")
        (folder / "protos").symlink_to(ROOT / "protos")
    config = APP if "questions" in wants else EXAMPLES / "langgraph.json"
    async with running(data, config, **settings) as server:
        yield server.address.rpartition(":")[2]


def _certificates(folder: Path, *, clients: bool) -> dict[str, Path]:
    """Writes what a caller needs into the folder, and returns what the server needs."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    made = {"tls_cert": folder / "server.pem", "tls_key": folder / "server.key"}
    _write(authority.issue_cert("localhost", "127.0.0.1"), *made.values())
    if not clients:
        return made
    _write(authority.issue_cert("client@example.com"), folder / "client.pem", folder / "client.key")
    return made | {"tls_client_ca": folder / "ca.pem"}


def _write(issued: trustme.LeafCert, cert: Path, key: Path) -> None:
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
