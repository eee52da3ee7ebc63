"""Signs what is sent, so that a receiver can tell that it comes from here, unchanged and lately.

Owns the scheme of Standard Webhooks (standardwebhooks.com), for which there are libraries in all languages: `webhook-id`, `webhook-timestamp`, and
`webhook-signature`, which is HMAC-SHA256 of `id.timestamp.body` in base64 behind `v1,`. With several secrets there are several signatures, with spaces between
them: a receiver takes it where one fits, so that a secret can be changed without a gap.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
"""What a secret may begin with; it says what it is for."""

LEAST_BYTES = 24
"""The fewest bytes of a secret (Standard Webhooks)."""

MOST_BYTES = 64
"""The most bytes of a secret (Standard Webhooks)."""


def secret_bytes(text: str) -> bytes:
    """The key that a secret stands for. Raises ValueError, whose text does not have the secret."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"a secret is base64, behind {PREFIX} or not") from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"a secret has {LEAST_BYTES} to {MOST_BYTES} bytes, and not {len(key)}")
    return key


def signed(message_id: str, at: datetime, body: bytes, secrets: Sequence[bytes]) -> list[tuple[str, str]]:
    """The headers that name and sign a body.

    Args:
        message_id: The same for each attempt at one delivery.
        at: When this attempt is made.
        body: What is sent.
        secrets: The keys; none leaves the signature out.
    """
    timestamp = str(int(at.timestamp()))
    headers = [("webhook-id", message_id), ("webhook-timestamp", timestamp)]
    if secrets:
        content = f"{message_id}.{timestamp}.".encode()
        headers.append(("webhook-signature", " ".join(_signature(secret, content, body) for secret in secrets)))
    return headers


def _signature(secret: bytes, content: bytes, body: bytes) -> str:
    code = hmac.new(secret, content, hashlib.sha256)
    code.update(body)
    return f"v1,{base64.b64encode(code.digest()).decode()}"
