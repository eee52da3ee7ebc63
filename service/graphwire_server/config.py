"""The options of a server: command line, environment, defaults.

Owns their names, bounds and defaults. An option that is given on the command line wins over its variable GRAPHWIRE_..., which wins over the
default. What key and certificate options mean together, and their files, are the matter of `security.py`.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _known_as(name: str, ecosystem: str) -> AliasChoices:
    """An option that has a variable of its own in the ecosystem too (wire fact 91); ours wins."""
    return AliasChoices(f"GRAPHWIRE_{name.upper()}", ecosystem, name)


def _seconds(given: Any) -> Any:
    """A number in a variable is seconds; anything else is an ISO 8601 duration."""
    try:
        return float(given) if isinstance(given, str) else given
    except ValueError:
        return given


Time = Annotated[timedelta, BeforeValidator(_seconds)]
"""A time of an option, in seconds or as an ISO 8601 duration."""


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
    webhook_secret: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """The secret that signs calls of webhooks: base64 of 24 to 64 bytes, with `whsec_` before it or without; several have commas between them, and each signs.
    None does not sign."""
    webhook_allow_private: bool = False
    """Whether webhooks may call this machine and private networks, whatever langgraph.json says: for development."""
    webhook_timeout: Annotated[Time, Field(gt=timedelta(0), le=timedelta(minutes=5))] = timedelta(seconds=10)
    """How long an attempt to call a webhook may take."""
    webhook_attempts: Annotated[int, Field(ge=1, le=30)] = 9
    """How often a webhook is called that does not answer with 2xx."""
    webhook_retry_delay: Annotated[Time, Field(gt=timedelta(0), le=timedelta(days=1))] = timedelta(seconds=2)
    """About how long after the first attempt the second one is; each time it is four times as long."""
    webhook_retry_delay_max: Annotated[Time, Field(gt=timedelta(0), le=timedelta(days=1))] = timedelta(hours=1)
    """The longest time between two attempts, also where the receiver asks for more."""
    data_dir: Path = Path(".graphwire")
    """Where rows and checkpoints are kept."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe lines that are logged."""
    log_format: Literal["text", "json"] = "text"
    """How log lines look: for people or for programs."""
    n_jobs_per_worker: Annotated[
        int, Field(ge=1, validation_alias=_known_as("n_jobs_per_worker", "N_JOBS_PER_WORKER"))
    ] = 256
    """The most runs that execute at once; more wait for their turn. Runs mostly wait for a model, so it may be large."""
    run_timeout: Annotated[
        Time, Field(gt=timedelta(0), validation_alias=_known_as("run_timeout", "BG_JOB_TIMEOUT_SECS"))
    ] = timedelta(days=1)
    """How long a run may take that does not say, from its first start."""
    max_losses: Annotated[int, Field(ge=0, validation_alias=_known_as("max_losses", "BG_JOB_MAX_RETRIES"))] = 3
    """How often a run may lose its process before it is taken for what kills it, and ends as an error."""
    resumable_ttl: Annotated[
        Time,
        Field(ge=timedelta(0), validation_alias=_known_as("resumable_ttl", "RESUMABLE_STREAM_TTL_SECONDS")),
    ] = timedelta(seconds=120)
    """How long the events of a resumable run are kept after its end."""
    kept_bytes_per_run: Annotated[int, Field(ge=1 << 16)] = 128 << 20
    """The most bytes of events that one resumable run keeps in the database."""
    max_runs: Annotated[int, Field(ge=1)] = 10_000
    """The most runs that have not ended."""
    max_streams: Annotated[int, Field(ge=1)] = 20_000
    """The most streams that are open at once."""
    max_request_bytes: Annotated[int, Field(ge=1 << 10, le=1 << 30)] = 64 << 20
    """The largest message that a client may send."""
    node_threads: Annotated[int, Field(ge=1, le=4096)] = 256
    """The most synchronous nodes that run at once; more wait."""
    isolate_graphs: Annotated[bool, Field(validation_alias=_known_as("isolate_graphs", "BG_JOB_ISOLATED_LOOPS"))] = (
        False
    )
    """Whether graphs run on event loops of their own, so that a node that blocks its loop holds up its graph alone."""
    loops_per_graph: Annotated[int, Field(ge=1, le=64)] = 1
    """The most loops that a graph has then. With more than one, what its module holds (clients, locks) is used on all of them."""
    block_warning: Annotated[Time, Field(ge=timedelta(0))] = timedelta(seconds=1)
    """For how long an event loop may not turn before a line in the log says who blocks it; 0 is off."""
    log_bytes_per_thread: Annotated[int, Field(ge=1 << 16)] = 32 << 20
    """The most bytes of events that are held for readers of one thread, beside spare ones."""
    log_bytes_spare: Annotated[int, Field(ge=0)] = 512 << 20
    """The most bytes that all threads together hold beyond that, so that readers who lag behind large events are not cut off."""
    write_timeout: Annotated[Time, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """How long a message may wait for a reader that does not read."""
    max_connection_age: Time | None = None
    """After how long clients are asked to connect again; none is never."""
    drain_grace: Annotated[
        Time,
        Field(ge=timedelta(0), validation_alias=_known_as("drain_grace", "BG_JOB_SHUTDOWN_GRACE_PERIOD_SECS")),
    ] = timedelta(seconds=10)
    """How long runs may go on when the server stops; those that have not ended then are taken up by the next process."""
    crons: Annotated[bool, Field(validation_alias=_known_as("crons", "FF_CRONS_ENABLED"))] = True
    """Whether runs of crons are made. Where they are not, none can be created either."""
    channelz: bool = False
    """Whether the channelz service is offered."""

    @field_validator("api_keys", "webhook_secret", mode="before")
    @classmethod
    def _separated(cls, given: Any) -> Any:
        return tuple(key.strip() for key in given.split(",")) if isinstance(given, str) else given

    @field_validator("loops_per_graph")
    @classmethod
    def _of_isolated_graphs(cls, given: int, info: ValidationInfo) -> int:
        if given > 1 and not info.data.get("isolate_graphs"):
            raise ValueError("it needs --isolate-graphs")
        return given

    @field_validator("host")
    @classmethod
    def _without_brackets(cls, given: str) -> str:
        return given[1:-1] if given.startswith("[") and given.endswith("]") else given

    def address(self, port: int) -> str:
        """A port of the host as a client names it: `127.0.0.1:50051`, `[::1]:50051`."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"
