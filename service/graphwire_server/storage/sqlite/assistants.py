"""Rows of assistants in SQLite.

Owns the `AssistantStore` port, its statements, and the mapping between an assistant and its two rows: that of the assistant, and that of each version. Each change reads,
decides and writes in the open group, so two at once make two versions.
"""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from graphwire_server.core.assistant_changes import changed
from graphwire_server.core.assistant_store import AssistantChange, AssistantQuery, AssistantSort
from graphwire_server.core.errors import AssistantExists, AssistantNotFound
from graphwire_server.core.model import Assistant, JsonObject, Page, RunConfig
from graphwire_server.storage.sqlite import codec, crons
from graphwire_server.storage.sqlite.database import Database
from graphwire_server.storage.sqlite.group import Function
from graphwire_server.storage.sqlite.rows import ticks, time_of

T = TypeVar("T")

_COLUMNS = "a.assistant_id, a.created_at, v.version, v.updated_at, v.graph_id, v.name, v.description, v.config, v.context, v.metadata, a.newest"
_LATEST = (
    "FROM assistants AS a JOIN assistant_versions AS v ON v.assistant_id = a.assistant_id AND v.version = a.version "
)
_MATCHING = (
    _LATEST
    + """
WHERE (:graph_id = '' OR v.graph_id = :graph_id)
  AND (:name = '' OR instr(v.folded, :name) > 0)
  AND (:metadata IS NULL OR contains(v.metadata, :metadata))
"""
)
_GET = f"SELECT {_COLUMNS} {_LATEST} WHERE a.assistant_id = ?"
_ADD = "INSERT INTO assistants (assistant_id, created_at, version, newest) VALUES (:assistant_id, :created_at, :version, :version)"
_ADD_VERSION = """
INSERT INTO assistant_versions (assistant_id, version, updated_at, graph_id, name, folded, description, config, context, metadata)
VALUES (:assistant_id, :version, :updated_at, :graph_id, :name, :folded, :description, :config, :context, :metadata)
"""
_ADVANCE = "UPDATE assistants SET version = :version, newest = :version WHERE assistant_id = :assistant_id"
_CHOOSE = "UPDATE assistants SET version = :version WHERE assistant_id = :assistant_id"
_DELETE = "DELETE FROM assistants WHERE assistant_id = ?"  # its versions go with it, by their foreign key
_OF_VERSION = f"""
SELECT {_COLUMNS} FROM assistants AS a JOIN assistant_versions AS v ON v.assistant_id = a.assistant_id
WHERE a.assistant_id = :assistant_id AND v.version = :version
"""  # noqa: S608  constants
_VERSIONS = f"""
SELECT {_COLUMNS} FROM assistants AS a JOIN assistant_versions AS v ON v.assistant_id = a.assistant_id
WHERE a.assistant_id = :assistant_id AND (:metadata IS NULL OR contains(v.metadata, :metadata))
ORDER BY v.version DESC LIMIT :limit OFFSET :offset
"""  # noqa: S608  constants
_KNOWN = "SELECT 1 FROM assistants WHERE assistant_id = ?"
_COUNT = "SELECT count(*) " + _MATCHING
_SEARCH = {
    (sort, descending): f"SELECT {_COLUMNS} {_MATCHING} ORDER BY {column} {way}, a.assistant_id {way} LIMIT :limit OFFSET :offset"
    for sort, column in (
        (AssistantSort.NAME, "v.name"),
        (AssistantSort.CREATED_AT, "a.created_at"),
        (AssistantSort.UPDATED_AT, "v.updated_at"),
        (AssistantSort.GRAPH_ID, "v.graph_id"),
        (AssistantSort.ASSISTANT_ID, "a.assistant_id"),
    )
    for descending, way in ((False, "ASC"), (True, "DESC"))
}  # fmt: skip


class SqliteAssistants:
    """The `AssistantStore` port on a database.

    Args:
        database: Where the rows are; it stays its opener's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._under_way = 0

    async def create(self, assistant: Assistant) -> None:
        """Adds an assistant with its first version. Raises AssistantExists."""
        row = _row(assistant)

        def create(connection: sqlite3.Connection) -> None:
            if _latest(connection, assistant.assistant_id) is not None:
                raise AssistantExists(assistant.assistant_id)
            connection.execute(_ADD, row)
            connection.execute(_ADD_VERSION, row)

        await self._write(create, len(str(row)))

    async def get(self, assistant_id: str) -> Assistant | None:
        """An assistant in the version that runs, or None."""
        if self._under_way:  # else nothing is there that may still go: a run is not to wait for the writes of others
            await self._database.settled()
        with self._database.read() as connection:
            row = _latest(connection, assistant_id)
            return None if row is None else _assistant(row)

    async def update(self, assistant_id: str, change: AssistantChange, now: datetime) -> Assistant:
        """Makes a version of the one that runs and a change, and lets it run. Raises AssistantNotFound."""

        def update(connection: sqlite3.Connection) -> Assistant:
            latest = _latest(connection, assistant_id)
            if latest is None:
                raise AssistantNotFound(assistant_id)
            made = changed(_assistant(latest), change, latest[-1] + 1, now)
            row = _row(made)
            connection.execute(_ADD_VERSION, row)
            connection.execute(_ADVANCE, row)
            return made

        return await self._write(update)

    async def versions(self, assistant_id: str, metadata: JsonObject, page: Page) -> Sequence[Assistant]:
        """A page of the versions whose metadata matches, the newest first. Raises AssistantNotFound."""
        parameters = {"assistant_id": assistant_id, **_filter(metadata), "limit": page.limit, "offset": page.offset}

        def read(connection: sqlite3.Connection) -> Sequence[Assistant]:
            if connection.execute(_KNOWN, (assistant_id,)).fetchone() is None:
                raise AssistantNotFound(assistant_id)
            return [_assistant(row) for row in connection.execute(_VERSIONS, parameters)]

        return await self._database.query(read)

    async def set_latest(self, assistant_id: str, version: int) -> Assistant | None:
        """Lets a version run, and returns it; None where there is no such version. Raises AssistantNotFound."""
        parameters = {"assistant_id": assistant_id, "version": version}

        def choose(connection: sqlite3.Connection) -> Assistant | None:
            if _latest(connection, assistant_id) is None:
                raise AssistantNotFound(assistant_id)
            row = connection.execute(_OF_VERSION, parameters).fetchone()
            if row is None:
                return None
            connection.execute(_CHOOSE, parameters)
            return _assistant(row)

        return await self._write(choose)

    async def delete(self, assistant_id: str) -> None:
        """Deletes an assistant with its versions and its crons. Raises AssistantNotFound."""

        def delete(connection: sqlite3.Connection) -> None:
            if not connection.execute(_DELETE, (assistant_id,)).rowcount:
                raise AssistantNotFound(assistant_id)
            crons.drop_assistant(connection, assistant_id)

        await self._write(delete)

    async def search(
        self, query: AssistantQuery, page: Page, sort: AssistantSort, *, descending: bool
    ) -> Sequence[Assistant]:
        """A page of the assistants that match, each in the version that runs."""
        parameters = {**_parameters(query), "limit": page.limit, "offset": page.offset}
        statement = _SEARCH[sort, descending]
        return await self._database.query(
            lambda connection: [_assistant(row) for row in connection.execute(statement, parameters)]
        )

    async def count(self, query: AssistantQuery) -> int:
        """How many match."""
        parameters = _parameters(query)
        return await self._database.query(lambda connection: int(connection.execute(_COUNT, parameters).fetchone()[0]))

    async def _write(self, function: Function[T], size: int = 0) -> T:
        self._under_way += 1
        try:
            return await self._database.write(function, size)
        finally:
            self._under_way -= 1


def _latest(connection: sqlite3.Connection, assistant_id: str) -> Any:
    return connection.execute(_GET, (assistant_id,)).fetchone()


def _filter(metadata: JsonObject) -> dict[str, object]:
    return {"metadata": codec.encode(metadata) if metadata else None}


def _parameters(query: AssistantQuery) -> dict[str, object]:
    return {"graph_id": query.graph_id, "name": query.name.casefold(), **_filter(query.metadata)}


def _row(assistant: Assistant) -> dict[str, object]:
    return {
        "assistant_id": assistant.assistant_id,
        "created_at": ticks(assistant.created_at),
        "version": assistant.version,
        "updated_at": ticks(assistant.updated_at),
        "graph_id": assistant.graph_id,
        "name": assistant.name,
        "folded": assistant.name.casefold(),
        "description": assistant.description,
        "config": codec.encode(assistant.config),
        "context": None if assistant.context is None else codec.encode(assistant.context),
        "metadata": codec.encode(assistant.metadata),
    }


def _assistant(row: Sequence[Any]) -> Assistant:
    return Assistant(
        assistant_id=row[0],
        created_at=time_of(row[1]),
        version=row[2],
        updated_at=time_of(row[3]),
        graph_id=row[4],
        name=row[5],
        description=row[6],
        config=codec.decode(RunConfig, row[7]),
        context=None if row[8] is None else codec.parse(row[8]),
        metadata=codec.parse(row[9]),
    )
