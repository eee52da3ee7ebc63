"""The subgraphs of a run: what begins and ends with what."""

from graphwire_server.rest.v2.places import Places


def test_the_outermost_begins_first() -> None:
    places = Places()

    assert list(places.enter(("a:1", "b:2"))) == [("a:1",), ("a:1", "b:2")]
    assert list(places.enter(("a:1",))) == []
    assert list(places.enter(())) == []


def test_a_task_ends_what_is_in_it_the_innermost_first() -> None:
    places = Places()
    list(places.enter(("a:1", "b:2")))
    list(places.enter(("a:3",)))

    assert list(places.leave((), "2")) == []
    assert list(places.leave((), "1")) == [("a:1", "b:2"), ("a:1",)]
    assert list(places.leave_all()) == [("a:3",)]
    assert list(places.leave_all()) == []


def test_a_task_of_a_subgraph() -> None:
    places = Places()
    list(places.enter(("a:1", "b:2")))

    assert list(places.leave(("a:1",), "2")) == [("a:1", "b:2")]
