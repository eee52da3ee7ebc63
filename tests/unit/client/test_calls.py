"""The unary calls, and lists that come in pages."""

from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

import graphwire
from graphwire.v1 import assistant_pb2, error_pb2, run_pb2, thread_pb2, webhook_pb2
from graphwire.v1 import assistant_service_pb2 as assistants_pb
from graphwire.v1 import run_service_pb2 as runs_pb
from graphwire.v1 import thread_service_pb2 as threads_pb
from tests.unit.client.scripted import RUN, THREAD, serving, text


async def test_invoke_returns_the_outcome() -> None:
    async def invoke(request: runs_pb.InvokeRunRequest, _context: Any) -> runs_pb.InvokeRunResponse:
        run = run_pb2.Run(run_id=RUN, status=run_pb2.RUN_STATUS_SUCCESS)
        return runs_pb.InvokeRunResponse(result=run_pb2.RunResult(run=run, values=request.input))

    async with serving(InvokeRun=invoke) as client:
        result = await client.invoke("agent", {"topic": "cats"})

    assert result.raise_for_error().values == {"topic": "cats"}
    assert (result.run.run_id, result.run.status, result.error) == (RUN, "success", None)


async def test_a_failed_run_is_data_until_it_is_asked_to_raise() -> None:
    async def wait(_request: Any, _context: Any) -> runs_pb.WaitRunResponse:
        failed = error_pb2.RunError(type="ValueError", message="no", retryable=True)
        run = run_pb2.Run(run_id=RUN, status=run_pb2.RUN_STATUS_ERROR, error=failed)
        return runs_pb.WaitRunResponse(result=run_pb2.RunResult(run=run, values=text("null")))

    async with serving(WaitRun=wait) as client:
        result = await client.wait(RUN)

    assert result.error == graphwire.RunError(type="ValueError", message="no", retryable=True)
    with pytest.raises(graphwire.RunFailed, match="ValueError: no") as caught:
        result.raise_for_error()
    assert (caught.value.status, caught.value.retryable) == ("error", True)


THEN, LATER = Timestamp(seconds=100), Timestamp(seconds=160, nanos=5000)


async def _read(**fields: Any) -> graphwire.Run:
    async def get(_request: Any, _context: Any) -> runs_pb.GetRunResponse:
        return runs_pb.GetRunResponse(run=run_pb2.Run(run_id=RUN, **fields))

    async with serving(GetRun=get) as client:
        return await client.runs.get(RUN)


async def test_a_run_shows_its_life() -> None:
    run = await _read(
        status=run_pb2.RUN_STATUS_TIMEOUT,
        attempt=3,
        due_time=THEN,
        start_time=LATER,
        cancel_action=run_pb2.CANCEL_ACTION_ROLLBACK,
        lingering_nodes=["a", "b"],
    )

    assert (run.status, run.attempt, run.cancel_action, run.lingering_nodes) == ("timeout", 3, "rollback", ("a", "b"))
    assert (run.due_time, run.start_time) == (
        datetime(1970, 1, 1, 0, 1, 40, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 2, 40, 5, tzinfo=UTC),
    )


async def test_what_a_run_has_not_done_is_none() -> None:
    run = await _read(status=run_pb2.RUN_STATUS_PENDING)

    assert (run.due_time, run.start_time, run.cancel_action, run.lingering_nodes) == (None, None, None, ())


async def test_a_run_shows_what_became_of_the_call_of_its_webhook() -> None:
    failed = webhook_pb2.WebhookDelivery(
        state=webhook_pb2.WEBHOOK_STATE_FAILED,
        attempts=2,
        last_attempt_time=THEN,
        last_status=302,
        last_error="e",
        settle_time=THEN,
    )

    run = await _read(webhook="https://x.example", webhook_delivery=failed)

    at = datetime(1970, 1, 1, 0, 1, 40, tzinfo=UTC)
    assert run.webhook == "https://x.example"
    assert run.webhook_delivery == graphwire.WebhookDelivery(
        state="failed",
        attempts=2,
        last_attempt_time=at,
        last_status=302,
        last_error="e",
        next_attempt_time=None,
        settle_time=at,
    )


async def test_a_run_without_a_webhook_shows_none() -> None:
    run = await _read()

    assert (run.webhook, run.webhook_delivery) == ("", None)


async def test_a_call_that_is_still_to_be_made() -> None:
    pending = webhook_pb2.WebhookDelivery(state=webhook_pb2.WEBHOOK_STATE_PENDING, next_attempt_time=LATER)

    made = (await _read(webhook_delivery=pending)).webhook_delivery

    assert made is not None
    assert (made.state, made.attempts, made.last_status, made.settle_time) == ("pending", 0, None, None)
    assert made.next_attempt_time == datetime(1970, 1, 1, 0, 2, 40, 5, tzinfo=UTC)


async def test_an_action_that_is_newer_than_this_client_is_kept_as_its_number() -> None:
    assert (await _read(cancel_action=99)).cancel_action == "99"


async def test_a_cancel_that_does_not_wait_returns_the_run() -> None:
    async def cancel(request: runs_pb.CancelRunRequest, _context: Any) -> runs_pb.CancelRunResponse:
        assert request == runs_pb.CancelRunRequest(run_id=RUN)
        run = run_pb2.Run(run_id=RUN, cancel_action=run_pb2.CANCEL_ACTION_INTERRUPT)
        return runs_pb.CancelRunResponse(run=run)

    async with serving(CancelRun=cancel) as client:
        run = await client.cancel(RUN)

    assert run is not None
    assert run.cancel_action == "interrupt"


async def test_an_action_that_does_not_exist_is_not_sent() -> None:
    async with serving() as client:
        with pytest.raises(ValueError, match="action: 'undo' is not one of interrupt, rollback"):
            await client.cancel(RUN, action="undo")  # type: ignore[arg-type]  # the mistake that is shown
        with pytest.raises(ValueError, match="action: 'undo' is not one of interrupt, rollback"):
            await client.runs.cancel_many(status="all", action="undo")  # type: ignore[arg-type]  # as above


async def test_a_cancel_that_rolled_back_returns_no_run() -> None:
    seen: list[runs_pb.CancelRunRequest] = []

    async def cancel(request: runs_pb.CancelRunRequest, _context: Any) -> runs_pb.CancelRunResponse:
        seen.append(request)
        return runs_pb.CancelRunResponse()

    async with serving(CancelRun=cancel) as client:
        assert await client.cancel(RUN, action="rollback", wait=True) is None

    assert seen == [runs_pb.CancelRunRequest(run_id=RUN, action=run_pb2.CANCEL_ACTION_ROLLBACK, wait=True)]


async def test_a_search_goes_through_all_pages() -> None:
    async def search(request: threads_pb.SearchThreadsRequest, _context: Any) -> threads_pb.SearchThreadsResponse:
        page = int(request.page_token or "0")
        found = [thread_pb2.Thread(thread_id=f"t{page}", status=thread_pb2.THREAD_STATUS_IDLE)]
        return threads_pb.SearchThreadsResponse(threads=found, next_page_token=str(page + 1) if page < 2 else "")

    async with serving(SearchThreads=search) as client:
        found = [thread.thread_id async for thread in client.threads.search(status="idle")]

    assert found == ["t0", "t1", "t2"]


async def test_a_state_reads_whole() -> None:
    async def state(_request: Any, _context: Any) -> threads_pb.GetThreadStateResponse:
        inner = thread_pb2.ThreadState(values=text('{"deep":1}'))
        task = thread_pb2.StateTask(id="1", name="ask", state=inner)
        checkpoint = run_pb2.CheckpointRef(thread_id=THREAD, checkpoint_id="c", checkpoint_map=text('{"":"c"}'))
        return threads_pb.GetThreadStateResponse(
            state=thread_pb2.ThreadState(values=text('{"n":1}'), next=["ask"], tasks=[task], checkpoint=checkpoint)
        )

    async with serving(GetThreadState=state) as client:
        found = await client.threads.state(THREAD, subgraphs=True)

    assert (found.values, found.next) == ({"n": 1}, ("ask",))
    assert found.tasks[0].state is not None
    assert found.tasks[0].state.values == {"deep": 1}
    assert found.checkpoint is not None
    assert found.checkpoint.write().checkpoint_map.text == '{"":"c"}'
    assert found.create_time is None


async def test_a_graph_has_nodes_and_edges() -> None:
    async def graph(_request: Any, _context: Any) -> assistants_pb.GetAssistantGraphResponse:
        return assistants_pb.GetAssistantGraphResponse(
            nodes=[assistant_pb2.GraphNode(id="a", name="A")],
            edges=[assistant_pb2.GraphEdge(source="a", target="b", label="yes", conditional=True)],
            mermaid="graph TD;",
        )

    async with serving(GetAssistantGraph=graph) as client:
        found = await client.assistants.graph("agent", xray=1)

    assert found.nodes == (graphwire.Node(id="a", name="A"),)
    assert found.edges == (graphwire.Edge(source="a", target="b", label="yes", conditional=True),)


async def test_parts_of_threads_and_states() -> None:
    asked: list[Any] = []

    async def search(request: threads_pb.SearchThreadsRequest, _context: Any) -> threads_pb.SearchThreadsResponse:
        asked.append(dict(request.extract))
        thread = thread_pb2.Thread(thread_id=THREAD, extracted={"last": text('"hi"'), "none": text("null")})
        return threads_pb.SearchThreadsResponse(threads=[thread])

    async def count(request: threads_pb.CountThreadsRequest, _context: Any) -> threads_pb.CountThreadsResponse:
        asked.append((request.values, list(request.thread_ids)))
        return threads_pb.CountThreadsResponse(count=3)

    async def state(request: threads_pb.GetThreadStateRequest, _context: Any) -> threads_pb.GetThreadStateResponse:
        asked.append(list(request.value_keys))
        return threads_pb.GetThreadStateResponse(state=thread_pb2.ThreadState(values=text("{}"), metadata=text("{}")))

    async with serving(SearchThreads=search, CountThreads=count, GetThreadState=state) as client:
        (thread,) = [each async for each in client.threads.search(extract={"last": "values.messages[-1]"})]
        counted = await client.threads.count(values={"a": 1}, thread_ids=THREAD)
        await client.threads.state(THREAD, value_keys="messages")

    assert (thread.extracted, counted) == ({"last": "hi", "none": None}, 3)
    assert asked == [{"last": "values.messages[-1]"}, (text('{"a":1}'), [THREAD]), ["messages"]]
