"""What docs/clients.md says of the server is so, and its links lead somewhere."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from graphwire_server.config import Settings
from graphwire_server.rpc.frames import LARGEST_EVENT
from graphwire_server.rpc.server import ServerOptions, _channel_options
from tests.protos.page import PAGE

TEXT = PAGE.read_text()
PAGES = [PAGE, PAGE.with_name("grpcurl.md")]
AGED = dict(_channel_options(ServerOptions(max_connection_age=timedelta(minutes=1))))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_table_of_contents_leads_to_every_section(page: Path) -> None:
    text = page.read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)

    named = re.findall(r"^- \[(.+)\]\(#(.+)\)$", text.partition("\n## ")[0], re.MULTILINE)

    assert named == [(each, re.sub(r"[^\w -]", "", each).lower().replace(" ", "-")) for each in headings]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_to_files_and_sections(page: Path) -> None:
    text = page.read_text()
    sections = {
        re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in re.findall(r"^## (.+)$", text, re.MULTILINE)
    }

    for link in re.findall(r"\]\((\S+?)\)", text):
        target, _, section = link.partition("#")
        assert (page.parent / target).exists(), link
        assert target or section in sections, link


@pytest.mark.parametrize(
    ("sentence", "option", "value"),
    [
        ("on which nothing came for 30 s", "grpc.keepalive_time_ms", 30_000),
        ("gives it up 10 s later", "grpc.keepalive_timeout_ms", 10_000),
        ("may ping every **10 s**", "grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("with and without open calls", "grpc.keepalive_permit_without_calls", 1),
        ("and 30 s later streams that are still open", "grpc.max_connection_age_grace_ms", 30_000),
        ("requests of up to 64 MiB", "grpc.max_receive_message_length", 64 << 20),
    ],
)
def test_its_numbers_are_the_servers(sentence: str, option: str, value: int) -> None:
    assert sentence in TEXT
    assert AGED[option] == value


def test_its_limits_are_the_defaults() -> None:
    settings = Settings()

    assert "`GRAPHWIRE_MAX_STREAMS` (20000)" in TEXT
    assert settings.max_streams == 20_000
    assert "`GRAPHWIRE_MAX_CONNECTION_AGE` on the server (none by default)" in TEXT
    assert settings.max_connection_age is None
    assert "more than 3 MiB" in TEXT
    assert LARGEST_EVENT == 3 << 20
