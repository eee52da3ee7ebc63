"""docs/webhooks.md: what it gives readers works, and its numbers are the server's."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from graphwire_server.config import Settings
from graphwire_server.core.deliveries import Pace
from graphwire_server.core.webhooks import MOST_CHARACTERS
from graphwire_server.delivery.signing import LEAST_BYTES, MOST_BYTES, signed
from graphwire_server.security import SecurityError
from tests.conformance.webhooks.servers import KEY, SECRET, hooked

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "webhooks.md").read_text()


def recipe() -> Callable[[dict[str, str], bytes, str], bool]:
    """How the page verifies."""
    names: dict[str, Any] = {}
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, names)  # noqa: S102  our own page
    return cast("Callable[[dict[str, str], bytes, str], bool]", names["verified"])


@pytest.mark.parametrize(
    ("body", "secret", "age", "right"),
    [
        (b"{}", SECRET, 0, True),
        (b"{}", SECRET.removeprefix("whsec_"), 0, True),
        (b"{ }", SECRET, 0, False),
        (b"{}", "whsec_" + "A" * 32, 0, False),
        (b"{}", SECRET, 301, False),
        (b"{}", SECRET, 200, True),
    ],
)
def test_its_way_to_verify_a_call(body: bytes, secret: str, age: int, right: bool) -> None:
    headers = dict(signed("r", datetime.fromtimestamp(time.time() - age, UTC), b"{}", [b"n" * 32, KEY]))

    assert recipe()(headers, body, secret) is right


def test_its_numbers_are_the_servers() -> None:
    settings, pace = Settings(), Pace()

    assert f"at most {MOST_CHARACTERS} characters" in PAGE
    assert (settings.webhook_attempts, settings.webhook_timeout.total_seconds()) == (9, 10)
    assert "called nine times at most" in PAGE
    assert "within ten seconds" in PAGE
    assert settings.webhook_retry_delay_max.total_seconds() == 3600
    assert f"At most {pace.at_once} calls are under way, {pace.per_host} of them" in PAGE
    assert f"memory holds {pace.held:,}, of them {pace.held_per_host:,} for one host" in PAGE
    assert f"base64 of {LEAST_BYTES} to {MOST_BYTES} bytes" in (DOCS / "operations.md").read_text()


@pytest.mark.parametrize("secret", ["short", "whsec_short", "", f"{SECRET},"])
async def test_a_server_does_not_start_with_what_is_no_secret(tmp_path: Path, secret: str) -> None:
    with pytest.raises(SecurityError, match=r"GRAPHWIRE_WEBHOOK_SECRET: a secret .* openssl rand") as refused:
        async with hooked(tmp_path, webhook_secret=secret):
            pass

    assert "short" not in str(refused.value)


def test_settings_do_not_show_the_secret() -> None:
    assert SECRET not in repr(Settings(webhook_secret=SECRET))  # type: ignore[arg-type]  # as a variable has it
