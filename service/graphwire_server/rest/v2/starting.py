"""Commands that make runs: run.start, input.respond, state.fork.

Owns what the protocol fixes of such a run (wire fact 56), and when an input is an answer. Where a run executes, and what may refuse it, is the core's matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphwire_server.core.errors import InvalidField, ThreadNotFound
from graphwire_server.core.model import Command, Run, RunSpec, Thread
from graphwire_server.core.runs import Runs
from graphwire_server.core.threads import Threads
from graphwire_server.rest.run_requests import CommandBody, RunBody
from graphwire_server.rest.shapes import body_of
from graphwire_server.rest.v2.envelopes import through

Params = Mapping[str, Any]

MODES = ("values", "updates", "messages-tuple", "custom", "tasks", "checkpoints", "tools")
"""The stream modes of a run of this protocol: one for each channel that a graph feeds."""
_TAKEN = ("assistant_id", "input", "config", "metadata", "multitask_strategy", "multitaskStrategy", "langsmith_tracer")
_FIXED = {"stream_subgraphs": True, "stream_resumable": True, "if_not_exists": "create", "on_completion": "keep"}


class NoSuchInterrupt(Exception):
    """No interrupt of the thread has this id, or it was answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What comes with a command, beside it.

    Attributes:
        headers: The headers that nodes may read.
        key: The caller's key against doubled runs; empty for none.
    """

    headers: Mapping[str, str]
    key: str = ""


class Starting:
    """The commands that make runs.

    Args:
        threads: The threads of this server.
        runs: Its runs.
    """

    def __init__(self, threads: Threads, runs: Runs) -> None:
        self._threads = threads
        self._runs = runs

    async def start(self, thread_id: str, params: Params, sent: Sent) -> Run:
        """Starts a run. An input is the answer, where the thread waits for one and no checkpoint is named to go on from."""
        spec = _spec(thread_id, {name: params[name] for name in _TAKEN if name in params}, sent)
        if spec.has_input and spec.checkpoint is None and await self._waits(thread_id):
            spec = replace(spec, has_input=False, input=None, command=Command(has_resume=True, resume=spec.input))
        return await self._runs.create(spec)

    async def respond(self, thread_id: str, params: Params, sent: Sent) -> Run:
        """Answers interrupts of a thread by their ids, and lets it go on. Those that get no answer wait on."""
        thread = await self._threads.get(thread_id)
        answers = _answers(params)
        waiting = _waiting(thread)
        for interrupt_id in answers:
            if interrupt_id not in waiting:
                raise NoSuchInterrupt(
                    f"thread {thread.thread_id} does not wait for an answer to interrupt {interrupt_id!r}"
                )
        said = {name: params[name] for name in ("update", "goto") if params.get(name) is not None}
        command = body_of(CommandBody, {**said, "resume": answers}).command()
        given = {name: params[name] for name in ("config", "metadata") if name in params}
        spec = _spec(thread_id, {**given, "assistant_id": thread.assistant_id or thread.graph_id}, sent)
        return await self._runs.create(replace(spec, command=command))

    async def fork(self, thread_id: str, params: Params, sent: Sent) -> Run:
        """Starts a run from a checkpoint of the thread."""
        thread = await self._threads.get(thread_id)
        if not isinstance(params.get("checkpoint_id"), str):
            raise InvalidField("checkpoint_id", "must be the id of a checkpoint: a UUID")
        given = {name: params[name] for name in ("input", "config", "checkpoint_id") if name in params}
        return await self._runs.create(
            _spec(thread_id, {**given, "assistant_id": thread.assistant_id or thread.graph_id}, sent)
        )

    async def _waits(self, thread_id: str) -> bool:
        try:
            return bool(_waiting(await self._threads.get(thread_id)))
        except ThreadNotFound:
            return False


def applied_through(run: Run) -> int:
    """The number behind which all envelopes of a run come; 0 where that is not known, since it waits for its turn."""
    return through(run.first_seq - 1) if run.first_seq else 0


def _spec(thread_id: str, given: Params, sent: Sent) -> RunSpec:
    body = body_of(RunBody, {**given, **_FIXED})
    spec = body.spec(thread_id, sent.headers, keep_output=True, request_id=sent.key)
    return replace(spec, stream_modes=MODES)


def _waiting(thread: Thread) -> frozenset[str]:
    return frozenset(item.id for task in thread.interrupts for item in task.interrupts)


def _answers(params: Params) -> dict[str, Any]:
    entries = params.get("responses", [params])
    if not isinstance(entries, list) or not entries:
        raise InvalidField("responses", "must be an array of at least one answer")
    answers: dict[str, Any] = {}
    for index, entry in enumerate(entries):
        field = f"responses[{index}]" if "responses" in params else "params"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("interrupt_id"), str):
            raise InvalidField(f"{field}.interrupt_id", "must be the id of an interrupt: a string")
        if "response" not in entry:
            raise InvalidField(f"{field}.response", "is missing; it is the answer, and may be null")
        if entry["interrupt_id"] in answers:
            raise InvalidField(f"{field}.interrupt_id", "is there twice; an interrupt has one answer")
        answers[entry["interrupt_id"]] = entry["response"]
    return answers
