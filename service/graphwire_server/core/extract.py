"""Parts of threads by path.

Owns what a path is and what stands at its end, for searches that want little of each of many threads. Pure. A path is that of the documented thread: a field, then keys
behind dots and places in brackets, from the end where they are negative: `values.messages[-1].content`. Where nothing stands, it is null.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, TypeAlias

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import JsonValue, RunConfig, Thread

MOST_PATHS = 10
"""The most paths of one search (wire A3)."""

_LONGEST = 500
_STEP = re.compile(r"\.([^.\[\]]+)|\[(-?\d{1,9})\]")

Path: TypeAlias = tuple[str | int, ...]
"""Keys, and places in arrays; the first is a field of the thread."""

ROOTS = (
    "thread_id", "created_at", "updated_at", "state_updated_at", "metadata", "config", "status", "values", "interrupts", "error",
)  # fmt: skip
"""The fields that a path may begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What is wanted of each thread, by names of the caller's choice."""

    paths: Mapping[str, Path]

    def __bool__(self) -> bool:
        return bool(self.paths)

    @property
    def of_values(self) -> bool:
        """Whether the values of the latest state are needed."""
        return any(path[0] == "values" for path in self.paths.values())

    def of(self, thread: Thread, values: bytes | None) -> dict[str, bytes]:
        """What stands at each path, as JSON text.

        Args:
            thread: The thread.
            values: The values of its latest state as JSON text, where `of_values` asks for them.
        """
        roots: dict[str, JsonValue] = {}
        found = {}
        for name, (root, *rest) in self.paths.items():
            if root not in roots:
                roots[str(root)] = _field(thread, str(root), values)
            found[name] = _text(_at(roots[str(root)], rest))
        return found


def extract(given: Mapping[str, str]) -> Extract:
    """What a caller wants, from paths by name.

    Raises:
        InvalidField: There are more than MOST_PATHS, or one is no path.
    """
    if len(given) > MOST_PATHS:
        raise InvalidField("extract", f"has {len(given)} paths; at most {MOST_PATHS} are taken")
    return Extract(paths={name: _path(f"extract.{name}", path) for name, path in given.items()})


def narrowed(values: bytes, keys: frozenset[str]) -> bytes:
    """Values with some of their keys alone, as JSON text; as they are where they are no object."""
    found = json.loads(values)
    if not isinstance(found, dict):
        return values
    return _text({key: value for key, value in found.items() if key in keys})


def _path(field: str, text: str) -> Path:
    if len(text) > _LONGEST:
        raise InvalidField(field, f"has {len(text)} characters; at most {_LONGEST} are taken")
    root = re.match(r"[a-z_]*", text)
    name, at = (root[0], root.end()) if root else ("", 0)
    if name not in ROOTS:
        raise InvalidField(field, f"{text!r} does not begin with a field of a thread: {', '.join(ROOTS)}")
    path: list[str | int] = [name]
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise InvalidField(field, f"{text!r} is no path such as values.messages[-1].content")
        path.append(step[1] if step[1] is not None else int(step[2]))
        at = step.end()
    return tuple(path)


def _at(value: JsonValue, path: list[str | int]) -> JsonValue:
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        else:
            inside = isinstance(value, list) and -len(value) <= step < len(value)
            value = value[step] if inside else None
    return value


def _text(value: JsonValue) -> bytes:
    # Lone surrogates stay escaped: as characters, they have no UTF-8.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def _field(thread: Thread, root: str, values: bytes | None) -> JsonValue:
    match root:
        case "values":
            return None if values is None else json.loads(values)
        case "created_at" | "updated_at":
            return _time(getattr(thread, root))
        case "state_updated_at":
            return _time(thread.state_updated_at or thread.created_at)
        case "status":
            return thread.status.value
        case "config":
            return _config(thread.config)
        case "interrupts":
            return _interrupts(thread)
        case "error":
            return _error(thread.error)
        case _:
            return getattr(thread, root)


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _config(config: RunConfig) -> dict[str, Any]:
    every = {field.name: getattr(config, field.name) for field in fields(config)}
    return {name: value for name, value in every.items() if value not in (None, ())}


def _interrupts(thread: Thread) -> JsonValue:
    return {
        task.task_id: [{"id": item.id, "value": json.loads(item.value)} for item in task.interrupts]
        for task in thread.interrupts
    }


def _error(line: str | None) -> JsonValue:
    if line is None:
        return None
    name, _, message = line.partition(": ")
    return {"error": name, "message": message}
