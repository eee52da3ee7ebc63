"""JSON values as text that people read.

Owns the shape: a key a line, chat messages as `type: text`, short values in one line, long ones indented.
"""

import json
from collections.abc import Collection
from typing import Any

WIDTH = 96
"""How long a value may be to stand in one line."""


def readable(value: Any, *, shown: Collection[str] = ()) -> str:
    """A value as text, without a newline at its end.

    Args:
        value: Any JSON value.
        shown: The ids of messages whose text the reader has seen already.
    """
    if isinstance(value, dict) and value and not _is_message(value):
        return "\n".join(_entry(key, item, shown) for key, item in value.items())
    if isinstance(value, list) and value and all(_is_message(item) for item in value):
        return "\n".join(_message(item, shown) for item in value)
    return _message(value, shown) if _is_message(value) else _scalar(value)


def _entry(key: str, value: Any, shown: Collection[str]) -> str:
    if isinstance(value, list) and value and all(_is_message(item) for item in value):
        text = readable(value, shown=shown)
    elif _is_message(value):
        text = _message(value, shown)
    else:
        text = _scalar(value)
    if "\n" not in text and len(key) + len(text) <= WIDTH:
        return f"{key}: {text}".rstrip()
    return f"{key}:\n" + "\n".join(f"  {line}" for line in text.splitlines())


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= WIDTH else json.dumps(value, ensure_ascii=False, indent=2)


def _is_message(value: Any) -> bool:
    """Whether it looks like a chat message as LangChain serializes one."""
    return isinstance(value, dict) and isinstance(value.get("type"), str) and "content" in value


def _message(value: dict[str, Any], shown: Collection[str]) -> str:
    """A message as `type: text`, with its tool calls."""
    text = "(as above)" if value.get("id") in shown else _content(value["content"])
    calls = [f"{call.get('name')}({json.dumps(call.get('args'), ensure_ascii=False)})" for call in _calls(value)]
    return f"{value['type']}: " + "\n".join(part for part in (text, *(f"calls {call}" for call in calls)) if part)


def _calls(value: dict[str, Any]) -> list[dict[str, Any]]:
    calls = value.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def _content(content: Any) -> str:
    """The text of a message's content: a string, or a list of blocks."""
    if isinstance(content, list):
        return "".join(_block(block) for block in content)
    return content if isinstance(content, str) else _scalar(content)


def _block(block: Any) -> str:
    if isinstance(block, str):
        return block
    if isinstance(block, dict) and isinstance(block.get("text"), str):
        return str(block["text"])
    return f"[{block.get('type', 'block') if isinstance(block, dict) else 'block'}]"
