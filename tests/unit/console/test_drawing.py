"""How graphs look in a terminal."""

import random
from itertools import pairwise
from textwrap import dedent

import pytest

from graphwire import Edge, Graph, Node
from graphwire_server.console.drawing import draw_graph
from graphwire_server.console.layering import Arrow, layered
from graphwire_server.console.placing import place


def _graph(nodes: str, *edges: tuple[str, ...]) -> Graph:
    """A graph; an edge with a third word is conditional, and the word is its label."""
    return Graph(
        nodes=tuple(Node(id=name, name=name) for name in nodes.split()),
        edges=tuple(
            Edge(source=ends[0], target=ends[1], label="".join(ends[2:]), conditional=len(ends) > 2) for ends in edges
        ),
        mermaid="",
    )


def _drawn(text: str) -> str:
    return dedent(text).strip("\n")


AGENT = _graph(
    "__start__ agent tools __end__",
    ("__start__", "agent"),
    ("agent", "tools", ""),
    ("agent", "__end__", ""),
    ("tools", "agent"),
)


def test_steps_stand_under_one_another() -> None:
    steps = ("__start__", "refine_topic"), ("refine_topic", "joke"), ("joke", "__end__")

    assert draw_graph(_graph("__start__ refine_topic joke __end__", *steps)) == _drawn("""
          ╭───────────╮
          │ __start__ │
          ╰─────┬─────╯
                ▼
        ┌───────────────┐
        │ refine_topic  │
        └───────┬───────┘
                ▼
            ┌───────┐
            │ joke  │
            └───┬───┘
                ▼
           ╭─────────╮
           │ __end__ │
           ╰─────────╯
    """)


def test_a_loop_points_back_up_and_conditions_are_dashed() -> None:
    lines = draw_graph(AGENT).splitlines()

    assert (
        lines
        == _drawn("""
          ╭───────────╮
          │ __start__ │
          ╰─────┬─────╯
                ▼
           ┌─────────┐
           │  agent  │
           └─┬─────┬─┘
             ┆  ▲  ┆
           ┌┄┘┌─┘  └┄┄┄┄┄┐
           ▼  │          ▼
        ┌───────┐   ╭─────────╮
        │ tools │   │ __end__ │
        └───────┘   ╰─────────╯
    """).splitlines()
    )


def test_ascii_where_the_terminal_has_no_box_characters() -> None:
    drawn = draw_graph(AGENT, unicode=False)

    assert drawn.isascii()
    assert "| agent |" in drawn.replace("  ", " ")


def test_labels_stand_on_their_edges_unless_they_repeat_the_target() -> None:
    graph = _graph(
        "__start__ route a b", ("__start__", "route"), ("route", "a", "yes"), ("route", "b", "b"), ("a", "a")
    )

    drawn = draw_graph(graph)

    assert drawn.count("yes") == 1
    assert "│ b │" in drawn.replace("   ", " ")
    assert drawn.count("b") == 1
    assert "a ↺" in drawn


def test_a_graph_without_edges_and_one_without_nodes() -> None:
    assert "only" in draw_graph(_graph("only"))
    assert draw_graph(_graph("")) == ""


def test_wide_characters_keep_their_box() -> None:
    assert draw_graph(_graph("写作")).splitlines()[1] == "│ 写作  │"


@pytest.mark.parametrize("seed", range(40))
def test_any_graph_is_laid_out_without_overlap(seed: int) -> None:
    chance = random.Random(seed)
    count = chance.randint(1, 12)
    ends = {(chance.randrange(count), chance.randrange(count)) for _ in range(chance.randint(0, 2 * count))}
    arrows = [
        Arrow(source=a, target=b, label=chance.choice(["", "", "label"]), dashed=chance.random() < 0.5)
        for a, b in sorted(ends)
        if a != b
    ]

    layers = layered([f"n{i}" for i in range(count)], [2 * count + 5] * count, arrows)
    place(layers)

    for rank in layers.ranks:
        assert all(left.left + left.width < right.left for left, right in pairwise(rank))
    for stretch in layers.stretches:
        assert stretch.lower.rank == stretch.upper.rank + 1
        assert stretch.upper.left <= stretch.start < stretch.upper.left + stretch.upper.width
        assert stretch.lower.left <= stretch.end < stretch.lower.left + stretch.lower.width
