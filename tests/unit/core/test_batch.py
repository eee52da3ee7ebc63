"""What readers at the same place share."""

from collections.abc import Sequence

from graphwire_server.core.batch import Batch
from graphwire_server.core.events import Event, Raw


def event(seq: int, run_id: str = "a") -> Event:
    return Event(seq, run_id, "t", 0.0, (), Raw(mode="x", data=b"1"), 1)


class Maker:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, events: Sequence[Event]) -> list[int]:
        self.calls += 1
        return [each.seq for each in events]


def test_the_part_of_a_run_is_made_once_and_is_the_batch_where_all_are_of_it() -> None:
    whole, mixed = Batch([event(1), event(2)]), Batch([event(1), event(2, "b"), event(3)])

    assert whole.of_run("a") is whole
    assert whole.of_run("a") is whole
    assert [each.seq for each in mixed.of_run("a")] == [1, 3]
    assert mixed.of_run("a") is mixed.of_run("a")
    assert mixed.of_run("nobody") == []


def test_what_is_made_is_shared_by_all_but_the_first() -> None:
    batch, make = Batch([event(1), event(2)]), Maker()

    found = [batch.made(make) for _ in range(5)]

    assert found == [[1, 2]] * 5
    assert make.calls == 2
    assert found[1] is found[4]


def test_each_maker_has_its_own() -> None:
    batch, one, two = Batch([event(1)]), Maker(), Maker()
    for _ in range(3):
        batch.made(one)
        batch.made(two)

    assert two.calls == 1
    assert one.calls == 2
