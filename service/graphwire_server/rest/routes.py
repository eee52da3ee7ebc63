"""The table of routes.

Owns which operation stands at which path. The OpenAPI document is made from the same table, so it cannot say anything else. Runs come first, since
paths are tried in order and runs are what is hot.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from starlette.types import ASGIApp

from graphwire_server.rest.assistant_paths import assistant_paths
from graphwire_server.rest.assistants import AssistantRoutes
from graphwire_server.rest.calls import Operation, Operations
from graphwire_server.rest.crons import CronRoutes, cron_paths, thread_cron_paths
from graphwire_server.rest.later import later
from graphwire_server.rest.meta import MetaRoutes
from graphwire_server.rest.meta_paths import health_path, meta_paths
from graphwire_server.rest.run_paths import run_paths, thread_run_paths
from graphwire_server.rest.runs import RunRoutes
from graphwire_server.rest.store import StoreRoutes
from graphwire_server.rest.store_paths import store_paths
from graphwire_server.rest.thread_paths import thread_paths
from graphwire_server.rest.threads import ThreadRoutes
from graphwire_server.rest.v2_paths import ProtocolPaths


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The operations of all nouns."""

    runs: RunRoutes
    threads: ThreadRoutes
    assistants: AssistantRoutes
    store: StoreRoutes
    crons: CronRoutes
    meta: MetaRoutes
    protocol: ProtocolPaths

    def sockets(self, disabled: frozenset[str]) -> dict[str, ASGIApp]:
        """What answers WebSockets, by path."""
        return self.protocol.sockets() if disabled.isdisjoint({"runs", "threads"}) else {}

    def table(self, disabled: frozenset[str]) -> Operations:
        """All operations, but those of the groups that are not served: assistants, threads, runs, store, meta."""
        groups = (
            ({"runs", "threads"}, thread_run_paths(self.runs)),
            ({"runs"}, run_paths(self.runs)),
            ({"runs", "threads"}, thread_cron_paths(self.crons)),
            ({"runs"}, cron_paths(self.crons)),
            ({"threads"}, thread_paths(self.threads)),
            ({"runs", "threads"}, self.protocol.operations()),
            ({"assistants"}, assistant_paths(self.assistants)),
            ({"store"}, store_paths(self.store)),
            (set(), health_path(self.meta)),
            ({"meta"}, meta_paths(self.meta)),
            *(({_group(path)}, {path: methods}) for path, methods in later().items()),
        )
        made: Operations = {}
        for names, operations in groups:
            if disabled.isdisjoint(names):
                for path, methods in operations.items():
                    made.setdefault(path, {}).update(methods)
        return dict(_specific_first(made))


def _group(path: str) -> str:
    return path.split("/")[1]


def _specific_first(table: Operations) -> Iterator[tuple[str, dict[str, Operation]]]:
    """A path with words comes before one that has a parameter in their place: /runs/crons before /runs/{run_id}. Else the order stays."""
    yield from sorted(table.items(), key=lambda item: sum(_covers(item[0], path) for path in table))


def _covers(path: str, other: str) -> bool:
    """Whether a path takes requests that are meant for another."""
    parts, others = path.split("/"), other.split("/")
    return (
        path != other
        and len(parts) == len(others)
        and all(part == meant or part.startswith("{") for part, meant in zip(parts, others, strict=True))
    )
