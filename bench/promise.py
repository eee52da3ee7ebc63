"""What a face promises of a row.

Owns the judgement of a measure.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What one face promises of a row; what is None is not promised, and without any it is only measured.

    Attributes:
        least_ratio: The least part of the bare value.
        most_ratio: The most times the bare value.
        least: The least value.
        most: The largest value.
    """

    least_ratio: float | None = None
    most_ratio: float | None = None
    least: float | None = None
    most: float | None = None

    def met(self, value: float | None, bare: float | None) -> bool:
        """Whether a measure keeps it: not where there is none, nor where it is a ratio and nothing was measured bare."""
        if value is None:
            return False
        if self.relative and not bare:
            return False
        ratio = value / bare if bare else 0.0
        return (
            (self.least_ratio is None or ratio >= self.least_ratio)
            and (self.most_ratio is None or ratio <= self.most_ratio)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )

    @property
    def relative(self) -> bool:
        """Whether it stands on the bare value."""
        return self.least_ratio is not None or self.most_ratio is not None

    def __str__(self) -> str:
        """As the table shows it: `>= 0.95 bare`, `<= 2`; a dash where nothing is promised."""
        parts = (
            ("" if limit is None else f"{sign} {limit:,g}{of}")
            for sign, limit, of in (
                (">=", self.least_ratio, " bare"),
                ("<=", self.most_ratio, " bare"),
                (">=", self.least, ""),
                ("<=", self.most, ""),
            )
        )
        return ", ".join(part for part in parts if part) or "-"
