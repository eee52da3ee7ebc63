"""What langgraph.json names in the user's code.

Owns how such a name is written: a file or a dotted module, a colon, and an attribute. Imports nothing of it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from graphwire_server.engine.document import ManifestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(ABC):
    """An attribute of a file or of a module.

    Attributes:
        target: The file or the dotted module, as written.
        attribute: The name in it.
        where: The file and the line where it is named, such as `langgraph.json:4`.
    """

    target: str
    attribute: str
    where: str = "langgraph.json"

    @property
    def is_file(self) -> bool:
        """Whether the target is a file, not a dotted module."""
        return self.target.endswith(".py")

    @property
    @abstractmethod
    def kind(self) -> str:
        """What it shall be, in one lower-case word. The names of modules made from files hold it."""

    @abstractmethod
    def wrong(self, problem: str) -> ManifestError:
        """The error that says what is wrong with it."""


def split_target(text: str, example: str, wrong: Callable[[str], ManifestError]) -> tuple[str, str]:
    """The file or module, and the attribute.

    Args:
        text: What is written.
        example: What could be written, for errors: a file, a colon and a name.
        wrong: Makes the error of a problem.

    Raises:
        ManifestError: It cannot be meant.
    """
    target, colon, attribute = text.strip().rpartition(":")
    if not colon or not target or not attribute.isidentifier():
        raise wrong(f"{text!r} names no attribute; write the file or module, a colon and a name: {example!r}")
    if not target.endswith(".py") and not all(part.isidentifier() for part in target.split(".")):
        file = example.partition(":")[0]
        raise wrong(f"{target!r} is neither a .py file nor a dotted module; write '{file}:{attribute}'")
    return target, attribute
