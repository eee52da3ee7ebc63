"""Who may talk to a server, and how nobody else listens in: API keys and TLS, from options and files.

Owns the reading of these files and the rules between the options. What a check of a key is, the core knows; how a transport encrypts, the
transport. The invariant: a server that others can reach asks for something, or was told in so many words not to.
"""

import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from graphwire_server.config import Settings
from graphwire_server.core.keys import ApiKeys


class SecurityError(Exception):
    """Keys or certificates cannot be used as the options say; the text is one line for whoever started the server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What the server shows to prove who it is, in PEM, with the files that it was read from.

    Attributes:
        cert: The certificate, and those between it and its root.
        key: Its private key, without a passphrase.
        client_ca: The authorities whose clients are let in; None asks no client for a certificate.
        cert_path: Where `cert` was read.
        key_path: Where `key` was read.
        client_ca_path: Where `client_ca` was read.
    """

    cert: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None
    cert_path: Path
    key_path: Path
    client_ca_path: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What a server asks of its callers.

    Attributes:
        keys: The keys that callers show; none means that nobody is asked.
        tls: Its certificate; None is without TLS.
    """

    keys: ApiKeys
    tls: Tls | None


def read_security(settings: Settings) -> Security:
    """The keys and certificates that the options name.

    Raises:
        SecurityError: A file cannot be read or used, options contradict one another, or others could call the server unasked.
    """
    keys, tls = _keys(settings), _tls(settings)
    asked = bool(keys) or settings.allow_anonymous or (tls is not None and tls.client_ca is not None)
    if not asked and not _is_loopback(settings.host):
        raise SecurityError(
            f"host {settings.host} is reachable by others: set GRAPHWIRE_API_KEYS, "
            "or --allow-anonymous if something in front asks for them"
        )
    return Security(keys=keys, tls=tls)


def _keys(settings: Settings) -> ApiKeys:
    given = [key.get_secret_value() for key in settings.api_keys]
    try:
        ApiKeys(given)
    except ValueError as error:
        raise SecurityError(f"GRAPHWIRE_API_KEYS: {error}; give keys with commas between them, or unset it") from None
    return ApiKeys([*given, *_file_keys(settings.api_keys_file)])


def _file_keys(path: Path | None) -> list[str]:
    """The keys of a file: one a line, beside blank lines and comments."""
    if path is None:
        return []
    try:
        lines = [line.strip() for line in _read("--api-keys-file", path).decode().splitlines()]
        keys = [line for line in lines if line and not line.startswith("#")]
        ApiKeys(keys)
    except ValueError as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise SecurityError(f"--api-keys-file {path}: {why}; write one key a line") from None
    if not keys:
        # Not "nobody is asked": whoever names a file of keys wants one to be asked for.
        raise SecurityError(f"--api-keys-file {path} has no key in it; write one key a line, or leave the option out")
    return keys


def _tls(settings: Settings) -> Tls | None:
    cert, key, client_ca = settings.tls_cert, settings.tls_key, settings.tls_client_ca
    if cert is None or key is None:
        _refuse_halves(cert, key, client_ca)
        return None
    made = Tls(
        cert=_read("--tls-cert", cert),
        key=_read("--tls-key", key),
        client_ca=None if client_ca is None else _read("--tls-client-ca", client_ca),
        cert_path=cert,
        key_path=key,
        client_ca_path=client_ca,
    )
    _try_out(made)
    return made


def _refuse_halves(cert: Path | None, key: Path | None, client_ca: Path | None) -> None:
    if cert is not None:
        raise SecurityError("--tls-cert needs --tls-key, the private key of that certificate")
    if key is not None:
        raise SecurityError("--tls-key needs --tls-cert, the certificate of that key")
    if client_ca is not None:
        raise SecurityError("--tls-client-ca needs --tls-cert and --tls-key: without TLS no client shows a certificate")


def _try_out(tls: Tls) -> None:
    """Refuses what the transports could not use. gRPC would call it a port that is taken, and only at the first connection some of it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # The empty passphrase keeps OpenSSL from asking for one at the terminal.
        context.load_cert_chain(tls.cert_path, tls.key_path, password="")
    except ssl.SSLError as error:
        raise SecurityError(
            f"--tls-cert {tls.cert_path} and --tls-key {tls.key_path} are not a certificate and its key "
            f"in PEM without a passphrase ({error.reason or error})"
        ) from None
    try:
        if tls.client_ca_path is not None:
            context.load_verify_locations(tls.client_ca_path)
    except ssl.SSLError as error:
        raise SecurityError(
            f"--tls-client-ca {tls.client_ca_path} has no certificates in PEM ({error.reason or error})"
        ) from None


def _read(option: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SecurityError(f"{option} {path} cannot be read: {error.strerror or error}") from error


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
