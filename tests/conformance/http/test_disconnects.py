"""What becomes of a run whose caller goes away (wire facts 36 and A6)."""

from typing import Any

import pytest

from tests.conformance.http.api import Api
from tests.conformance.http.held import at_gate, held_body, new_name
from tests.faults.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _leave_the_stream(api: Api, gate: Gate, name: str, **more: Any) -> tuple[str, str]:
    """Creates a run, leaves when it stands at the gate, and returns its thread and its id."""
    thread_id = await api.thread()
    async with api.opened(f"/threads/{thread_id}/runs/stream", held_body(gate, name, **more)) as reader:
        await gate.entered(name)
        run_id = (await reader.take(2))[0].data["run_id"]
    return thread_id, run_id


async def test_a_stream_that_is_left_cancels_its_run_where_asked(api: Api, gate: Gate) -> None:
    name = new_name()
    thread_id, run_id = await _leave_the_stream(api, gate, name, on_disconnect="cancel")

    await gate.left(name)

    assert (await api.ended(thread_id, run_id))["status"] == "interrupted"
    assert (await api.get(f"/threads/{thread_id}"))["status"] == "interrupted"


@pytest.mark.parametrize("more", [{}, {"on_disconnect": "continue"}])
async def test_a_stream_that_is_left_goes_on_otherwise(api: Api, gate: Gate, more: dict[str, str]) -> None:
    name = new_name()
    thread_id, run_id = await _leave_the_stream(api, gate, name, **more)
    # The server has this test's own loop, so by the time it answers here it has seen the end of that line.
    assert (await api.get(f"/threads/{thread_id}/runs/{run_id}"))["status"] == "running"

    gate.release(name)

    assert (await api.ended(thread_id, run_id))["status"] == "success"


async def test_a_stateless_stream_that_is_left_cancels_its_run_where_asked(api: Api, gate: Gate) -> None:
    name = new_name()
    async with api.opened("/runs/stream", held_body(gate, name, on_disconnect="cancel")) as reader:
        await gate.entered(name)
        await reader.take(1)

    await gate.left(name)


@pytest.mark.parametrize(("given", "status"), [("cancel", "interrupted"), ("continue", "success")])
async def test_a_wait_that_is_left(api: Api, gate: Gate, given: str, status: str) -> None:
    name, thread_id = new_name(), await api.thread()
    body = held_body(gate, name, on_disconnect=given)
    async with api.client.stream("POST", f"/threads/{thread_id}/runs/wait", json=body) as response:
        await gate.entered(name)
        run_id = response.headers["content-location"].rpartition("/")[2]
    if given == "cancel":
        await gate.left(name)
    else:
        gate.release(name)

    assert (await api.ended(thread_id, run_id))["status"] == status


@pytest.mark.parametrize("value", ["true", "TRUE", "yes", "Yes", "1"])
@pytest.mark.parametrize("what", ["stream", "join"])
async def test_a_joiner_may_take_the_run_with_it(api: Api, gate: Gate, what: str, value: str) -> None:
    async with at_gate(api, gate) as held:
        path = f"{held.path}/{what}?cancel_on_disconnect={value}"
        async with api.client.stream("GET", path) as response:
            assert response.status_code == 200
        await gate.left(held.name)

    assert (await api.ended(held.thread_id, held.run_id))["status"] == "interrupted"


@pytest.mark.parametrize(
    "query", ["", "?cancel_on_disconnect=false", "?cancel_on_disconnect=0", "?cancel_on_disconnect="]
)
@pytest.mark.parametrize("what", ["stream", "join"])
async def test_a_joiner_leaves_alone_otherwise(api: Api, gate: Gate, what: str, query: str) -> None:
    async with at_gate(api, gate) as held:
        async with api.client.stream("GET", f"{held.path}/{what}{query}") as response:
            assert response.status_code == 200
        assert (await api.get(held.path))["status"] == "running"

    assert (await api.ended(held.thread_id, held.run_id))["status"] == "success"


async def test_a_joiner_that_reads_to_the_end_cancels_nothing(api: Api, gate: Gate) -> None:
    async with (
        at_gate(api, gate) as held,
        api.opened(f"{held.path}/stream?cancel_on_disconnect=1", method="GET") as reader,
    ):
        gate.release(held.name)
        await reader.rest()

    assert (await api.ended(held.thread_id, held.run_id))["status"] == "success"
