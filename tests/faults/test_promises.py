"""The judges themselves: each rejects a record that breaks its promise, and lets a good one pass."""

from collections.abc import Callable

import grpc
import pytest

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
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_record_passes(case: str) -> None:
    GOOD[case]()


@pytest.mark.parametrize("case", BAD)
def test_a_broken_promise_is_named(case: str) -> None:
    judge, says = BAD[case]

    with pytest.raises(promises.Broken, match=says):
        judge()
