"""The promises of docs/guarantees.md, each a judge of what clients saw.

Owns when a record breaks a promise. A judge takes histories, and raises `Broken`, which names the client and the number.
"""

import itertools
from collections.abc import Iterable, Sequence

import grpc

from tests.faults.history import LEFT, History, Seen

TOLD = {
    (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER"),
    (grpc.StatusCode.UNAVAILABLE, "DRAINING"),
}
"""The ways in which the service may end a stream before its terminal event, with a cursor to go on from."""


class Broken(AssertionError):
    """A promise was not kept."""

    def __init__(self, promise: str, client: str, seq: int | None, what: str) -> None:
        at = "" if seq is None else f" at seq {seq}"
        super().__init__(f"{promise}: {client}{at}: {what}")


def ordered(history: History) -> None:
    """Numbers only rise."""
    for before, after in _pairs(history.seqs):
        if after < before:
            raise Broken("ordered", history.client, after, f"came after {before}")


def unique(history: History) -> None:
    """No number comes twice."""
    known: set[int] = set()
    for seq in history.seqs:
        if seq in known:
            raise Broken("unique", history.client, seq, "came twice")
        known.add(seq)


def complete(history: History) -> None:
    """From the first that a client saw to its last, none is missing. For readers of all that a thread does, without a filter."""
    for before, after in _pairs(sorted(set(history.seqs))):
        if after != before + 1:
            raise Broken("complete", history.client, before + 1, f"is missing up to {after - 1}")


def thread_complete(histories: Sequence[History], newest: int) -> None:
    """All runs of a thread together have the numbers 1, 2, 3, ... up to the newest."""
    numbers = {seen.seq for history in histories for seen in history.seen}
    for seq in range(1, newest + 1):
        if seq not in numbers:
            raise Broken("thread_complete", "everybody", seq, f"was seen by nobody, of 1 to {newest}")
    if numbers and max(numbers) > newest:
        raise Broken("thread_complete", "somebody", max(numbers), f"lies above the newest, {newest}")


def live_by_default(history: History, everything: Sequence[Seen]) -> None:
    """Without a cursor: nothing from before the join, all from after it."""
    if history.seen and history.seen[0].seq <= history.known_before and history.seen[0].kind != "end":
        raise Broken("live_by_default", history.client, history.seen[0].seq, "had happened before it joined")
    mine = set(history.seqs)
    until = history.last_seq if history.ending is LEFT else float("inf")
    for seen in everything:
        if seen.at > history.joined_at and seen.seq not in mine and seen.seq <= until:
            raise Broken("live_by_default", history.client, seen.seq, "happened after it joined and was not delivered")


def replay_without_seam(history: History, everything: Sequence[Seen]) -> None:
    """With a cursor: exactly what lies behind it, first what has happened, then what happens."""
    assert history.after_seq is not None
    until = history.last_seq if history.ending is LEFT else float("inf")
    wanted = [seen.seq for seen in everything if history.after_seq < seen.seq <= until]
    for seq, got in zip(wanted, history.seqs, strict=False):
        if seq != got:
            raise Broken("replay_without_seam", history.client, seq, f"expected behind {history.after_seq}, got {got}")
    if len(wanted) != len(history.seqs):
        first = min(set(wanted) ^ set(history.seqs))
        raise Broken("replay_without_seam", history.client, first, f"{len(history.seqs)} events, not {len(wanted)}")


def terminal_last_and_once(history: History) -> None:
    """A stream that was not cut off has one terminal event for its run, and nothing follows it."""
    ends = [seen.seq for seen in history.seen if seen.kind == "end"]
    if len(ends) > 1:
        raise Broken("terminal_last_and_once", history.client, ends[1], f"is one of {len(ends)} terminal events")
    if ends and history.seen[-1].seq != ends[0]:
        raise Broken("terminal_last_and_once", history.client, history.seen[-1].seq, f"follows the end at {ends[0]}")
    if ends and history.seen[-1].kind != "end":
        raise Broken("terminal_last_and_once", history.client, ends[0], f"is also the number of {history.kinds[-1]}")
    if not ends and history.ending is not None and history.ending.code is grpc.StatusCode.OK:
        raise Broken("terminal_last_and_once", history.client, history.last_seq, "is its last, and no terminal event")


def failed_graph_is_data(history: History) -> None:
    """The error is an event, the end follows it, and the call itself went well."""
    if history.kinds[-2:] != ["error", "end"]:
        raise Broken("failed_graph_is_data", history.client, history.last_seq, f"ends with {history.kinds[-2:]}")
    if history.ending is None or history.ending.code is not grpc.StatusCode.OK:
        raise Broken("failed_graph_is_data", history.client, history.last_seq, f"the call ended with {history.ending}")


def told_why(history: History) -> None:
    """A stream that the service ended before the terminal event says why, and the cursor that it names is the last event that was got."""
    ending = history.ending
    if ending is None or ending is LEFT or "end" in history.kinds:
        return
    if (ending.code, ending.reason) not in TOLD:
        raise Broken("told_why", history.client, history.last_seq, f"is its last, then {ending.code} {ending.reason!r}")
    if ending.reason == "SLOW_READER" and ending.after_seq != history.last_seq:
        raise Broken(
            "told_why", history.client, history.last_seq, f"is its last, not {ending.after_seq} as it was told"
        )


def same_event_under_same_seq(histories: Iterable[History]) -> None:
    """Whoever saw a number saw the same bytes; so no number was ever given twice."""
    known: dict[int, tuple[str, bytes]] = {}
    for history in histories:
        for seen in history.seen:
            client, data = known.setdefault(seen.seq, (history.client, seen.data))
            if data != seen.data:
                raise Broken(
                    "same_event_under_same_seq", history.client, seen.seq, f"is another event than {client} saw"
                )


def all_saw_the_end(histories: Iterable[History]) -> None:
    """Everybody who stayed saw the terminal event."""
    for history in histories:
        if history.ending is not LEFT and (not history.kinds or history.kinds[-1] != "end"):
            raise Broken("all_saw_the_end", history.client, history.last_seq, f"is its last; then {history.ending}")


def nobody_slows_the_graph(alone: float, watched: float, ratio: float = 2.0, noise: float = 0.5) -> None:
    """The graph takes about as long with a stuck reader as without one. `noise` is what a shared machine may add, in seconds."""
    if watched > alone * ratio + noise:
        raise Broken("nobody_slows_the_graph", "stuck reader", None, f"{watched:.2f} s instead of {alone:.2f} s")


def memory_is_bounded(before: int, samples: Sequence[int], bound: int) -> None:
    """A process never grew by more than a bound, in bytes."""
    grown = max(samples) - before
    if grown > bound:
        raise Broken("memory_is_bounded", "server", None, f"grew by {grown >> 20} MiB; the bound is {bound >> 20} MiB")


def well_formed(history: History) -> None:
    """What holds for every stream of one run, whoever reads it and from where."""
    ordered(history)
    unique(history)
    terminal_last_and_once(history)
    told_why(history)


def _pairs(numbers: Sequence[int]) -> Iterable[tuple[int, int]]:
    return itertools.pairwise(numbers)
