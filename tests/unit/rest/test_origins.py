"""Which pages may open a WebSocket."""

from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from graphwire_server.rest.origins import OriginCheck

PAGE = "https://page.example"
CASES: list[tuple[dict[str, Any], str | None, bool]] = [
    ({"allow_origins": ("*",)}, PAGE, True),
    ({"allow_origins": (PAGE,)}, PAGE, True),
    ({"allow_origins": ()}, PAGE, False),
    ({"allow_origins": ("https://other.example",)}, PAGE, False),
    ({"allow_origins": (), "allow_origin_regex": r"https://.*\.example"}, PAGE, True),
    ({"allow_origins": (), "allow_origin_regex": r"https://page"}, PAGE, False),
    ({"allow_origins": ()}, None, True),
    ({"allow_origins": ()}, "http://here:8123", True),
]


@pytest.mark.parametrize(("cors", "origin", "passes"), CASES)
async def test_pages(cors: dict[str, Any], origin: str | None, passes: bool) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append("passed")

    async def send(message: Any) -> None:
        seen.append(message["type"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    headers = [(b"host", b"here:8123"), *([(b"origin", origin.encode())] if origin else [])]
    await OriginCheck(app, cors)({"type": "websocket", "headers": headers}, receive, send)

    assert seen == ["passed" if passes else "websocket.close"]
