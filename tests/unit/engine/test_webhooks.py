"""The section `webhooks` of langgraph.json."""

import json
from pathlib import Path
from typing import Any

import pytest

from graphwire_server.core.webhooks import UrlPolicy
from graphwire_server.engine.document import ManifestError, read_document
from graphwire_server.engine.webhooks import WebhookSection, read_webhooks

ENVIRON = {"LG_WEBHOOK_TOKEN": "hidden", "LG_WEBHOOK_ODD": "a\nb", "OTHER": "private", "MY_TOKEN": "mine"}


def read(tmp_path: Path, webhooks: Any, **more: Any) -> WebhookSection:
    path = tmp_path / "langgraph.json"
    path.write_text(json.dumps({"webhooks": webhooks, **more}, indent=1))
    return read_webhooks(read_document(path, "{}"), ENVIRON)


def refusal(tmp_path: Path, webhooks: Any) -> str:
    with pytest.raises(ManifestError) as refused:
        read(tmp_path, webhooks)
    return str(refused.value)


@pytest.mark.parametrize("nothing", [None, {}, {"url": None, "headers": None, "allowed_fields": None}])
def test_a_file_that_says_nothing(tmp_path: Path, nothing: Any) -> None:
    assert read(tmp_path, nothing) == WebhookSection()


@pytest.mark.parametrize(
    ("url", "policy"),
    [
        ({}, UrlPolicy(require_https=True)),
        ({"require_https": False}, UrlPolicy()),
        ({"allowed_ports": [443, 8443]}, UrlPolicy(require_https=True, allowed_ports=(443, 8443))),
        ({"max_url_length": 100}, UrlPolicy(require_https=True, most_characters=100)),
        ({"disable_loopback": True, "disable_private_ips": True}, UrlPolicy(require_https=True)),
        ({"disable_loopback": False}, UrlPolicy(require_https=True, allow_loopback=True)),
        ({"disable_private_ips": False}, UrlPolicy(require_https=True, allow_private=True)),
        (
            {"allowed_domains": ["hooks.example.com", "*.corp.example"]},
            UrlPolicy(require_https=True, allowed_domains=("hooks.example.com", "*.corp.example")),
        ),
    ],
)
def test_what_may_be_called(tmp_path: Path, url: Any, policy: UrlPolicy) -> None:
    assert read(tmp_path, {"url": url}).policy == policy


def test_webhooks_that_are_off(tmp_path: Path) -> None:
    assert not read(tmp_path, {}, http={"disable_webhooks": True}).policy.offered
    assert read(tmp_path, {}, http={"disable_webhooks": False}).policy.offered


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"),
        ("Bearer ${{ env.LG_WEBHOOK_TOKEN }}", "Bearer hidden"),
        ("${{env.LG_WEBHOOK_TOKEN}}-${{  env.LG_WEBHOOK_TOKEN  }}", "hidden-hidden"),
        ("$LG_WEBHOOK_TOKEN ${LG_WEBHOOK_TOKEN}", "$LG_WEBHOOK_TOKEN ${LG_WEBHOOK_TOKEN}"),
    ],
)
def test_what_a_header_takes_from_the_environment(tmp_path: Path, template: str, value: str) -> None:
    section = read(tmp_path, {"headers": {"X-One": template}})

    assert section.headers == {"X-One": value}
    assert "hidden" not in repr(section)


def test_a_prefix_of_ones_own(tmp_path: Path) -> None:
    section = read(tmp_path, {"env_prefix": "MY_", "headers": {"x": "${{ env.MY_TOKEN }}"}})

    assert section.headers == {"x": "mine"}


def test_the_fields_that_are_sent(tmp_path: Path) -> None:
    assert read(tmp_path, {"allowed_fields": ["run_id", "values"]}).allowed_fields == frozenset({"run_id", "values"})
    assert read(tmp_path, {"allowed_fields": []}).allowed_fields == frozenset()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ([], "webhooks"),
        ({"url": 5}, "webhooks.url"),
        ({"url": {"require_https": "yes"}}, "webhooks.url.require_https"),
        ({"url": {"allowed_domains": "a"}}, "webhooks.url.allowed_domains"),
        ({"url": {"allowed_domains": ["a.*.b"]}}, "webhooks.url.allowed_domains"),
        ({"url": {"allowed_domains": ["https://a"]}}, "webhooks.url.allowed_domains"),
        ({"url": {"allowed_ports": 443}}, "webhooks.url.allowed_ports"),
        ({"url": {"allowed_ports": [0]}}, "webhooks.url.allowed_ports"),
        ({"url": {"allowed_ports": [True]}}, "webhooks.url.allowed_ports"),
        ({"url": {"max_url_length": -1}}, "webhooks.url.max_url_length"),
        ({"allowed_fields": ["nonsense"]}, "webhooks.allowed_fields"),
        ({"env_prefix": 5}, "webhooks.env_prefix"),
        ({"headers": []}, "webhooks.headers"),
        ({"headers": {"x": 5}}, "webhooks.headers.x"),
        ({"headers": {"x y": "a"}}, "webhooks.headers.x y"),
        ({"headers": {"Host": "a"}}, "webhooks.headers.Host"),
        ({"headers": {"Content-Length": "5"}}, "webhooks.headers.Content-Length"),
        ({"headers": {"Webhook-Id": "5"}}, "webhooks.headers.Webhook-Id"),
        ({"headers": {"x": "a\nb"}}, "webhooks.headers.x"),
        ({"headers": {"x": "${{ env.LG_WEBHOOK_ODD }}"}}, "webhooks.headers.x"),
        ({"headers": {"x": "${{ env.OTHER }}"}}, "webhooks.headers.x"),
        ({"headers": {"x": "${{ env.LG_WEBHOOK_MISSING }}"}}, "LG_WEBHOOK_MISSING"),
        ({"headers": {"x": "${{ secrets.X }}"}}, "webhooks.headers.x"),
        ({"headers": {"x": "${{ }}"}}, "webhooks.headers.x"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path: Path, wrong: Any, named: str) -> None:
    told = refusal(tmp_path, wrong)

    assert named in told
    assert "langgraph.json:" in told
    assert "\n" not in told
    assert not any(secret in told for secret in ("hidden", "private"))
