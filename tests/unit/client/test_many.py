"""Many runs at once, and the versions of assistants."""

from typing import Any

import pytest

from graphwire.options import NewRun
from graphwire.v1 import assistant_pb2, run_pb2, thread_pb2
from graphwire.v1 import assistant_service_pb2 as assistants_pb
from graphwire.v1 import run_service_pb2 as runs_pb
from graphwire.v1.json_pb2 import Json
from tests.unit.client.scripted import ASSISTANT, RUN, THREAD, serving


async def test_a_batch_is_sent_as_its_runs_and_read_in_their_order() -> None:
    seen: list[runs_pb.BatchCreateRunsRequest] = []

    async def create(request: runs_pb.BatchCreateRunsRequest, _context: Any) -> runs_pb.BatchCreateRunsResponse:
        seen.append(request)
        return runs_pb.BatchCreateRunsResponse(runs=[run_pb2.Run(run_id=str(n)) for n in range(2)])

    given: list[NewRun] = [
        {"assistant": "a", "input": {"n": 1}, "thread_id": THREAD, "stream_resumable": True},
        {"assistant": "b", "metadata": None},
    ]
    async with serving(BatchCreateRuns=create) as client:
        runs = await client.runs.create_batch(given)

    assert [run.run_id for run in runs] == ["0", "1"]
    assert list(seen[0].requests) == [
        runs_pb.CreateRunRequest(assistant_id="a", input=Json(text='{"n":1}'), thread_id=THREAD, stream_resumable=True),
        runs_pb.CreateRunRequest(assistant_id="b"),
    ]
    assert given[0]["assistant"] == "a"


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"input": 1}, TypeError, r"\[1\] assistant is missing"),
        ({"assistant": "a", "nonsense": 1}, TypeError, r"\[1\] unknown option 'nonsense'"),
        ({"assistant": "a", "durability": "never"}, ValueError, r"\[1\] durability"),
    ],
)
async def test_a_mistake_in_a_batch_is_named_with_its_place(wrong: Any, error: type[Exception], says: str) -> None:
    async with serving() as client:
        with pytest.raises(error, match=says):
            await client.runs.create_batch([{"assistant": "a"}, wrong])


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"status": "all"}, {}),
        ({"status": "pending", "thread_id": THREAD}, {"status": run_pb2.RUN_STATUS_PENDING, "thread_id": THREAD}),
        ({"thread_id": THREAD, "run_ids": RUN}, {"thread_id": THREAD, "run_ids": [RUN]}),
        (
            {"thread_id": THREAD, "run_ids": (RUN, "x"), "action": "rollback"},
            {"thread_id": THREAD, "run_ids": [RUN, "x"], "action": run_pb2.CANCEL_ACTION_ROLLBACK},
        ),
    ],
)
async def test_many_runs_are_cancelled(given: Any, sent: dict[str, Any]) -> None:
    seen: list[runs_pb.CancelRunsRequest] = []

    async def cancel(request: runs_pb.CancelRunsRequest, _context: Any) -> runs_pb.CancelRunsResponse:
        seen.append(request)
        return runs_pb.CancelRunsResponse(run_ids=[RUN])

    async with serving(CancelRuns=cancel) as client:
        cancelled = await client.runs.cancel_many(**given)

    assert cancelled == (RUN,)
    assert seen == [runs_pb.CancelRunsRequest(**sent)]


@pytest.mark.parametrize(
    "given", [{}, {"thread_id": THREAD}, {"run_ids": []}, {"status": "all", "run_ids": [RUN]}, {"status": "ended"}]
)
async def test_what_names_no_runs_or_names_them_twice_is_not_sent(given: Any) -> None:
    async with serving() as client:
        with pytest.raises(ValueError, match="status"):
            await client.runs.cancel_many(**given)


async def test_the_versions_of_an_assistant_come_page_after_page() -> None:
    async def versions(
        request: assistants_pb.ListAssistantVersionsRequest, _context: Any
    ) -> assistants_pb.ListAssistantVersionsResponse:
        assert request.metadata == Json(text='{"a":1}')
        version = 2 - int(request.page_token or "0")
        found = assistant_pb2.Assistant(assistant_id=request.assistant_id, version=version)
        return assistants_pb.ListAssistantVersionsResponse(
            versions=[found], next_page_token="1" if version == 2 else ""
        )

    async with serving(ListAssistantVersions=versions) as client:
        found = [each.version async for each in client.assistants.versions(ASSISTANT, metadata={"a": 1})]

    assert found == [2, 1]


async def test_an_assistant_is_created_and_changed() -> None:
    seen: list[Any] = []

    async def create(request: Any, _context: Any) -> assistants_pb.CreateAssistantResponse:
        seen.append(request)
        return assistants_pb.CreateAssistantResponse(assistant=assistant_pb2.Assistant(version=1))

    async def update(request: Any, _context: Any) -> assistants_pb.UpdateAssistantResponse:
        seen.append(request)
        return assistants_pb.UpdateAssistantResponse(assistant=assistant_pb2.Assistant(version=2))

    async with serving(CreateAssistant=create, UpdateAssistant=update) as client:
        plain = await client.assistants.create("agent")
        await client.assistants.create(
            "agent",
            assistant_id=ASSISTANT,
            name="n",
            description="d",
            config={"recursion_limit": 3},
            context={"a": 1},
            metadata={},
            if_exists="keep",
        )
        changed = await client.assistants.update(ASSISTANT, description="", metadata={"b": None})
        with pytest.raises(ValueError, match="if_exists"):
            await client.assistants.create("agent", if_exists="perhaps")  # type: ignore[arg-type]  # a mistake
        with pytest.raises(ValueError, match="config: unknown key 'recursion'"):
            await client.assistants.update(ASSISTANT, config={"recursion": 3})  # type: ignore[arg-type]  # a mistake

    assert (plain.version, changed.version) == (1, 2)
    assert seen == [
        assistants_pb.CreateAssistantRequest(graph_id="agent"),
        assistants_pb.CreateAssistantRequest(
            graph_id="agent",
            assistant_id=ASSISTANT,
            name="n",
            description="d",
            config=run_pb2.RunConfig(recursion_limit=3),
            context=Json(text='{"a":1}'),
            metadata=Json(text="{}"),
            if_exists=thread_pb2.IF_EXISTS_KEEP,
        ),
        assistants_pb.UpdateAssistantRequest(assistant_id=ASSISTANT, description="", metadata=Json(text='{"b":null}')),
    ]


async def test_assistants_are_counted_deleted_and_set_to_a_version() -> None:
    seen: list[Any] = []

    async def count(request: Any, _context: Any) -> assistants_pb.CountAssistantsResponse:
        seen.append(request)
        return assistants_pb.CountAssistantsResponse(count=3)

    async def delete(request: Any, _context: Any) -> assistants_pb.DeleteAssistantResponse:
        seen.append(request)
        return assistants_pb.DeleteAssistantResponse()

    async def choose(request: Any, _context: Any) -> assistants_pb.SetLatestAssistantVersionResponse:
        seen.append(request)
        chosen = assistant_pb2.Assistant(version=request.version)
        return assistants_pb.SetLatestAssistantVersionResponse(assistant=chosen)

    async with serving(CountAssistants=count, DeleteAssistant=delete, SetLatestAssistantVersion=choose) as client:
        many = await client.assistants.count(graph_id="agent", metadata={"a": 1})
        await client.assistants.delete(ASSISTANT, delete_threads=True)
        latest = await client.assistants.set_latest(ASSISTANT, 2)

    assert (many, latest.version) == (3, 2)
    assert seen == [
        assistants_pb.CountAssistantsRequest(graph_id="agent", metadata=Json(text='{"a":1}')),
        assistants_pb.DeleteAssistantRequest(assistant_id=ASSISTANT, delete_threads=True),
        assistants_pb.SetLatestAssistantVersionRequest(assistant_id=ASSISTANT, version=2),
    ]
