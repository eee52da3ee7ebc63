"""Which call of the core each RPC of threads is, on a core of fakes."""

from typing import Any

import pytest

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
    return (await ThreadService(core.threads).create_thread(request)).thread


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
