"""Something that other threads do, for callers of every kind.

Owns how such work is waited for: a task awaits it on whichever loop it is on, a synchronous node waits for it in its thread. What is done is written once, as a
generator of the steps that others take. The invariant: a step begins when the one before it has ended, whoever waits.
"""

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

Steps: TypeAlias = Generator["Future[Any]", Any, T]
"""What is waited for, one after another, and what comes of it."""


class Work(Generic[T]):
    """Steps that begin when they are waited for: with `await`, or with `result`; once.

    Args:
        steps: The steps.
    """

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps

    def __await__(self) -> Generator[Any, None, T]:
        """Waits without holding up the loop. Cancelling it takes back a step that has not begun; one that has goes on to its end."""
        return self._awaited().__await__()

    def result(self) -> T:
        """Waits in the caller's thread, which does nothing else meanwhile."""
        given: Any = None
        while True:
            try:
                step = self._steps.send(given)
            except StopIteration as end:
                done: T = end.value
                return done
            given = step.result()

    async def _awaited(self) -> T:
        given: Any = None
        while True:
            try:
                step = self._steps.send(given)
            except StopIteration as end:
                done: T = end.value
                return done
            given = await asyncio.wrap_future(step)


def work(steps: Callable[P, Steps[T]]) -> Callable[P, Work[T]]:
    """Makes a function that yields its steps one that returns them as work."""

    @wraps(steps)
    def begun(*args: P.args, **kwargs: P.kwargs) -> Work[T]:
        return Work(steps(*args, **kwargs))

    return begun


def done(value: T) -> "Future[T]":
    """A step that is over already."""
    future: Future[T] = Future()
    future.set_result(value)
    return future
