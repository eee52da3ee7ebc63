"""The cases of clients/conformance/cases: what a file may say, and how it is read.

Owns the form. It is strict: a key that nobody reads, a request that its message does not know, or an ending too many is an error, so that no case shows less
than it seems to. What the keys mean stands at the classes here, and is judged in `judging.py`.

In what is expected, an object is a subset of what must be there, a list is the whole list, `null` is absent or null, and an integer is an integer. A text
`=name` stands for one value that is not empty and is the same wherever the case says so. `{"$length": 3}`, `{"$least": 1}` and `{"$matches": "^a.*"}` stand for a text
or list of a length, a number of at least, and a text that a regular expression finds.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from google.protobuf.json_format import ParseDict

from tests.clients.methods import METHODS
from tests.clients.wording import message

CASES = Path(__file__).parents[2] / "clients" / "conformance" / "cases"

STREAMS = {"stream": "StreamRun", "join": "JoinRun", "watch": "WatchThread"}
"""The RPC behind each step that streams."""
HOWS = ("close", "reset", "goaway", "silence", "kill")
"""The ways in which a proxy breaks a line."""
ENDINGS = ("status", "end", "drop", "hang")
"""The ways in which a scripted call ends."""
CONNECT = {"api_key", "tls", "root_certificates", "patience", "keep_events", "keepalive_time", "keepalive_timeout"}
STEP = {"do", "save", "request", "method", "take", "deadline", "gather", "count"}
EXPECTED = {"modes", "without_gaps", "last", "events", "texts", "messages", "error", "count", "response", "observed"}


class Malformed(Exception):
    """A case that says what nobody understands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where a proxy breaks a line.

    Attributes:
        after: Behind how many DATA frames of one connection from the server.
        how: One of `HOWS`.
    """

    after: int
    how: str = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that a scripted server answers.

    Attributes:
        method: The RPC.
        request: A subset of what must be asked, in protobuf's JSON form.
        headers: A subset of the metadata that must come with it.
        metadata: The initial metadata of the answer, beside the ids of the run and the thread; None sends nothing before the first message or the end.
        messages: What it answers: messages in protobuf's JSON form. In them `newer` adds fields that no client knows, by number; a message
            `{"pieces": {"event": ..., "count": 3, "keep": [0, 2]}}` is an event in so many pieces, each a message of its own, of which those in `keep` are sent.
        wait: Seconds before it ends.
        ending: One of `ENDINGS`. `drop` closes the connection once all that was said has passed, `hang` says nothing more.
        status: With the ending `status`: `code`, and at will `message`, `reason`, `domain`, `metadata`, `fields`, `retry_after`.
    """

    method: str
    request: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] | None = field(default_factory=dict)
    messages: Sequence[Mapping[str, Any]] = ()
    wait: float = 0.0
    ending: str
    status: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What a case's clients talk to: a real server, a script, or nobody.

    Attributes:
        graphs: `examples`, or the name of a folder of tests/ that has an `app`; empty for a script.
        cuts: The lines that break, one after another.
        settings: Options of a real server, as its variables GRAPHWIRE_... want them.
        tls: Whether a real server is encrypted, with a certificate of the authority of these tests.
        script: The calls that must come, in this order; None for a real server.
        absent: Whether nobody listens at the address.
    """

    graphs: str = ""
    cuts: tuple[Cut, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    tls: bool = False
    script: tuple[Call, ...] | None = None
    absent: bool = False

    @property
    def own(self) -> bool:
        """Whether the case needs a real server of its own, since it sets it up in its way or kills it."""
        return bool(self.settings) or self.tls or any(cut.how == "kill" for cut in self.cuts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case.

    Attributes:
        name: The name of its file.
        why: What users get from it.
        server: What it runs against.
        connect: How the client is opened. `root_certificates` is `authority`, the one that issued the server's certificate, or `stranger`.
        steps: What the client does.
        expect: What must be seen, step by step.
        takes: The least and the most seconds that all steps take together.
        timeout: Seconds after which the runner is taken to hang.
    """

    name: str
    why: str
    server: Server
    connect: Mapping[str, Any]
    steps: tuple[Mapping[str, Any], ...]
    expect: tuple[Mapping[str, Any], ...]
    takes: tuple[float, float] = (0.0, float("inf"))
    timeout: float = 20.0


def load(folder: Path = CASES) -> list[Case]:
    """All cases, by name. Raises Malformed, which names the file."""
    return [read(path.stem, path.read_text()) for path in sorted(folder.glob("*.json"))]


def read(name: str, text: str) -> Case:
    """One case. Raises Malformed."""
    try:
        return _case(name, json.loads(text))
    except Malformed as error:
        raise Malformed(f"{name}.json: {error}") from None
    except Exception as error:
        raise Malformed(f"{name}.json: {type(error).__name__}: {error}") from error


def _case(name: str, given: dict[str, Any]) -> Case:
    _known(given, {"why", "server", "connect", "steps", "expect", "takes", "timeout"}, "the case")
    steps, expect = given["steps"], given["expect"]
    if len(steps) != len(expect):
        raise Malformed(f"{len(steps)} steps, and {len(expect)} expectations")
    _known(given.get("connect", {}), CONNECT, "connect")
    for index, step in enumerate(steps):
        _step(step, f"steps[{index}]")
    for index, expected in enumerate(expect):
        _known(expected, EXPECTED, f"expect[{index}]")
    least, most = given.get("takes", (0.0, float("inf")))
    return Case(
        name=name,
        why=given["why"],
        server=_server(given["server"]),
        connect=given.get("connect", {}),
        steps=tuple(steps),
        expect=tuple(expect),
        takes=(least, most),
        timeout=given.get("timeout", 20.0),
    )


def _server(given: dict[str, Any]) -> Server:
    if "script" in given:
        _known(given, {"script"}, "server")
        return Server(script=tuple(_call(call, f"script[{i}]") for i, call in enumerate(given["script"])))
    if "absent" in given:
        _known(given, {"absent"}, "server")
        return Server(absent=True)
    _known(given, {"graphs", "cuts", "settings", "tls"}, "server")
    server = Server(**given | {"cuts": tuple(_cut(cut) for cut in given.get("cuts", ()))})
    if server.tls and server.cuts:
        raise Malformed("frames of an encrypted line cannot be counted: cuts need tls to be off")
    return server


def _cut(given: dict[str, Any]) -> Cut:
    cut = Cut(**given)
    if cut.how not in HOWS or cut.after < 1:
        raise Malformed(f"a cut {given}: `how` is one of {', '.join(HOWS)}, `after` at least 1")
    return cut


def _call(given: dict[str, Any], where: str) -> Call:
    _known(given, {"method", "request", "headers", "metadata", "messages", "wait", *ENDINGS}, where)
    endings = [key for key in ENDINGS if key in given]
    if len(endings) != 1 or (endings != ["status"] and given[endings[0]] is not True):
        raise Malformed(f"{where} ends in one way: {', '.join(ENDINGS)}; all but `status` are true")
    method = METHODS[given["method"]]
    unknown = given.get("request", {}).keys() - method.request.DESCRIPTOR.fields_by_name.keys()
    if unknown:
        raise Malformed(f"{where}: a {method.request.DESCRIPTOR.name} has no {', '.join(sorted(unknown))}")
    answers = [each for answer in given.get("messages", ()) for each in message(method.response, answer)]
    if not method.streams and len(answers) != ("end" in given):
        raise Malformed(f"{where}: {method.name} does not stream; it answers once where it ends well, else not at all")
    status = given.get("status", {})
    _known(status, {"code", "message", "reason", "domain", "metadata", "fields", "retry_after"}, f"{where}.status")
    others = {key: value for key, value in given.items() if key not in ENDINGS}
    return Call(**others, ending=endings[0], status=status)


def _step(given: dict[str, Any], where: str) -> None:
    _known(given, STEP, where)
    if given["do"] not in {*STREAMS, "call"}:
        raise Malformed(f"{where}: there is no {given['do']!r}")
    method = METHODS[given["method"] if given["do"] == "call" else STREAMS[given["do"]]]
    ParseDict(_filled(given.get("request", {})), method.request())


def _filled(given: Any) -> Any:
    """A request with something in the place of what earlier steps will have seen."""
    return json.loads(re.sub(r"\$\{[^}]+\}", "0", json.dumps(given)))


def _known(given: Mapping[str, Any], keys: set[str], where: str) -> None:
    if not isinstance(given, dict):
        raise Malformed(f"{where} is an object")
    for key in _unknown(cast("dict[str, Any]", given), keys):
        raise Malformed(f"{where}: nobody reads {key!r}; known are {', '.join(sorted(keys))}")


def _unknown(given: Mapping[str, Any], keys: set[str]) -> Iterator[str]:
    return (key for key in given if key not in keys)
