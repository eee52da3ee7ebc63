"""What no answer tells: what a defect was, what a caller sent in its headers, and what an exception said that is not for callers."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from graphwire_server.core.runs import Runs
from graphwire_server.core.threads import Threads
from tests.faults.http.held import Held
from tests.faults.http.talk import new_thread, run, shown, streaming, told
from tests.faults.http.wire import exchange, get, post
from tests.support.serving import Server, running

SECRET = "hunter2-5f0e"  # noqa: S105  it stands for one
MODES = [
    "values",
    "updates",
    "messages-tuple",
    "messages",
    "debug",
    "custom",
    "events",
    "tasks",
    "checkpoints",
    "tools",
]
GRAPHS = """
from typing import TypedDict

from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    kind: str


class Vault(Exception):
    pass


def fail(state: State, config):
    headers = [key for key in config["configurable"] if key.startswith("x-")]
    kinds = {"ValueError": ValueError, "RuntimeError": RuntimeError, "Vault": Vault, "OSError": OSError}
    raise kinds[state["kind"]](f"the key is SECRET, and I saw {headers}")


agent = StateGraph(State).add_node(fail).add_edge(START, "fail").compile()
""".replace("SECRET", SECRET)


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with a graph whose exceptions tell a secret."""
    folder = tmp_path / "vault"
    folder.mkdir()
    (folder / "vault_graphs.py").write_text(GRAPHS)
    (folder / "langgraph.json").write_text('{"dependencies": ["."], "graphs": {"agent": "./vault_graphs.py:agent"}}')
    async with running(tmp_path / "data", folder / "langgraph.json") as server:
        yield server


OF_TASKS = ("tasks", "debug", "/state", "/history?limit=10")
"""Modes and paths that show tasks, and with them what became of each."""


async def _all_that_is_told(server: Server, kind: str, *, tasks: bool = False) -> bytes:
    """Everything that HTTP says of a run that failed: its stream, its wait, its thread, and again for who joins; what shows tasks only where it is asked
    for.
    """
    url = server.url
    thread = await new_thread(url)
    modes = [mode for mode in MODES if tasks or mode not in OF_TASKS]
    body = run("agent", {"kind": kind}, stream_mode=modes, stream_resumable=True)
    asked = (post(f"/threads/{thread}/runs/stream", body), post(f"/threads/{thread}/runs/wait", body))
    shows = [path for path in ("", "/runs", "/state", "/history?limit=10") if tasks or path not in OF_TASKS]
    later = [get(f"/threads/{thread}{path}") for path in shows]
    run_id = (await told(url, f"/threads/{thread}/runs", body))["run_id"]
    path = f"/threads/{thread}/runs/{run_id}"
    joins = [get(f"{path}/join"), get(path), get(f"{path}/stream", "last-event-id: -1"), get(f"{path}/stream")]
    heard = [await exchange(url, each) for each in (*asked, *later, *joins)]
    assert all(each is not None and each.status == 200 for each in heard), heard
    return b"\n".join(each.body for each in heard if each)


@pytest.mark.parametrize("kind", ["Vault", "OSError"])
async def test_an_exception_that_is_not_for_callers_keeps_its_text(vault: Server, kind: str) -> None:
    everything = await _all_that_is_told(vault, kind)

    assert SECRET.encode() not in everything
    assert kind.encode() in everything
    for internal in (b"Traceback", b"vault_graphs", b"site-packages", b'File \\"'):
        assert internal not in everything


@pytest.mark.parametrize("kind", ["Vault", "OSError"])
async def test_nor_do_tasks_tell_its_text(vault: Server, kind: str) -> None:
    assert SECRET.encode() not in await _all_that_is_told(vault, kind, tasks=True)


@pytest.mark.parametrize("kind", ["ValueError", "RuntimeError"])
async def test_one_that_is_for_callers_is_told(vault: Server, kind: str) -> None:
    assert SECRET.encode() in await _all_that_is_told(vault, kind)


async def test_headers_of_a_request_are_in_no_answer(server: Server) -> None:
    url = server.url
    thread = await new_thread(url)
    headers = [
        f"{name}: {SECRET}"
        for name in ("x-mine", "x-api-key", "authorization", "cookie", "user-agent", "x-auth-scheme")
    ]
    body = run("approval", {"name": "a"}, stream_mode=MODES, stream_subgraphs=True, stream_resumable=True)
    async with streaming(url, post(f"/threads/{thread}/runs/stream", body, *headers)) as stream:
        frames = await stream.rest()
        path = stream.head.headers["content-location"]
    answers: list[object] = [frames]
    answers += [
        await shown(url, f"/threads/{thread}{rest}")
        for rest in ("", "/state?subgraphs=true", "/history?limit=100", "/runs")
    ]
    answers += [await shown(url, path), await shown(url, f"{path}/join")]
    answers += [await exchange(url, get(f"{path}/stream", "last-event-id: -1"))]
    answers += [await exchange(url, get("/nowhere", *headers)), await exchange(url, post("/threads", [], *headers))]

    assert {frame.event for frame in frames} >= {
        "values",
        "updates",
        "debug",
        "tasks",
        "checkpoints",
        "events",
        "custom",
    }
    assert SECRET not in repr(answers)


@pytest.mark.parametrize("where", ["get", "create", "wait", "join", "stream"])
async def test_a_defect_is_told_with_a_request_id_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, held: Held, server: Server, where: str
) -> None:
    url = server.url
    thread = await new_thread(url)
    made = await told(url, f"/threads/{thread}/runs", run("ticks", {"n": 1}))
    path = f"/threads/{thread}/runs/{made['run_id']}"
    await shown(url, f"{path}/join")

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError(f"{SECRET} in {__file__}")

    places = {"get": (Threads, "get"), "create": (Runs, "create"), "stream": (Runs, "_create")}
    monkeypatch.setattr(*places.get(where, (Runs, "output")), broken)
    asked = {
        "get": get(f"/threads/{thread}"),
        "create": post("/runs", run("ticks", {"n": 1})),
        "wait": post(f"/threads/{thread}/runs/wait", run("ticks", {"n": 1})),
        "join": get(f"{path}/join"),
        "stream": post("/runs/stream", run("ticks", {"n": 1})),
    }[where]
    heard = await exchange(url, asked)

    assert heard is not None
    assert heard.whole
    assert SECRET not in repr(heard)
    assert "Zero" not in repr(heard)
    said = json.loads(heard.body)
    if where in ("wait", "join"):
        assert heard.status == 200, "its head was sent before"
        assert said["__error__"]["error"] == "InternalError"
        assert said["__error__"]["message"].startswith("internal error; the server's log has it under request_id ")
    else:
        assert heard.status == 500
        assert set(said) == {"detail", "code", "metadata"}
        assert set(said["metadata"]) == {"request_id"}
        logged = [record.__dict__.get("request_id") for record in caplog.records if record.exc_info]
        assert said["metadata"]["request_id"] in logged
