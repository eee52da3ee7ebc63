"""Every error that a caller can meet.

Owns the one exception tree of the server and the kinds it maps to. How a kind looks on the wire is in `rpc/status.py` and `rest/errors.py`. The
invariant: a message here is written for the caller, names no internals, and says what to do.
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What sort of failure it is: one for each canonical gRPC code that this server uses."""

    INVALID_ARGUMENT = "invalid_argument"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    FAILED_PRECONDITION = "failed_precondition"
    ABORTED = "aborted"
    OUT_OF_RANGE = "out_of_range"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    UNAUTHENTICATED = "unauthenticated"
    PERMISSION_DENIED = "permission_denied"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CANCELLED = "cancelled"
    UNAVAILABLE = "unavailable"
    UNIMPLEMENTED = "unimplemented"
    INTERNAL = "internal"


UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""A UUID in lower case."""

LONGEST = 300
"""The most characters of a message. What a caller sent is quoted in it, and trailers share 8 KiB (wire D)."""


def shortened(text: str) -> str:
    """The text, without its middle where it is too long."""
    half = LONGEST // 2 - 1
    return text if len(text) <= LONGEST else f"{text[:half]}…{text[-half:]}"


class GraphwireError(Exception):
    """The root of all errors that a caller can meet.

    Attributes:
        kind: What sort of failure it is.
        reason: A stable name for programs.
        http_status: The HTTP status where the documented surface answers otherwise than the kind's row of the table; None is the table's.

    Args:
        message: A sentence for the caller: what is wrong, and what to do.
        metadata: Facts for programs, as text.
    """

    kind: ClassVar[Kind] = Kind.INTERNAL
    reason: ClassVar[str] = "INTERNAL"
    http_status: int | None = None

    def __init__(self, message: str, **metadata: str) -> None:
        self.message = shortened(message)
        super().__init__(self.message)
        self.metadata = metadata


class InvalidField(GraphwireError):
    """A field of a request is wrong. Correct it and call again.

    Args:
        field: The field's path in the request, such as `config.recursion_limit`.
        problem: What is wrong, and what it should be.
        http_status: See the root class.
    """

    kind = Kind.INVALID_ARGUMENT
    reason = "INVALID_FIELD"

    def __init__(self, field: str, problem: str, http_status: int | None = None) -> None:
        super().__init__(f"{field}: {problem}", field=shortened(field))
        self.field = field
        self.problem = shortened(problem)
        self.http_status = http_status


class ResourceNotFound(GraphwireError):
    """Something that the request names does not exist.

    Args:
        resource_id: The id or name that was asked for.
    """

    kind = Kind.NOT_FOUND
    resource_type: ClassVar[str]
    hint: ClassVar[str]

    def __init__(self, resource_id: str) -> None:
        super().__init__(f"{self.resource_type} {resource_id!r} does not exist; {self.hint}")
        self.resource_id = shortened(resource_id)


class AssistantNotFound(ResourceNotFound):
    """No assistant and no graph has this id or name. SearchAssistants lists them. Over HTTP a name that is no UUID is a field that is wrong."""

    reason = "ASSISTANT_NOT_FOUND"
    resource_type = "assistant"
    hint = "SearchAssistants (POST /assistants/search) lists those that do"

    def __init__(self, resource_id: str) -> None:
        super().__init__(resource_id)
        self.http_status = None if UUID_TEXT.fullmatch(resource_id.lower()) else 422


class SystemAssistant(GraphwireError):
    """The assistant is a graph's own, which lives as long as its graph and is as langgraph.json says (wire fact 78). Create another of the same graph.

    Args:
        assistant_id: The assistant.
        refused: What it cannot be, such as `deleted`.
    """

    kind = Kind.FAILED_PRECONDITION
    reason = "SYSTEM_ASSISTANT"

    def __init__(self, assistant_id: str, refused: str) -> None:
        super().__init__(
            f"assistant {assistant_id!r} is its graph's own and cannot be {refused}; it goes with the graph out of "
            "langgraph.json, and you may create another of the same graph",
            assistant_id=assistant_id,
        )


class AssistantExists(GraphwireError):
    """An assistant has this id already. Use it, or choose another id."""

    kind = Kind.ALREADY_EXISTS
    reason = "ASSISTANT_EXISTS"

    def __init__(self, assistant_id: str) -> None:
        super().__init__(f"assistant {assistant_id!r} exists already; set if_exists to keep it, or choose another id")
        self.resource_id = assistant_id


class GraphNotFound(ResourceNotFound):
    """langgraph.json has no graph of this name, or no longer: an assistant or a thread may have been made before it went. Put it back, or name another."""

    reason = "GRAPH_NOT_FOUND"
    resource_type = "graph"
    hint = "langgraph.json does not have it, or no longer; put it there, or name one that it has"


class ThreadNotFound(ResourceNotFound):
    """No thread has this id. Create it first, or let the run create it."""

    reason = "THREAD_NOT_FOUND"
    resource_type = "thread"
    hint = "create it with CreateThread (POST /threads), or set if_not_exists in the run"


class RunNotFound(ResourceNotFound):
    """No run has this id, or it belongs to another thread, or it was stateless and has ended."""

    reason = "RUN_NOT_FOUND"
    resource_type = "run"
    hint = "ListRuns lists the runs of a thread; a stateless run is gone when it has ended, and one that was rolled back is deleted"


class CheckpointNotFound(ResourceNotFound):
    """The thread has no checkpoint with this id. ListThreadHistory lists them."""

    reason = "CHECKPOINT_NOT_FOUND"
    resource_type = "checkpoint"
    hint = "ListThreadHistory lists those of a thread"


class ItemNotFound(GraphwireError):
    """The store has no item with this key in this namespace, or its time has passed. Over HTTP that is null, and no error (wire fact 84)."""

    kind = Kind.NOT_FOUND
    reason = "ITEM_NOT_FOUND"

    def __init__(self, namespace: Sequence[str], key: str) -> None:
        where = shortened(".".join(namespace))
        super().__init__(f"there is no item {shortened(key)!r} in {where!r}; SearchItems lists those that are there")
        self.resource_id = shortened(f"{where}/{key}")


class CronNotFound(ResourceNotFound):
    """No cron has this id. SearchCrons lists those that there are; crons go with their thread, and with their assistant."""

    reason = "CRON_NOT_FOUND"
    resource_type = "cron"
    hint = "SearchCrons (POST /runs/crons/search) lists those that do; crons are deleted with their thread and with their assistant"


class ThreadExists(GraphwireError):
    """A thread has this id already. Use it, or choose another id."""

    kind = Kind.ALREADY_EXISTS
    reason = "THREAD_EXISTS"

    def __init__(self, thread_id: str) -> None:
        super().__init__(f"thread {thread_id!r} exists already; set if_exists to keep it, or choose another id")
        self.resource_id = thread_id


class ThreadBusy(GraphwireError):
    """A run is on the thread. Wait for it, cancel it, or let the new run wait its turn.

    Args:
        thread_id: The thread.
        wants: What was refused, as a noun, such as `the run`.
    """

    kind = Kind.FAILED_PRECONDITION
    reason = "THREAD_BUSY"

    def __init__(self, thread_id: str, wants: str) -> None:
        super().__init__(
            f"thread {thread_id!r} is busy, so {wants} is refused; wait for its run or cancel it", thread_id=thread_id
        )


class NothingToResume(GraphwireError):
    """The thread has no run that waits for an answer. Send an input instead of command.resume."""

    kind = Kind.FAILED_PRECONDITION
    reason = "NOTHING_TO_RESUME"

    def __init__(self, thread_id: str | None) -> None:
        self.http_status = None if thread_id else 400
        where = f"thread {thread_id!r}" if thread_id else "a stateless run"
        super().__init__(f"command.resume: {where} has no interrupt that waits for an answer; send an input instead")


class ThreadHasNoGraph(GraphwireError):
    """No run has used the thread yet, so no graph can read or change its state."""

    kind = Kind.FAILED_PRECONDITION
    reason = "THREAD_HAS_NO_GRAPH"
    http_status = 400

    def __init__(self, thread_id: str) -> None:
        super().__init__(f"thread {thread_id!r} has no graph yet; run one on it, or create it with graph_id")


class RequestReused(GraphwireError):
    """The request's key was used for another request. Use a new key for each run."""

    kind = Kind.ALREADY_EXISTS
    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str, run_id: str) -> None:
        super().__init__(
            f"request_id {shortened(request_id)!r} (Idempotency-Key) was used for another request, of run {run_id}; "
            "use a new one for each run",
            run_id=run_id,
        )


class LeaseLost(GraphwireError):
    """The run has ended, or another attempt at it has begun: what this attempt writes now is refused (design, promise 7). Nothing is to be done."""

    kind = Kind.ABORTED
    reason = "LEASE_LOST"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id!r} no longer executes here, so nothing more is written for it", run_id=run_id)


class RunFinished(GraphwireError):
    """The run has ended, so it cannot be cancelled."""

    kind = Kind.FAILED_PRECONDITION
    reason = "RUN_FINISHED"
    http_status = 404

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(
            f"run {run_id!r} has ended with status {status}; there is nothing to cancel", run_id=run_id, status=status
        )


class RunActive(GraphwireError):
    """The run has not ended, so it cannot be deleted. Cancel it first."""

    kind = Kind.FAILED_PRECONDITION
    reason = "RUN_ACTIVE"

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(f"run {run_id!r} is {status}; cancel it first", run_id=run_id, status=status)


class CursorExpired(GraphwireError):
    """Events behind the cursor are no longer held. Join live, or from `oldest_seq` - 1, and read the state.

    Args:
        after_seq: The cursor.
        oldest_seq: The lowest number that is still held; one above `newest_seq` where nothing is.
        newest_seq: The highest number given so far.
    """

    kind = Kind.OUT_OF_RANGE
    reason = "CURSOR_EXPIRED"

    def __init__(self, after_seq: int, oldest_seq: int, newest_seq: int) -> None:
        super().__init__(
            f"after_seq: events after {after_seq} are no longer held (held: {oldest_seq} to {newest_seq}); "
            "join without a cursor and read the thread's state",
            after_seq=str(after_seq),
            oldest_seq=str(oldest_seq),
            newest_seq=str(newest_seq),
        )
        self.oldest_seq = oldest_seq


class SlowReader(GraphwireError):
    """The reader fell further behind than the server holds events. Join again from `after_seq`, and read faster.

    Args:
        after_seq: The last event that was handed to the reader's connection.
    """

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "SLOW_READER"

    def __init__(self, after_seq: int) -> None:
        super().__init__(
            f"this stream was read too slowly; join again with after_seq {after_seq}", after_seq=str(after_seq)
        )


class RequestTooLarge(GraphwireError):
    """The request has more bytes than the server takes. Send less, or raise `max_request_bytes`.

    Args:
        most: How many bytes it takes.
    """

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "REQUEST_TOO_LARGE"
    http_status = 413

    def __init__(self, most: int) -> None:
        super().__init__(f"the request has more than {most} bytes", most=str(most))


class Unauthenticated(GraphwireError):
    """The caller has not shown a key that the server knows. Send one with each call."""

    kind = Kind.UNAUTHENTICATED
    reason = "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("this server asks for an API key; send one as x-api-key, or as authorization: Bearer KEY")


class CapacityReached(GraphwireError):
    """The server has as many of these as it allows. Try again later, or raise the limit."""

    kind = Kind.RESOURCE_EXHAUSTED
    reason = "CAPACITY_REACHED"


class Draining(GraphwireError):
    """The server is stopping. Connect again, and resume from the cursor.

    Args:
        after_seq: The last event that was delivered, for streams.
    """

    kind = Kind.UNAVAILABLE
    reason = "DRAINING"
    retry_after: ClassVar[float] = 1.0

    def __init__(self, after_seq: int | None = None) -> None:
        metadata = {} if after_seq is None else {"after_seq": str(after_seq)}
        super().__init__("the server is stopping; connect again and resume from the cursor", **metadata)


class StoreUnavailable(GraphwireError):
    """The data store does not answer, is full or is locked. The log has the cause; try again."""

    kind = Kind.UNAVAILABLE
    reason = "STORE_UNAVAILABLE"
    retry_after: ClassVar[float] = 1.0


class EmbeddingFailed(GraphwireError):
    """The embedding function that langgraph.json names failed or took too long, so nothing was written or searched. The log has the cause; try again."""

    kind = Kind.UNAVAILABLE
    reason = "EMBEDDING_FAILED"
    retry_after: ClassVar[float] = 1.0


class NotOffered(GraphwireError):
    """This version does not offer the call or the option."""

    kind = Kind.UNIMPLEMENTED
    reason = "NOT_OFFERED"

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not offered by this version of graphwire")
