"""The Python SDK's two clients, behind one call, so that each test speaks through both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from langgraph_sdk import get_client, get_sync_client
from langgraph_sdk.client import LangGraphClient, SyncLangGraphClient

KINDS = ("async", "sync")


class Sdk(Protocol):
    """A client of either kind.

    Attributes:
        client: The client itself.
    """

    client: Any

    async def __call__(self, use: Callable[[Any], Any]) -> Any:
        """What a use of the client gives; a stream as the list of all its parts."""


class AsyncSdk:
    def __init__(self, client: LangGraphClient) -> None:
        self.client: Any = client

    async def __call__(self, use: Callable[[Any], Any]) -> Any:
        given = use(self.client)
        if hasattr(given, "__await__"):
            given = await given
        return [part async for part in given] if isinstance(given, AsyncIterator) else given


class SyncSdk:
    def __init__(self, client: SyncLangGraphClient) -> None:
        self.client: Any = client

    async def __call__(self, use: Callable[[Any], Any]) -> Any:
        return await asyncio.to_thread(self._use, use)

    def _use(self, use: Callable[[Any], Any]) -> Any:
        given = use(self.client)
        return list(given) if isinstance(given, Iterator) else given


@asynccontextmanager
async def connected(kind: str, url: str, **options: Any) -> AsyncIterator[Sdk]:
    """A client of a kind, closed at the end. Without a key, unless the options say one: the environment may hold somebody's."""
    options = {"api_key": None, **options}
    if kind == "async":
        async with get_client(url=url, **options) as client:
            yield AsyncSdk(client)
    else:
        with get_sync_client(url=url, **options) as sync_client:
            yield SyncSdk(sync_client)


def named(parts: list[Any]) -> list[tuple[str, Any]]:
    """Events as pairs of name and data."""
    return [(part.event, part.data) for part in parts]


def tells_answers(sdk: Sdk) -> asyncio.Event:
    """Set when the head of an answer has come: from then on, the server has the reader."""
    came, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell(response: object) -> None:
        loop.call_soon_threadsafe(came.set)

    async def tell_async(response: object) -> None:
        came.set()

    http = sdk.client.http.client
    http.event_hooks = {"response": [tell_async if hasattr(http, "aclose") else tell]}
    return came
