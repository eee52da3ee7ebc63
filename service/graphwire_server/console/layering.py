"""The rows of a drawn graph: which node stands above which, and in which order.

Owns the first half of a layered drawing (Sugiyama, Tagawa, Toda 1981): cycles are opened, nodes get ranks, long edges are cut into
stretches from one rank to the next, and each rank is ordered so that few lines cross. The invariant: every stretch joins neighbouring ranks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from rich.cells import cell_len


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """An edge to draw, between nodes by number."""

    source: int
    target: int
    label: str = ""
    dashed: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Spot:
    """A place in a rank: a node's box, an edge's label, or a point through which a long edge passes.

    Args:
        rank: The rank, from 0 at the top.
        text: What is written there; empty for a point.
        width: How many columns it takes.
        boxed: Whether it is a node.
        dashed: Whether the line that passes here is dashed.
        left: Its first column; the layout sets it.
    """

    rank: int
    text: str = ""
    width: int = 1
    boxed: bool = False
    dashed: bool = False
    left: int = 0

    @property
    def centre(self) -> int:
        """Its middle column."""
        return self.left + self.width // 2


@dataclass(slots=True, kw_only=True, eq=False)
class Stretch:
    """A part of an edge, from a spot to one in the next rank. The layout sets the columns where it leaves and arrives.

    Args:
        upper: The spot above.
        lower: The spot below.
        arrow: The edge that it is a part of.
        upward: Whether the edge points up.
        start: The column at the upper end.
        end: The column at the lower end.
    """

    upper: Spot
    lower: Spot
    arrow: Arrow
    upward: bool
    start: int = 0
    end: int = 0


@dataclass(slots=True, kw_only=True)
class Layers:
    """A graph in ranks, from the top, each from left to right."""

    ranks: list[list[Spot]]
    stretches: list[Stretch] = field(default_factory=list)


def layered(texts: Sequence[str], widths: Sequence[int], arrows: Sequence[Arrow]) -> Layers:
    """Nodes and edges in ordered ranks.

    Args:
        texts: The nodes' texts; the first is the start.
        widths: The columns that each node takes.
        arrows: The edges; none leads from a node to itself.
    """
    upward = _upward(len(texts), arrows)
    ranks = _with_labels(_ranks(len(texts), arrows, upward), arrows, upward)
    spots = [
        Spot(rank=rank, text=text, width=width, boxed=True)
        for rank, text, width in zip(ranks, texts, widths, strict=True)
    ]
    layers = Layers(ranks=[[] for _ in range(max(ranks, default=-1) + 1)])
    for spot in spots:
        layers.ranks[spot.rank].append(spot)
    for arrow in arrows:
        _cut(arrow, spots, layers, upward=arrow in upward)
    _order(layers)
    return layers


def _upward(count: int, arrows: Sequence[Arrow]) -> set[Arrow]:
    """The edges that close a cycle, found by a walk from the start in depth: they are drawn upwards."""
    leaving: list[list[Arrow]] = [[] for _ in range(count)]
    for arrow in arrows:
        leaving[arrow.source].append(arrow)
    closing: set[Arrow] = set()
    seen: set[int] = set()
    for root in range(count):
        if root in seen:
            continue
        path, walk = {root}, [(root, iter(leaving[root]))]
        seen.add(root)
        while walk:
            node, rest = walk[-1]
            step = next(rest, None)
            if step is None:
                path.discard(node)
                walk.pop()
            elif step.target in path:
                closing.add(step)
            elif step.target not in seen:
                seen.add(step.target)
                path.add(step.target)
                walk.append((step.target, iter(leaving[step.target])))
    return closing


def _ranks(count: int, arrows: Sequence[Arrow], upward: set[Arrow]) -> list[int]:
    """For each node, the length of the longest way to it."""
    ways = [(a.target, a.source) if a in upward else (a.source, a.target) for a in arrows]
    ranks = [0] * count
    for _ in range(count):  # without cycles, no way is longer than there are nodes
        changed = False
        for above, below in ways:
            if ranks[below] <= ranks[above]:
                ranks[below] = ranks[above] + 1
                changed = True
        if not changed:
            break
    return ranks


def _with_labels(ranks: Sequence[int], arrows: Sequence[Arrow], upward: set[Arrow]) -> list[int]:
    """The ranks of the nodes, with a rank between two of them wherever a label stands."""
    before = {_below(arrow, ranks, upward) for arrow in arrows if arrow.label}
    return [rank + sum(other <= rank for other in before) for rank in ranks]


def _below(arrow: Arrow, ranks: Sequence[int], upward: set[Arrow]) -> int:
    """The rank of nodes before which an edge has its label: where it leaves its source."""
    return ranks[arrow.source] if arrow in upward else ranks[arrow.source] + 1


def _cut(arrow: Arrow, spots: Sequence[Spot], layers: Layers, *, upward: bool) -> None:
    """Adds an edge as stretches, with a spot in each rank that it passes, one of which carries its label."""
    upper, lower = spots[arrow.source], spots[arrow.target]
    if upward:
        upper, lower = lower, upper
    labelled = lower.rank - 1 if upward else upper.rank + 1
    previous = upper
    for rank in range(upper.rank + 1, lower.rank):
        text = f" {arrow.label} " if arrow.label and rank == labelled else ""
        spot = Spot(rank=rank, text=text, width=cell_len(text) or 1, dashed=arrow.dashed)
        layers.ranks[rank].append(spot)
        layers.stretches.append(Stretch(upper=previous, lower=spot, arrow=arrow, upward=upward))
        previous = spot
    layers.stretches.append(Stretch(upper=previous, lower=lower, arrow=arrow, upward=upward))


def _order(layers: Layers) -> None:
    """Orders each rank by the mean place of its neighbours, up and down in turn, and keeps the order with the fewest crossings."""
    best, fewest = [list(rank) for rank in layers.ranks], _crossings(layers)
    for turn in range(8):
        if fewest == 0:
            break
        downward = turn % 2 == 0
        for rank in layers.ranks if downward else reversed(layers.ranks):
            places = _places(layers.ranks)
            neighbours = _neighbours(layers.stretches, above=downward)
            rank.sort(key=lambda spot: _mean((places[n] for n in neighbours.get(spot, ())), places[spot]))
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in layers.ranks], crossings
    layers.ranks[:] = best


def _places(ranks: Iterable[Sequence[Spot]]) -> dict[Spot, int]:
    return {spot: place for rank in ranks for place, spot in enumerate(rank)}


def _neighbours(stretches: Iterable[Stretch], *, above: bool) -> dict[Spot, list[Spot]]:
    found: dict[Spot, list[Spot]] = {}
    for stretch in stretches:
        spot, other = (stretch.lower, stretch.upper) if above else (stretch.upper, stretch.lower)
        found.setdefault(spot, []).append(other)
    return found


def _mean(places: Iterable[int], otherwise: int) -> float:
    found = list(places)
    return sum(found) / len(found) if found else otherwise


def _crossings(layers: Layers) -> int:
    """How many pairs of stretches cross."""
    places = _places(layers.ranks)
    by_rank: dict[int, list[tuple[int, int]]] = {}
    for stretch in layers.stretches:
        by_rank.setdefault(stretch.upper.rank, []).append((places[stretch.upper], places[stretch.lower]))
    return sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for pairs in by_rank.values() for a, b in combinations(pairs, 2))
