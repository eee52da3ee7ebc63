"""Commands of the v2 event protocol.

Owns their form, which of them there are, and the words in which one fails (wire facts 54, 55 and 58). A command that fails is an answer; what is said of the server itself,
that it stops or has no room, is not, so that callers try again.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphwire_server.core.errors import (
    CheckpointNotFound,
    CursorExpired,
    GraphwireError,
    InvalidField,
    Kind,
    NothingToResume,
    ResourceNotFound,
    RunNotFound,
    ThreadNotFound,
)
from graphwire_server.core.model import Run
from graphwire_server.core.runs import Runs
from graphwire_server.core.threads import Threads
from graphwire_server.rest.v2.channels import wrong
from graphwire_server.rest.v2.envelopes import MOST_SEQ, failure
from graphwire_server.rest.v2.starting import NoSuchInterrupt, Sent, Starting, applied_through
from graphwire_server.rest.v2.states import States
from graphwire_server.rest.v2.tree import tree_of

Said = dict[str, Any]

_OF_A_SOCKET = frozenset({"subscription.subscribe", "subscription.unsubscribe", "subscription.reconnect"})
_UNSERVED = frozenset({Kind.UNAVAILABLE, Kind.RESOURCE_EXHAUSTED, Kind.INTERNAL})
_CODES: tuple[tuple[type[GraphwireError], str], ...] = (
    (InvalidField, "invalid_argument"),
    (NothingToResume, "no_such_interrupt"),
    (CheckpointNotFound, "no_such_checkpoint"),
    (ThreadNotFound, "no_such_run"),
    (RunNotFound, "no_such_run"),
    (CursorExpired, "resume_gap"),
    (ResourceNotFound, "invalid_argument"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command whose form is right."""

    id: int
    method: str
    params: Mapping[str, Any]


def command(given: Any) -> Command:
    """A command as it was sent. Raises InvalidField where its form is wrong."""
    if not isinstance(given, Mapping):
        raise wrong("body", "must be a JSON object")
    number, method, params = given.get("id"), given.get("method"), given.get("params")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MOST_SEQ:
        raise wrong("id", "must be an integer, 0 or more; the answer repeats it")
    if not isinstance(method, str) or not method:
        raise wrong("method", "must be a string, such as run.start")
    if params is not None and not isinstance(params, Mapping):
        raise wrong("params", "must be a JSON object")
    return Command(id=number, method=method, params=params or {})


def refusal(error: GraphwireError, command_id: int | None) -> Said:
    """The answer to a command that failed."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "unknown_error")
    return failure(code, error.message, command_id)


def success(command_id: int, result: Mapping[str, Any], run: Run | None = None) -> Said:
    """The answer to a command that was done."""
    made: Said = {"type": "success", "id": command_id, "result": result}
    if run is not None:
        made["meta"] = {"applied_through_seq": applied_through(run)}
    return made


class Commands:
    """What is done for commands, whichever way they come.

    Args:
        threads: The threads of this server.
        runs: Its runs.
    """

    def __init__(self, threads: Threads, runs: Runs) -> None:
        self._threads = threads
        self._states = States(threads)
        starting = Starting(threads, runs)
        self._starts = {
            "run.start": starting.start,
            "input.respond": starting.respond,
            "state.fork": starting.fork,
        }
        self._reads: Mapping[str, Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]] = {
            "agent.getTree": self._tree,
            "state.get": self._states.get,
            "state.listCheckpoints": self._states.checkpoints,
        }

    async def answer(self, thread_id: str, asked: Command, sent: Sent) -> Said:
        """Does what a command says, and gives its answer. Raises GraphwireError where the server cannot serve it now."""
        try:
            return await self._do(thread_id, asked, sent)
        except GraphwireError as error:
            if error.kind in _UNSERVED:
                raise
            return refusal(error, asked.id)
        except NoSuchInterrupt as error:
            return failure("no_such_interrupt", str(error), asked.id)

    async def _do(self, thread_id: str, asked: Command, sent: Sent) -> Said:
        start = self._starts.get(asked.method)
        if start is not None:
            run = await start(thread_id, asked.params, sent)
            result = {"run_id": run.run_id}
            if asked.method == "state.fork":
                result["thread_id"] = run.thread_id
            return success(asked.id, result, run)
        read = self._reads.get(asked.method)
        if read is not None:
            return success(asked.id, await read(thread_id, asked.params))
        if asked.method in _OF_A_SOCKET:
            return failure(
                "no_such_run", f"{asked.method} is for a WebSocket; POST .../stream/events instead", asked.id
            )
        if asked.method == "input.inject":
            return failure("not_supported", "LangGraph takes no message while a run executes; start a run", asked.id)
        served = ", ".join([*self._starts, *self._reads])
        return failure("unknown_command", f"{asked.method!r} is no command; there are {served}", asked.id)

    async def _tree(self, thread_id: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        run_id = params.get("run_id")
        if run_id is not None and not isinstance(run_id, str):
            raise InvalidField("run_id", "must be a string")
        found = await tree_of(self._threads, thread_id, run_id)
        if found is None:
            raise RunNotFound(run_id or "the newest of the thread")
        return {"tree": found}
