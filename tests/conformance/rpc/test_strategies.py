"""Runs that meet on a thread: what becomes of both, of those that wait, and of what they have done."""

import asyncio

import pytest

import graphwire
from graphwire.v1 import run_pb2
from tests.conformance.rpc.held import ICE, PATIENCE, TOLD, at_gate, rest, states, statuses
from tests.faults.gate import Gate


async def test_enqueue_waits(client: graphwire.Client, gate: Gate) -> None:
    async with at_gate(client, gate) as held:
        behind = [await client.create("joke", ICE, thread_id=held.thread_id) for _ in range(2)]
        busy = await client.threads.get(held.thread_id)
    results = [await client.wait(run.run_id) for run in behind]

    assert [run.status for run in behind] == ["pending", "pending"]
    assert (busy.status, behind[0].first_seq) == ("busy", 0)
    assert [result.run.status for result in results] == ["success", "success"]
    assert results[0].run.last_seq < results[1].run.first_seq


async def test_reject_is_refused_and_creates_nothing(client: graphwire.Client, gate: Gate) -> None:
    async with at_gate(client, gate) as held:
        for call in (client.create, client.invoke):
            with pytest.raises(graphwire.FailedPrecondition) as refused:
                await call("joke", ICE, thread_id=held.thread_id, multitask_strategy="reject")
        with pytest.raises(graphwire.FailedPrecondition):
            async with client.stream("joke", ICE, thread_id=held.thread_id, multitask_strategy="reject"):
                pytest.fail("it began")
        assert await statuses(client, held.thread_id) == ["running"]

    assert (refused.value.reason, refused.value.metadata["thread_id"]) == ("THREAD_BUSY", held.thread_id)


@pytest.mark.parametrize(("strategy", "left"), [("interrupt", ["interrupted"] * 2), ("rollback", [])])
async def test_the_others_are_stopped_and_the_new_one_runs(
    client: graphwire.Client, gate: Gate, strategy: str, left: list[str]
) -> None:
    async with at_gate(client, gate) as held:
        waits = await client.create("joke", {"topic": "tea"}, thread_id=held.thread_id)
        async with client.join(held.run_id) as reader, client.join(waits.run_id) as patient:
            options = graphwire.RunOptions(thread_id=held.thread_id, multitask_strategy=strategy)  # type: ignore[typeddict-item]  # a parameter
            result = await client.invoke("joke", ICE, **options)
            ends = [await rest(reader), await rest(patient)]

    assert {key: result.values[key] for key in TOLD} == TOLD
    assert await statuses(client, held.thread_id) == [*left, "success"]
    action = run_pb2.CancelAction.Value(f"CANCEL_ACTION_{strategy.upper()}")
    for events in ends:
        assert [event.mode for event in events] == ["end"]
        assert (events[0].status, events[0].proto.end.cancel_action) == ("interrupted", action)


async def test_interrupt_keeps_what_was_done_and_rollback_undoes_it(client: graphwire.Client, gate: Gate) -> None:
    async with at_gate(client, gate) as held:
        kept = await client.cancel(held.run_id, wait=True)
        before = await states(client, held.thread_id)
        async with at_gate(client, gate, thread_id=held.thread_id) as second:
            during = await _more_states(client, held.thread_id, len(before))
            undone = await client.cancel(second.run_id, wait=True, action="rollback")
        after = await states(client, held.thread_id)

    assert kept is not None
    assert (kept.status, kept.cancel_action, undone) == ("interrupted", "interrupt", None)
    assert before[0].values["trail"] == [f"{held.name} knocked"]
    assert len(during) > len(before)
    assert after == before


async def _more_states(client: graphwire.Client, thread_id: str, than: int) -> list[graphwire.ThreadState]:
    """The states of a thread, once there are more than so many: checkpoints are written while the next superstep executes."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await states(client, thread_id)
            if len(found) > than:
                return found


async def test_a_thread_says_what_became_of_it(client: graphwire.Client, gate: Gate) -> None:
    async with at_gate(client, gate) as held:
        await client.cancel(held.run_id, wait=True)
        interrupted = await client.threads.get(held.thread_id)
        async with at_gate(client, gate, thread_id=held.thread_id) as second:
            await client.cancel(second.run_id, wait=True, action="rollback")
        undone = await client.threads.get(held.thread_id)

    assert interrupted.status == undone.status == "interrupted"
    assert str(interrupted.error).startswith("UserInterrupt: ")
    assert str(undone.error).startswith("UserRollback: ")
    assert undone.values == interrupted.values
    assert undone.last_seq > interrupted.last_seq, "numbers of what was rolled back are not given again"


async def test_many_meet_at_once(client: graphwire.Client, gate: Gate) -> None:
    async with at_gate(client, gate) as held:
        made = await asyncio.gather(
            *(
                client.create(
                    "joke", ICE, thread_id=held.thread_id, multitask_strategy="rollback", request_id=f"{held.name}-{n}"
                )
                for n in range(8)
            )
        )
    newest = max(made, key=lambda run: (run.create_time, run.run_id))

    assert (await client.wait(newest.run_id)).values["topic"] == "ice and cats"
    assert set(await statuses(client, held.thread_id)) == {"success"}
    assert (await client.threads.get(held.thread_id)).status == "idle"
