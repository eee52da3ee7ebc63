"""A server that stops while runs execute and wait, and the next one: runs go on, and readers come back to all of them (wire facts 5, 11, 39 and 40)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.conformance.http.api import Api, Json
from tests.conformance.http.held import held_body, new_name
from tests.conformance.http.lives import life
from tests.conformance.http.sse import Frame
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOKE: Json = {"assistant_id": "joke", "input": {"topic": "ice"}, "stream_mode": "updates", "stream_resumable": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """What callers had when their server stopped; runs and threads by their paths.

    Attributes:
        name: The run's name at the gate.
        thread: The thread.
        run: The run at the gate.
        seen: What the reader of the run had got.
        watched: What the reader of the thread had.
        waiting: The runs that waited on the thread: for its time, which has passed when the next server starts, and for its turn.
    """

    name: str
    thread: str
    run: str
    seen: Sequence[Frame]
    watched: Sequence[Frame]
    waiting: Sequence[str]


@asynccontextmanager
async def _stopped(data_dir: Path, gate: Gate, **more: Any) -> AsyncIterator[Lost]:
    """A server that has stopped while a run stood at the gate. Lines to it broke: an orderly end would tell an SDK that there is nothing to come back to."""
    name = new_name()
    async with AsyncExitStack() as stack:
        async with life(data_dir) as api:
            outside = httpx.AsyncClient(base_url=api.client.base_url, timeout=30, trust_env=False)
            reading = Api(await stack.enter_async_context(outside))
            thread = f"/threads/{await api.thread()}"
            watcher = await stack.enter_async_context(reading.opened(f"{thread}/stream", method="GET"))
            body = held_body(gate, name, {"n": 5, "more": 5}, **more)
            reader = await stack.enter_async_context(reading.opened(f"{thread}/runs/stream", body))
            run = reader.headers["content-location"]
            await gate.entered(name)
            joining = await stack.enter_async_context(reading.client.stream("GET", f"{run}/join"))
            seen, watched = await reader.take(7), await watcher.take(7)
            bodies = [{**JOKE, "after_seconds": 0.05}, JOKE]
            made = [await api.post(f"{thread}/runs", body) for body in bodies]
        for what in (joining.aread(), reader.rest(), watcher.rest()):
            with pytest.raises(httpx.RemoteProtocolError):
                await what
        await gate.left(name)
        waiting = [f"{thread}/runs/{each['run_id']}" for each in made]
        yield Lost(name=name, thread=thread, run=run, seen=seen, watched=watched, waiting=waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What callers found at the next server.

    Attributes:
        early: The runs before the gate was opened.
        rest: What the reader of the run got, who came back behind what it had.
        whole: What a reader got who came for all of it.
        watched: What the reader of the thread got, who came back behind what it had, up to the end of the last run.
        runs: The runs at the end.
        streams: All of the streams of those that waited.
    """

    early: Sequence[Json]
    rest: Sequence[Frame]
    whole: Sequence[Frame]
    watched: Sequence[Frame]
    runs: Sequence[Json]
    streams: Sequence[Sequence[str]]


def _done(frame: Frame) -> bool:
    return frame.event == "metadata" and frame.data.get("status") == "run_done"


def _behind(frames: Sequence[Frame]) -> dict[str, str]:
    return {"last-event-id": frames[-1].id or ""}


async def _find(api: Api, gate: Gate, lost: Lost) -> Found:
    paths = [lost.run, *lost.waiting]
    early = [await api.get(path) for path in paths]
    async with (
        api.opened(f"{lost.thread}/stream", method="GET", headers=_behind(lost.watched)) as watcher,
        api.opened(f"{lost.run}/stream", method="GET", headers=_behind(lost.seen)) as reader,
    ):
        await gate.entered(lost.name)
        gate.release(lost.name)
        rest = await reader.rest()
        watched = [frame for _ in paths for frame in await watcher.until(_done) if frame.event]
    start = {"last-event-id": "-1"}
    return Found(
        early=early,
        rest=rest,
        whole=(await api.stream(f"{lost.run}/stream", method="GET", headers=start)).frames,
        watched=watched,
        runs=[await api.get(path) for path in paths],
        streams=[(await api.stream(f"{path}/stream", method="GET", headers=start)).names for path in lost.waiting],
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory, gate: Gate) -> tuple[Lost, Found]:
    folder = tmp_path_factory.mktemp("data")
    async with _stopped(folder, gate, stream_resumable=True) as lost, life(folder) as api:
        return lost, await _find(api, gate, lost)


async def test_the_run_is_another_attempt_from_its_last_checkpoint(both: tuple[Lost, Found]) -> None:
    lost, found = both

    assert (found.runs[0]["status"], found.runs[0]["attempt"]) == ("success", 2)
    assert found.rest[0].data == {"run_id": found.runs[0]["run_id"], "attempt": 2}
    # What its first node had written is not written again.
    assert found.rest[1].data == {"passed": lost.name}
    assert len(found.rest) == 7


async def test_its_reader_has_all_of_it_without_a_seam(both: tuple[Lost, Found]) -> None:
    lost, found = both
    frames = [*lost.seen, *found.rest]

    assert [frame.id for frame in frames] == [str(number) for number in range(1, len(frames) + 1)]
    assert list(found.whole) == frames


async def test_those_that_waited_have_their_turn_in_the_order_in_which_they_came(both: tuple[Lost, Found]) -> None:
    lost, found = both
    ends = [frame.data["run_id"] for frame in found.watched if _done(frame)]

    assert [run["status"] for run in found.early[1:]] == ["pending", "pending"]
    assert [(run["status"], run["attempt"]) for run in found.runs[1:]] == [("success", 1)] * 2
    assert ends == [path.rpartition("/")[2] for path in (lost.run, *lost.waiting)]
    assert list(found.streams) == [["metadata", "updates", "updates"]] * 2


async def test_a_watcher_comes_back_to_all_runs_of_its_thread(both: tuple[Lost, Found]) -> None:
    lost, found = both
    frames = [*lost.watched, *found.watched]

    assert [frame.id for frame in frames] == [str(number) for number in range(1, len(frames) + 1)]
    assert found.watched[0].data["attempt"] == 2


async def test_a_run_that_is_not_resumable_goes_on_too(tmp_path: Path, gate: Gate) -> None:
    async with _stopped(tmp_path, gate) as lost, life(tmp_path) as api:
        await gate.entered(lost.name)
        async with (
            api.opened(f"{lost.thread}/stream", method="GET", headers=_behind(lost.watched)) as watcher,
            api.opened(f"{lost.run}/stream", method="GET", headers={"last-event-id": "1"}) as reader,
        ):
            gate.release(lost.name)
            rest, watched = await reader.rest(), await watcher.until(_done)
        row = await api.get(lost.run)

    assert {frame.id for frame in (*lost.seen, *rest)} == {None}
    assert [frame.data.get("passed", frame.data.get("i")) for frame in rest] == [lost.name, *range(5)]
    assert (row["status"], row["attempt"]) == ("success", 2)
    # It was given back in order, so its numbers have no gap: a watcher loses nothing.
    numbers = [int(frame.id or "") for frame in (*lost.watched, *watched) if frame.event]
    assert numbers == list(range(1, len(numbers) + 1))
