"""A graph as a picture in a terminal, from top to bottom.

Owns the drawing: boxes for nodes, round ones for start and end, dashed lines with labels where a condition decides, arrows that point up
where a cycle closes. Which node stands where is decided in `layering` and `placing`.
"""

from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len

from graphwire import Edge, Graph, Node
from graphwire_server.console.canvas import Canvas
from graphwire_server.console.layering import Arrow, Layers, Spot, Stretch, layered
from graphwire_server.console.placing import place, tracks

_ROUND = frozenset({"__start__", "__end__"})


def draw_graph(graph: Graph, *, unicode: bool = True) -> str:
    """A graph as text of several lines, without spaces at their ends.

    Args:
        graph: The graph.
        unicode: Whether lines may be drawn with box characters. Default: True; else with ASCII.
    """
    nodes = sorted(graph.nodes, key=lambda node: node.id != "__start__")
    number = {node.id: i for i, node in enumerate(nodes)}
    edges = [edge for edge in graph.edges if edge.source in number and edge.target in number]
    loops = {edge.source for edge in edges if edge.source == edge.target}
    texts = [node.name + (" ↺" if node.id in loops else "") for node in nodes]
    arrows = [_arrow(edge, nodes, number) for edge in edges if edge.source != edge.target]
    layers = layered(texts, _widths(texts, arrows), list(dict.fromkeys(arrows)))
    place(layers)
    return _drawn(layers).render(unicode=unicode)


def _arrow(edge: Edge, nodes: Sequence[Node], number: dict[str, int]) -> Arrow:
    """An edge by the numbers of its nodes. A label that only repeats the target says nothing."""
    target = number[edge.target]
    label = "" if edge.label in (edge.target, nodes[target].name) else edge.label
    return Arrow(source=number[edge.source], target=target, label=label, dashed=edge.conditional)


def _widths(texts: Sequence[str], arrows: Sequence[Arrow]) -> list[int]:
    """The width of each box: odd, so that it has a middle, and enough for its lines."""
    lines = Counter(end for arrow in arrows for end in (arrow.source, arrow.target))
    wanted = (max(cell_len(text) + 4, 2 * lines[i] + 3) for i, text in enumerate(texts))
    return [width + 1 - width % 2 for width in wanted]


def _drawn(layers: Layers) -> Canvas:
    canvas, row = Canvas(), 0
    for number, rank in enumerate(layers.ranks):
        height = 3 if any(spot.boxed for spot in rank) else 1
        between = [stretch for stretch in layers.stretches if stretch.upper.rank == number]
        _spots(canvas, rank, row, height)
        row = _lines(canvas, between, row + height)
    return canvas


def _spots(canvas: Canvas, rank: Sequence[Spot], row: int, height: int) -> None:
    for spot in rank:
        if spot.boxed:
            canvas.box(row, spot.left, spot.text, spot.width, round_=spot.text in _ROUND)
        else:
            canvas.vertical(spot.centre, row, row + height - 1, dashed=spot.dashed)
            canvas.write(row, spot.left, spot.text)


def _lines(canvas: Canvas, stretches: Sequence[Stretch], row: int) -> int:
    """Draws the lines between two ranks, from the row below the upper one; returns the first row of the lower one."""
    given = tracks(stretches)
    up = any(stretch.upward and stretch.upper.boxed for stretch in stretches)
    down = any(not stretch.upward and stretch.lower.boxed for stretch in stretches)
    turns = max(given.values(), default=-1) + 1
    height = max(1 if stretches else 0, up + turns + down)
    for i, stretch in enumerate(stretches):
        _line(canvas, stretch, row, row + height, row + up + given.get(i, 0))
    return row + height


def _line(canvas: Canvas, stretch: Stretch, top: int, bottom: int, turn: int) -> None:
    """Draws one line from the last row of its upper spot to the first of its lower one, with its arrow head."""
    dashed = stretch.arrow.dashed
    canvas.vertical(stretch.start, top - 1, turn, dashed=dashed)
    canvas.horizontal(turn, stretch.start, stretch.end, dashed=dashed)
    canvas.vertical(stretch.end, turn, bottom, dashed=dashed)
    if stretch.upper.boxed:
        canvas.write(top - 1, stretch.start, "─" if stretch.upward else "┬")
        if stretch.upward:
            canvas.write(top, stretch.start, "▲")
    if stretch.lower.boxed and not stretch.upward:
        canvas.write(bottom - 1, stretch.end, "▼")
