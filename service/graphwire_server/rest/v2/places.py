"""The subgraphs of one run, from their first event to their last.

Owns the lifecycle of each (wire fact 53): a subgraph has started when something of it is seen, and has ended when the task that it executes for has. The
invariant: whatever has started ends, at the latest with its run, and before what surrounds it.
"""

from collections.abc import Iterator

Path = tuple[str, ...]


class Places:
    """The subgraphs of one run that are under way."""

    def __init__(self) -> None:
        self._open: dict[Path, None] = {}

    def enter(self, namespace: Path) -> Iterator[Path]:
        """The subgraphs that begin with an event of a namespace, the outermost first."""
        if not namespace or namespace in self._open:
            return
        for depth in range(1, len(namespace) + 1):
            if namespace[:depth] not in self._open:
                self._open[namespace[:depth]] = None
                yield namespace[:depth]

    def leave(self, parent: Path, task_id: str) -> Iterator[Path]:
        """The subgraphs that end with a task of the graph `parent`, the innermost first."""
        ended = [
            path
            for path in self._open
            if len(path) > len(parent)
            and path[: len(parent)] == parent
            and path[len(parent)].partition(":")[2] == task_id
        ]
        yield from self._close(ended)

    def leave_all(self) -> Iterator[Path]:
        """All that are under way, the innermost first."""
        yield from self._close(list(self._open))

    def _close(self, ended: list[Path]) -> Iterator[Path]:
        for path in sorted(ended, key=len, reverse=True):
            del self._open[path]
            yield path
