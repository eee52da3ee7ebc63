"""Runs that exist: look at them, list them, delete them; and many at once: create them, cancel them.

Owns the calls of the run service but those that start, follow or end one run; these stand on the client itself.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Literal

from graphwire._requests import batch_request, chosen, names
from graphwire.channel import Wire
from graphwire.model import Run
from graphwire.options import Names, NewRun
from graphwire.v1 import run_service_pb2 as pb

Status = Literal["pending", "running", "success", "error", "timeout", "interrupted"]


class Runs:
    """The calls of `client.runs`. All of them raise `GraphwireError`: `NotFound` for a run that does not exist."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def get(self, run_id: str, *, thread_id: str | None = None) -> Run:
        """A run.

        Args:
            run_id: The run: a UUID.
            thread_id: Its thread: a UUID. Default: whichever it is.
        """
        request = pb.GetRunRequest(run_id=run_id, thread_id=thread_id)
        return Run.read((await self._wire.call(self._wire.runs.GetRun, request)).run)

    async def list(self, thread_id: str, *, status: Status | None = None, page_size: int = 100) -> AsyncIterator[Run]:
        """The runs of a thread, the newest first, page after page.

        Args:
            thread_id: The thread: a UUID.
            status: Only runs in this status.
            page_size: How many each call fetches: 1 to 1000.
        """
        request = pb.ListRunsRequest(thread_id=thread_id, status=chosen(status, "status"), page_size=page_size)
        while True:
            page = await self._wire.call(self._wire.runs.ListRuns, request)
            for run in page.runs:
                yield Run.read(run)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def delete(self, run_id: str, *, thread_id: str | None = None) -> None:
        """Deletes a run that has ended; one that has not raises `FailedPrecondition`. Its checkpoints stay with the thread."""
        await self._wire.call(self._wire.runs.DeleteRun, pb.DeleteRunRequest(run_id=run_id, thread_id=thread_id))

    async def create_batch(self, runs: Iterable[NewRun]) -> tuple[Run, ...]:
        """Creates several runs and returns at once; they execute in the background. All or none are created.

        Args:
            runs: The runs, 1 to 1000: for each a dict with `assistant`, perhaps `input`, and the options of `create`.

        Returns:
            The runs, in the same order.

        Raises:
            TypeError: An option does not exist, or JSON has no form for a value.
            ValueError: A value of an option is not one of its names.
            GraphwireError: As `create`; the field of an `InvalidArgument` starts with `requests[0]` for the first run.
        """
        answer = await self._wire.call(self._wire.runs.BatchCreateRuns, batch_request(runs))
        return tuple(Run.read(run) for run in answer.runs)

    async def cancel_many(
        self,
        *,
        status: Literal["pending", "running", "all"] | None = None,
        thread_id: str | None = None,
        run_ids: Names | None = None,
        action: Literal["interrupt", "rollback"] | None = None,
    ) -> tuple[str, ...]:
        """Cancels all runs in a status, or those of a thread by id. Those that have ended are passed over; with none left, `NotFound` is raised.

        Args:
            status: The status; `all` means every run of the server that has not ended or, with `thread_id`, of the thread. Not together with `run_ids`.
            thread_id: The thread: a UUID. Needed with `run_ids`.
            run_ids: The runs: UUIDs, at most 100.
            action: `interrupt` keeps what they have done, `rollback` undoes it and deletes them. Default: interrupt.

        Returns:
            The ids of the runs that are being cancelled. `wait` tells when they have ended.

        Raises:
            ValueError: Neither `status` nor `run_ids` is given, or both are.
        """
        if (status is None) == (not run_ids):
            raise ValueError("either status or run_ids must be given; the status 'all' means every run")
        request = pb.CancelRunsRequest(
            thread_id=thread_id,
            run_ids=names(run_ids),
            status=chosen(None if status == "all" else status, "status"),
            action=chosen(action, "action"),
        )
        return tuple((await self._wire.call(self._wire.runs.CancelRuns, request)).run_ids)
