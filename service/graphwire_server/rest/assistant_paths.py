"""Where the operations of assistants stand.

Owns their part of the table of routes.
"""

from graphwire_server.rest import shown
from graphwire_server.rest.assistant_requests import (
    AssistantBody,
    AssistantCountBody,
    AssistantPatch,
    AssistantSearchBody,
    DeleteQuery,
    DrawQuery,
    LatestBody,
    SubgraphsQuery,
    VersionsBody,
)
from graphwire_server.rest.assistants import AssistantRoutes
from graphwire_server.rest.calls import LISTED, Operation, Operations


def assistant_paths(assistants: AssistantRoutes) -> Operations:
    """Assistants and their graphs."""
    one = "/assistants/{assistant_id}"
    return {
        "/assistants": {
            "POST": Operation(
                name="create_assistant",
                summary="Creates an assistant.",
                run=assistants.create,
                body=AssistantBody,
                needs_body=True,
                answers={200: shown.ShownAssistant},
            )
        },
        "/assistants/search": {
            "POST": Operation(
                name="search_assistants",
                summary="Lists assistants.",
                run=assistants.search,
                body=AssistantSearchBody,
                answers=LISTED,
            )
        },
        "/assistants/count": {
            "POST": Operation(
                name="count_assistants",
                summary="Counts assistants.",
                run=assistants.count,
                body=AssistantCountBody,
                answers={200: int},
            )
        },
        one: _assistant(assistants),
        **_versions(assistants, one),
        **_graphs(assistants, one),
    }


def _assistant(assistants: AssistantRoutes) -> dict[str, Operation]:
    return {
        "GET": Operation(
            name="get_assistant",
            summary="Returns an assistant.",
            run=assistants.get,
            answers={200: shown.ShownAssistant},
        ),
        "PATCH": Operation(
            name="update_assistant",
            summary="Makes a new version of an assistant.",
            run=assistants.update,
            body=AssistantPatch,
            needs_body=True,
            answers={200: shown.ShownAssistant},
        ),
        "DELETE": Operation(
            name="delete_assistant",
            summary="Deletes an assistant; a graph's own stays.",
            run=assistants.delete,
            query=DeleteQuery,
            answers={204: None},
        ),
    }


def _versions(assistants: AssistantRoutes, one: str) -> Operations:
    return {
        f"{one}/versions": {
            "POST": Operation(
                name="list_versions",
                summary="Lists the versions of an assistant.",
                run=assistants.versions,
                body=VersionsBody,
                answers={200: list[shown.ShownAssistant]},
            )
        },
        f"{one}/latest": {
            "POST": Operation(
                name="set_latest",
                summary="Makes a version the latest.",
                run=assistants.set_latest,
                body=LatestBody,
                needs_body=True,
                answers={200: shown.ShownAssistant},
            )
        },
    }


def _graphs(assistants: AssistantRoutes, one: str) -> Operations:
    subgraphs = {200: dict[str, shown.ShownSchemas]}
    return {
        f"{one}/graph": {
            "GET": Operation(
                name="draw_graph",
                summary="Returns an assistant's graph: nodes and edges.",
                run=assistants.draw,
                query=DrawQuery,
                answers={200: shown.ShownGraph},
            )
        },
        f"{one}/schemas": {
            "GET": Operation(
                name="get_schemas",
                summary="Returns the JSON Schemas of an assistant's graph.",
                run=assistants.schemas,
                answers={200: shown.ShownSchemas},
            )
        },
        f"{one}/subgraphs": {
            "GET": Operation(
                name="list_subgraphs",
                summary="Returns the graphs inside an assistant's graph.",
                run=assistants.subgraphs,
                query=SubgraphsQuery,
                answers=subgraphs,
            )
        },
        f"{one}/subgraphs/{{namespace}}": {
            "GET": Operation(
                name="get_subgraph",
                summary="Returns one graph inside an assistant's graph.",
                run=assistants.subgraphs,
                query=SubgraphsQuery,
                answers=subgraphs,
            )
        },
    }
