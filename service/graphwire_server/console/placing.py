"""The columns of a drawn graph: where boxes stand, and where lines leave and reach them.

Owns the second half of a layered drawing. The invariant: nothing in a rank overlaps, the order of each rank is kept, and two lines never
use the same column of a box.
"""

from collections.abc import Mapping, Sequence

from graphwire_server.console.layering import Layers, Spot, Stretch

GAP = 3
"""Columns between two spots of a rank."""

SWEEPS = 12


def place(layers: Layers) -> None:
    """Sets the columns of all spots, and of both ends of all stretches."""
    _place_spots(layers)
    for above in (True, False):
        for spot, stretches in _by_spot(layers.stretches, upper=above).items():
            _ports(spot, stretches, upper=above)
    for _ in range(3):
        _shift_passed(layers)
        for above in (True, False):
            for spot, stretches in _by_spot(layers.stretches, upper=above).items():
                _straighten(spot, stretches, upper=above)


def tracks(stretches: Sequence[Stretch]) -> Mapping[int, int]:
    """For each stretch between two ranks that is not straight, by its number, the row of its horizontal part, from 0.

    A line that comes down where another goes up must turn below it, else both would lie on one another.
    """
    bent = [i for i, stretch in enumerate(stretches) if stretch.start != stretch.end]
    must = {i: {j for j in bent if j != i and stretches[i].end == stretches[j].start} for i in bent}
    should = {i: {j for j in bent if _crosses_less(stretches[j], stretches[i])} for i in bent}
    given: dict[int, int] = {}
    while len(given) < len(bent):
        left = [i for i in bent if i not in given]
        firm = [
            i for i in left if must[i] <= given.keys()
        ] or left  # a circle cannot be solved: some line is drawn over
        chosen = ([i for i in firm if should[i] <= given.keys()] or firm)[0]
        row = max((given[j] + 1 for j in must[chosen] | should[chosen] if j in given), default=0)
        while any(given[j] == row and _touch(stretches[chosen], stretches[j]) for j in given):
            row += 1
        given[chosen] = row
    return given


def _crosses_less(above: Stretch, below: Stretch) -> bool:
    """Whether two stretches cross less often if the first turns above the second than the other way round."""
    return _met(above, below) < _met(below, above)


def _met(above: Stretch, below: Stretch) -> int:
    """How often the horizontal parts meet the other's vertical ones, if the first turns above the second."""
    return _spans(above, below.start) + _spans(below, above.end)


def _spans(stretch: Stretch, column: int) -> bool:
    return min(stretch.start, stretch.end) <= column <= max(stretch.start, stretch.end)


def _touch(one: Stretch, other: Stretch) -> bool:
    """Whether the horizontal parts of two stretches would meet in one row."""
    return max(min(one.start, one.end), min(other.start, other.end)) <= min(
        max(one.start, one.end), max(other.start, other.end)
    )


def _place_spots(layers: Layers) -> None:
    """Draws each spot towards its neighbours, rank by rank, down and up in turn."""
    centres: dict[Spot, float] = {}
    for rank in layers.ranks:
        _settle(rank, [0.0] * len(rank), centres)
    upper, lower = _by_spot(layers.stretches, upper=True), _by_spot(layers.stretches, upper=False)
    for turn in range(SWEEPS):
        down = turn % 2 == 0
        for rank in layers.ranks if down else reversed(layers.ranks):
            wanted = [_wanted(spot, upper, lower, centres, down=down) for spot in rank]
            _settle(rank, wanted, centres)
    edge = min((centres[spot] - spot.width / 2 for spot in centres), default=0.0)
    for rank in layers.ranks:
        free = 0
        for spot in rank:
            spot.left = max(free, round(centres[spot] - spot.width / 2 - edge))
            free = spot.left + spot.width + 1


def _wanted(
    spot: Spot,
    upper: Mapping[Spot, list[Stretch]],
    lower: Mapping[Spot, list[Stretch]],
    centres: Mapping[Spot, float],
    *,
    down: bool,
) -> float:
    """Where a spot would like to be: below or above the middle of its neighbours, or where it is if it has none there."""
    above = [centres[stretch.upper] for stretch in lower.get(spot, ())]
    below = [centres[stretch.lower] for stretch in upper.get(spot, ())]
    chosen = (above or below) if down else (below or above)
    return sum(chosen) / len(chosen) if chosen else centres[spot]


def _settle(rank: Sequence[Spot], wanted: Sequence[float], centres: dict[Spot, float]) -> None:
    """The places nearest to the wanted ones that keep order and distance (pool adjacent violators)."""
    offset, offsets = 0.0, []
    for i, spot in enumerate(rank):
        offset += (rank[i - 1].width + spot.width) / 2 + GAP if i else 0.0
        offsets.append(offset)
    pools: list[list[float]] = []  # each: the sum of the wanted places less their offsets, and how many they are
    for place, shift in zip(wanted, offsets, strict=True):
        pools.append([place - shift, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            total, count = pools.pop()
            pools[-1][0] += total
            pools[-1][1] += count
    settled = [total / count for total, count in pools for _ in range(int(count))]
    for spot, base, shift in zip(rank, settled, offsets, strict=True):
        centres[spot] = base + shift


def _by_spot(stretches: Sequence[Stretch], *, upper: bool) -> dict[Spot, list[Stretch]]:
    """The stretches by their spot above, or by that below."""
    found: dict[Spot, list[Stretch]] = {}
    for stretch in stretches:
        found.setdefault(stretch.upper if upper else stretch.lower, []).append(stretch)
    return found


def _ports(spot: Spot, stretches: list[Stretch], *, upper: bool) -> None:
    """Spreads the lines of one side of a spot around its middle, in the order of their other ends."""
    stretches.sort(key=lambda s: (s.lower if upper else s.upper).centre)
    step = max(2, min(6, (spot.width - 2) // len(stretches)))
    first = spot.centre - step * (len(stretches) - 1) // 2
    for i, stretch in enumerate(stretches):
        _set(stretch, first + step * i, upper=upper)


def _straighten(spot: Spot, stretches: list[Stretch], *, upper: bool) -> None:
    """Moves lines along the side of a box to where they are straight, as far as there is room between their neighbours."""
    if not spot.boxed:
        return
    stretches.sort(key=lambda s: s.start if upper else s.end)
    for i, stretch in enumerate(stretches):
        aim = stretch.end if upper else stretch.start
        low = spot.left + 1 if i == 0 else _get(stretches[i - 1], upper=upper) + 2
        high = spot.left + spot.width - 2
        if i + 1 < len(stretches):
            high = _get(stretches[i + 1], upper=upper) - 2
        if low <= aim <= high:
            _set(stretch, aim, upper=upper)


def _shift_passed(layers: Layers) -> None:
    """Moves labels and points to where their lines are straight, as far as their neighbours leave room; a box is the firmer end."""
    above = {stretch.lower: stretch for stretch in layers.stretches if not stretch.lower.boxed}
    below = {stretch.upper: stretch for stretch in layers.stretches if not stretch.upper.boxed}
    for rank in layers.ranks:
        for i, spot in enumerate(rank):
            if spot.boxed:
                continue
            aim = below[spot].end if below[spot].lower.boxed else above[spot].start
            low = rank[i - 1].left + rank[i - 1].width + 2 if i else 0
            high = rank[i + 1].left - 2 - spot.width if i + 1 < len(rank) else aim
            spot.left = max(low, min(high, aim - spot.width // 2)) if low <= high else spot.left
            above[spot].end = below[spot].start = spot.centre


def _get(stretch: Stretch, *, upper: bool) -> int:
    return stretch.start if upper else stretch.end


def _set(stretch: Stretch, column: int, *, upper: bool) -> None:
    if upper:
        stretch.start = column
    else:
        stretch.end = column
