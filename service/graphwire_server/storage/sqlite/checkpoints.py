"""LangGraph's checkpoints in the server's database.

Owns how the library's SQL, which this leaves to the library, gets to our connections: writes go into the tick's group, short reads
run inline on the writer's connection, long ones on the reader's thread. The invariant: a call that writes returns after its commit,
but for a synchronous one on the loop's own thread, which cannot wait for it.
"""

import builtins
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
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.statements import LAST_CHECKPOINT_ID

T = TypeVar("T")


class InlineSaver(SqliteSaver):
    """The checkpoint saver of the embedded engine.

    The asynchronous methods are for graphs on any event loop. The synchronous ones are called by LangGraph from worker threads (a
    plain node that invokes a subgraph); there they hand over to the database's loop and wait. On the loop's own thread reads run
    directly, and a write joins the tick's group: it is committed at the end of the tick, after the call has returned, and a commit
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

    def last_checkpoint_id(self, thread_id: str) -> str | None:
        """The newest checkpoint of the thread's root graph, or None; on the loop's thread alone."""
        with self._database.read() as connection:
            row = connection.execute(LAST_CHECKPOINT_ID, (thread_id,)).fetchone()
        return None if row is None else cast("str", row[0])

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        """What the library's methods run their statements on.

        Args:
            transaction: Whether they write; then they are collected, and run together when the library is done with them.
        """
        if transaction:
            statements = _Statements()
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
        """Stores a checkpoint. Raises StoreUnavailable."""
        return super().put(_kept(config), checkpoint, metadata, new_versions)

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Stores a checkpoint. Raises StoreUnavailable."""
        collector = _Collector(self.serde)
        stored = collector.put(_kept(config), checkpoint, metadata, new_versions)
        await self._awrite(collector.statements)
        return stored

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Stores what a task has written on top of a checkpoint. Raises StoreUnavailable."""
        collector = _Collector(self.serde)
        collector.put_writes(config, writes, task_id, task_path)
        await self._awrite(collector.statements)

    async def adelete_thread(self, thread_id: str) -> None:
        """Deletes all that a thread has left. Raises StoreUnavailable."""
        collector = _Collector(self.serde)
        collector.delete_thread(thread_id)
        await self._awrite(collector.statements)

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """The writes from which channels that store differences are made."""
        return await self._query(lambda saver: saver.get_delta_channel_history(config=config, channels=channels))

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
            self._database.hand_over_sync(lambda: self._database.write(statements.run, statements.size))

    async def _awrite(self, statements: "_Statements") -> None:
        write = self._database.write(statements.run, statements.size)
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


class _Statements:
    """Statements to run together later; to the library it is a cursor. Their parameters are bytes by now, so nothing can change them."""

    def __init__(self) -> None:
        self._statements: builtins.list[tuple[str, builtins.list[Sequence[Any]]]] = []
        self.size = 0

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self.executemany(sql, [parameters])

    def executemany(self, sql: str, rows: builtins.list[Sequence[Any]]) -> None:
        self._statements.append((sql, rows))
        self.size += sum(len(value) for row in rows for value in row if isinstance(value, bytes))

    def run(self, connection: sqlite3.Connection) -> None:
        for sql, rows in self._statements:
            connection.executemany(sql, rows)


class _Collector(SqliteSaver):
    """The library's own code for one write, which collects its statements instead of running them."""

    def __init__(self, serde: SerializerProtocol) -> None:
        # Without the library's constructor: it makes a serializer and a lock, and neither is needed for a write.
        self.serde = cast("Any", serde)
        self.statements = _Statements()

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[sqlite3.Cursor]:
        yield cast("sqlite3.Cursor", self.statements)
