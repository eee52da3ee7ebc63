"""Which call of the core each RPC of threads is, on a core of fakes."""

from typing import Any, cast

import pytest
from google.protobuf.duration_pb2 import Duration

from graphwire.v1 import thread_pb2
from graphwire.v1 import thread_service_pb2 as pb
from graphwire.v1.json_pb2 import Json
from graphwire_server.core.errors import InvalidField, ThreadNotFound
from graphwire_server.rpc.thread_service import ThreadService
from tests.unit.core.fakes import THREAD, House, house, running

ONE, TWO = (
    thread_pb2.Superstep(updates=[thread_pb2.StateUpdate(values=Json(text=f'{{"n":{n}}}'), as_node=node)])
    for n, node in ((1, "__input__"), (2, "a"))
)


async def create(core: House, **fields: Any) -> thread_pb2.Thread:
    request = pb.CreateThreadRequest(thread_id=THREAD, **fields)
    return (await ThreadService(core.threads, core.pruning).create_thread(request)).thread


async def test_a_thread_may_begin_with_a_history() -> None:
    async with running(house()) as core:
        made = await create(core, graph_id="agent", supersteps=[ONE, TWO])

    assert made.thread_id == THREAD
    assert core.states.updates == [({"n": 1}, "__input__"), ({"n": 2}, "a")]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"supersteps": [ONE]}, "supersteps"),
        ({"graph_id": "agent", "supersteps": [ONE] * 1001}, "supersteps"),
        ({"graph_id": "agent", "supersteps": [ONE, thread_pb2.Superstep()]}, "supersteps[1].updates"),
        (
            {
                "graph_id": "agent",
                "supersteps": [thread_pb2.Superstep(updates=[thread_pb2.StateUpdate(values=Json(text="{"))])],
            },
            "supersteps[0].updates[0].values",
        ),
    ],
)
async def test_a_history_that_cannot_be_meant_is_named_and_makes_no_thread(fields: dict[str, Any], field: str) -> None:
    async with running(house()) as core:
        with pytest.raises(InvalidField) as refused:
            await create(core, **fields)
        with pytest.raises(ThreadNotFound):
            await core.threads.get(THREAD)

    assert (refused.value.field, core.states.updates) == (field, [])


async def test_a_thread_that_is_kept_keeps_its_history() -> None:
    async with running(house()) as core:
        await create(core)
        await create(core, graph_id="agent", if_exists=thread_pb2.IF_EXISTS_KEEP, supersteps=[ONE])

    assert core.states.updates == []


async def test_a_thread_may_be_told_how_long_it_lives() -> None:
    life = thread_pb2.ThreadTtl(after=Duration(seconds=90), strategy=thread_pb2.TTL_STRATEGY_KEEP_LATEST)
    async with running(house()) as core:
        made = await create(core, ttl=life)
        service = ThreadService(core.threads, core.pruning)
        same = (await service.update_thread(pb.UpdateThreadRequest(thread_id=THREAD))).thread
        changed = pb.UpdateThreadRequest(thread_id=THREAD, ttl=thread_pb2.ThreadTtl())
        for_ever = (await service.update_thread(changed)).thread

    assert (made.ttl.after, made.ttl.strategy) == (life.after, life.strategy)
    assert made.ttl.expire_time.ToDatetime() - made.update_time.ToDatetime() == made.ttl.after.ToTimedelta()
    assert same.ttl.after == life.after
    assert not for_ever.HasField("ttl")


@pytest.mark.parametrize(
    ("life", "field"),
    [
        (thread_pb2.ThreadTtl(after=Duration(seconds=-1)), "ttl"),
        (thread_pb2.ThreadTtl(after=Duration(seconds=3651 * 86400)), "ttl"),
        (thread_pb2.ThreadTtl(after=Duration(seconds=10**15)), "ttl"),
        (thread_pb2.ThreadTtl(strategy=cast("thread_pb2.TtlStrategy.ValueType", 99)), "ttl.strategy"),
    ],
)
async def test_a_life_that_cannot_be_is_named(life: thread_pb2.ThreadTtl, field: str) -> None:
    async with running(house()) as core:
        with pytest.raises(InvalidField) as refused:
            await create(core, ttl=life)

    assert refused.value.field == field


async def test_pruning_says_how_many_went() -> None:
    async with running(house()) as core:
        await create(core)
        service = ThreadService(core.threads, core.pruning)
        kept = await service.prune_threads(
            pb.PruneThreadsRequest(thread_ids=[THREAD], strategy=thread_pb2.TTL_STRATEGY_KEEP_LATEST)
        )
        gone = await service.prune_threads(pb.PruneThreadsRequest(thread_ids=[THREAD, THREAD]))
        again = await service.prune_threads(pb.PruneThreadsRequest(thread_ids=[THREAD]))

    assert [answer.pruned_count for answer in (kept, gone, again)] == [1, 1, 0]
