"""The threads that go with an assistant.

Owns which threads are an assistant's, and how they are deleted: each in a transaction of its own, since a server must not stand still while very many go.
"""

from graphwire_server.core.errors import ThreadBusy, ThreadNotFound
from graphwire_server.core.model import MAX_PAGE, Page, ThreadQuery, ThreadSort, ThreadStatus
from graphwire_server.core.ports import EventLog, Store
from graphwire_server.core.see_through import SeeThrough


class AssistantThreads:
    """The threads of assistants.

    Args:
        store: Rows of threads.
        logs: The event logs.
        see_through: How what must not stop in the middle is done.
    """

    def __init__(self, store: Store, logs: EventLog, see_through: SeeThrough) -> None:
        self._store = store
        self._logs = logs
        self._see_through = see_through

    async def delete(self, assistant_id: str) -> None:
        """Deletes the threads whose metadata names the assistant as `assistant_id`, with their runs and checkpoints.

        While a run, of whichever assistant, is on one of them, nothing is deleted. A run that comes in the meantime ends the deletion with the same error: the
        threads that are gone stay gone, and whoever asks again goes on with the rest. So does cancellation.

        Raises:
            ThreadBusy: A run is on one of the threads.
        """
        theirs = ThreadQuery(metadata={"assistant_id": assistant_id})
        busy = ThreadQuery(metadata=theirs.metadata, status=ThreadStatus.BUSY)
        for thread in await self._store.search_threads(busy, Page(limit=1), ThreadSort.THREAD_ID, ascending=True):
            raise ThreadBusy(thread.thread_id, "the deletion of its assistant")
        while found := await self._store.search_threads(
            theirs, Page(limit=MAX_PAGE), ThreadSort.THREAD_ID, ascending=True
        ):
            for thread in found:
                await self._see_through(self._delete(thread.thread_id))

    async def _delete(self, thread_id: str) -> None:
        try:
            await self._store.delete_thread(thread_id)
        except ThreadNotFound:  # somebody else was quicker
            return
        self._logs.forget(thread_id)
