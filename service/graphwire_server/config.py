"""The options of a server: command line, environment, defaults.

Owns their names, bounds and defaults. An option that is given on the command line wins over its variable GRAPHWIRE_..., which wins over the
default. What key and certificate options mean together, and their files, are the matter of `security.py`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """The options of `graphwire serve`. Each is also an environment variable: GRAPHWIRE_ and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="GRAPHWIRE_", extra="ignore", frozen=True)

    config: Path = Path("langgraph.json")
    """The file that names the graphs."""
    host: str = "127.0.0.1"
    """The address to bind."""
    grpc_port: Annotated[int, Field(ge=0, le=65535)] = 50051
    """The port of the gRPC face; 0 picks a free one."""
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8123
    """The port of the HTTP face; 0 picks a free one."""
    no_http: bool = False
    """Whether the HTTP face is left out."""
    tls_cert: Path | None = None
    """The server's certificate chain in PEM, for both faces; none is without TLS."""
    tls_key: Path | None = None
    """The private key of that certificate in PEM, without a passphrase."""
    tls_client_ca: Path | None = None
    """The authorities whose clients are let in, in PEM; none asks no client for a certificate."""
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """The keys of which a caller shows one, with commas between them; none asks nobody. No repr and no log shows them."""
    api_keys_file: Path | None = None
    """A file with more of them, one a line; blank lines and those that begin with # are passed over."""
    allow_anonymous: bool = False
    """Whether a host that others can reach may be served without keys and without certificates of clients."""
    data_dir: Path = Path(".graphwire")
    """Where rows and checkpoints are kept."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe lines that are logged."""
    log_format: Literal["text", "json"] = "text"
    """How log lines look: for people or for programs."""
    max_runs: Annotated[int, Field(ge=1)] = 10_000
    """The most runs that have not ended."""
    max_streams: Annotated[int, Field(ge=1)] = 20_000
    """The most streams that are open at once."""
    max_request_bytes: Annotated[int, Field(ge=1 << 10, le=1 << 30)] = 64 << 20
    """The largest message that a client may send."""
    node_threads: Annotated[int, Field(ge=1, le=4096)] = 256
    """The most synchronous nodes that run at once; more wait."""
    log_bytes_per_thread: Annotated[int, Field(ge=1 << 16)] = 32 << 20
    """The most bytes of events that are held for readers of one thread."""
    write_timeout: Annotated[timedelta, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """How long a message may wait for a reader that does not read."""
    max_connection_age: timedelta | None = None
    """After how long clients are asked to connect again; none is never."""
    drain_grace: Annotated[timedelta, Field(ge=timedelta(0))] = timedelta(seconds=10)
    """How long runs may go on when the server stops."""
    channelz: bool = False
    """Whether the channelz service is offered."""

    @field_validator("api_keys", mode="before")
    @classmethod
    def _separated(cls, given: Any) -> Any:
        return tuple(key.strip() for key in given.split(",")) if isinstance(given, str) else given

    @field_validator("host")
    @classmethod
    def _without_brackets(cls, given: str) -> str:
        return given[1:-1] if given.startswith("[") and given.endswith("]") else given

    def address(self, port: int) -> str:
        """A port of the host as a client names it: `127.0.0.1:50051`, `[::1]:50051`."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"
