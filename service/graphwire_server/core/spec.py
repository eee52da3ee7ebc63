"""What a request for a run may say.

Owns the rules that hold on every transport before a run exists. Pure: it looks at the request alone.
"""

from dataclasses import replace
from datetime import timedelta

from graphwire_server.core.errors import UUID_TEXT, InvalidField, NothingToResume
from graphwire_server.core.model import KEYS_FOR, STREAM_MODES, Command, JsonObject, RunConfig, RunSpec

LONGEST_TIME = timedelta(days=3650)
"""The longest delay and the longest time limit of a run."""

LARGEST = 2**31 - 1
"""The largest number in a configuration: what the contract's int32 carries."""

MOST_REQUEST_ID = 128
"""The most characters of a caller's key against doubled runs."""

_A_UUID = "a UUID such as 018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID, in any case."""
    return UUID_TEXT.fullmatch(text.lower()) is not None


def check_uuid(field: str, text: str) -> str:
    """The UUID in lower case (wire fact 80). Raises InvalidField where it is none."""
    lowered = text.lower()
    if not text:
        raise InvalidField(field, f"is missing or empty; it must be {_A_UUID}")
    if not UUID_TEXT.fullmatch(lowered):
        raise InvalidField(field, f"{text!r} is not {_A_UUID}")
    return lowered


def check_modes(field: str, modes: tuple[str, ...]) -> tuple[str, ...]:
    """The stream modes, each once, in the order given. Raises InvalidField for one that does not exist."""
    for mode in modes:
        if mode not in STREAM_MODES:
            raise InvalidField(field, f"{mode!r} is no stream mode; there are {', '.join(STREAM_MODES)}")
    return tuple(dict.fromkeys(modes))


def check_spec(spec: RunSpec) -> RunSpec:
    """The request with its ids and modes in canonical form.

    Raises:
        InvalidField: Something is wrong with it.
        NothingToResume: It resumes, and has no thread on which something could wait (wire fact 76).
    """
    if spec.command is not None:
        _check_command(spec, spec.command)
    check_config(spec.config, spec.context)
    _check_times(spec)
    if len(spec.request_id) > MOST_REQUEST_ID:
        raise InvalidField("request_id", f"has {len(spec.request_id)} characters; at most {MOST_REQUEST_ID} are taken")
    if not timedelta(0) < spec.request_ttl <= KEYS_FOR:
        raise InvalidField("request_id_ttl", f"must be more than 0, and at most {KEYS_FOR // timedelta(hours=1)} hours")
    if spec.keep_thread and spec.thread_id is not None:
        raise InvalidField("on_completion", "is for runs without thread_id; a run on a thread never deletes it")
    if spec.checkpoint is not None and spec.thread_id is None:
        raise InvalidField("checkpoint_id", "needs thread_id: a stateless run has no checkpoints to start from")
    thread_id = None if spec.thread_id is None else check_uuid("thread_id", spec.thread_id)
    modes = check_modes("stream_mode", spec.stream_modes)
    if (thread_id, modes) == (spec.thread_id, spec.stream_modes):
        return spec
    return replace(spec, thread_id=thread_id, stream_modes=modes)


def _check_command(spec: RunSpec, command: Command) -> None:
    if spec.has_input:
        raise InvalidField("command", "and input are both set; send one of them")
    if not command.has_resume and command.update is None and not command.goto:
        raise InvalidField("command", "is empty; set resume, update or goto")
    check_changes("command", command)
    if command.has_resume and spec.thread_id is None:
        raise NothingToResume(None)


def check_changes(field: str, command: Command) -> None:
    """Raises InvalidField where what a command changes, or where it goes, cannot be meant. `field` is where in the request the command stands."""
    if not isinstance(command.update, dict | list | None):
        raise InvalidField(f"{field}.update", "must be a JSON object, or an array of [key, value] pairs")
    if isinstance(command.update, list) and not all(_is_pair(item) for item in command.update):
        raise InvalidField(f"{field}.update", "as an array must hold [key, value] pairs")
    if any(not goto.node for goto in command.goto):
        raise InvalidField(f"{field}.goto.node", "must name a node")


def _check_times(spec: RunSpec) -> None:
    if not timedelta(0) <= spec.start_after <= LONGEST_TIME:
        raise InvalidField("start_after", f"must be 0 to {LONGEST_TIME.days} days")
    if spec.timeout is not None and not timedelta(0) < spec.timeout <= LONGEST_TIME:
        raise InvalidField("timeout", f"must be more than 0, and at most {LONGEST_TIME.days} days")


def _is_pair(item: object) -> bool:
    return isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)


def check_config(config: RunConfig, context: JsonObject | None) -> None:
    """Raises InvalidField where a configuration and a context cannot be meant together, or a number is out of bounds."""
    for name in ("recursion_limit", "max_concurrency"):
        number = getattr(config, name)
        if number is not None and not 1 <= number <= LARGEST:
            raise InvalidField(f"config.{name}", "must be 1 or more" if number < 1 else f"must be at most {LARGEST}")
    if context and config.configurable:
        problem = "and config.configurable are both set; send one of them, nodes see it as both"
        raise InvalidField("context", problem, http_status=400)
