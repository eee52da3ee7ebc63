"""A sheet of characters on which lines join where they meet.

Owns the characters of lines. Each cell knows in which of four directions a line leaves it, so that crossings and branches need no care.
"""

from rich.cells import cell_len

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_SOLID = " │││─┘┐┤─└┌├─┴┬┼"  # by the sum of the directions
_DASHED = {_UP | _DOWN: "┆", _LEFT | _RIGHT: "┄", _UP: "┆", _DOWN: "┆", _LEFT: "┄", _RIGHT: "┄"}
_ASCII = str.maketrans(
    {"│": "|", "─": "-", "┆": ":", "┄": ".", "▼": "v", "▲": "^", "↺": "@", **dict.fromkeys("┘┐┤└┌├┴┬┼╭╮╰╯", "+")}
)


class Canvas:
    """A sheet that grows as it is drawn on. Columns and rows count from 0."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int], int] = {}
        self._solid: set[tuple[int, int]] = set()
        self._text: dict[tuple[int, int], str] = {}

    def horizontal(self, row: int, start: int, end: int, *, dashed: bool = False) -> None:
        """A line between two columns of a row, its ends included."""
        start, end = min(start, end), max(start, end)
        for column in range(start, end):
            self._join(row, column, _RIGHT, dashed)
            self._join(row, column + 1, _LEFT, dashed)

    def vertical(self, column: int, start: int, end: int, *, dashed: bool = False) -> None:
        """A line between two rows of a column, its ends included."""
        for row in range(min(start, end), max(start, end)):
            self._join(row, column, _DOWN, dashed)
            self._join(row + 1, column, _UP, dashed)

    def box(self, row: int, column: int, text: str, width: int, *, round_: bool = False) -> None:
        """A box of three rows around a text that is centred."""
        corners = "╭╮╰╯" if round_ else "┌┐└┘"
        inner = width - 2
        self.write(row, column, corners[0] + "─" * inner + corners[1])
        before = (inner - cell_len(text)) // 2
        self.write(row + 1, column, "│" + " " * inner + "│")
        self.write(row + 1, column + 1 + before, text)
        self.write(row + 2, column, corners[2] + "─" * inner + corners[3])

    def write(self, row: int, column: int, text: str) -> None:
        """Text over whatever is there."""
        for character in text:
            self._text[row, column] = character
            column += 1
            if cell_len(character) == 2:  # a wide character fills the next cell as well
                self._text[row, column] = ""
                column += 1

    def render(self, *, unicode: bool = True) -> str:
        """The sheet as text, without spaces at the ends of lines."""
        cells = self._lines.keys() | self._text.keys()
        height = max((row for row, _ in cells), default=-1) + 1
        width = max((column for _, column in cells), default=-1) + 1
        rows = ("".join(self._character(row, column) for column in range(width)).rstrip() for row in range(height))
        text = "\n".join(rows)
        return text if unicode else text.translate(_ASCII)

    def _join(self, row: int, column: int, direction: int, dashed: bool) -> None:
        self._lines[row, column] = self._lines.get((row, column), 0) | direction
        if not dashed:
            self._solid.add((row, column))

    def _character(self, row: int, column: int) -> str:
        if (row, column) in self._text:
            return self._text[row, column]
        directions = self._lines.get((row, column), 0)
        dashed = directions in _DASHED and (row, column) not in self._solid
        return _DASHED[directions] if dashed else _SOLID[directions]
