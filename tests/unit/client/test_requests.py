"""What Python values become on the wire, and what comes back."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

import graphwire
from graphwire.v1 import run_pb2, run_service_pb2
from graphwire.v1.json_pb2 import Json
from graphwire.v1.run_service_pb2 import CreateRunResponse, StreamRunResponse
from tests.unit.client.scripted import RUN, THREAD, batch, end, serving, values

LARGE = 2**53 + 1


async def _sent(input_: object = None, **options: Any) -> run_service_pb2.StreamRunRequest:
    seen: list[run_service_pb2.StreamRunRequest] = []

    async def stream(request: run_service_pb2.StreamRunRequest, _context: Any) -> AsyncIterator[StreamRunResponse]:
        seen.append(request)
        yield batch(end(1))

    async with serving(StreamRun=stream) as client:
        [event async for event in client.stream("agent", input_, **options)]
    return seen[0]


async def test_integers_of_any_size_are_exact_both_ways() -> None:
    async def stream(request: run_service_pb2.StreamRunRequest, _context: Any) -> AsyncIterator[StreamRunResponse]:
        yield batch(values(1, request.input.text), end(2))

    async with serving(StreamRun=stream) as client:
        events = [event async for event in client.stream("agent", {"n": LARGE, "huge": 10**40, "name": "中文"})]

    assert events[0].data == {"n": LARGE, "huge": 10**40, "name": "中文"}


async def test_what_is_not_given_is_not_sent() -> None:
    request = await _sent(thread_id=None, context=None)

    assert request == run_service_pb2.StreamRunRequest(assistant_id="agent")


async def test_json_null_can_be_sent() -> None:
    assert (await _sent(Json(text="null"))).input.text == "null"


async def test_every_option_reaches_its_field() -> None:
    request = await _sent(
        {"a": 1},
        thread_id=THREAD,
        config={"configurable": {"k": 1}, "tags": ["t"], "recursion_limit": 7},
        metadata={"m": 1},
        interrupt_before="node",
        stream_mode=["values", "updates"],
        stream_subgraphs=True,
        durability="exit",
        multitask_strategy="rollback",
        if_not_exists="create",
        on_disconnect="cancel",
        timeout=1.5,
        filter=graphwire.Filter(nodes="writer", tags=["public"]),
        checkpoint=graphwire.Checkpoint(checkpoint_id="c", checkpoint_ns="n"),
    )

    assert json.loads(request.config.configurable.text) == {"k": 1}
    assert (list(request.config.tags), request.config.recursion_limit) == (["t"], 7)
    assert list(request.interrupt_before) == ["node"]
    assert list(request.stream_mode) == ["values", "updates"]
    assert request.durability == run_pb2.DURABILITY_EXIT
    assert request.multitask_strategy == run_pb2.MULTITASK_STRATEGY_ROLLBACK
    assert request.on_disconnect == run_pb2.DISCONNECT_MODE_CANCEL
    assert (request.timeout.seconds, request.timeout.nanos) == (1, 500_000_000)
    assert (list(request.filter.nodes), list(request.filter.tags)) == (["writer"], ["public"])
    assert request.checkpoint.checkpoint_ns == "n"


async def test_a_command_tells_none_from_nothing() -> None:
    resumed = (await _sent(command=graphwire.Command(resume=None))).command
    moved = (await _sent(command=graphwire.Command(goto=["a", graphwire.Goto(node="b", input=[1])]))).command

    assert resumed == run_pb2.Command(resume=Json(text="null"))
    assert moved == run_pb2.Command(goto=[run_pb2.Goto(node="a"), run_pb2.Goto(node="b", input=Json(text="[1]"))])


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"nonsense": 1}, TypeError, "nonsense"),
        ({"durability": "never"}, ValueError, "durability: 'never' is not one of sync, async, exit"),
        ({"config": {"configurabel": {}}}, ValueError, "configurabel"),
        ({"context": {"when": object()}}, TypeError, "context"),
        ({"metadata": {"x": float("nan")}}, ValueError, "metadata"),
    ],
)
async def test_a_mistake_is_named_before_anything_is_sent(options: Any, error: type[Exception], says: str) -> None:
    async with serving() as client:
        with pytest.raises(error, match=says):
            client.stream("agent", {}, **options)


async def test_an_option_that_the_request_lacks_is_a_mistake() -> None:
    async with serving() as client:
        with pytest.raises(TypeError, match="filter"):
            await client.create("agent", {}, filter=graphwire.Filter())  # type: ignore[call-arg]


async def test_the_key_and_the_metadata_go_with_every_call() -> None:
    seen: list[dict[str, str]] = []

    async def create(_request: Any, context: Any) -> CreateRunResponse:
        seen.append(dict(context.invocation_metadata()))
        return CreateRunResponse(run=run_pb2.Run(run_id=RUN))

    async with serving(CreateRun=create, api_key="secret", metadata={"X-Tenant": "blue"}) as client:
        await client.create("agent", {})

    assert (seen[0]["x-api-key"], seen[0]["x-tenant"]) == ("secret", "blue")
