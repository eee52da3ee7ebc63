"""Runs over HTTP, on a core of fakes."""

import asyncio
from typing import Any

import pytest

from graphwire_server.core.events import Error
from graphwire_server.core.model import Interrupt, Outcome, Run, RunError, RunStatus
from graphwire_server.core.ports import Append
from graphwire_server.rest.site import site
from tests.unit.core.fakes import OTHER, THREAD, Executor, House, emit, house, running
from tests.unit.rest.held import AGENT, ON_THREAD, RUNS, calling, holding
from tests.unit.rest.visits import options, table, visiting
from tests.unit.rest.wire import GONE, Caller, frames, tasks

UNKNOWN = {"error": "HTTPException", "message": "404: Run not found"}


def ending(outcome: Outcome, *payloads: Any) -> House:
    async def script(run: Run, append: Append) -> Outcome:
        emit(append)
        for payload in payloads:
            append((), payload, 1)
        return outcome

    return house(Executor(script))


async def test_a_run_in_the_background() -> None:
    async with visiting() as client:
        answer = await client.post(RUNS, json={**ON_THREAD, "metadata": {"a": 1}})

    made = answer.json()
    assert (answer.status_code, made["thread_id"], made["metadata"]) == (200, THREAD, {"a": 1})
    assert answer.headers["content-location"] == f"{RUNS}/{made['run_id']}"
    assert "location" not in answer.headers


async def test_a_stateless_run_in_the_background() -> None:
    async with visiting() as client:
        answer = await client.post("/runs", json=AGENT)

    assert answer.headers["content-location"] == f"/runs/{answer.json()['run_id']}"
    assert answer.json()["kwargs"]["temporary"]


async def test_nodes_see_what_headers_they_may() -> None:
    seen: list[Any] = []

    async def script(run: Run, append: Append) -> Outcome:
        seen.append(run.spec.headers)
        return Outcome(status=RunStatus.SUCCESS)

    async with visiting(house(Executor(script))) as client:
        await client.post("/runs/wait", json=AGENT, headers={"x-mine": "1", "x-api-key": "secret", "cookie": "c"})

    assert seen[0]["x-mine"] == "1"
    assert not {"x-api-key", "cookie"} & set(seen[0])


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (RUNS, AGENT, 404, "THREAD_NOT_FOUND"),
        ("/threads/x/runs", ON_THREAD, 422, "INVALID_FIELD"),
        ("/runs", {"assistant_id": "nobody"}, 422, "ASSISTANT_NOT_FOUND"),
        ("/runs", {"assistant_id": OTHER}, 404, "ASSISTANT_NOT_FOUND"),
        ("/runs", {**AGENT, "command": {"resume": 1}}, 400, "NOTHING_TO_RESUME"),
        ("/runs", {**AGENT, "context": {"a": 1}, "config": {"configurable": {"a": 1}}}, 400, "INVALID_FIELD"),
        ("/runs", {**AGENT, "webhook": "http://10.0.0.1/x"}, 422, "INVALID_FIELD"),
        ("/runs", {**AGENT, "input": {}, "command": {"goto": "n"}}, 422, "INVALID_FIELD"),
    ],
)
@pytest.mark.parametrize("how", ["", "/wait", "/stream"])
async def test_a_run_that_cannot_be_created(how: str, path: str, body: Any, status: int, code: str) -> None:
    async with visiting() as client:
        answer = await client.post(path + how, json=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_batch_is_answered_in_its_order() -> None:
    async with visiting() as client:
        answer = await client.post("/runs/batch", json=[{**AGENT, "metadata": {"n": n}} for n in range(3)])

    assert [each["metadata"]["n"] for each in answer.json()] == [0, 1, 2]


@pytest.mark.parametrize(
    ("body", "field"), [([], "[]"), ({}, "body"), ([AGENT, {}], "[1].assistant_id"), ([AGENT] * 1001, "[]")]
)
async def test_a_batch_that_cannot_be_meant(body: Any, field: str) -> None:
    async with visiting() as client:
        answer = await client.post("/runs/batch", json=body)

    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_a_stream_of_a_run() -> None:
    async with visiting() as client:
        answer = await client.post(f"{RUNS}/stream", json=ON_THREAD)

    (begun, *rest) = frames(answer.text)
    path = f"{RUNS}/{begun[1]['run_id']}"
    assert (begun[0], begun[1]["attempt"], rest) == ("metadata", 1, [("values", 0)])
    assert (answer.headers["location"], answer.headers["content-location"]) == (f"{path}/stream", path)
    assert "id: " not in answer.text


async def test_a_stream_of_a_stateless_run() -> None:
    async with visiting() as client:
        answer = await client.post("/runs/stream", json=AGENT)

    run_id = frames(answer.text)[0][1]["run_id"]
    assert answer.headers["location"] == f"/runs/{run_id}/stream"
    assert answer.headers["content-location"] == f"/runs/{run_id}"


async def test_a_stream_to_which_one_may_come_back_has_ids() -> None:
    async with visiting() as client:
        answer = await client.post(f"{RUNS}/stream", json={**ON_THREAD, "stream_resumable": True})

    assert [line for line in answer.text.split("\r\n") if line.startswith("id: ")] == ["id: 1", "id: 2"]


@pytest.mark.parametrize(
    ("outcome", "values"),
    [
        (Outcome(status=RunStatus.SUCCESS, values=b'{"a":1}'), {"a": 1}),
        (Outcome(status=RunStatus.SUCCESS), None),
        (
            Outcome(status=RunStatus.SUCCESS, values=b'{"a":1}', interrupts=(Interrupt(id="i", value=b"1"),)),
            {"a": 1, "__interrupt__": [{"value": 1, "id": "i", "response_schema": None}]},
        ),
        (
            Outcome(status=RunStatus.SUCCESS, values=b"[1]", interrupts=(Interrupt(id="i", value=b"1"),)),
            {"__interrupt__": [{"value": 1, "id": "i", "response_schema": None}]},
        ),
        (
            Outcome(status=RunStatus.ERROR, error=RunError(type="E", message="m")),
            {"__error__": {"error": "E", "message": "m"}},
        ),
        (Outcome(status=RunStatus.INTERRUPTED, values=b'{"a":1}'), {}),
    ],
)
async def test_the_values_that_a_run_gave(outcome: Outcome, values: Any) -> None:
    async with visiting(ending(outcome)) as client:
        answer = await client.post("/runs/wait", json=AGENT)

    assert (answer.status_code, answer.json()) == (200, values)


async def test_a_wait_names_the_thread_of_a_stateless_run_too() -> None:
    async with visiting() as client:
        answer = await client.post("/runs/wait", json=AGENT)

    thread, run = answer.headers["content-location"].removeprefix("/threads/").split("/runs/")
    assert answer.headers["location"] == f"/threads/{thread}/runs/{run}/join"


async def test_who_joins_a_run_gets_its_values() -> None:
    async with holding() as held, calling(held, f"{held.path}/join") as (caller, _):
        held.core.executor.release.set()

    assert (caller.status, caller.json, caller.headers["location"]) == (200, None, f"{held.path}/join")


@pytest.mark.parametrize("path", [f"{RUNS}/{OTHER}", f"/runs/{OTHER}"])
async def test_who_joins_a_run_that_does_not_exist_hears_it_as_the_reference_says_it(path: str) -> None:
    async with visiting() as client:
        joined, streamed = await client.get(f"{path}/join"), await client.get(f"{path}/stream")

    assert (joined.status_code, joined.json()) == (200, {"__error__": UNKNOWN})
    assert (streamed.status_code, frames(streamed.text)) == (200, [("error", UNKNOWN)])


@pytest.mark.parametrize("path", ["/runs/x/join", "/runs/x/stream", "/runs/x", f"/threads/x/runs/{OTHER}/stream"])
async def test_what_is_no_id_is_refused(path: str) -> None:
    async with holding() as held:
        answer = await held.client.get(path.replace(OTHER, held.run["run_id"]))

    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_FIELD")


@pytest.mark.parametrize(
    ("given", "names"),
    [("-1", ["metadata", "values"]), ("1", ["values"]), ("2", [])],
)
async def test_who_comes_back_gets_what_is_missing(given: str, names: list[str]) -> None:
    async with visiting() as client:
        first = await client.post(f"{RUNS}/stream", json={**ON_THREAD, "stream_resumable": True})
        again = await client.get(first.headers["location"], headers={"last-event-id": given})

    assert [name for name, _ in frames(again.text)] == names


async def test_who_comes_back_with_a_filter_gets_what_passes_it() -> None:
    async with visiting() as client:
        first = await client.post(f"{RUNS}/stream", json={**ON_THREAD, "stream_resumable": True})
        place = {"url": first.headers["location"], "headers": {"last-event-id": "-1"}}
        again = await client.get(**place, params={"stream_mode": ["updates", "custom"]})  # type: ignore[arg-type]  # httpx takes them

    assert [name for name, _ in frames(again.text)] == ["metadata"]


@pytest.mark.parametrize("given", ["abc", "99"])
async def test_who_comes_back_from_nowhere_is_refused(given: str) -> None:
    async with holding(stream_resumable=True) as held:
        answer = await held.client.get(f"{held.path}/stream", headers={"last-event-id": given})

    assert (answer.status_code, answer.json()["field"]) == (422, "Last-Event-ID")


async def test_who_joins_a_run_that_failed_hears_why() -> None:
    failed = RunError(type="E", message="m")
    core = ending(Outcome(status=RunStatus.ERROR, error=failed), Error(error=failed))
    async with visiting(core) as client:
        first = await client.post(f"{RUNS}/stream", json=ON_THREAD)
        again = await client.get(first.headers["location"])

    assert [name for name, _ in frames(first.text)] == ["metadata", "values", "error"]
    assert frames(again.text) == [("error", {"error": "E", "message": "m"})]


@pytest.mark.parametrize(
    ("path", "query", "cancelled"),
    [
        ("/stream", b"", False),
        ("/stream", b"cancel_on_disconnect=1", True),
        ("/join", b"", False),
        ("/join", b"cancel_on_disconnect=True", True),
    ],
)
async def test_a_run_goes_on_without_its_caller_unless_it_is_asked_not_to(
    path: str, query: bytes, cancelled: bool
) -> None:
    async with holding() as held, calling(held, held.path + path, query=query) as (caller, task):
        caller.say(GONE)
        await task
        held.core.executor.release.set()
        ended = await held.core.end(await held.core.runs.get(held.run["run_id"]))

    assert (ended.status is RunStatus.INTERRUPTED) is cancelled


@pytest.mark.parametrize("how", ["/stream", "/wait"])
async def test_a_run_may_end_with_the_caller_who_created_it(how: str) -> None:
    executor = Executor()
    executor.script = executor.held
    core, caller = house(executor), Caller()
    async with running(core):
        body = b'{"assistant_id":"agent","if_not_exists":"create","on_disconnect":"cancel"}'
        caller.say({"type": "http.request", "body": body})
        app: Any = site(table(core), options())
        task = asyncio.create_task(app(caller.scope("POST", RUNS + how), caller.receive, caller.send))
        await core.begun()
        caller.say(GONE)
        await task
        ended = await core.end(await core.runs.get(executor.executed[0]))

    assert ended.status is RunStatus.INTERRUPTED
    assert tasks() == set()


async def test_runs_of_a_thread_are_listed() -> None:
    async with holding() as held:
        for _ in range(2):
            await held.client.post(RUNS, json=AGENT)
        listed = await held.client.get(RUNS)
        waiting = await held.client.get(RUNS, params={"status": "pending", "select": ["status", "run_id"], "limit": 1})

    assert [run["status"] for run in listed.json()] == ["pending", "pending", "running"]
    assert [sorted(run) for run in waiting.json()] == [["run_id", "status"]]
    assert "x-pagination-total" not in listed.headers


async def test_a_run_is_read_on_its_thread_and_alone() -> None:
    async with holding() as held:
        run_id = held.run["run_id"]
        found = [await held.client.get(path) for path in (held.path, f"/runs/{run_id}")]
        elsewhere = await held.client.get(f"/threads/{OTHER}/runs/{run_id}")

    assert [answer.json()["run_id"] for answer in found] == [run_id] * 2
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "RUN_NOT_FOUND")


async def test_a_run_is_deleted_when_it_has_ended() -> None:
    async with holding() as held:
        early = await held.client.delete(held.path)
        held.core.executor.release.set()
        await held.core.end(await held.core.runs.get(held.run["run_id"]))
        late, again = await held.client.delete(held.path), await held.client.delete(held.path)

    assert (early.status_code, early.json()["code"]) == (409, "RUN_ACTIVE")
    assert (late.status_code, late.content, again.status_code) == (204, b"", 404)


async def test_a_busy_thread_takes_no_run_that_does_not_wait() -> None:
    async with holding() as held:
        answer = await held.client.post(RUNS, json={**AGENT, "multitask_strategy": "reject"})

    assert (answer.status_code, answer.json()["code"]) == (409, "THREAD_BUSY")


@pytest.mark.parametrize(("strategy", "left"), [("interrupt", 200), ("rollback", 404)])
async def test_a_run_may_put_an_end_to_those_before_it(strategy: str, left: int) -> None:
    async with holding() as held:
        waiting = (await held.client.post(RUNS, json=AGENT)).json()
        made = (await held.client.post(RUNS, json={**AGENT, "multitask_strategy": strategy})).json()
        held.core.executor.release.set()
        ended = await held.core.end(await held.core.runs.get(made["run_id"]))
        found = [await held.client.get(path) for path in (held.path, f"{RUNS}/{waiting['run_id']}")]

    assert (made["multitask_strategy"], ended.status) == (strategy, RunStatus.SUCCESS)
    assert [answer.status_code for answer in found] == [left, left]
    assert {answer.json().get("status", "interrupted") for answer in found} == {"interrupted"}
