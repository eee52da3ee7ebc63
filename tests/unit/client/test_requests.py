"""What Python values become on the wire, and what comes back."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

import graphwire
from graphwire._requests import key_lifetime
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

    opened = {"keep_events": options.pop("keep_events")} if "keep_events" in options else {}
    async with serving(StreamRun=stream, **opened) as client:
        [event async for event in client.stream("agent", input_, **options)]
    return seen[0]


async def test_integers_of_any_size_are_exact_both_ways() -> None:
    async def stream(request: run_service_pb2.StreamRunRequest, _context: Any) -> AsyncIterator[StreamRunResponse]:
        yield batch(values(1, request.input.text), end(2))

    async with serving(StreamRun=stream) as client:
        events = [event async for event in client.stream("agent", {"n": LARGE, "huge": 10**40, "name": "中文"})]

    assert events[0].data == {"n": LARGE, "huge": 10**40, "name": "中文"}


async def test_what_is_not_given_is_not_sent() -> None:
    request = await _sent(thread_id=None, context=None, stream_resumable=False, request_id="k")

    assert request == run_service_pb2.StreamRunRequest(assistant_id="agent", request_id="k")


async def test_a_run_is_created_once_and_its_events_are_kept_unless_somebody_says_otherwise() -> None:
    first, second, plain = await _sent(), await _sent(), await _sent(stream_resumable=False)

    assert len({first.request_id, second.request_id, plain.request_id}) == 3
    assert (first.stream_resumable, plain.stream_resumable) == (True, False)
    assert first.request_id_ttl.seconds == 600


@pytest.mark.parametrize(("patience", "seconds"), [(0.0, 600), (60.0, 600), (3600.0, 3600), (10.0**9, 86_400)])
def test_a_key_of_the_clients_own_outlives_its_patience(patience: float, seconds: int) -> None:
    assert key_lifetime(patience).seconds == seconds


async def test_events_are_not_kept_where_the_client_does_not_want_it() -> None:
    off, on = await _sent(keep_events=False), await _sent(keep_events=False, stream_resumable=True)

    assert (off.stream_resumable, on.stream_resumable) == (False, True)


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
        start_after=timedelta(minutes=2),
        timeout=1.5,
        request_id="k",
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
    assert (request.start_after.seconds, request.start_after.nanos) == (120, 0)
    assert (request.timeout.seconds, request.timeout.nanos) == (1, 500_000_000)
    assert request.request_id == "k"
    assert (list(request.filter.nodes), list(request.filter.tags)) == (["writer"], ["public"])
    assert request.checkpoint.checkpoint_ns == "n"


@pytest.mark.parametrize(
    ("given", "seconds", "nanos"),
    [
        (0, 0, 0),
        (90, 90, 0),
        (0.1, 0, 100_000_000),
        (1.9999999999, 2, 0),
        (-1.5, -1, -500_000_000),
        (3650 * 86400, 3650 * 86400, 0),
        (timedelta(microseconds=1), 0, 1000),
        (timedelta(days=3650), 3650 * 86400, 0),
        (timedelta(seconds=-1.5), -1, -500_000_000),
    ],
)
async def test_a_length_of_time_is_seconds_or_a_timedelta(given: Any, seconds: int, nanos: int) -> None:
    request = await _sent(start_after=given, timeout=given)

    assert (request.start_after, request.timeout) == (request.timeout, request.start_after)
    assert (request.start_after.seconds, request.start_after.nanos) == (seconds, nanos)
    assert (request.HasField("start_after"), request.HasField("timeout")) == (True, True)


@pytest.mark.parametrize("strategy", ["enqueue", "reject", "interrupt", "rollback"])
async def test_every_strategy_has_its_number(strategy: Any) -> None:
    request = await _sent(multitask_strategy=strategy)

    assert run_pb2.MultitaskStrategy.Name(request.multitask_strategy) == f"MULTITASK_STRATEGY_{strategy.upper()}"


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
        ({"multitask_strategy": "queue"}, ValueError, "multitask_strategy: 'queue' is not one of enqueue, reject"),
        ({"start_after": "10m"}, TypeError, "start_after must be seconds, or a timedelta, not str"),
        ({"start_after": float("inf")}, ValueError, "start_after: inf"),
        ({"timeout": True}, TypeError, "timeout must be seconds, or a timedelta, not bool"),
        ({"timeout": float("nan")}, ValueError, "timeout: nan"),
        ({"timeout": 1e300}, ValueError, r"timeout: 1e\+300"),
        ({"timeout": 10**30}, ValueError, "timeout: 10"),
        ({"request_id": 7}, TypeError, "request_id"),
    ],
)
async def test_a_mistake_is_named_before_anything_is_sent(options: Any, error: type[Exception], says: str) -> None:
    async with serving() as client:
        with pytest.raises(error, match=says):
            client.stream("agent", {}, **options)


async def test_an_option_that_the_request_lacks_is_a_mistake() -> None:
    async with serving() as client:
        with pytest.raises(TypeError, match="filter"):
            await client.create("agent", {}, filter=graphwire.Filter())  # type: ignore[call-arg]  # that it is refused is what is tested


async def test_the_key_and_the_metadata_go_with_every_call() -> None:
    seen: list[dict[str, str]] = []

    async def create(_request: Any, context: Any) -> CreateRunResponse:
        seen.append(dict(context.invocation_metadata()))
        return CreateRunResponse(run=run_pb2.Run(run_id=RUN))

    async with serving(CreateRun=create, api_key="secret", metadata={"X-Tenant": "blue"}) as client:
        await client.create("agent", {})

    assert (seen[0]["x-api-key"], seen[0]["x-tenant"]) == ("secret", "blue")
