"""What to type next, in a second terminal, when a server is ready.

Owns these commands. The invariant: each works as it stands, beside KEY, CLIENT.pem and CLIENT.key, which only the reader knows.
"""

import shlex

from graphwire_server.config import Settings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  an address to listen on, but none to call


def next_steps(settings: Settings, program: str, example: tuple[str, str], ports: tuple[int, int | None]) -> list[str]:
    """Commands that call this server.

    Args:
        settings: How it listens.
        program: The command `graphwire`.
        example: A graph, and an input for it.
        ports: The port of its gRPC face, and that of its HTTP face where it has one.
    """
    here = settings.model_copy(update={"host": _EVERYWHERE.get(settings.host, settings.host)})
    grpc, http = here.address(ports[0]), None if ports[1] is None else here.address(ports[1])
    key = ["--api-key", "KEY"] if settings.api_keys or settings.api_keys_file else []
    commands = [
        [program, "stream", "--address", grpc, *key, *_tls(settings, "--tls-"), *example],
        ["grpcurl", *(_tls(settings, "-") or ["-plaintext"]), grpc, "list"],
    ]
    if http is not None:
        commands.append(["curl", *_tls(settings, "--"), f"{'https' if settings.tls_cert else 'http'}://{http}/ok"])
    return [shlex.join(words) for words in commands]


def _tls(settings: Settings, prefix: str) -> list[str]:
    """The options of a client, which all three programs name alike but for what they begin with."""
    if settings.tls_cert is None:
        return []
    # Whoever trusts the certificate itself needs to know nothing of its authority.
    ca = ["--tls-ca" if prefix == "--tls-" else f"{prefix}cacert", str(settings.tls_cert)]
    own = [f"{prefix}cert", "CLIENT.pem", f"{prefix}key", "CLIENT.key"] if settings.tls_client_ca else []
    return ca + own
