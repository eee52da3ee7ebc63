"""Runs in the background, waits, batches and cancels, through both clients of the Python SDK."""

import uuid
from typing import Any

import pytest
from langgraph_sdk.errors import ConflictError, NotFoundError

from tests.conformance.sdk.clients import Sdk, connected, named
from tests.faults.gate import Gate
from tests.support.serving import Server

ICE = {"topic": "ice"}
TOLD = {"topic": "ice and cats", "joke": "这是一个关于 ice and cats 的笑话"}


async def _held(sdk: Sdk, thread_id: str, gate: Gate, name: str = "") -> str:
    """A run that waits at the gate."""
    given = {"port": gate.port, "name": name}
    run_id: str = (await sdk(lambda c: c.runs.create(thread_id, "gate", input=given)))["run_id"]
    await gate.entered(name)
    return run_id


async def test_a_run_in_the_background(sdk: Sdk, thread_id: str) -> None:
    run = await sdk(
        lambda c: c.runs.create(
            thread_id, "joke", input=ICE, metadata={"k": "v"}, config={"tags": ["t"]}, stream_mode=["updates", "values"]
        )
    )
    values = await sdk(lambda c: c.runs.join(thread_id, run["run_id"]))
    found = await sdk(lambda c: c.runs.get(thread_id, run["run_id"]))
    listed = await sdk(lambda c: c.runs.list(thread_id))

    assert run["status"] in ("pending", "running")
    assert (run["thread_id"], run["multitask_strategy"]) == (thread_id, "enqueue")
    assert run["metadata"]["k"] == "v"
    assert run["kwargs"]["input"] == ICE
    assert values == TOLD
    assert found["status"] == "success"
    assert listed == [found]
    assert found["assistant_id"] == (await sdk(lambda c: c.assistants.search(graph_id="joke")))[0]["assistant_id"]


async def _joined(sdk: Sdk, thread_id: str, run_id: str) -> Any:
    return await sdk(lambda c: c.runs.join(thread_id, run_id))


async def _newest(sdk: Sdk, thread_id: str, graph: str) -> str:
    """A run of a graph, to its end."""
    await sdk(lambda c: c.runs.wait(thread_id, graph, input=ICE, raise_error=False))
    run_id: str = (await sdk(lambda c: c.runs.list(thread_id, limit=1)))[0]["run_id"]
    return run_id


async def test_the_list_of_runs(sdk: Sdk, thread_id: str) -> None:
    made = [await _newest(sdk, thread_id, graph) for graph in ("joke", "failing", "joke")]
    made.reverse()

    everything = await sdk(lambda c: c.runs.list(thread_id, select=["run_id"]))
    failed = await sdk(lambda c: c.runs.list(thread_id, status="error"))
    second = await sdk(lambda c: c.runs.list(thread_id, limit=1, offset=1))

    assert everything == [{"run_id": run_id} for run_id in made]
    assert [run["run_id"] for run in failed] == [run["run_id"] for run in second] == [made[1]]


async def test_waiting(sdk: Sdk, thread_id: str) -> None:
    assert await sdk(lambda c: c.runs.wait(thread_id, "joke", input=ICE)) == TOLD
    assert await sdk(lambda c: c.runs.wait(None, "joke", input=ICE)) == TOLD


async def test_waiting_makes_the_thread(sdk: Sdk) -> None:
    new = str(uuid.uuid4())

    values = await sdk(lambda c: c.runs.wait(new, "joke", input=ICE, if_not_exists="create"))

    assert values == TOLD
    assert (await sdk(lambda c: c.threads.get(new)))["values"] == TOLD


@pytest.mark.parametrize("way", ["create", "wait", "stream"])
async def test_who_creates_a_run_learns_its_ids_at_once(sdk: Sdk, thread_id: str, way: str) -> None:
    told: list[Any] = []

    def use(client: Any) -> Any:
        return getattr(client.runs, way)(thread_id, "joke", input=ICE, on_run_created=told.append)

    given = await sdk(use)

    (run,) = told
    assert run["thread_id"] == thread_id
    assert (await sdk(lambda c: c.runs.join(thread_id, run["run_id"]))) == TOLD
    if way == "create":
        assert given["run_id"] == run["run_id"]
    if way == "stream":
        assert given[0].data["run_id"] == run["run_id"]


@pytest.mark.parametrize("way", ["create", "wait", "stream"])
async def test_who_creates_a_stateless_run_learns_its_id(sdk: Sdk, way: str) -> None:
    told: list[Any] = []

    await sdk(lambda c: getattr(c.runs, way)(None, "joke", input=ICE, on_run_created=told.append))

    (run,) = told
    assert uuid.UUID(run["run_id"])
    # Who waits is told the thread as well (wire fact 4); the others come back by the run alone.
    assert (run["thread_id"] is None) == (way != "wait")


@pytest.mark.parametrize("kept", [{"on_completion": "keep"}, {"stream_resumable": True}])
async def test_a_batch(sdk: Sdk, kept: dict[str, Any]) -> None:
    runs = await sdk(
        lambda c: c.runs.create_batch(
            [
                {"assistant_id": "joke", "input": {"topic": topic}, "metadata": {"topic": topic}, **kept}
                for topic in ("a", "b")
            ]
        )
    )

    joined = [await _joined(sdk, run["thread_id"], run["run_id"]) for run in runs]

    assert [run["metadata"]["topic"] for run in runs] == ["a", "b"]
    assert [values["topic"] for values in joined] == ["a and cats", "b and cats"]


async def test_cancel(sdk: Sdk, thread_id: str, gate: Gate) -> None:
    run_id = await _held(sdk, thread_id, gate)

    answer = await sdk(lambda c: c.runs.cancel(thread_id, run_id, wait=True))

    assert answer == {}
    assert (await sdk(lambda c: c.runs.get(thread_id, run_id)))["status"] == "interrupted"
    assert (await sdk(lambda c: c.threads.get(thread_id)))["status"] == "interrupted"
    assert await sdk(lambda c: c.runs.join(thread_id, run_id)) == {}
    with pytest.raises(NotFoundError):
        await sdk(lambda c: c.runs.cancel(thread_id, run_id))


async def test_cancel_without_waiting_ends_the_stream(sdk: Sdk, thread_id: str, gate: Gate) -> None:
    run_id = await _held(sdk, thread_id, gate)

    assert await sdk(lambda c: c.runs.cancel(thread_id, run_id)) is None
    parts = await sdk(lambda c: c.runs.join_stream(thread_id, run_id))

    assert [name for name, _ in named(parts) if name in ("error", "end")] == []
    assert (await sdk(lambda c: c.runs.get(thread_id, run_id)))["status"] == "interrupted"


async def test_cancelling_many(sdk: Sdk, thread_id: str, gate: Gate) -> None:
    first = await _held(sdk, thread_id, gate)
    second, third = [
        (await sdk(lambda c: c.runs.create(thread_id, "gate", input={"port": gate.port})))["run_id"] for _ in range(2)
    ]

    await sdk(lambda c: c.runs.cancel_many(thread_id=thread_id, run_ids=[third]))
    await sdk(lambda c: c.runs.cancel_many(status="pending"))
    await sdk(lambda c: c.runs.cancel_many(status="all"))
    for run_id in (first, second, third):
        await _joined(sdk, thread_id, run_id)

    listed = await sdk(lambda c: c.runs.list(thread_id))
    assert {run["run_id"]: run["status"] for run in listed} == dict.fromkeys((first, second, third), "interrupted")
    with pytest.raises(NotFoundError):
        await sdk(lambda c: c.runs.cancel_many(status="all"))


async def test_runs_on_a_busy_thread(sdk: Sdk, thread_id: str, gate: Gate) -> None:
    run_id = await _held(sdk, thread_id, gate)

    with pytest.raises(ConflictError):
        await sdk(lambda c: c.runs.create(thread_id, "joke", input=ICE, multitask_strategy="reject"))
    with pytest.raises(ConflictError):
        await sdk(lambda c: c.threads.update_state(thread_id, {"trail": ["x"]}))
    behind = await sdk(lambda c: c.runs.create(thread_id, "joke", input=ICE))
    assert behind["status"] == "pending"
    assert (await sdk(lambda c: c.threads.get(thread_id)))["status"] == "busy"

    gate.release()
    assert (await sdk(lambda c: c.runs.join(thread_id, run_id)))["trail"] == ["knocked", "passed"]
    assert await sdk(lambda c: c.runs.join(thread_id, behind["run_id"])) == TOLD


async def test_delete(sdk: Sdk, thread_id: str, gate: Gate) -> None:
    run_id = await _held(sdk, thread_id, gate)
    with pytest.raises(ConflictError):
        await sdk(lambda c: c.runs.delete(thread_id, run_id))
    gate.release()
    await sdk(lambda c: c.runs.join(thread_id, run_id))

    await sdk(lambda c: c.runs.delete(thread_id, run_id))

    assert await sdk(lambda c: c.runs.list(thread_id)) == []
    with pytest.raises(NotFoundError):
        await sdk(lambda c: c.runs.get(thread_id, run_id))


async def test_a_caller_who_goes_away_takes_the_run_along(server: Server, gate: Gate) -> None:
    async with connected("async", server.url) as sdk:
        thread_id = (await sdk(lambda c: c.threads.create()))["thread_id"]
        stream = sdk.client.runs.stream(
            thread_id, "gate", input={"port": gate.port}, stream_mode="custom", on_disconnect="cancel"
        )
        first = await anext(stream)
        await gate.entered()
        await stream.aclose()
        await gate.left()

        await _joined(sdk, thread_id, first.data["run_id"])
        assert (await sdk(lambda c: c.runs.get(thread_id, first.data["run_id"])))["status"] == "interrupted"
