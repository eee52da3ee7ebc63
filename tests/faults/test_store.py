"""The store over kill -9, over a file that somebody else has locked, and with writers of all kinds at once."""

import asyncio
from pathlib import Path

import apsw
import httpx
import pytest

from graphwire.v1.store_service_pb2 import GetItemRequest, PutItemRequest, SearchItemsRequest
from graphwire_server.core.errors import StoreUnavailable
from graphwire_server.storage.sqlite.items import schema
from graphwire_server.storage.sqlite.items.store import SqliteItems
from graphwire_server.storage.sqlite.items.threads import MOST_WAITING, Writer
from tests.faults.process import served
from tests.storage.items.shelf import USERS, shelf
from tests.support.serving import text

WRITERS = 4
FOR_EVER = 3_600_000
"""Longer than any test waits for a lock, in milliseconds."""


async def test_no_acknowledged_item_is_lost_over_kill_9(tmp_path: Path) -> None:
    acknowledged: list[tuple[str, str]] = []
    enough = asyncio.Event()

    async def write(writer: int) -> None:
        for n in range(10_000):
            namespace, key = f"w{writer}", f"k{n}"
            value = text(f'{{"n": {n}}}')
            await server.store.PutItem(PutItemRequest(namespace=["kept", namespace], key=key, value=value))
            acknowledged.append((namespace, key))
            if len(acknowledged) >= 200:
                enough.set()

    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            writers = [asyncio.ensure_future(write(writer)) for writer in range(WRITERS)]
            await enough.wait()
            await process.kill()
            await asyncio.gather(*writers, return_exceptions=True)
        await process.start()
        async with process.client() as server:
            lost = [
                (namespace, key)
                for namespace, key in acknowledged
                if not (await server.store.GetItem(GetItemRequest(namespace=["kept", namespace], key=key))).HasField(
                    "item"
                )
            ]
            found = await server.store.SearchItems(SearchItemsRequest(namespace_prefix=["kept"], page_size=1000))

    assert lost == []
    assert len(found.items) >= min(len(acknowledged), 1000)


async def test_two_faces_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    async with served(tmp_path / "data") as process, process.client() as server, httpx.AsyncClient() as http:

        async def by_grpc() -> None:
            for n in range(100):
                await server.store.PutItem(PutItemRequest(namespace=["g"], key=f"k{n}", value=text('{"by": 1}')))
                await server.store.PutItem(PutItemRequest(namespace=["both"], key=f"k{n}", value=text('{"by": 1}')))

        async def by_http() -> None:
            for n in range(100):
                for namespace in ("h", "both"):
                    body = {"namespace": [namespace], "key": f"k{n}", "value": {"by": 2}}
                    assert (await http.put(f"{process.url}/store/items", json=body)).status_code == 204

        await asyncio.gather(by_grpc(), by_http())
        counts = [
            len((await server.store.SearchItems(SearchItemsRequest(namespace_prefix=[name], page_size=1000))).items)
            for name in ("g", "h", "both")
        ]

    assert counts == [100, 100, 100]


async def test_a_file_that_another_program_has_locked_for_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "PATIENCE", 50)
    with SqliteItems.open(tmp_path) as store:
        kept = shelf(store)
        await kept.fill(USERS, before={})
        other = apsw.Connection(str(tmp_path / schema.FILE))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable):
            await kept.fill(USERS, meanwhile={})
        assert await kept.found(USERS) == ["before"]

        other.execute("ROLLBACK")
        other.close()
        await kept.fill(USERS, after={})

        assert await kept.found(USERS) == ["after", "before"]


async def test_a_write_that_fails_undoes_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PATIENCE", FOR_EVER)
    writer = Writer(schema.prepare(tmp_path))
    other = apsw.Connection(str(tmp_path / schema.FILE))
    other.execute("BEGIN IMMEDIATE")  # so that all three are one transaction

    def add(name: str) -> object:
        return writer.do(lambda connection: connection.execute("INSERT INTO namespaces VALUES (?, 1)", (name,)))

    def fail(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO namespaces VALUES ('undone', 1)")
        raise ValueError("mine")

    first, failed, last = add("a"), writer.do(fail), add("b")
    other.execute("ROLLBACK")
    with pytest.raises(ValueError, match="mine"):
        await asyncio.wrap_future(failed)
    await asyncio.gather(*(asyncio.wrap_future(each) for each in (first, last)))  # type: ignore[arg-type]  # futures of nothing

    assert [name for (name,) in other.execute("SELECT name FROM namespaces ORDER BY name")] == ["a", "b"]
    other.close()
    writer.close()
    with pytest.raises(StoreUnavailable, match="stopping"):
        add("c")


async def test_more_writes_than_may_wait_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PATIENCE", FOR_EVER)
    writer = Writer(schema.prepare(tmp_path))
    other = apsw.Connection(str(tmp_path / schema.FILE))
    other.execute("BEGIN IMMEDIATE")
    waiting = [writer.do(lambda _: None) for _ in range(MOST_WAITING)]

    with pytest.raises(StoreUnavailable, match="calls wait"):
        writer.do(lambda _: None)

    other.execute("ROLLBACK")
    other.close()
    await asyncio.gather(*map(asyncio.wrap_future, waiting))
    writer.close()
