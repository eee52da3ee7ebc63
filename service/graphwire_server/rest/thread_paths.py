"""Where the operations of threads stand.

Owns their part of the table of routes.
"""

from graphwire_server.rest import cursor, shown
from graphwire_server.rest.calls import LISTED, Operation, Operations
from graphwire_server.rest.thread_requests import (
    CheckpointStateBody,
    HistoryBody,
    HistoryQuery,
    PruneBody,
    StateBody,
    StateQuery,
    ThreadBody,
    ThreadCountBody,
    ThreadPatch,
    ThreadQueryParts,
    ThreadSearchBody,
    WatchQuery,
)
from graphwire_server.rest.threads import ThreadRoutes


def thread_paths(threads: ThreadRoutes) -> Operations:
    """Threads and their states."""
    one = "/threads/{thread_id}"
    return {
        **_thread_lists(threads),
        one: _thread(threads),
        f"{one}/copy": {
            "POST": Operation(
                name="copy_thread",
                summary="Copies a thread with its states.",
                run=threads.copy,
                answers={200: shown.ShownThread},
            )
        },
        f"{one}/stream": {
            "GET": Operation(
                name="watch_thread",
                summary="Streams all runs of a thread, and stays open between them.",
                run=threads.watch,
                query=WatchQuery,
                headers=cursor.THREAD_HEADER,
                stream=True,
            )
        },
        **_states(threads, one),
    }


def _thread_lists(threads: ThreadRoutes) -> Operations:
    return {
        "/threads": {
            "POST": Operation(
                name="create_thread",
                summary="Creates a thread.",
                run=threads.create,
                body=ThreadBody,
                answers={200: shown.ShownThread},
            )
        },
        "/threads/prune": {
            "POST": Operation(
                name="prune_threads",
                summary="Deletes threads, or all their states but the latest.",
                run=threads.prune,
                body=PruneBody,
                needs_body=True,
                answers={200: shown.ShownPruned},
            )
        },
        "/threads/search": {
            "POST": Operation(
                name="search_threads",
                summary="Lists threads.",
                run=threads.search,
                body=ThreadSearchBody,
                answers=LISTED,
            )
        },
        "/threads/count": {
            "POST": Operation(
                name="count_threads",
                summary="Counts threads.",
                run=threads.count,
                body=ThreadCountBody,
                answers={200: int},
            )
        },
    }


def _thread(threads: ThreadRoutes) -> dict[str, Operation]:
    return {
        "GET": Operation(
            name="get_thread",
            summary="Returns a thread.",
            run=threads.get,
            query=ThreadQueryParts,
            answers={200: shown.ShownThread},
        ),
        "PATCH": Operation(
            name="update_thread",
            summary="Merges metadata into a thread's, and says how long it lives.",
            run=threads.patch,
            body=ThreadPatch,
            answers={200: shown.ShownThread, 204: None},
        ),
        "DELETE": Operation(
            name="delete_thread",
            summary="Deletes a thread with its runs and states.",
            run=threads.delete,
            answers={204: None},
        ),
    }


def _states(threads: ThreadRoutes, one: str) -> Operations:
    history = {200: list[shown.ShownState]}
    state = {200: shown.ShownState}
    return {
        f"{one}/state": {
            "GET": Operation(
                name="get_state",
                summary="Returns a thread's state.",
                run=threads.state,
                query=StateQuery,
                answers=state,
            ),
            "POST": Operation(
                name="update_state",
                summary="Changes a thread's state as if a node had returned the change.",
                run=threads.update_state,
                body=StateBody,
                needs_body=True,
                answers={200: shown.Written},
            ),
        },
        f"{one}/state/checkpoint": {
            "POST": Operation(
                name="get_state_at",
                summary="Returns a thread's state at a checkpoint of any namespace.",
                run=threads.state_at,
                body=CheckpointStateBody,
                needs_body=True,
                answers=state,
            )
        },
        f"{one}/state/{{checkpoint_id}}": {
            "GET": Operation(
                name="get_state_at_id",
                summary="Returns a thread's state at a checkpoint.",
                run=threads.state,
                query=StateQuery,
                answers=state,
            )
        },
        f"{one}/history": {
            "GET": Operation(
                name="get_history",
                summary="Lists the states that a thread has had.",
                run=threads.history,
                query=HistoryQuery,
                answers=history,
            ),
            "POST": Operation(
                name="search_history",
                summary="Lists the states that a thread has had.",
                run=threads.history,
                body=HistoryBody,
                answers=history,
            ),
        },
    }
