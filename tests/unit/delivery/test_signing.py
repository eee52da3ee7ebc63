import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from graphwire_server.delivery.signing import secret_bytes, signed

AT = datetime(2026, 1, 2, 3, 4, 5, 900_000, tzinfo=UTC)
STAMP = str(int(AT.timestamp()))


def test_a_signature_that_others_have_made() -> None:
    """The example of the scheme's own libraries."""
    key = secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)

    headers = dict(signed("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [key]))

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_each_secret_signs() -> None:
    old, new = b"o" * 24, b"n" * 32

    headers = dict(signed("r", AT, b"{}", [new, old]))

    made = [
        base64.b64encode(hmac.new(key, f"r.{STAMP}.{{}}".encode(), hashlib.sha256).digest()).decode()
        for key in (new, old)
    ]
    assert headers["webhook-signature"] == " ".join(f"v1,{code}" for code in made)


def test_without_a_secret_there_is_no_signature() -> None:
    assert signed("r", AT, b"{}", []) == [("webhook-id", "r"), ("webhook-timestamp", STAMP)]


def test_a_secret_with_its_prefix_and_without() -> None:
    text = base64.b64encode(b"k" * 24).decode()
    assert secret_bytes(text) == secret_bytes(f"whsec_{text}") == b"k" * 24


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "short",
        "not base64!" * 4,
        base64.b64encode(b"k" * 23).decode(),
        base64.b64encode(b"k" * 65).decode(),
    ],
)
def test_what_is_no_secret(text: str) -> None:
    with pytest.raises(ValueError, match="a secret") as refused:
        secret_bytes(text)
    assert not text or text not in str(refused.value)
