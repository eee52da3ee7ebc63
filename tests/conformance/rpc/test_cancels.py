"""Cancelling: with and without waiting, once and again, one and many; and synchronous nodes, which nothing can stop."""

import asyncio

import pytest

import graphwire
from tests.conformance.http.held import new_name
from tests.conformance.rpc.held import ICE, at_gate, at_gate_input, rest, states, statuses
from tests.faults.gate import Gate


@pytest.mark.parametrize("action", ["interrupt", "rollback"])
async def test_without_waiting_the_run_is_asked_to_stop(client: graphwire.Client, gate: Gate, action: str) -> None:
    async with at_gate(client, gate) as held, client.join(held.run_id, after_seq=0) as reader:
        asked = await client.cancel(held.run_id, action=action)  # type: ignore[arg-type]  # a parameter
        events = await rest(reader)
        await gate.left(held.name)

    assert asked is not None
    assert (asked.run_id, asked.cancel_action) == (held.run_id, action)
    assert [event.mode for event in events][-1] == "end"
    assert not any(event.mode == "error" for event in events)


async def test_a_cancelled_run_says_where_it_stopped(client: graphwire.Client, gate: Gate) -> None:
    async with at_gate(client, gate) as held:
        waiting = asyncio.create_task(client.wait(held.run_id))
        run = await client.cancel(held.run_id, wait=True)
        result = await waiting
    async with client.join(held.run_id) as late:
        (end,) = await rest(late)

    assert run == result.run == await client.runs.get(held.run_id)
    assert run is not None
    assert (run.status, run.error, run.lingering_nodes) == ("interrupted", None, ())
    assert list(end.proto.end.next) == ["wait"]
    checkpoint = (await client.threads.state(held.thread_id)).checkpoint
    assert checkpoint is not None
    assert end.proto.end.checkpoint_id == run.checkpoint_id == checkpoint.checkpoint_id
    assert result.values["trail"] == [f"{held.name} knocked"]
    with pytest.raises(graphwire.RunFailed):
        result.raise_for_error()


@pytest.mark.parametrize("action", ["interrupt", "rollback"])
async def test_a_run_that_has_ended_cannot_be_cancelled(client: graphwire.Client, action: str) -> None:
    thread_id = (await client.threads.create()).thread_id
    run = (await client.invoke("joke", ICE, thread_id=thread_id)).run

    with pytest.raises(graphwire.FailedPrecondition) as refused:
        await client.cancel(run.run_id, action=action)  # type: ignore[arg-type]  # a parameter

    assert (refused.value.reason, refused.value.metadata["status"]) == ("RUN_FINISHED", "success")
    assert await client.runs.get(run.run_id) == run


async def test_one_that_was_rolled_back_is_gone(client: graphwire.Client, gate: Gate) -> None:
    async with at_gate(client, gate, stream_resumable=True) as held:
        await client.cancel(held.run_id, wait=True, action="rollback")
    calls = [
        client.runs.get(held.run_id),
        client.cancel(held.run_id),
        client.wait(held.run_id),
        client.runs.delete(held.run_id),
    ]

    for call in calls:
        with pytest.raises(graphwire.NotFound) as gone:
            await call
        assert gone.value.reason == "RUN_NOT_FOUND"
    with pytest.raises(graphwire.NotFound):
        await client.join(held.run_id, after_seq=0).started()


@pytest.mark.parametrize(("action", "left"), [("interrupt", ["success", "interrupted"]), ("rollback", ["success"])])
async def test_one_that_waits_ends_at_once(client: graphwire.Client, gate: Gate, action: str, left: list[str]) -> None:
    async with at_gate(client, gate) as held:
        waits = await client.create("joke", ICE, thread_id=held.thread_id)
        async with client.join(waits.run_id, after_seq=0) as reader:
            run = await client.cancel(waits.run_id, wait=True, action=action)  # type: ignore[arg-type]  # a parameter
            (end,) = await rest(reader)

    assert (end.mode, end.status, end.proto.end.event_count) == ("end", "interrupted", 1)
    assert (run is None) == (action == "rollback")
    assert run is None or (run.start_time, run.first_seq, run.last_seq) == (None, 0, end.seq)
    assert await statuses(client, held.thread_id) == left


async def test_many_by_id_and_by_status(client: graphwire.Client, gate: Gate) -> None:
    async with at_gate(client, gate) as held:
        first, second, third = [(await client.create("joke", ICE, thread_id=held.thread_id)).run_id for _ in range(3)]
        by_id = await client.runs.cancel_many(thread_id=held.thread_id, run_ids=[third, first], action="rollback")
        pending = await client.runs.cancel_many(thread_id=held.thread_id, status="pending")
        everything = await client.runs.cancel_many(thread_id=held.thread_id, status="all", action="rollback")

    assert by_id == (first, third)
    assert second in pending
    assert held.run_id in everything
    assert await statuses(client, held.thread_id) in ([], ["interrupted"])
    with pytest.raises(graphwire.NotFound):
        await client.runs.cancel_many(thread_id=held.thread_id, status="all", action="rollback")


@pytest.mark.parametrize("action", ["interrupt", "rollback"])
async def test_a_synchronous_node_lingers_and_is_named(client: graphwire.Client, gate: Gate, action: str) -> None:
    name, thread_id = new_name(), (await client.threads.create()).thread_id
    run = await client.create("stubborn", at_gate_input(gate, name), thread_id=thread_id)
    await gate.entered(name)
    async with client.join(run.run_id) as reader:
        cancelled = await client.cancel(run.run_id, wait=True, action=action)  # type: ignore[arg-type]  # a parameter
        (end,) = await rest(reader)
    left = await states(client, thread_id)
    gate.release(name)
    await gate.left(name)
    told = await client.invoke("joke", ICE, thread_id=thread_id)

    assert list(end.proto.end.lingering_nodes) == ["stay"]
    assert cancelled is None or cancelled.lingering_nodes == ("stay",)
    assert (cancelled is None) == (action == "rollback")
    assert told.run.status == "success"
    # What the node returned is nobody's.
    after = await states(client, thread_id)
    assert [state.checkpoint for state in after[4:]] == [state.checkpoint for state in left]
    assert not any(state.values.get("trail") for state in after)


async def test_the_wish_of_a_caller_who_left(client: graphwire.Client, gate: Gate) -> None:
    name, thread_id = new_name(), (await client.threads.create()).thread_id
    async with client.stream("gate", at_gate_input(gate, name), thread_id=thread_id, on_disconnect="cancel") as stream:
        await gate.entered(name)
        run_id = stream.run_id
    await gate.left(name)
    run = (await client.wait(run_id)).run

    assert (run.status, run.cancel_action) == ("interrupted", "interrupt")
