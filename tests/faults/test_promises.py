"""The judges themselves: each rejects a record that breaks its promise, and lets a good one pass."""

from collections.abc import Callable

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo

from graphwire.v1.error_pb2 import RunError
from graphwire.v1.event_pb2 import EndEvent, ErrorEvent, MetadataEvent, StreamEvent
from graphwire.v1.run_pb2 import RUN_STATUS_INTERRUPTED, RUN_STATUS_SUCCESS, Run, RunStatus
from tests.faults import promises
from tests.faults.history import LEFT, OK, Ending, History, Seen

SLOW = Ending(grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER", {"after_seq": "3"})
LOST = Ending(grpc.StatusCode.UNAVAILABLE)


def saw(*seqs: int, last: str = "end", ending: Ending = OK, **fields: object) -> History:
    """A client that saw these numbers, each a second after the other, the last of this kind."""
    seen = [Seen(seq, "r", "custom", b"%d" % seq, float(seq)) for seq in seqs]
    if seen:
        seen[-1] = seen[-1]._replace(kind=last)
    return History("ann", seen=seen, ending=ending, **fields)  # type: ignore[arg-type]  # a test's short hand


EVERYTHING = saw(1, 2, 3, 4, 5).seen


def lived(*parts: int | tuple[int, int], ending: Ending = OK) -> History:
    """A client that saw a run's events: a number, or with the attempt that it begins."""
    seen = []
    for part in parts:
        seq, attempt = part if isinstance(part, tuple) else (part, 0)
        event = StreamEvent(seq=seq, metadata=MetadataEvent(attempt=attempt)) if attempt else StreamEvent(seq=seq)
        seen.append(Seen(seq, "r", "metadata" if attempt else "custom", event.SerializeToString(), float(seq)))
    return History("ann", seen=seen, ending=ending)


def ended(seq: int, status: "RunStatus.ValueType" = RUN_STATUS_SUCCESS, run_id: str = "r") -> Seen:
    """A terminal event."""
    event = StreamEvent(seq=seq, end=EndEvent(status=status))
    return Seen(seq, run_id, "end", event.SerializeToString(), float(seq))


def died(seq: int) -> Seen:
    """The error of a run that is not taken up again."""
    error = StreamEvent(seq=seq, error=ErrorEvent(error=RunError(type="ServerDied")))
    return Seen(seq, "r", "error", error.SerializeToString(), float(seq))


def drained(after_seq: str | None = "3", delay: int = 1) -> History:
    """A client that saw three events, and was then told that the server stops."""
    metadata = {} if after_seq is None else {"after_seq": after_seq}
    told = Ending(grpc.StatusCode.UNAVAILABLE, "DRAINING", metadata, (RetryInfo(retry_delay=Duration(seconds=delay)),))
    return saw(1, 2, 3, last="custom", ending=told)


def row(first: int = 1, last: int = 5, attempt: int = 1, status: "RunStatus.ValueType" = RUN_STATUS_SUCCESS) -> Run:
    return Run(run_id="r", first_seq=first, last_seq=last, attempt=attempt, status=status)


GROWING = [100 + each // 2 for each in range(20)]
FLAT = [0, 500, 900, 1000, 1000, 1001, 999, 1000, 1001, 1000]

GOOD: dict[str, Callable[[], None]] = {
    "ordered": lambda: promises.ordered(saw(1, 2, 7)),
    "unique": lambda: promises.unique(saw(1, 2, 7)),
    "complete": lambda: promises.complete(saw(4, 5, 6)),
    "thread_complete": lambda: promises.thread_complete([saw(1, 2), saw(3, 4)], 4),
    "live from the join": lambda: promises.live_by_default(saw(4, 5, known_before=3, joined_at=3.5), EVERYTHING),
    "live, and left": lambda: promises.live_by_default(
        saw(3, last="custom", ending=LEFT, known_before=2, joined_at=2.5), EVERYTHING
    ),
    "replay": lambda: promises.replay_without_seam(saw(3, 4, 5, after_seq=2), EVERYTHING),
    "replay, and left": lambda: promises.replay_without_seam(
        saw(3, 4, last="custom", ending=LEFT, after_seq=2), EVERYTHING
    ),
    "terminal": lambda: promises.terminal_last_and_once(saw(1, 2)),
    "terminal, cut off": lambda: promises.terminal_last_and_once(saw(1, 2, last="custom", ending=LOST)),
    "told why": lambda: promises.told_why(saw(1, 2, 3, last="custom", ending=SLOW)),
    "same event": lambda: promises.same_event_under_same_seq([saw(1, 2), saw(2, 3, last="custom")]),
    "all saw the end": lambda: promises.all_saw_the_end([saw(1, 2), saw(1, last="custom", ending=LEFT)]),
    "not slowed": lambda: promises.nobody_slows_the_graph(1.0, 1.9),
    "bounded": lambda: promises.memory_is_bounded(100, [150, 199], 100),
    "flat after it was warm": lambda: promises.memory_is_flat(range(10), FLAT, 200),
    "a small file": lambda: promises.file_is_bounded([10, 90, 20], 90),
    "ids over HTTP": lambda: promises.complete_ids("ann", [1, 2, 3], 3),
    "attempts": lambda: promises.attempts_rise(lived((1, 1), 2, (3, 2), 4)),
    "attempts with a jump": lambda: promises.attempts_rise(lived((1, 1), 2, (90, 3), 91)),
    "given up above a jump": lambda: promises.attempts_rise(
        History("ann", seen=[*lived((1, 1), 2).seen, died(90), ended(91)])
    ),
    "told that it is gone": lambda: promises.attempts_rise(
        History("ann", seen=[*lived((1, 1), 2).seen, ended(9)]), told_gone=[9]
    ),
    "same end": lambda: promises.same_end([History("ann", seen=[ended(5)])] * 2, row()),
    "attempts as promised": lambda: promises.attempts_as_promised(lived((1, 1), 2, (3, 3)), row(attempt=3), 2),
    "stays cancelled": lambda: promises.stays_cancelled(lived((1, 1), 2, (3, 2), 4), 3.5),
    "each node once": lambda: promises.each_node_once("t", ["a", "b"], ["a", "b"]),
    "same outcome": lambda: promises.same_outcome("reject", ["success", ""], ["success", ""]),
    "in turn": lambda: promises.in_turn([row(1, 5), row(6, 9), row(12, 12)]),
    "drained": lambda: promises.drained(drained()),
    "drained before it saw anything": lambda: promises.drained(saw(ending=drained().ending or OK)),
    "nothing follows the end": lambda: promises.nothing_follows_the_end(
        History("ann", seen=[*saw(1, 2).seen, *(seen._replace(run_id="s") for seen in saw(3, 4).seen)])
    ),
}

_TWICE = History("ben", seen=[Seen(1, "r", "end", b"1", 1.0), Seen(2, "r", "end", b"2", 2.0)], ending=OK)
_BEHIND = History("ben", seen=[Seen(1, "r", "end", b"1", 1.0), Seen(2, "r", "custom", b"2", 2.0)], ending=OK)
_SHARED = History("ben", seen=[Seen(2, "r", "end", b"1", 1.0), Seen(2, "r", "custom", b"2", 2.0)], ending=OK)
_FAILED = History("ben", seen=[Seen(1, "r", "error", b"1", 1.0), Seen(2, "r", "end", b"2", 2.0)], ending=LOST)
_OTHER = History("ben", seen=[Seen(2, "r", "custom", b"other", 1.0)], ending=OK)

BAD: dict[str, tuple[Callable[[], None], str]] = {
    "out of order": (lambda: promises.ordered(saw(1, 3, 2)), "ann at seq 2: came after 3"),
    "twice": (lambda: promises.unique(saw(1, 2, 2)), "ann at seq 2: came twice"),
    "a gap": (lambda: promises.complete(saw(1, 2, 5)), "ann at seq 3: is missing up to 4"),
    "a gap in the thread": (lambda: promises.thread_complete([saw(1), saw(3)], 3), "at seq 2: was seen by nobody"),
    "beyond the newest": (lambda: promises.thread_complete([saw(1, 2, 3)], 2), "at seq 3: lies above"),
    "a live reader got the past": (
        lambda: promises.live_by_default(saw(2, 3, 4, 5, known_before=3, joined_at=3.5), EVERYTHING),
        "ann at seq 2: had happened before",
    ),
    "a live reader missed the start": (
        lambda: promises.live_by_default(saw(5, known_before=3, joined_at=3.5), EVERYTHING),
        "ann at seq 4: happened after it joined",
    ),
    "a live reader got nothing": (
        lambda: promises.live_by_default(saw(known_before=3, joined_at=3.5), EVERYTHING),
        "ann at seq 4: happened after it joined",
    ),
    "a seam": (lambda: promises.replay_without_seam(saw(3, 5, after_seq=2), EVERYTHING), "ann at seq 4"),
    "a replay that stops": (lambda: promises.replay_without_seam(saw(3, 4, after_seq=2), EVERYTHING), "ann at seq 5"),
    "a replay of the cursor itself": (
        lambda: promises.replay_without_seam(saw(2, 3, 4, 5, after_seq=2), EVERYTHING),
        "ann at seq 3: expected behind 2, got 2",
    ),
    "no terminal event": (lambda: promises.terminal_last_and_once(saw(1, 2, last="custom")), "ann at seq 2"),
    "two terminal events": (lambda: promises.terminal_last_and_once(_TWICE), "ben at seq 2: is one of 2"),
    "an event behind the end": (lambda: promises.terminal_last_and_once(_BEHIND), "ben at seq 2: follows the end"),
    "an event under the end's number": (lambda: promises.terminal_last_and_once(_SHARED), "also the number of custom"),
    "a failed graph failed the call": (lambda: promises.failed_graph_is_data(_FAILED), "UNAVAILABLE"),
    "a failed graph without its error": (lambda: promises.failed_graph_is_data(saw(1, 2)), "ends with"),
    "cut off without a reason": (
        lambda: promises.told_why(saw(1, 2, last="custom", ending=LOST)),
        "ann at seq 2: is its last, then StatusCode.UNAVAILABLE",
    ),
    "the wrong cursor": (lambda: promises.told_why(saw(1, 2, 3, 4, last="custom", ending=SLOW)), "not 3 as it was"),
    "two events under one number": (
        lambda: promises.same_event_under_same_seq([saw(1, 2), _OTHER]),
        "ben at seq 2: is another event than ann saw",
    ),
    "one did not see the end": (lambda: promises.all_saw_the_end([saw(1, last="custom", ending=LOST)]), "ann at seq 1"),
    "one saw nothing": (lambda: promises.all_saw_the_end([saw(ending=LOST)]), "ann at seq 0"),
    "a slow graph": (lambda: promises.nobody_slows_the_graph(1.0, 2.6), "2.60 s instead of 1.00 s"),
    "a fat server": (lambda: promises.memory_is_bounded(0, [5 << 20], 4 << 20), "grew by 5 MiB"),
    "a leak": (lambda: promises.memory_is_flat(range(20), GROWING, 400), "per 1,000 cycles"),
    "a large file": (lambda: promises.file_is_bounded([1 << 10, 9 << 10], 8 << 10), "grew to 9 KiB"),
    "an id that is missing": (lambda: promises.complete_ids("ann", [1, 3], 3), "ann at seq 2: is 3 instead"),
    "an id twice": (lambda: promises.complete_ids("ann", [1, 2, 2, 3], 3), "ann at seq 3: is 2 instead"),
    "ids that stop": (lambda: promises.complete_ids("ann", [1, 2], 3), "ann at seq 3: is None instead"),
    "ids that go on": (lambda: promises.complete_ids("ann", [1, 2], 1), "ann at seq None: is 2 instead|ann: is 2"),
    "an attempt twice": (lambda: promises.attempts_rise(lived((1, 1), (2, 1))), "begins attempt 1 after 1"),
    "an attempt that falls": (lambda: promises.attempts_rise(lived((1, 2), (2, 1))), "begins attempt 1 after 2"),
    "a jump before no attempt": (lambda: promises.attempts_rise(lived((1, 1), 2, 90)), "ann at seq 90: follows 2"),
    "a number with other content": (
        lambda: promises.attempts_rise(lived((1, 1), 2, 2, (3, 2))),
        "ann at seq 2: follows 2, and begins no attempt",
    ),
    "two ends": (
        lambda: promises.same_end([History("ann", seen=[ended(5)]), History("ben", seen=[ended(6)])]),
        "is one of 2 terminal events",
    ),
    "no end at all": (lambda: promises.same_end([lived(1, 2)]), "is one of 0 terminal events"),
    "an end with another status": (
        lambda: promises.same_end([History("ann", seen=[ended(5, RUN_STATUS_INTERRUPTED)])], row()),
        "the row at seq 5: has status",
    ),
    "a row with another number": (
        lambda: promises.same_end([History("ann", seen=[ended(5)])], row(last=6)),
        "the row at seq 6: has status",
    ),
    "an attempt for no death": (
        lambda: promises.attempts_as_promised(lived((1, 1)), row(attempt=3), 1),
        "attempt 3 after 1 deaths",
    ),
    "a row that forgot an attempt": (
        lambda: promises.attempts_as_promised(lived((1, 1), (2, 2)), row(attempt=1), 1),
        "row has 1, the last begun is",
    ),
    "a cancelled run that came back": (
        lambda: promises.stays_cancelled(lived((1, 1), 2, (3, 2)), 2.5),
        "ann at seq 3: begins again 0.500 s later",
    ),
    "a node twice": (lambda: promises.each_node_once("t", ["a", "a", "b"], ["a", "b"]), "left"),
    "a node that was lost": (lambda: promises.each_node_once("t", ["b"], ["a", "b"]), "left"),
    "both were refused": (
        lambda: promises.same_outcome("reject", ["", ""], ["success", ""]),
        "they ended",
    ),
    "out of turn": (lambda: promises.in_turn([row(6, 9), row(1, 5)]), "does not lie behind the run before it"),
    "at the same time": (lambda: promises.in_turn([row(1, 6), row(5, 9)]), "1 to 6, then 5 to 9"),
    "drained without a reason": (
        lambda: promises.drained(saw(1, 2, last="custom", ending=LOST)),
        "ann at seq 2: is its last, then",
    ),
    "drained without a cursor": (lambda: promises.drained(drained(None)), "told was {}"),
    "drained with the wrong cursor": (lambda: promises.drained(drained("2")), "told was {'after_seq': '2'}"),
    "drained without a delay": (lambda: promises.drained(drained(delay=0)), "not told when to come back"),
    "an event behind its run's end": (
        lambda: promises.nothing_follows_the_end(History("ann", seen=[*saw(1, 2).seen, *saw(3).seen])),
        "ann at seq 3: follows the end at 2",
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_record_passes(case: str) -> None:
    GOOD[case]()


@pytest.mark.parametrize("case", BAD)
def test_a_broken_promise_is_named(case: str) -> None:
    judge, says = BAD[case]

    with pytest.raises(promises.Broken, match=says):
        judge()
