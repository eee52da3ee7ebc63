"""What langgraph.json says about HTTP.

Owns the section `http` (wire fact 90) and the variables that stand in for parts of it (wire fact 91). Serves nothing and imports nothing
of the user's. Keys that nobody here reads are ignored, since the file belongs to an ecosystem.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from graphwire_server.core.headers import HeaderRule
from graphwire_server.engine.document import ManifestError, Section
from graphwire_server.engine.target import Target, split_target

MiddlewareOrder: TypeAlias = Literal["auth_first", "middleware_first"]
"""Whether the server's authentication comes before the middleware of the user's app, or behind it."""

_T = TypeVar("_T")
_EXAMPLE = "./app.py:app"
_FLAG = "disable_"
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEntry(Target):
    """The user's own app."""

    @property
    def kind(self) -> str:
        """Always `app`."""
        return "app"

    def wrong(self, problem: str) -> ManifestError:
        """The error that says what is wrong with the app."""
        return ManifestError(f"{self.where}: http.app", problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """Which pages of other origins a browser lets read answers.

    Attributes:
        allow_origins: The origins; `*` is any. Default: any, or none beside `allow_origin_regex`, which `*` would make void.
        allow_methods: The methods; `*` is any. Default: any.
        allow_headers: The headers that a request may have; `*` is any. Default: any.
        allow_credentials: Whether a request may bring cookies. Default: no.
        allow_origin_regex: An expression that the whole of an origin may match instead. Default: none.
        expose_headers: The headers of an answer that a page may read. Default: those that the SDKs read. `location` is among them, as
            without it no page of another origin can join a run again (wire fact 7).
        max_age: How long a browser may remember the answer to a preflight, in seconds, zero or more. Default: 600.
    """

    allow_origins: tuple[str, ...] = ("*",)
    allow_methods: tuple[str, ...] = ("*",)
    allow_headers: tuple[str, ...] = ("*",)
    allow_credentials: bool = False
    allow_origin_regex: str | None = None
    expose_headers: tuple[str, ...] = (
        "content-location",
        "graphwire-after-seq",
        "location",
        "x-pagination-next",
        "x-pagination-total",
    )
    max_age: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSection:
    """The section `http`.

    Attributes:
        app: The user's own app as written: `./app.py:app` or `package.module:app`. Default: None, there is none.
        app_where: The file and the line where the key `app` stands.
        mount_prefix: What all paths begin with: empty, or `/` and a name, once or more, such as `/api/v1`. Default: empty.
        cors: What pages of other origins may do.
        disabled: The groups of endpoints that are not served: the names of all `disable_*` that are true, without those letters:
            `assistants`, `threads`, `runs`, `store`, `meta`, `mcp`, `a2a`, `ui`, `webhooks`. Default: none.
        configurable_headers: Which headers of a request the graphs find in `configurable`.
        middleware_order: Whether authentication comes before the middleware of the user's app. Default: behind it.
        enable_custom_route_auth: Whether the routes of the user's app need authentication too. Default: no.
    """

    app: str | None = None
    app_where: str = "langgraph.json"
    mount_prefix: str = ""
    cors: Cors = field(default_factory=Cors)
    disabled: frozenset[str] = frozenset()
    configurable_headers: HeaderRule = field(default_factory=HeaderRule)
    middleware_order: MiddlewareOrder = "middleware_first"
    enable_custom_route_auth: bool = False

    @property
    def entry(self) -> AppEntry | None:
        """The user's app, to be imported; None where there is none. Raises ManifestError where `app` cannot be meant."""
        if self.app is None:
            return None
        blank = AppEntry(target="", attribute="", where=self.app_where)
        target, attribute = split_target(self.app, _EXAMPLE, blank.wrong)
        return AppEntry(target=target, attribute=attribute, where=self.app_where)


def read_http(document: Section, environ: Mapping[str, str]) -> HttpSection:
    """Reads the section `http`.

    Args:
        document: The whole file.
        environ: Where MOUNT_PREFIX and CORS_ALLOW_ORIGINS (separated by commas) are looked up; both count only where the file does not
            say. An empty one says nothing.

    Raises:
        ManifestError: Something in it, or in a variable, cannot be meant.
    """
    section = document.section("http", f'{{"app": "{_EXAMPLE}"}}')
    app = section.string("app", _EXAMPLE)
    http = HttpSection(
        app=app,
        app_where=section.where("app") if app is not None else str(document.path),
        mount_prefix=_mount_prefix(section, environ),
        cors=_cors(section.section("cors", '{"allow_origins": ["https://example.com"]}'), environ),
        disabled=frozenset(
            key.removeprefix(_FLAG) for key in section.values if key.startswith(_FLAG) and section.flag(key)
        ),
        configurable_headers=_headers(section, "configurable_headers"),
        middleware_order=_middleware_order(section),
        enable_custom_route_auth=section.flag("enable_custom_route_auth") or False,
    )
    _ = http.entry  # so that a name which cannot be meant is found here, as those of graphs are
    return http


def _mount_prefix(section: Section, environ: Mapping[str, str]) -> str:
    problem = "this must begin with / and not end with it, as in /api, or be empty; correct it"
    prefix = section.string("mount_prefix", "/api")
    if prefix is not None:
        if not _PREFIX.fullmatch(prefix):
            raise section.wrong("mount_prefix", problem)
        return prefix
    prefix = environ.get("MOUNT_PREFIX", "").strip()
    if not _PREFIX.fullmatch(prefix):
        raise ManifestError("the variable MOUNT_PREFIX", problem)
    return prefix


def _cors(section: Section, environ: Mapping[str, str]) -> Cors:
    pattern = _origin_regex(section)
    standard = Cors(allow_origins=() if pattern else ("*",))
    return Cors(
        allow_origins=_or(
            section.strings("allow_origins", "https://example.com"), _origins(environ) or standard.allow_origins
        ),
        allow_methods=_or(section.strings("allow_methods", "GET"), standard.allow_methods),
        allow_headers=_or(section.strings("allow_headers", "x-user-id"), standard.allow_headers),
        allow_credentials=_or(section.flag("allow_credentials"), standard.allow_credentials),
        allow_origin_regex=pattern,
        expose_headers=_or(section.strings("expose_headers", "x-user-id"), standard.expose_headers),
        max_age=_or(section.count("max_age", "seconds"), standard.max_age),
    )


def _or(value: _T | None, default: _T) -> _T:
    """What the file says; the default where it says nothing. Empty lists, false and 0 say something."""
    return default if value is None else value


def _origins(environ: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, environ.get("CORS_ALLOW_ORIGINS", "").split(","))))


def _origin_regex(section: Section) -> str | None:
    pattern = section.string("allow_origin_regex", "https://[a-z]+[.]example[.]com")
    try:
        re.compile(pattern or "")
    except re.error as error:
        problem = f"this is not a regular expression: {error}; correct it"
        raise section.wrong("allow_origin_regex", problem) from error
    return pattern or None


def _middleware_order(section: Section) -> MiddlewareOrder:
    match section.string("middleware_order", "auth_first"):
        case "auth_first":
            return "auth_first"
        case "middleware_first" | None:
            return "middleware_first"
        case other:
            raise section.wrong("middleware_order", f'{other!r} is no order; write "auth_first" or "middleware_first"')


def _headers(section: Section, key: str) -> HeaderRule:
    rule = section.section(key, '{"includes": ["x-user-*"], "excludes": ["x-user-token"]}')

    def patterns(*keys: str) -> tuple[str, ...]:
        return tuple(each for key in keys for each in rule.strings(key, "x-user-*") or ())

    # The ecosystem's schema has one spelling, and its guides had the other.
    return HeaderRule(includes=patterns("includes", "include"), excludes=patterns("excludes", "exclude"))
