"""How an answer is held against a recorded one.

Owns what two servers may differ in: ids and times, fields that a server adds, and what names the recorded server's own deployment. And the few recorded
values that do not hold here, each with its reason: the recording stays what was recorded.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
_HEX = re.compile(r"\b[0-9a-f]{32}\b")

IGNORED = frozenset(
    {
        "langgraph_api_version", "langgraph_version", "langgraph_plan", "langgraph_host", "langgraph_api_url",
        "langgraph_request_id", "__request_start_time_ms__", "__after_seconds__", "langgraph_auth_user",
        "langgraph_auth_user_id", "langgraph_auth_permissions", "user_id", "run_attempt", "created_by",
        "langgraph_checkpoint_ns", "__pregel_node_finished", "ls_integration", "x-request-id", "revision_id",
        "__protocol_messages_stream", "langgraph_request_headers", "versions", "lc_versions", "checkpoint_map",
    }
)  # fmt: skip
"""Fields that say where and how a server runs, not what it answers."""

DIFFERENCES: Mapping[tuple[str, ...], Any] = {
    # The recorded server looks for new runs now and then: when the recording joined, 1.2 s behind the creation, the run had not begun, and the joiner
    # got all of it. Here a run begins at once, and the scenario joins when it has been seen at work: what was streamed before a join without a cursor
    # is not delivered to it.
    ("join_stream_is_live_only", "missed the start"): True,
}
"""By scenario and place, what is expected instead of the recorded value."""


def plain(value: Any, labels: Mapping[str, str]) -> Any:
    """A value with labels instead of ids and times, and without the fields that are ignored."""
    if isinstance(value, Mapping):
        return {plain(key, labels): plain(item, labels) for key, item in value.items() if key not in IGNORED}
    if isinstance(value, list | tuple):
        return [plain(item, labels) for item in value]
    if isinstance(value, str):
        for raw, name in labels.items():
            value = value.replace(raw, name)
        return _HEX.sub("<hex>", _TIME.sub("<time>", _UUID.sub("<uuid>", value)))
    return value


def expected(name: str, recorded: Any) -> Any:
    """What a scenario must give: what was recorded, but for the known differences."""
    for place, value in DIFFERENCES.items():
        if place[0] == name:
            recorded = _replaced(recorded, place[1:], value)
    return recorded


def differences(want: Any, got: Any, path: str = "") -> Iterator[str]:
    """What is otherwise than it was recorded, a line each. An object may have more fields than the recorded one."""
    if isinstance(want, Mapping) and isinstance(got, Mapping):
        for key, value in want.items():
            if key in IGNORED:  # a recording may be older than what is ignored
                continue
            if key in got:
                yield from differences(value, got[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: missing, want {_short(value)}"
    elif isinstance(want, list) and isinstance(got, list):
        yield from _listed(want, got, path)
    elif want != got or isinstance(want, bool) is not isinstance(got, bool):
        yield f"{path}: got {_short(got)}, want {_short(want)}"


def _listed(want: Sequence[Any], got: Sequence[Any], path: str) -> Iterator[str]:
    if len(want) != len(got):
        yield f"{path}: {len(got)} items, want {len(want)}"
    for index, (each, other) in enumerate(zip(want, got, strict=False)):
        yield from differences(each, other, f"{path}[{index}]")


def _replaced(value: Any, place: Sequence[str], by: Any) -> Any:
    if not place:
        return by
    return {**value, place[0]: _replaced(value[place[0]], place[1:], by)}


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:160]
