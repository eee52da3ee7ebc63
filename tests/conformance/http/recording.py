"""Scenarios, and what they gave on the recorded server.

Owns running them against a server, keeping what they give, and holding it against the recording; or, where there is none, against what is expected.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.conformance.http.api import Api
from tests.conformance.http.comparing import differences, expected, plain
from tests.conformance.http.expectations import EXPECTATIONS
from tests.conformance.http.scenarios import SCENARIOS

GOLDEN = Path(__file__).with_name("golden.json")
"""What was recorded."""

_PATIENCE = 90
_TIMEOUT = 60.0


async def play(client: httpx.AsyncClient, name: str) -> Any:
    """What a scenario gives, ready to be compared. Raises what the scenario raises."""
    api = Api(client)
    async with asyncio.timeout(_PATIENCE):
        return plain(await SCENARIOS[name](api), api.labels)


def recorded(path: Path = GOLDEN) -> Mapping[str, Any]:
    """The recording."""
    found: Mapping[str, Any] = json.loads(path.read_text())
    return found


def known() -> Mapping[str, Any]:
    """What each scenario must give: what was recorded or, where nothing was, what is expected."""
    return {**EXPECTATIONS, **recorded()}


def compare(name: str, got: Any, wanted: Mapping[str, Any]) -> list[str]:
    """What is otherwise than it was recorded or is expected, a line each."""
    if name not in wanted:
        return ["neither recorded nor expected"]
    return list(differences(expected(name, wanted[name]), got))


async def record(url: str, names: Iterable[str], path: Path) -> None:
    """Writes what scenarios give on a server. One that breaks stops the recording, which is then not written."""
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT) as client:
        found = {name: await play(client, name) for name in names}
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    await asyncio.to_thread(path.write_text, text)


async def check(url: str, names: Iterable[str]) -> Mapping[str, list[str]]:
    """What scenarios give otherwise on a server than they must, by name; one that breaks says how."""
    wanted, found = known(), {}
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT) as client:
        for name in names:
            try:
                found[name] = compare(name, await play(client, name), wanted)
            except Exception as error:  # noqa: BLE001  a scenario that breaks is a result of its own
                found[name] = [f"broke: {type(error).__name__}: {error}"]
    return found
