"""Which server a verb talks to, and how.

Owns the way from what was typed to a connection, and back to what is typed next. The invariant: a key is never printed.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import graphwire

DEFAULT_ADDRESS = "localhost:50051"
"""Where `graphwire serve` listens."""

KEY_VARIABLE = "GRAPHWIRE_API_KEY"
"""The variable that may have the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server, and how it is spoken to.

    Args:
        address: `host:port`. Default: where `graphwire serve` listens.
        api_key: The key; None sends none.
        tls: Whether the connection is encrypted, with the public root certificates. Each of the files says so too.
        tls_ca: The root certificates to trust instead, in PEM.
        tls_cert: The certificate that this client shows, in PEM; with `tls_key`.
        tls_key: The private key of that certificate, in PEM.
    """

    address: str = DEFAULT_ADDRESS
    api_key: str | None = field(default=None, repr=False)
    tls: bool = False
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def connect(self) -> graphwire.Client:
        """A client of the server. Raises OSError where a file cannot be read, ValueError where a certificate lacks its key."""
        return graphwire.connect(
            self.address,
            api_key=self.api_key,
            tls=self.tls,
            root_certificates=_read(self.tls_ca),
            certificate_chain=_read(self.tls_cert),
            private_key=_read(self.tls_key),
        )

    def words(self) -> list[str]:
        """The options that name this server to the next command. In place of a key that the environment lacks stands KEY."""
        words = [] if self.address == DEFAULT_ADDRESS else ["--address", self.address]
        if self.api_key is not None and self.api_key != os.environ.get(KEY_VARIABLE):
            words += ["--api-key", "KEY"]
        if self.tls:
            words.append("--tls")
        files = {"--tls-ca": self.tls_ca, "--tls-cert": self.tls_cert, "--tls-key": self.tls_key}
        return words + [word for option, path in files.items() if path is not None for word in (option, str(path))]


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()
