"""What a thread's state begins with, on its way to the service."""

from typing import Any

import pytest

from graphwire import Command, StateUpdate, Thread
from graphwire.v1 import run_pb2, thread_pb2
from graphwire.v1.json_pb2 import Json
from graphwire.v1.thread_service_pb2 import CreateThreadRequest, CreateThreadResponse
from tests.unit.client.scripted import THREAD, serving

Update = thread_pb2.StateUpdate


async def _created(**options: Any) -> tuple[CreateThreadRequest, Thread]:
    seen: list[CreateThreadRequest] = []

    async def create(request: CreateThreadRequest, _context: Any) -> CreateThreadResponse:
        seen.append(request)
        return CreateThreadResponse(thread=thread_pb2.Thread(thread_id=THREAD))

    async with serving(CreateThread=create) as client:
        thread = await client.threads.create(**options)
    return seen[0], thread


async def test_supersteps_are_sent_as_their_changes() -> None:
    moved = StateUpdate(command=Command(update={"a": 1}, goto="n"), as_node="b")
    steps = [
        [StateUpdate(values={"n": 2**60}, as_node="__input__")],
        [StateUpdate(as_node="a"), moved],
        [StateUpdate()],
    ]

    request, thread = await _created(graph_id="agent", supersteps=steps)

    assert thread.thread_id == THREAD
    assert request.graph_id == "agent"
    assert list(request.supersteps) == [
        thread_pb2.Superstep(updates=[Update(values=Json(text='{"n":1152921504606846976}'), as_node="__input__")]),
        thread_pb2.Superstep(
            updates=[
                Update(as_node="a"),
                Update(
                    as_node="b",
                    command=run_pb2.Command(update=Json(text='{"a":1}'), goto=[run_pb2.Goto(node="n")]),
                ),
            ]
        ),
        thread_pb2.Superstep(updates=[Update()]),
    ]


async def test_a_thread_begins_with_nothing_by_default() -> None:
    request, _ = await _created()

    assert request == CreateThreadRequest()


@pytest.mark.parametrize(
    ("update", "error", "says"),
    [
        (StateUpdate(values={"when": object()}), TypeError, r"supersteps\[1\]\.updates\[0\]\.values"),
        (StateUpdate(values=float("nan")), ValueError, r"supersteps\[1\]\.updates\[0\]\.values"),
        (StateUpdate(command=Command(update=object())), TypeError, r"supersteps\[1\]\.updates\[0\]\.command\.update"),
    ],
)
async def test_what_has_no_form_in_json_is_named_and_not_sent(
    update: StateUpdate, error: type[Exception], says: str
) -> None:
    async with serving() as client:
        with pytest.raises(error, match=says):
            await client.threads.create(graph_id="agent", supersteps=[[StateUpdate()], [update]])
