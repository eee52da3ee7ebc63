"""Whose turn it is: room, order, fairness."""

from graphwire_server.core.turns import Turns
from tests.unit.core.fakes import Store

STORE = Store()


def taken(turns: Turns) -> list[str]:
    """All turns that are given now."""
    given = []
    while (turn := turns.next()) is not None:
        given.append(turn[0])
    return given


def test_room_that_is_not_used_is_given_back() -> None:
    turns = Turns(1)

    with turns.slot() as first, turns.slot() as second:
        pass
    with turns.slot() as third:
        third.use()
    with turns.slot() as fourth:
        pass

    assert [first.free, second.free, third.free, fourth.free] == [True, False, True, False]


def test_threads_get_their_turns_in_the_order_in_which_they_wanted_them() -> None:
    turns = Turns(2)
    for thread in ("a", "b", "c"):
        turns.want(thread, STORE)

    first = taken(turns)
    turns.give_back("a")

    assert (first, taken(turns)) == (["a", "b"], ["c"])


def test_a_thread_stands_in_the_queue_once_and_goes_to_its_end() -> None:
    turns = Turns(1)
    for thread in ("a", "a", "b"):
        turns.want(thread, STORE)

    first = taken(turns)
    turns.want("a", STORE)
    turns.give_back("a")
    second = taken(turns)
    turns.give_back("b")

    assert (first, second, taken(turns), turns.waiting) == (["a"], ["b"], ["a"], 0)


def test_a_run_that_executes_already_takes_room_that_is_not_there() -> None:
    turns = Turns(1)
    turns.take()
    turns.take()
    turns.want("a", STORE)

    before = taken(turns)
    turns.give_back("b")
    still = taken(turns)
    turns.give_back("c")

    assert (before, still, taken(turns)) == ([], [], ["a"])


def test_of_threads_that_are_suspected_one_has_its_turn_at_a_time() -> None:
    """And they keep nobody else waiting, nor does anybody keep them."""
    turns = Turns(3)
    for thread in ("a", "b"):
        turns.want(thread, STORE, suspected=True)
    for thread in ("c", "d", "e"):
        turns.want(thread, STORE)

    first = taken(turns)
    turns.give_back("c")
    second = taken(turns)
    turns.give_back("a")

    assert (first, second, taken(turns)) == (["a", "c", "d"], ["e"], ["b"])
    assert turns.waiting == 0
