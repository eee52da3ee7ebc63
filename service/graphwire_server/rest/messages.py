"""Chat messages as LangChain says them in JSON (wire fact 15).

Owns the form of a plain piece of text, which is put together from its typed fields; all other pieces bring their JSON with them.
"""

import orjson

from graphwire_server.core.events import Message

_BEHIND_TEXT = b',"additional_kwargs":{},"response_metadata":{},"type":"AIMessageChunk","name":null,"id":'
_BEHIND_ID = (
    b',"tool_calls":[],"invalid_tool_calls":[],"usage_metadata":null,"tool_call_chunks":[],"chunk_position":null}'
)


def message_parts(message: Message) -> tuple[bytes, ...]:
    """One piece of a message, or a whole one, with all fields that LangChain gives it, in parts to be joined."""
    if message.dump is not None:
        return (message.dump,)
    # What has no JSON of its own is a piece of a model's text and nothing else.
    text, message_id = orjson.dumps(message.text), orjson.dumps(message.id or None)
    return (b'{"content":', text, _BEHIND_TEXT, message_id, _BEHIND_ID)
