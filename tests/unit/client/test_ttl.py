"""How long threads live, on its way to the service and back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from graphwire import Pruned, Ttl
from graphwire.v1 import thread_pb2
from graphwire.v1 import thread_service_pb2 as pb
from tests.unit.client.scripted import THREAD, serving

AT = datetime(2026, 1, 2, tzinfo=UTC)


async def test_a_life_is_sent_and_read() -> None:
    seen: list[thread_pb2.ThreadTtl] = []

    async def update(request: pb.UpdateThreadRequest, _context: Any) -> pb.UpdateThreadResponse:
        seen.append(request.ttl)
        at = Timestamp()
        at.FromDatetime(AT)
        life = thread_pb2.ThreadTtl(after=request.ttl.after, strategy=request.ttl.strategy, expire_time=at)
        return pb.UpdateThreadResponse(thread=thread_pb2.Thread(thread_id=THREAD, ttl=life))

    async with serving(UpdateThread=update) as client:
        thread = await client.threads.update(THREAD, ttl=Ttl(after=90, strategy="keep_latest"))

    assert seen[0] == thread_pb2.ThreadTtl(after=Duration(seconds=90), strategy=thread_pb2.TTL_STRATEGY_KEEP_LATEST)
    assert thread.ttl == Ttl(after=timedelta(seconds=90), strategy="keep_latest", expire_time=AT)


async def test_a_life_that_is_not_given_is_not_sent() -> None:
    seen: list[bool] = []

    async def update(request: pb.UpdateThreadRequest, _context: Any) -> pb.UpdateThreadResponse:
        seen.append(request.HasField("ttl"))
        return pb.UpdateThreadResponse(thread=thread_pb2.Thread(thread_id=THREAD))

    async with serving(UpdateThread=update) as client:
        thread = await client.threads.update(THREAD, metadata={"n": 1})

    assert (seen, thread.ttl, thread.config, thread.state_update_time) == ([False], None, None, None)


@pytest.mark.parametrize(
    ("life", "error"),
    [(Ttl(after="soon"), TypeError), (Ttl(after=float("inf")), ValueError), (Ttl(after=1, strategy="x"), ValueError)],  # type: ignore[arg-type]
)
async def test_a_life_that_cannot_be_sent(life: Ttl, error: type[Exception]) -> None:
    async with serving() as client:
        with pytest.raises(error, match=r"ttl\.after|strategy"):
            await client.threads.create(ttl=life)


async def test_pruning_tells_what_was_pruned() -> None:
    async def prune(request: pb.PruneThreadsRequest, _context: Any) -> pb.PruneThreadsResponse:
        assert request.strategy == thread_pb2.TTL_STRATEGY_KEEP_LATEST
        return pb.PruneThreadsResponse(pruned_count=1, busy_thread_ids=request.thread_ids)

    async with serving(PruneThreads=prune) as client:
        pruned = await client.threads.prune(THREAD, strategy="keep_latest")

    assert pruned == Pruned(count=1, busy_thread_ids=(THREAD,))
