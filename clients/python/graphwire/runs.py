"""Runs that exist: look at them, list them, delete them.

Owns the calls of the run service that neither start, follow nor end a run; those stand on the client itself.
"""

from collections.abc import AsyncIterator
from typing import Literal

from graphwire._requests import chosen
from graphwire.channel import Wire
from graphwire.model import Run
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
