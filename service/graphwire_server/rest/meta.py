"""What the server says of itself: whether it is well, what it is, and what it offers.

Owns these routes. They are open to callers without a key, so they tell nothing of the deployment; but for the metrics, which need one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from graphwire_server.core.errors import Draining, ThreadNotFound
from graphwire_server.core.threads import Threads
from graphwire_server.rest.calls import Answer, Call, Reply
from graphwire_server.rest.json_text import dumps
from graphwire_server.rest.page import page
from graphwire_server.rest.shapes import Shape

_NOBODY = "00000000-0000-0000-0000-000000000000"


class OkQuery(Shape):
    """What is looked at."""

    check_db: bool = False
    """Whether the data store is asked too."""


class MetricsQuery(Shape):
    """How metrics are shown."""

    format: Literal["prometheus", "json"] = "prometheus"
    """The text that Prometheus scrapes, or JSON."""


class Metrics(Protocol):
    """What the server counts."""

    def text(self) -> bytes:
        """As the text that Prometheus scrapes."""
        ...

    def shown(self) -> Sequence[Mapping[str, Any]]:
        """For JSON."""
        ...


class MetaRoutes:
    """The operations of the server itself.

    Args:
        threads: Asked where the data store is to be looked at.
        info: What `/info` says.
        document: Makes the OpenAPI document.
        metrics: What the server counts; asked for when somebody wants to see it.
    """

    def __init__(
        self,
        threads: Threads,
        info: Mapping[str, Any],
        document: Callable[[], Mapping[str, Any]],
        metrics: Callable[[], Metrics],
    ) -> None:
        self._threads = threads
        self._info = info
        self._document = document
        self._metrics = metrics
        self._draining = False

    def drain(self) -> None:
        """From now on the server is not well, so that balancers send no more requests."""
        self._draining = True

    async def ok(self, call: Call) -> Reply:
        """Says that the server is well (wire fact 87)."""
        if self._draining:
            raise Draining
        if call.query.check_db:
            await self._ask_store()
        return Answer(value={"ok": True, "services": {}})

    async def info(self, call: Call) -> Reply:
        """Says what the server is."""
        return Answer(value=self._info)

    async def metrics(self, call: Call) -> Reply:
        """Shows what the server counts (wire fact 87)."""
        if call.query.format == "json":
            return Answer(value=self._metrics().shown())
        return Answer(content=self._metrics().text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def openapi(self, call: Call) -> Reply:
        """Returns the OpenAPI document."""
        return Answer(content=dumps(self._document()))

    async def docs(self, call: Call) -> Reply:
        """Returns the OpenAPI document as a page."""
        return Answer(content=page(self._document()).encode(), media_type="text/html; charset=utf-8")

    async def _ask_store(self) -> None:
        try:
            await self._threads.get(_NOBODY)
        except ThreadNotFound:
            return
