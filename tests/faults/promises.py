"""The promises of docs/guarantees.md, each a judge of what clients saw.

Owns when a record breaks a promise. A judge takes histories, and raises `Broken`, which names the client and the number.
"""

import itertools
from collections.abc import Collection, Iterable, Sequence

import grpc
from google.rpc.error_details_pb2 import RetryInfo

from graphwire.v1.event_pb2 import StreamEvent
from graphwire.v1.run_pb2 import RUN_STATUS_SUCCESS, Run
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


def complete_ids(client: str, ids: Sequence[int], last: int) -> None:
    """Over HTTP: the ids are 1, 2, 3, ... up to the last event before the terminal one, which has none there."""
    for wanted, got in itertools.zip_longest(range(1, last + 1), ids):
        if wanted != got:
            raise Broken("complete_ids", client, wanted, f"is {got} instead, of 1 to {last}")


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


def nothing_follows_the_end(history: History) -> None:
    """For who watches a thread: each of its runs has one terminal event, and no event of a run comes behind its own."""
    ended: dict[str, int] = {}
    for seen in history.seen:
        if seen.run_id in ended:
            raise Broken(
                "nothing_follows_the_end", history.client, seen.seq, f"follows the end at {ended[seen.run_id]}"
            )
        if seen.kind == "end":
            ended[seen.run_id] = seen.seq


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


def drained(history: History) -> None:
    """A stream that ended because the server stops says so, when to come back, and with which cursor."""
    ending = history.ending
    if ending is None or (ending.code, ending.reason) != (grpc.StatusCode.UNAVAILABLE, "DRAINING"):
        raise Broken("drained", history.client, history.last_seq, f"is its last, then {ending}")
    if not any(isinstance(detail, RetryInfo) and detail.retry_delay.ToTimedelta() for detail in ending.details):
        raise Broken("drained", history.client, history.last_seq, "is its last, and it is not told when to come back")
    if "after_seq" not in ending.metadata or (history.seen and ending.after_seq != history.last_seq):
        raise Broken("drained", history.client, history.last_seq, f"is its last, told was {ending.metadata}")


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
    """A run costs its server about as much with a stuck reader as without one, in seconds of its processors: a machine that does other things too makes either take
    longer. `noise` is what that may add all the same. That the run waits for nobody is for who calls this to see.
    """
    if watched > alone * ratio + noise:
        raise Broken("nobody_slows_the_graph", "stuck reader", None, f"{watched:.2f} s instead of {alone:.2f} s")


def memory_is_bounded(before: int, samples: Sequence[int], bound: int) -> None:
    """A process never grew by more than a bound, in bytes."""
    grown = max(samples) - before
    if grown > bound:
        raise Broken("memory_is_bounded", "server", None, f"grew by {grown >> 20} MiB; the bound is {bound >> 20} MiB")


def attempts_rise(history: History, told_gone: Collection[int] = ()) -> None:
    """Of one run: each attempt is higher than the one before, and numbers jump nowhere but before the `metadata` of one, or before the error that says that there
    will be none.

    Args:
        history: What a client saw.
        told_gone: Where it was told that the run had ended in a process that is dead, and took its events along.
    """
    attempt, before = 0, None
    for seen in history.seen:
        begins = seen.event.metadata.attempt if seen.kind == "metadata" else 0
        ended = seen.seq in told_gone or (seen.kind == "error" and seen.event.error.error.type == "ServerDied")
        if begins and begins <= attempt:
            raise Broken("attempts_rise", history.client, seen.seq, f"begins attempt {begins} after {attempt}")
        if before is not None and seen.seq != before + 1 and not (begins or ended):
            raise Broken("attempts_rise", history.client, seen.seq, f"follows {before}, and begins no attempt")
        attempt, before = begins or attempt, seen.seq


def same_end(histories: Iterable[History], row: Run | None = None) -> None:
    """All readers of a run, and its row, know one terminal event."""
    ends = {(seen.seq, seen.data) for history in histories for seen in history.seen if seen.kind == "end"}
    if len(ends) != 1:
        raise Broken("same_end", "everybody", max(ends, default=(0, b""))[0], f"is one of {len(ends)} terminal events")
    seq, data = ends.pop()
    end = StreamEvent.FromString(data).end
    if row is not None and (row.last_seq, row.status) != (seq, end.status):
        raise Broken("same_end", "the row", row.last_seq, f"has status {row.status}, the event at {seq} {end.status}")


def attempts_as_promised(history: History, row: Run, deaths: int) -> None:
    """A run is started once more for each death of its server while it executed, and never else; its row names its last attempt."""
    begun = [seen.event.metadata.attempt for seen in history.seen if seen.kind == "metadata"]
    if row.attempt > 1 + deaths:
        raise Broken("attempts_as_promised", history.client, None, f"attempt {row.attempt} after {deaths} deaths")
    if begun and row.status == RUN_STATUS_SUCCESS and begun[-1] != row.attempt:
        raise Broken("attempts_as_promised", history.client, None, f"row has {row.attempt}, the last begun is {begun}")


def stays_cancelled(history: History, asked: float) -> None:
    """A run begins no attempt after it was told that it is cancelled. `asked` is when, in seconds since 1970."""
    for seen in history.seen:
        if seen.kind == "metadata" and seen.at > asked:
            raise Broken("stays_cancelled", history.client, seen.seq, f"begins again {seen.at - asked:.3f} s later")


def each_node_once(client: str, trail: Sequence[str], wanted: Sequence[str]) -> None:
    """What the nodes of a thread's runs have left is there once, in their order, however often they were executed."""
    if list(trail) != list(wanted):
        raise Broken("each_node_once", client, None, f"left {list(trail)}, not {list(wanted)}")


def same_outcome(client: str, statuses: Sequence[str], wanted: Sequence[str]) -> None:
    """Runs that meet on a thread end as their strategy says."""
    if list(statuses) != list(wanted):
        raise Broken("same_outcome", client, None, f"they ended {list(statuses)}, not {list(wanted)}")


def in_turn(rows: Sequence[Run]) -> None:
    """Runs of a thread execute one behind the other, in the order in which they were created."""
    for before, after in itertools.pairwise(rows):
        if not before.last_seq < after.first_seq <= after.last_seq:
            spans = f"{before.first_seq} to {before.last_seq}, then {after.first_seq} to {after.last_seq}"
            raise Broken("in_turn", after.run_id, after.first_seq, f"does not lie behind the run before it: {spans}")


def file_is_bounded(sizes: Sequence[int], bound: int) -> None:
    """A file was never larger than a bound, in bytes."""
    if max(sizes) > bound:
        raise Broken(
            "file_is_bounded", "server", None, f"grew to {max(sizes) >> 10} KiB; the bound is {bound >> 10} KiB"
        )


def slope(places: Sequence[int], measures: Sequence[int]) -> float:
    """By how much a measure grows from one place to the next, by the line of least squares through the second half."""
    half = len(places) // 2
    xs, ys = places[half:], measures[half:]
    middle, mean = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - middle) ** 2 for x in xs)
    return sum((x - middle) * (y - mean) for x, y in zip(xs, ys, strict=True)) / spread if spread else 0.0


def memory_is_flat(cycles: Sequence[int], samples: Sequence[int], bound: int) -> None:
    """A process does not grow with what it has done: by less than a bound over a thousand cycles, in bytes."""
    grown = slope(cycles, samples) * 1000
    if grown > bound:
        raise Broken(
            "memory_is_flat",
            "server",
            None,
            f"grows by {grown / 1024:.0f} KiB per 1,000 cycles; the bound is {bound >> 10} KiB",
        )


def well_formed(history: History) -> None:
    """What holds for every stream of one run, whoever reads it and from where."""
    ordered(history)
    unique(history)
    terminal_last_and_once(history)
    told_why(history)


def _pairs(numbers: Sequence[int]) -> Iterable[tuple[int, int]]:
    return itertools.pairwise(numbers)
