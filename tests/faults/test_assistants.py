"""Versions of assistants through kill -9: what was acknowledged is there, each version once, and what runs is the newest."""

import asyncio
from pathlib import Path

import grpc

from graphwire.v1 import assistant_service_pb2 as pb
from tests.faults.process import ServerProcess, served
from tests.support.serving import Server

CALLERS = 4
ENOUGH = 40


async def test_acknowledged_versions_survive_kill_9(tmp_path: Path) -> None:
    acknowledged: dict[int, str] = {}
    enough = asyncio.Event()

    async def update(server: Server, assistant_id: str, caller: int) -> None:
        number = 0
        try:
            while True:
                name = f"{caller} {number}"
                request = pb.UpdateAssistantRequest(assistant_id=assistant_id, name=name)
                answer = await server.assistants.UpdateAssistant(request)
                assert answer.assistant.version not in acknowledged
                acknowledged[answer.assistant.version] = name
                number += 1
                if len(acknowledged) >= ENOUGH:
                    enough.set()
        except grpc.aio.AioRpcError:  # whatever a broken line is called
            return

    async with served(tmp_path / "data") as process:
        async with process.client() as server:
            made = await server.assistants.CreateAssistant(pb.CreateAssistantRequest(graph_id="ticks"))
            assistant_id = made.assistant.assistant_id
            callers = [asyncio.create_task(update(server, assistant_id, caller)) for caller in range(CALLERS)]
            async with asyncio.timeout(90):
                await enough.wait()
            assert not any(caller.done() for caller in callers)
            await process.kill()
            await asyncio.gather(*callers)
        await process.start()
        found, latest = await _versions(process, assistant_id)

    assert acknowledged.items() <= found.items()
    assert sorted(found) == list(range(1, len(found) + 1))
    assert len(acknowledged) <= len(found) - 1 <= len(acknowledged) + CALLERS
    assert latest == max(found)


async def _versions(process: ServerProcess, assistant_id: str) -> tuple[dict[int, str], int]:
    """The names of all versions by their numbers, and the version that runs."""
    async with process.client() as server:
        request = pb.ListAssistantVersionsRequest(assistant_id=assistant_id, page_size=1000)
        listed = await server.assistants.ListAssistantVersions(request)
        got = await server.assistants.GetAssistant(pb.GetAssistantRequest(assistant_id=assistant_id))
    return {each.version: each.name for each in listed.versions}, got.assistant.version
