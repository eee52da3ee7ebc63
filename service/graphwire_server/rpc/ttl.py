"""How long threads live, over gRPC.

Owns the step between the message and the core's value.
"""

from graphwire.v1 import thread_pb2
from graphwire_server.core.model import Thread
from graphwire_server.core.ttl import Ttl, TtlStrategy
from graphwire_server.rpc.requests import choose, span

_STRATEGIES = {
    thread_pb2.TTL_STRATEGY_UNSPECIFIED: TtlStrategy.DELETE,
    thread_pb2.TTL_STRATEGY_DELETE: TtlStrategy.DELETE,
    thread_pb2.TTL_STRATEGY_KEEP_LATEST: TtlStrategy.KEEP_LATEST,
}
_NUMBERS = {
    TtlStrategy.DELETE: thread_pb2.TTL_STRATEGY_DELETE,
    TtlStrategy.KEEP_LATEST: thread_pb2.TTL_STRATEGY_KEEP_LATEST,
}


def strategy(field: str, number: thread_pb2.TtlStrategy.ValueType) -> TtlStrategy:
    """What goes. Raises InvalidField."""
    return choose(field, _STRATEGIES, number)


def ttl(request: thread_pb2.ThreadTtl) -> Ttl:
    """The time to live that a request has. Raises InvalidField."""
    return Ttl(after=span("ttl", request.after), strategy=strategy("ttl.strategy", request.strategy))


def write_ttl(made: thread_pb2.Thread, thread: Thread) -> None:
    """Writes how long a thread lives; nothing where it does for ever."""
    if thread.ttl is None or thread.expires_at is None:
        return
    made.ttl.after.FromTimedelta(thread.ttl.after)
    made.ttl.strategy = _NUMBERS[thread.ttl.strategy]
    made.ttl.expire_time.FromDatetime(thread.expires_at)
