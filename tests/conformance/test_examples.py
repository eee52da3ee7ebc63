"""The examples over gRPC: each graph of examples/, and the one with a real model's client against an endpoint of the test's own."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import graphwire
from tests.support.openai_endpoint import PIECES, openai_endpoint
from tests.support.serving import Server, running

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
async def examples(tmp_path: Path) -> AsyncIterator[graphwire.Client]:
    async with (
        running(tmp_path, EXAMPLES / "langgraph.json") as server,
        graphwire.connect(server.address) as client,
    ):
        yield client


@pytest.mark.parametrize("name", ["joke", "agent"])
async def test_joke(examples: graphwire.Client, name: str) -> None:
    events = [event async for event in examples.stream(name, {"topic": "ice cream"}, stream_mode=["updates"])]

    assert [(event.node, event.data) for event in events if event.mode == "updates"] == [
        ("refine_topic", {"topic": "ice cream and cats"}),
        ("generate_joke", {"joke": "This is a joke about ice cream and cats"}),
    ]


async def test_subgraph(examples: graphwire.Client) -> None:
    stream = examples.stream("subgraph", {"text": "see   you soon"}, stream_mode=["updates"], stream_subgraphs=True)

    nodes = [(bool(event.namespace), event.node) async for event in stream if event.mode == "updates"]

    assert nodes == [(False, "tidy"), (True, "count"), (True, "sign"), (False, "desk")]


async def test_tokens_come_from_a_sync_node_that_merely_invokes(examples: graphwire.Client) -> None:
    stream = examples.stream("tokens", {"messages": "a story, please"}, stream_mode=["messages-tuple"])

    texts = [event.text async for event in stream if event.mode == "messages"]

    assert len([text for text in texts if text]) > 5
    assert "".join(texts).strip()


async def test_progress(examples: graphwire.Client) -> None:
    stream = examples.stream("progress", {"records": 3}, stream_mode=["custom"])

    written = [event.data async for event in stream if event.mode == "custom"]

    assert written == [{"fetched": n, "of": 3} for n in (1, 2, 3)]


async def test_approval_waits_for_a_person(examples: graphwire.Client) -> None:
    thread = await examples.threads.create()
    asked = await examples.invoke("approval", {"to": "Ada", "amount": 120}, thread_id=thread.thread_id)

    paid = await examples.invoke(
        "approval", thread_id=thread.thread_id, command=graphwire.Command(resume={"approved": True})
    )

    assert [interrupt.value for interrupt in asked.interrupts] == [{"question": "Pay 120 to Ada?"}]
    assert paid.values["result"] == "paid 120 to Ada"


async def test_a_real_models_client_streams_its_tokens_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("langchain_openai", reason="the extra `examples` is not installed")
    hold = asyncio.Event()
    texts = []
    async with openai_endpoint(hold=hold) as endpoint:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.base_url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with (
            running(tmp_path, EXAMPLES / "openai" / "langgraph.json") as server,
            graphwire.connect(server.address) as client,
        ):
            async for event in client.stream("openai", {"topic": "ice cream"}, stream_mode=["messages-tuple"]):
                if event.mode == "messages" and event.text:
                    texts.append(event.text)
                    hold.set()  # the endpoint says no more before its first piece has arrived here

    assert texts == list(PIECES)
    assert endpoint.requests[0].body["model"] == "gpt-4o-mini"


async def test_an_exact_integer_comes_back_exactly(tmp_path: Path) -> None:
    big = 2**53 + 1
    async with running(tmp_path) as server:
        events = await _values(server, json.dumps({"n": 0, "delay": 0, "done": big}))

    assert events[0]["done"] == big


async def _values(server: Server, given: str) -> list[dict[str, int]]:
    events = await server.stream("custom", given, stream_mode=["values"])
    return [json.loads(event.values.state.text) for event in events if event.HasField("values")]
