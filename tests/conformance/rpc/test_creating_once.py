"""request_id: whoever asks again gets the run of the first request."""

import asyncio
import uuid
from typing import Any

import pytest

import graphwire
from tests.conformance.http.held import new_name
from tests.conformance.rpc.held import ICE, TOLD, at_gate, at_gate_input, rest, taken
from tests.faults.gate import Gate


def _key() -> str:
    return str(uuid.uuid4())


@pytest.mark.parametrize("stateless", [False, True])
async def test_every_way_of_asking_again_gives_the_run(client: graphwire.Client, stateless: bool) -> None:
    options = graphwire.RunOptions(request_id=_key(), stream_resumable=True)
    if not stateless:
        options["thread_id"] = (await client.threads.create()).thread_id

    async with client.stream("joke", ICE, **options) as stream:
        first = await rest(stream)
    made = [await client.create("joke", ICE, **options) for _ in range(2)]
    result = await client.invoke("joke", ICE, **options)
    async with client.stream("joke", ICE, **options) as stream:
        again = await rest(stream)
    (batched,) = await client.runs.create_batch([{"assistant": "joke", "input": ICE, **options}])

    assert {run.run_id for run in (*made, result.run, batched)} == {first[0].run_id}
    assert made[0].status == "success"
    assert again == first
    assert stateless or result.values == TOLD


async def test_many_at_once_make_one(client: graphwire.Client) -> None:
    thread_id, key = (await client.threads.create()).thread_id, _key()

    runs = await asyncio.gather(*(client.create("joke", ICE, thread_id=thread_id, request_id=key) for _ in range(20)))

    assert len({run.run_id for run in runs}) == 1
    assert [run.run_id async for run in client.runs.list(thread_id)] == [runs[0].run_id]


async def test_a_stream_that_was_cut_off_is_asked_for_again(client: graphwire.Client, gate: Gate) -> None:
    name, thread_id = new_name(), (await client.threads.create()).thread_id
    options = graphwire.StreamOptions(thread_id=thread_id, request_id=_key(), stream_mode="custom")
    async with client.stream("gate", at_gate_input(gate, name), **options) as stream:
        before = await taken(stream, 2)
    async with client.stream("gate", at_gate_input(gate, name), **options) as stream:
        await gate.entered(name)
        again = await taken(stream, 2)
        gate.release(name)
        events = await rest(stream)

    assert again == before
    assert [event.mode for event in events] == ["custom", "end"]


OTHERS: list[dict[str, Any]] = [
    {"stream_mode": "updates"},
    {"metadata": {"a": 1}},
    {"start_after": 1},
    {"timeout": 60},
    {"multitask_strategy": "rollback"},
    {"thread_id": None},
]


@pytest.mark.parametrize("other", OTHERS)
async def test_another_request_with_the_key_is_refused(client: graphwire.Client, other: dict[str, Any]) -> None:
    options: dict[str, Any] = {"thread_id": (await client.threads.create()).thread_id, "request_id": _key()}
    run = await client.create("joke", ICE, **options)

    with pytest.raises(graphwire.AlreadyExists) as refused:
        await client.create("joke", ICE, **{**options, **other})

    assert (refused.value.reason, refused.value.metadata["run_id"]) == ("REQUEST_ID_REUSED", run.run_id)
    await client.wait(run.run_id)


async def test_the_key_of_a_run_that_is_gone(client: graphwire.Client, gate: Gate) -> None:
    thread_id, keys = (await client.threads.create()).thread_id, [_key() for _ in range(3)]
    deleted = await client.invoke("joke", ICE, thread_id=thread_id, request_id=keys[0])
    await client.runs.delete(deleted.run.run_id)
    await client.invoke("joke", ICE, request_id=keys[1])  # stateless, and gone with its end
    undone = await client.create("joke", ICE, thread_id=thread_id, request_id=keys[2], start_after=600)
    await client.cancel(undone.run_id, wait=True, action="rollback")
    options: list[dict[str, Any]] = [{"thread_id": thread_id}, {}, {"thread_id": thread_id, "start_after": 600}]

    for key, more in zip(keys, options, strict=True):
        with pytest.raises(graphwire.NotFound) as gone:
            await client.create("joke", ICE, request_id=key, **more)
        assert gone.value.reason == "RUN_NOT_FOUND"


async def test_an_answer_is_given_once(client: graphwire.Client) -> None:
    thread_id = (await client.threads.create()).thread_id
    await client.invoke("approval", {"request": "launch"}, thread_id=thread_id)
    command, key = graphwire.Command(resume="yes"), _key()

    first, again = [
        await client.invoke("approval", command=command, thread_id=thread_id, request_id=key) for _ in range(2)
    ]

    assert first == again
    assert first.values["log"] == ["prepared", "asked", "acted on yes"]


async def test_of_a_batch_those_that_are_known_are_not_made_again(client: graphwire.Client) -> None:
    thread_id, keys = (await client.threads.create()).thread_id, [_key() for _ in range(3)]

    def batch(chosen: list[str]) -> Any:
        return [{"assistant": "joke", "input": ICE, "thread_id": thread_id, "request_id": key} for key in chosen]

    first = await client.runs.create_batch(batch(keys[:2]))
    again = await client.runs.create_batch(batch([keys[1], keys[2], keys[0]]))
    twice = await client.runs.create_batch(batch([keys[0], keys[0]]))

    assert [again[0].run_id, again[2].run_id] == [first[1].run_id, first[0].run_id]
    assert twice[0].run_id == twice[1].run_id == first[0].run_id
    assert len([run async for run in client.runs.list(thread_id)]) == 3


async def test_a_run_does_not_meet_itself(client: graphwire.Client, gate: Gate) -> None:
    async with at_gate(client, gate) as held:
        options = graphwire.RunOptions(thread_id=held.thread_id, multitask_strategy="rollback", request_id=_key())
        first, again = [await client.create("joke", ICE, **options) for _ in range(2)]

    assert first.run_id == again.run_id
    assert (await client.wait(first.run_id)).run.status == "success"
