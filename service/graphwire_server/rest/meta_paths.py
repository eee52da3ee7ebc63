"""Where the operations of the server itself stand.

Owns their part of the table of routes.
"""

from collections.abc import Mapping
from typing import Any

from graphwire_server.rest import shown
from graphwire_server.rest.calls import Operation, Operations
from graphwire_server.rest.meta import MetaRoutes, MetricsQuery, OkQuery


def health_path(meta: MetaRoutes) -> Operations:
    """Whether the server is well."""
    return {
        "/ok": {
            "GET": Operation(
                name="ok",
                summary="Says that the server is well.",
                run=meta.ok,
                query=OkQuery,
                answers={200: shown.Health},
            )
        }
    }


def meta_paths(meta: MetaRoutes) -> Operations:
    """What the server says of itself."""
    return {
        "/": {
            "GET": Operation(name="root", summary="As /ok.", run=meta.ok, query=OkQuery, answers={200: shown.Health})
        },
        "/info": {
            "GET": Operation(name="info", summary="Says what the server is.", run=meta.info, answers={200: shown.Info})
        },
        "/metrics": {
            "GET": Operation(
                name="metrics",
                summary="Shows what the server counts, as text for Prometheus or as JSON.",
                run=meta.metrics,
                query=MetricsQuery,
                answers={200: list[Mapping[str, Any]]},
                media_type="text/plain",
            )
        },
        "/openapi.json": {
            "GET": Operation(
                name="openapi",
                summary="Returns this document.",
                run=meta.openapi,
                answers={200: Mapping[str, Any]},
            )
        },
        "/docs": {
            "GET": Operation(
                name="docs",
                summary="Returns this document as a page.",
                run=meta.docs,
                answers={},
                media_type="text/html",
            )
        },
    }
