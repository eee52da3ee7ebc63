"""Promise 3, the live part: a cursor that is not held any more, or not yet, is refused with what is held; nothing is dropped in silence."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from graphwire.v1.run_pb2 import Run
from tests.faults import promises
from tests.faults.client import Client, new_thread
from tests.faults.gate import Gate
from tests.faults.history import Ending, History
from tests.faults.process import APP
from tests.support.serving import running

HELD = 1 << 16
"""The least that a server may be told to hold: of events of 900 bytes, some seventy."""


@pytest.fixture
async def tight(tmp_path: Path) -> AsyncIterator[Client]:
    async with running(tmp_path, APP, log_bytes_per_thread=HELD, log_bytes_spare=0) as server:
        yield Client(server)


async def _overflowing(client: Client, gate: Gate) -> tuple[str, int]:
    """A run that waits at the gate, on a thread that holds only the last of the events before it."""
    thread = new_thread()
    await client.finished((await client.create("burst", thread, {"n": 300, "pad": 500})).run_id)
    run = client.stream("gate", thread, {"port": gate.port, "n": 0})
    await gate.entered()
    return (await run.joined()).history.run_id, (await run.first("updates")).seq


def _refusal(history: History) -> Ending:
    assert history.seen == [], "a refused reader gets nothing"
    assert history.ending is not None
    return history.ending


async def test_a_running_runs_cursor_that_is_no_longer_held(tight: Client, gate: Gate) -> None:
    """The numbers in the refusal can be trusted: one before the oldest works, one less does not."""
    run = await tight.create("gate", new_thread(), {"n": 300, "pad": 500, "port": gate.port})
    await gate.entered()

    refused = _refusal(await tight.join(run.run_id, 1).read())
    oldest, newest = int(refused.metadata["oldest_seq"]), int(refused.metadata["newest_seq"])
    before_it = _refusal(await tight.join(run.run_id, oldest - 2).read())
    from_oldest = tight.join(run.run_id, oldest - 1, "from the oldest")
    # What the run says once it is let go pushes the oldest out, also for a reader that has not taken it yet.
    await from_oldest.first("custom")
    gate.release()
    await from_oldest.read()

    assert (refused.code, refused.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")
    assert refused.metadata["after_seq"] == "1"
    assert newest == 303, "metadata, the knock, 300 more and the update"
    assert 30 < newest - oldest < 100, "what is held is near its bound"
    assert before_it.reason == "CURSOR_EXPIRED"
    assert from_oldest.history.seqs[0] == oldest
    promises.complete(from_oldest.history)
    promises.terminal_last_and_once(from_oldest.history)


async def test_an_ended_runs_cursor_that_is_no_longer_held(tight: Client) -> None:
    ended = await _ended(tight)

    refused = _refusal(await tight.join(ended.run_id, 0).read())
    newest = int(refused.metadata["newest_seq"])
    behind = await tight.join(ended.run_id, newest - 20, "among the held").read()
    live = await tight.join(ended.run_id, client="without a cursor").read()

    assert (refused.code, refused.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")
    assert newest == ended.last_seq
    assert behind.seqs == list(range(newest - 19, newest + 1))
    assert live.kinds == ["end"]


async def test_the_oldest_seq_of_an_ended_run_is_the_oldest_that_is_held(tight: Client) -> None:
    """Else a client that goes on from there loses in silence what it could still have had."""
    ended = await _ended(tight)

    refused = _refusal(await tight.join(ended.run_id, 0).read())
    before_it = await tight.join(ended.run_id, int(refused.metadata["oldest_seq"]) - 2).read()

    assert before_it.seqs == [], f"oldest_seq {refused.metadata['oldest_seq']}, but these are held: {before_it.seqs}"


async def _ended(client: Client) -> Run:
    run = await client.create("burst", new_thread(), {"n": 300, "pad": 500})
    return await client.finished(run.run_id)


async def test_a_cursor_below_a_run_starts_with_the_run(tight: Client, gate: Gate) -> None:
    """What is gone belongs to the runs before it, so nothing of this run is lost."""
    run_id, newest = await _overflowing(tight, gate)
    joiner = await tight.join(run_id, 0).joined()

    gate.release()
    history = await joiner.read()

    assert history.kinds == ["metadata", "custom", "updates", "custom", "updates", "updates", "end"]
    assert history.seqs[2] == newest
    promises.complete(history)


async def test_a_cursor_beyond_the_newest_is_refused(tight: Client, gate: Gate) -> None:
    run_id, newest = await _overflowing(tight, gate)

    refused = _refusal(await tight.join(run_id, newest + 1).read())
    live = await tight.join(run_id, newest, "at the newest").joined()
    gate.release()
    await live.read()

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refused.metadata["field"] == "after_seq"
    assert live.history.seqs == [newest + step for step in (1, 2, 3, 4)]


@pytest.mark.parametrize("after_seq", [10**12, -1])
async def test_a_cursor_that_was_never_given_is_refused_for_an_ended_run_too(client: Client, after_seq: int) -> None:
    ended = await client.stream("ticks", new_thread(), {"n": 2}).read()

    refused = _refusal(await client.join(ended.run_id, after_seq).read())

    assert (refused.code, refused.metadata) == (grpc.StatusCode.INVALID_ARGUMENT, {"field": "after_seq"})


async def test_the_last_cursor_of_an_ended_run_gives_the_terminal_event(client: Client) -> None:
    ended = await client.stream("ticks", new_thread(), {"n": 2}).read()

    for after_seq in (ended.last_seq - 1, ended.last_seq, None):
        late = await client.join(ended.run_id, after_seq).read()
        assert (late.kinds, late.seqs) == (["end"], [ended.last_seq])


async def test_the_terminal_event_of_an_ended_run_is_the_very_event_that_others_saw(client: Client) -> None:
    """Its time included: `every reader sees the same event under the same number`."""
    ended = await client.stream("ticks", new_thread(), {"n": 2}).read()

    for after_seq in (0, ended.last_seq - 1, ended.last_seq, None):
        await client.join(ended.run_id, after_seq, f"after {after_seq}").read()

    promises.same_event_under_same_seq(client.recorder.histories)
