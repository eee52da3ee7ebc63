"""The Python client of graphwire: start LangGraph graphs over gRPC, follow their events, leave and come back.

`connect` is the door. The generated messages are in `graphwire.v1`.
"""

from graphwire.assistants import Assistant, Edge, Graph, Node, Schemas
from graphwire.client import Client, DisconnectMode, connect
from graphwire.crons import Cron
from graphwire.errors import (
    AlreadyExists,
    CursorExpired,
    DeadlineExceeded,
    FailedPrecondition,
    FieldViolation,
    GraphwireError,
    InvalidArgument,
    NotFound,
    NotOffered,
    PermissionDenied,
    RunFailed,
    SlowReader,
    Unauthenticated,
    Unavailable,
)
from graphwire.event import Event
from graphwire.messages import Message, Messages, TokenUsage, ToolCall
from graphwire.model import Interrupt, Run, RunError, RunResult, WebhookDelivery
from graphwire.options import Command, Config, Filter, Goto, InvokeOptions, RunOptions, StateUpdate, StreamOptions
from graphwire.payload import from_json, to_json, to_plain
from graphwire.state import Checkpoint, StateTask, Thread, ThreadState, Ttl
from graphwire.store import Item
from graphwire.stream import RunStream, ThreadStream
from graphwire.threads import Pruned

__all__ = [
    "AlreadyExists",
    "Assistant",
    "Checkpoint",
    "Client",
    "Command",
    "Config",
    "Cron",
    "CursorExpired",
    "DeadlineExceeded",
    "DisconnectMode",
    "Edge",
    "Event",
    "FailedPrecondition",
    "FieldViolation",
    "Filter",
    "Goto",
    "Graph",
    "GraphwireError",
    "Interrupt",
    "InvalidArgument",
    "InvokeOptions",
    "Item",
    "Message",
    "Messages",
    "Node",
    "NotFound",
    "NotOffered",
    "PermissionDenied",
    "Pruned",
    "Run",
    "RunError",
    "RunFailed",
    "RunOptions",
    "RunResult",
    "RunStream",
    "Schemas",
    "SlowReader",
    "StateTask",
    "StateUpdate",
    "StreamOptions",
    "Thread",
    "ThreadState",
    "ThreadStream",
    "TokenUsage",
    "ToolCall",
    "Ttl",
    "Unauthenticated",
    "Unavailable",
    "WebhookDelivery",
    "connect",
    "from_json",
    "to_json",
    "to_plain",
]
