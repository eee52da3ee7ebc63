"""What langgraph.json says about webhooks.

Owns the reading of the section `webhooks` (wire fact 90): what may be called, which headers are sent, which fields of a run are told. The invariant: a header takes
from the environment only what begins with the section's prefix, so that the file cannot send away what was not meant for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from graphwire_server.core.webhooks import BODY_FIELDS, MOST_CHARACTERS, UrlPolicy
from graphwire_server.engine.document import Section

ENV_PREFIX = "LG_WEBHOOK_"
"""What the variables begin with that headers may have, unless the file says otherwise."""

_EXAMPLE = '{"headers": {"authorization": "Bearer ${{ env.LG_WEBHOOK_TOKEN }}"}}'
_TEMPLATE = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_VARIABLE = re.compile(r"env\.([A-Za-z_][A-Za-z0-9_]*)")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~]*")
_DOMAIN = re.compile(r"(?:\*\.)?[A-Za-z0-9_:](?:[A-Za-z0-9_.:-]*[A-Za-z0-9_:])?")
_OURS = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSection:
    """The section `webhooks`.

    Attributes:
        policy: What may be called.
        headers: Headers of all requests, with what they take from the environment. Default: none.
        allowed_fields: The fields of the body that are sent; None is all.
    """

    policy: UrlPolicy = field(default_factory=UrlPolicy)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    allowed_fields: frozenset[str] | None = None


def read_webhooks(document: Section, environ: Mapping[str, str]) -> WebhookSection:
    """Reads the section `webhooks`, and whether `http.disable_webhooks` turns them off.

    Args:
        document: The whole file.
        environ: Where headers find their variables.

    Raises:
        ManifestError: Something in it cannot be meant, or a variable is missing.
    """
    section = document.section("webhooks", _EXAMPLE)
    off = document.section("http", '{"disable_webhooks": true}').flag("disable_webhooks")
    return WebhookSection(
        policy=replace(_policy(section), offered=not off),
        headers=_headers(section, environ),
        allowed_fields=_allowed_fields(section),
    )


def _policy(section: Section) -> UrlPolicy:
    """What may be called. Where there is no policy at all, `http` may be; one that does not say asks for `https`, as the ecosystem has it."""
    url = section.section("url", '{"allowed_domains": ["*.example.com"]}')
    if section.values.get("url") is None:
        return UrlPolicy()
    https = url.flag("require_https")
    return UrlPolicy(
        require_https=https is None or https,
        allowed_domains=_domains(url),
        allowed_ports=_ports(url),
        most_characters=url.count("max_url_length", "characters") or MOST_CHARACTERS,
        allow_loopback=url.flag("disable_loopback") is False,
        allow_private=url.flag("disable_private_ips") is False,
    )


def _domains(url: Section) -> tuple[str, ...]:
    found = url.strings("allowed_domains", "*.example.com") or ()
    for domain in found:
        if not _DOMAIN.fullmatch(domain):
            raise url.wrong("allowed_domains", f"{domain!r} is neither a host nor *. and a host; correct it")
    return found


def _ports(url: Section) -> tuple[int, ...]:
    found = url.values.get("allowed_ports")
    if found is None:
        return ()
    if not isinstance(found, list) or not all(type(port) is int and 0 < port < 65536 for port in found):
        raise url.wrong("allowed_ports", "this must be a list of ports, such as [443]")
    return tuple(found)


def _allowed_fields(section: Section) -> frozenset[str] | None:
    found = section.strings("allowed_fields", "run_id")
    for name in found or ():
        if name not in BODY_FIELDS:
            raise section.wrong("allowed_fields", f"there is no field {name!r}; there are {', '.join(BODY_FIELDS)}")
    return None if found is None else frozenset(found)


def _headers(section: Section, environ: Mapping[str, str]) -> Mapping[str, str]:
    prefix = section.string("env_prefix", ENV_PREFIX)
    prefix = ENV_PREFIX if prefix is None else prefix
    headers = section.section("headers", _EXAMPLE)
    return {name: _header(headers, name, prefix, environ) for name in headers.values}


def _header(headers: Section, name: str, prefix: str, environ: Mapping[str, str]) -> str:
    if not _TOKEN.fullmatch(name) or name.lower() in _OURS or name.lower().startswith("webhook-"):
        raise headers.wrong(name, "this header cannot be set; remove it")
    template = headers.string(name, "Bearer ${{ env.LG_WEBHOOK_TOKEN }}") or ""

    def found(match: re.Match[str]) -> str:
        variable = _VARIABLE.fullmatch(match[1])
        if variable is None:
            raise headers.wrong(name, f"{match[0]!r} is not of the form ${{{{ env.{prefix}NAME }}}}")
        if not variable[1].startswith(prefix):
            raise headers.wrong(
                name, f"the variable {variable[1]} does not begin with {prefix!r}, which env_prefix says"
            )
        if variable[1] not in environ:
            raise headers.wrong(name, f"the variable {variable[1]} is not set; set it, or remove it here")
        return environ[variable[1]]

    value = _TEMPLATE.sub(found, template)
    if not _VALUE.fullmatch(value):  # never shown: it may be a secret
        raise headers.wrong(name, "the value of a header has visible ASCII characters alone; correct it")
    return value.strip()
