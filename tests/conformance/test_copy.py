"""CopyThread, through the client and a real server."""

import uuid
from collections.abc import AsyncIterator

import pytest

import graphwire
from tests.support.serving import Server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[graphwire.Client]:
    async with graphwire.connect(server.address) as client:
        yield client


async def _checkpoints(client: graphwire.Client, thread_id: str) -> list[str]:
    found = [state.checkpoint async for state in client.threads.history(thread_id)]
    return [checkpoint.checkpoint_id for checkpoint in found if checkpoint is not None]


async def test_a_copy_has_values_metadata_and_history_and_no_runs(client: graphwire.Client) -> None:
    source = await client.threads.create(metadata={"who": "me"})
    await client.invoke("joke", {"topic": "ice"}, thread_id=source.thread_id)
    source = await client.threads.get(source.thread_id)

    copy = await client.threads.copy(source.thread_id)

    assert copy.thread_id != source.thread_id
    assert (copy.values, copy.metadata, copy.status) == (source.values, source.metadata, "idle")
    assert copy == await client.threads.get(copy.thread_id)
    assert len(await _checkpoints(client, copy.thread_id)) == 4
    assert await _checkpoints(client, copy.thread_id) == await _checkpoints(client, source.thread_id)
    assert [run async for run in client.runs.list(copy.thread_id)] == []


async def test_an_interrupted_thread_is_answered_on_both_copies_differently(client: graphwire.Client) -> None:
    source = await client.threads.create()
    await client.invoke("approval", {"request": "lunch"}, thread_id=source.thread_id)

    copy = await client.threads.copy(source.thread_id)

    asked = (await client.threads.get(source.thread_id)).interrupts
    assert (copy.status, copy.interrupts) == ("interrupted", asked)
    answers = {}
    for thread_id, answer in ((copy.thread_id, "yes"), (source.thread_id, "no")):
        result = await client.invoke("approval", command=graphwire.Command(resume=answer), thread_id=thread_id)
        answers[thread_id] = result.values
    assert answers[copy.thread_id]["log"] == ["prepared", "asked", "acted on yes"]
    assert answers[source.thread_id]["log"] == ["prepared", "asked", "acted on no"]
    assert (await client.threads.get(copy.thread_id)).values == answers[copy.thread_id]


async def test_a_busy_thread_is_copied_as_a_branch_that_can_go_on(client: graphwire.Client) -> None:
    source = await client.threads.create()
    running = client.stream(
        "counter",
        {"until": 3, "delay": 0.2},
        thread_id=source.thread_id,
        stream_mode="updates",
        durability="sync",
        on_disconnect="cancel",
    )
    async with running:
        async for event in running:
            if event.mode == "updates":
                break
        copy = await client.threads.copy(source.thread_id)

        assert copy.status == "idle"
        assert (await client.threads.state(copy.thread_id)).next == ("bump",)
        result = await client.invoke("counter", thread_id=copy.thread_id)
    assert result.raise_for_error().values["count"] == 3


async def test_events_of_a_copy_are_numbered_from_one(client: graphwire.Client) -> None:
    source = await client.threads.create()
    await client.invoke("joke", {"topic": "ice"}, thread_id=source.thread_id)

    copy = await client.threads.copy(source.thread_id)

    events = [event async for event in client.stream("joke", {"topic": "tea"}, thread_id=copy.thread_id)]
    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert (await client.threads.get(source.thread_id)).values == {
        "topic": "ice and cats",
        "joke": "这是一个关于 ice and cats 的笑话",
    }


async def test_an_unknown_thread_and_a_wrong_id_are_refused(client: graphwire.Client) -> None:
    with pytest.raises(graphwire.NotFound):
        await client.threads.copy(str(uuid.uuid4()))
    with pytest.raises(graphwire.InvalidArgument):
        await client.threads.copy("nonsense")
