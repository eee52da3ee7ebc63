"""Where the operations of runs stand.

Owns their part of the table of routes.
"""

from typing import Any

from graphwire_server.core.runs import MAX_BATCH
from graphwire_server.rest import cursor, idempotency, shown
from graphwire_server.rest.calls import LISTED, Operation, Operations
from graphwire_server.rest.run_queries import (
    CancelManyBody,
    CancelManyQuery,
    CancelQuery,
    JoinQuery,
    ListQuery,
    WaitQuery,
)
from graphwire_server.rest.run_requests import RunBody
from graphwire_server.rest.runs import RunRoutes


def thread_run_paths(runs: RunRoutes) -> Operations:
    """Runs on threads."""
    base = "/threads/{thread_id}/runs"
    return {
        f"{base}/stream": {"POST": _create_stream("stream_run", runs)},
        f"{base}/wait": {"POST": _create_wait("wait_run", runs)},
        base: {
            "POST": _create("create_run", runs),
            "GET": Operation(
                name="list_runs",
                summary="Lists the runs of a thread, the newest first.",
                run=runs.list,
                query=ListQuery,
                answers=LISTED,
            ),
        },
        f"{base}/{{run_id}}": _one(runs, "run"),
        f"{base}/{{run_id}}/stream": {"GET": _join_stream("join_run_stream", runs)},
        f"{base}/{{run_id}}/join": {"GET": _join("join_run", runs)},
        f"{base}/{{run_id}}/cancel": {"POST": _cancel("cancel_run", runs)},
    }


def run_paths(runs: RunRoutes) -> Operations:
    """Stateless runs, and runs by their id alone."""
    return {
        "/runs/stream": {"POST": _create_stream("stream_stateless_run", runs)},
        "/runs/wait": {"POST": _create_wait("wait_stateless_run", runs)},
        "/runs": {"POST": _create("create_stateless_run", runs)},
        "/runs/batch": {
            "POST": Operation(
                name="create_runs",
                summary="Creates several stateless runs.",
                run=runs.create_batch,
                body=RunBody,
                many=MAX_BATCH,
                needs_body=True,
                headers=idempotency.DESCRIBED,
                answers={200: list[shown.ShownRun]},
            )
        },
        "/runs/cancel": {
            "POST": Operation(
                name="cancel_runs",
                summary="Cancels runs by status, or of a thread by id.",
                run=runs.cancel_many,
                body=CancelManyBody,
                query=CancelManyQuery,
                answers={204: None},
            )
        },
        "/runs/{run_id}": _one(runs, "stateless_run"),
        "/runs/{run_id}/stream": {"GET": _join_stream("join_stateless_run_stream", runs)},
        "/runs/{run_id}/join": {"GET": _join("join_stateless_run", runs)},
        "/runs/{run_id}/cancel": {"POST": _cancel("cancel_stateless_run", runs)},
    }


def _create(name: str, runs: RunRoutes) -> Operation:
    return Operation(
        name=name,
        summary="Creates a run in the background.",
        run=runs.create,
        body=RunBody,
        needs_body=True,
        headers=idempotency.DESCRIBED,
        answers={200: shown.ShownRun},
    )


def _create_stream(name: str, runs: RunRoutes) -> Operation:
    return Operation(
        name=name,
        summary="Creates a run and streams its events.",
        run=runs.stream,
        body=RunBody,
        needs_body=True,
        headers=idempotency.DESCRIBED,
        stream=True,
    )


def _create_wait(name: str, runs: RunRoutes) -> Operation:
    return Operation(
        name=name,
        summary="Creates a run and waits for its values.",
        run=runs.wait,
        body=RunBody,
        needs_body=True,
        headers=idempotency.DESCRIBED,
    )


def _one(runs: RunRoutes, noun: str) -> dict[str, Operation]:
    return {
        "GET": Operation(name=f"get_{noun}", summary="Returns a run.", run=runs.get, answers={200: shown.ShownRun}),
        "DELETE": Operation(
            name=f"delete_{noun}", summary="Deletes a run that has ended.", run=runs.delete, answers={204: None}
        ),
    }


def _join_stream(name: str, runs: RunRoutes) -> Operation:
    return Operation(
        name=name,
        summary="Attaches to a run: live, or behind Last-Event-ID.",
        run=runs.join_stream,
        query=JoinQuery,
        headers=cursor.RUN_HEADER,
        stream=True,
    )


def _join(name: str, runs: RunRoutes) -> Operation:
    return Operation(name=name, summary="Waits for the values of a run.", run=runs.join, query=WaitQuery)


def _cancel(name: str, runs: RunRoutes) -> Operation:
    return Operation(
        name=name,
        summary="Cancels a run.",
        run=runs.cancel,
        query=CancelQuery,
        answers={202: None, 200: dict[str, Any]},
    )
