"""The language of the table over HTTP.

Owns which route each call is, and how options that are no body are put into queries and headers.
"""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.parity.face import Frame, Json, Reading, Refused
from tests.parity.sse import frames
from tests.support.passing import Time

_PLACE = re.compile(r"(?:/threads/([^/]+))?/runs/([^/]+)")
STATE_FIELDS = (
    "values", "next", "tasks", "checkpoint", "metadata", "created_at", "parent_checkpoint", "interrupts", "checkpoint_id", "parent_checkpoint_id",
)  # fmt: skip
_WHOLE = "-1"
_WHOLE_THREAD = "-"


class HttpStream:
    """An open stream (protocol `Open`)."""

    def __init__(self, answer: httpx.Response, thread_id: str) -> None:
        found = _PLACE.fullmatch(answer.headers.get("content-location", ""))
        self.thread_id = (found and found[1]) or thread_id
        self.run_id = found[2] if found else ""
        self._frames = frames(answer.aiter_raw())

    async def rest(self) -> Reading:
        """All that is left, to its end."""
        return self._reading([frame async for frame in self._frames])

    async def until_ended(self, runs: int) -> Reading:
        """What comes until so many runs have ended."""
        found: list[Frame] = []
        async for frame in self._frames:
            found.append(frame)
            runs -= frame.event == "metadata" and frame.data.get("status") == "run_done"
            if runs <= 0:
                break
        return self._reading(found)

    def _reading(self, found: list[Frame]) -> Reading:
        return Reading(run_id=self.run_id, thread_id=self.thread_id, frames=found)


class HttpFace:
    """The calls over HTTP (protocol `Face`).

    Args:
        client: A client whose base is the server.
        time: The server's.
    """

    name = "http"

    def __init__(self, client: httpx.AsyncClient, time: Time) -> None:
        self.time = time
        self._client = client

    async def _ask(self, method: str, path: str, body: Json = None, **more: Any) -> httpx.Response:
        answer = await self._client.request(method, path, json=body, **more)
        _check(answer)
        return answer

    async def _said(self, method: str, path: str, body: Json = None, **more: Any) -> Json:
        return (await self._ask(method, path, body, **more)).json()

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, thread_id: str | None, body: Json = None, **more: Any
    ) -> AsyncIterator[HttpStream]:
        async with self._client.stream(method, path, json=body, **more) as answer:
            if answer.status_code != 200:
                await answer.aread()
            _check(answer)
            yield HttpStream(answer, thread_id or "")

    def opening(self, assistant: str, thread_id: str | None = None, **body: Json) -> Any:
        """Creates a run and attaches to it."""
        more = _keyed(body)
        return self._open("POST", f"{_under(thread_id)}/stream", thread_id, {"assistant_id": assistant, **body}, **more)

    def joining(self, run_id: str, thread_id: str | None = None, after: int | None = None, **wanted: Json) -> Any:
        """Attaches to a run. Of a filter, modes have a name here; the others are sent as gRPC names them."""
        query = {"stream_mode": wanted.pop("modes", []), **wanted}
        return self._open(
            "GET", f"{_of(run_id, thread_id)}/stream", thread_id, params=query, headers=_cursor(after, _WHOLE)
        )

    def watching(self, thread_id: str, after: int | None = None, *, lifecycle: bool = False) -> Any:
        """Attaches to a thread."""
        query = {"stream_mode": "lifecycle"} if lifecycle else None
        path = f"/threads/{thread_id}/stream"
        return self._open("GET", path, thread_id, params=query, headers=_cursor(after, _WHOLE_THREAD))

    async def create(self, assistant: str, thread_id: str | None = None, **body: Json) -> Json:
        more = _keyed(body)
        return await self._said("POST", _under(thread_id), {"assistant_id": assistant, **body}, **more)

    async def batch(self, bodies: Sequence[Json], request_id: str | None = None) -> Json:
        return await self._said("POST", "/runs/batch", list(bodies), **_keyed({"request_id": request_id}))

    async def invoke(self, assistant: str, thread_id: str | None = None, **body: Json) -> Json:
        more = _keyed(body)
        answer = await self._ask("POST", f"{_under(thread_id)}/wait", {"assistant_id": assistant, **body}, **more)
        return await self._result(answer)

    async def wait(self, run_id: str, thread_id: str | None = None) -> Json:
        return await self._result(await self._ask("GET", f"{_of(run_id, thread_id)}/join"))

    async def run(self, run_id: str, thread_id: str | None = None) -> Json:
        return await self._said("GET", _of(run_id, thread_id))

    async def runs(self, thread_id: str, **query: Json) -> Json:
        return await self._said("GET", f"/threads/{thread_id}/runs", params=query)

    async def cancel(self, run_id: str, thread_id: str | None = None, **query: Json) -> Json:
        path = f"{_of(run_id, thread_id)}/cancel"
        answer = await self._ask("POST", path, params={key: str(value).lower() for key, value in query.items()})
        return {"waited": answer.status_code == 200 and answer.json() == {}}

    async def cancel_many(self, **body: Json) -> Json:
        action = body.pop("action", None)
        answer = await self._ask("POST", "/runs/cancel", body, params={} if action is None else {"action": action})
        assert answer.status_code == 204
        return {}

    async def delete_run(self, run_id: str, thread_id: str | None = None) -> None:
        await self._ask("DELETE", _of(run_id, thread_id))

    async def create_thread(self, **body: Json) -> Json:
        return await self._said("POST", "/threads", body)

    async def thread(self, thread_id: str) -> Json:
        return await self._said("GET", f"/threads/{thread_id}", params={"include": "ttl"})

    async def update_thread(self, thread_id: str, metadata: Json, **body: Json) -> Json:
        return await self._said("PATCH", f"/threads/{thread_id}", {"metadata": metadata, **body})

    async def prune_threads(self, thread_ids: Sequence[str], **body: Json) -> Json:
        return await self._said("POST", "/threads/prune", {"thread_ids": list(thread_ids), **body})

    async def delete_thread(self, thread_id: str) -> None:
        await self._ask("DELETE", f"/threads/{thread_id}")

    async def threads(self, **body: Json) -> Json:
        return await self._said("POST", "/threads/search", body)

    async def count_threads(self, **body: Json) -> Json:
        return await self._said("POST", "/threads/count", body)

    async def copy_thread(self, thread_id: str) -> Json:
        return await self._said("POST", f"/threads/{thread_id}/copy")

    async def state(self, thread_id: str, **at: Json) -> Json:
        path, at = f"/threads/{thread_id}/state", _with_keys(at)
        if "checkpoint" in at:
            return await self._said("POST", f"{path}/checkpoint", at)
        checkpoint_id, subgraphs = at.get("checkpoint_id"), at.get("subgraphs", False)
        at_id = f"/{checkpoint_id}" if checkpoint_id else ""
        query = {"subgraphs": str(subgraphs).lower(), "select": at.get("select", [])}
        return await self._said("GET", path + at_id, params=query)

    async def update_state(self, thread_id: str, **body: Json) -> Json:
        return await self._said("POST", f"/threads/{thread_id}/state", body)

    async def history(self, thread_id: str, **body: Json) -> Json:
        body = _with_keys(body)
        if "checkpoint_ns" in body:
            body["checkpoint"] = {"checkpoint_ns": body.pop("checkpoint_ns")}
        return await self._said("POST", f"/threads/{thread_id}/history", body)

    async def assistant(self, assistant_id: str) -> Json:
        return await self._said("GET", f"/assistants/{assistant_id}")

    async def assistants(self, **body: Json) -> Json:
        return await self._said("POST", "/assistants/search", body)

    async def count_assistants(self, **body: Json) -> Json:
        return await self._said("POST", "/assistants/count", body)

    async def create_assistant(self, graph_id: str, **body: Json) -> Json:
        return await self._said("POST", "/assistants", {"graph_id": graph_id, **body})

    async def update_assistant(self, assistant_id: str, **body: Json) -> Json:
        return await self._said("PATCH", f"/assistants/{assistant_id}", body)

    async def delete_assistant(self, assistant_id: str, *, delete_threads: bool = False) -> None:
        query = {"delete_threads": "true"} if delete_threads else {}
        await self._ask("DELETE", f"/assistants/{assistant_id}", params=query)

    async def create_cron(self, assistant: str, thread_id: str | None = None, **body: Json) -> Json:
        return await self._said("POST", f"{_under(thread_id)}/crons", {"assistant_id": assistant, **body})

    async def cron(self, cron_id: str) -> Json:
        return await self._said("GET", f"/runs/crons/{cron_id}")

    async def update_cron(self, cron_id: str, **body: Json) -> Json:
        return await self._said("PATCH", f"/runs/crons/{cron_id}", body)

    async def delete_cron(self, cron_id: str) -> None:
        await self._ask("DELETE", f"/runs/crons/{cron_id}")

    async def crons(self, **body: Json) -> Json:
        return await self._said("POST", "/runs/crons/search", body)

    async def count_crons(self, **body: Json) -> Json:
        return await self._said("POST", "/runs/crons/count", body)

    async def versions(self, assistant_id: str, **body: Json) -> Json:
        return await self._said("POST", f"/assistants/{assistant_id}/versions", body)

    async def set_latest(self, assistant_id: str, version: int) -> Json:
        return await self._said("POST", f"/assistants/{assistant_id}/latest", {"version": version})

    async def drawing(self, assistant_id: str, xray: int = 0) -> Json:
        return await self._said("GET", f"/assistants/{assistant_id}/graph", params={"xray": str(xray)})

    async def schemas(self, assistant_id: str) -> Json:
        return await self._said("GET", f"/assistants/{assistant_id}/schemas")

    async def subgraphs(self, assistant_id: str, namespace: str = "", *, recurse: bool = False) -> Json:
        path = f"/assistants/{assistant_id}/subgraphs" + (f"/{namespace}" if namespace else "")
        return await self._said("GET", path, params={"recurse": str(recurse).lower()})

    async def put_item(self, **body: Json) -> None:
        await self._ask("PUT", "/store/items", body)

    async def item(self, **query: Json) -> Json:
        return await self._said("GET", "/store/items", params={**query, "namespace": ".".join(query["namespace"])})

    async def delete_item(self, **body: Json) -> None:
        await self._ask("DELETE", "/store/items", body)

    async def items(self, **body: Json) -> Json:
        return (await self._said("POST", "/store/items/search", body))["items"]

    async def namespaces(self, **body: Json) -> Json:
        return (await self._said("POST", "/store/namespaces", body))["namespaces"]

    async def _result(self, answer: httpx.Response) -> Json:
        """The value of a run that was waited for, taken apart; the run itself is where the answer says that it is."""
        value = json.loads(answer.content)
        place = answer.headers.get("content-location")
        error = value.get("__error__") if isinstance(value, dict) else None
        found = None if place is None else await self._client.get(place)
        plain = (
            {key: item for key, item in value.items() if not key.startswith("__")} if isinstance(value, dict) else value
        )
        return {
            "values": None if error else plain,
            "error": error and {"type": error["error"], "message": error["message"]},
            "interrupts": value.get("__interrupt__", []) if isinstance(value, dict) else [],
            "run": found.json() if found is not None and found.status_code == 200 else None,
        }


def _under(thread_id: str | None) -> str:
    return "/runs" if thread_id is None else f"/threads/{thread_id}/runs"


def _of(run_id: str, thread_id: str | None) -> str:
    return f"{_under(thread_id)}/{run_id}"


def _keyed(body: dict[str, Json]) -> dict[str, Any]:
    """Takes the key of a request out of its body: what the request has beside that."""
    key = body.pop("request_id", None)
    return {} if key is None else {"headers": {"Idempotency-Key": key.encode()}}


def _cursor(after: int | None, whole: str) -> Mapping[str, str]:
    if after is None:
        return {}
    return {"last-event-id": whole if after == 0 else str(after)}


def _check(answer: httpx.Response) -> None:
    if answer.status_code < 400:
        return
    body = answer.json()
    metadata = body.get("metadata", {})
    assert body.get("field") == metadata.get("field")
    raise Refused(body["code"], answer.status_code, body["detail"], metadata)


def _with_keys(body: Json) -> Json:
    """Here, some keys of the values are chosen among the fields: those, and all other fields."""
    if "value_keys" not in body:
        return body
    others = [field for field in STATE_FIELDS if field != "values"]
    rest = {name: value for name, value in body.items() if name != "value_keys"}
    return {**rest, "select": [*others, *(f"values.{key}" for key in body["value_keys"])]}
