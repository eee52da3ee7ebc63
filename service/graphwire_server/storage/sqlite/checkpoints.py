"""LangGraph's checkpoints in the server's database.

Owns how the library's SQL, which this leaves to the library, gets to our connections: writes go into the open group, short reads
run inline on the writer's connection, long ones on the reader's thread; and that what writes for a run writes only while the run is its. The invariant: a call
that writes returns after its commit, but for a synchronous one on the loop's own thread, which cannot wait for it.
"""

import builtins
import copy
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, TypeVar, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.sqlite import SqliteSaver

from graphwire_server.core.headers import PRIVATE_KEY
from graphwire_server.core.model import Run
from graphwire_server.storage.sqlite import checkpoint_rows
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.undo import Lease

T = TypeVar("T")


class InlineSaver(SqliteSaver):
    """The checkpoint saver of the embedded engine.

    The asynchronous methods are for graphs on any event loop. The synchronous ones are called by LangGraph from worker threads (a
    plain node that invokes a subgraph); there they hand over to the database's loop and wait. On the loop's own thread reads run
    directly, and a write joins the open group: it is committed at the next lull, after the call has returned, and a commit
    that fails then is in the log alone.

    A synchronous `graph.invoke` on the loop's own thread, with a checkpointer, blocks the loop that its writes wait for. It fails
    with StoreUnavailable when the database's `handover` time is over; such a node uses `ainvoke`, as with the library's own
    asynchronous savers.

    Args:
        database: Where checkpoints are; it stays its opener's.
        serde: How they become bytes; LangGraph's own by default.
    """

    def __init__(self, database: Database, *, serde: SerializerProtocol | None = None) -> None:
        super().__init__(database.connection, serde=serde)
        self.is_setup = True  # the tables were made when the database was opened
        self._database = database
        self._lease: Lease | None = None

    def for_run(self, run: Run) -> "InlineSaver":
        """The saver as an attempt at a run writes through it, from any thread: only while the run is running at this attempt. It shares the database.

        All methods that write raise LeaseLost when that is over, so a node's thread that outlives its run changes nothing. What the attempt changes of
        earlier checkpoints is preserved, so that `undo_run` can take it back.

        Args:
            run: The run, with status running.
        """
        bound = copy.copy(self)
        bound._lease = Lease(run.run_id, run.attempt)  # noqa: SLF001  its own copy
        return bound

    def last_checkpoint_id(self, thread_id: str) -> str | None:
        """The newest checkpoint of the thread's root graph, or None; on the loop's thread alone."""
        with self._database.read() as connection:
            return checkpoint_rows.last_id(connection, thread_id)

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """What the library's methods run their statements on.

        Args:
            transaction: Whether they write; then they are collected, and run together when the library is done with them.
        """
        if transaction:
            statements = self._statements()
            yield cast("sqlite3.Cursor", statements)
            self._write(statements)
        else:
            with self._database.read() as connection, closing(connection.cursor()) as cursor:
                yield cursor

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that is meant with the writes on top of it, or None."""
        return self._inline(partial(super().get_tuple, config))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the library's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """The checkpoints that are meant, the newest first, all read before the first is given."""
        read = partial(super().list, config, filter=filter, before=before, limit=limit)
        return iter(self._inline(lambda: [*read()]))

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """The writes from which channels that store differences are made."""
        return self._inline(partial(super().get_delta_channel_history, config=config, channels=channels))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that is meant with the writes on top of it, or None."""
        if self._database.here:
            return super().get_tuple(config)
        return await self._database.hand_over(self.aget_tuple(config))

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 - the library's name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """The checkpoints that are meant, the newest first, all read before the first is given."""
        for found in await self._query(lambda saver: [*saver.list(config, filter=filter, before=before, limit=limit)]):
            yield found

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Stores a checkpoint. Raises StoreUnavailable and LeaseLost."""
        stored, statements = self._checkpoint(config, checkpoint, metadata, new_versions)
        self._write(statements)
        return stored

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Stores what a task has written on top of a checkpoint. Raises StoreUnavailable and LeaseLost."""
        self._write(self._task_writes(config, writes, task_id, task_path))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Stores a checkpoint. Raises StoreUnavailable and LeaseLost."""
        stored, statements = self._checkpoint(config, checkpoint, metadata, new_versions)
        await self._awrite(statements)
        return stored

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Stores what a task has written on top of a checkpoint. Raises StoreUnavailable and LeaseLost."""
        await self._awrite(self._task_writes(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        """Deletes all that a thread has left. Raises StoreUnavailable and LeaseLost."""
        statements = self._statements()
        _Collector(self.serde, statements).delete_thread(thread_id)
        await self._awrite(statements)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """The writes from which channels that store differences are made."""
        return await self._query(lambda saver: saver.get_delta_channel_history(config=config, channels=channels))

    def _statements(self) -> "_Statements":
        return _Statements(None if self._lease is None else self._lease.check)

    def _checkpoint(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> "tuple[RunnableConfig, _Statements]":
        statements = self._statements()
        stored = _Collector(self.serde, statements).put(_kept(config), checkpoint, metadata, new_versions)
        if self._lease is not None:
            self._lease.made(_place(stored))
        return stored, statements

    def _task_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str
    ) -> "_Statements":
        statements = _Statements(None if self._lease is None else self._lease.check_and_preserve(_place(config)))
        _Collector(self.serde, statements).put_writes(config, writes, task_id, task_path)
        return statements

    def _inline(self, read: Callable[[], T]) -> T:
        if self._database.here:
            return read()

        async def there() -> T:
            return read()

        return self._database.hand_over_sync(there)

    def _write(self, statements: "_Statements") -> None:
        if self._database.here:
            self._database.write_now(statements.run, statements.size)
        else:
            self._database.hand_over_sync(lambda: self._database.write(statements.run, statements.size, soon=True))

    async def _awrite(self, statements: "_Statements") -> None:
        write = self._database.write(statements.run, statements.size, soon=True)
        await (write if self._database.here else self._database.hand_over(write))

    async def _query(self, read: Callable[[SqliteSaver], T]) -> T:
        def function(connection: sqlite3.Connection) -> T:
            saver = SqliteSaver(connection, serde=self.serde)
            saver.is_setup = True  # its setup would write, and this connection is read-only
            return read(saver)

        return await self._database.hand_over(self._database.query(function))


def _kept(config: RunnableConfig) -> RunnableConfig:
    """The configuration without what came by headers: the library writes all text in it into the checkpoint's metadata."""
    configurable = config.get("configurable", {})
    private = configurable.get(PRIVATE_KEY)
    if not private:
        return config
    return {**config, "configurable": {key: value for key, value in configurable.items() if key not in private}}


def _place(config: RunnableConfig) -> tuple[str, str, str]:
    at = config["configurable"]
    return str(at["thread_id"]), str(at.get("checkpoint_ns", "")), str(at["checkpoint_id"])


class _Statements:
    """Statements to run together later; to the library it is a cursor. Their parameters are bytes by now, so nothing can change them.

    Args:
        before: What comes first, in the same transaction; what it raises is what comes of all.
    """

    def __init__(self, before: Callable[[sqlite3.Connection], None] | None) -> None:
        self._before = before
        self._statements: builtins.list[tuple[str, builtins.list[Sequence[Any]]]] = []
        self.size = 0

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self.executemany(sql, [parameters])

    def executemany(self, sql: str, rows: builtins.list[Sequence[Any]]) -> None:
        self._statements.append((sql, rows))
        self.size += sum(len(value) for row in rows for value in row if isinstance(value, bytes))

    def run(self, connection: sqlite3.Connection) -> None:
        if self._before is not None:
            self._before(connection)
        for sql, rows in self._statements:
            connection.executemany(sql, rows)


class _Collector(SqliteSaver):
    """The library's own code for one write, which collects its statements instead of running them."""

    def __init__(self, serde: SerializerProtocol, statements: _Statements) -> None:
        # Without the library's constructor: it makes a serializer and a lock, and neither is needed for a write.
        self.serde = cast("Any", serde)
        self._collected = statements

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        yield cast("sqlite3.Cursor", self._collected)
