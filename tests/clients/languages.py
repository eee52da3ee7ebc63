"""The languages that there are clients for: what each needs, and how its runner is started.

Owns the list. The invariant: a language is tested, or a reason says why not; a runner that could be built and was not is never passed over.
"""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

CLIENTS = Path(__file__).parents[2] / "clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language.

    Attributes:
        name: Its name, which is that of its folder in clients/.
        tools: The programs that it needs.
        product: What its build makes, below its folder: the runner.
        build: The command that makes it, to be run in its folder; empty where nothing is built.
        words: What starts the runner, before the path of the product.
        example: The command line of its example program, in its folder. The address is in GRAPHWIRE_ADDRESS.
        oldest: The command line that tests it with the oldest runtimes that it supports, in its folder.
    """

    name: str
    tools: tuple[str, ...] = ()
    product: str
    build: str = ""
    words: tuple[str, ...] = ()
    example: tuple[str, ...]
    oldest: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where the client lives."""
        return CLIENTS / self.name

    @property
    def command(self) -> tuple[str, ...]:
        """The command line of the runner."""
        return (*self.words, str(self.folder / self.product))

    @property
    def lack(self) -> str | None:
        """What of its toolchain is absent; None for nothing."""
        absent = [tool for tool in self.tools if shutil.which(tool) is None]
        return f"{' and '.join(absent)}, which the {self.name} client needs, is not installed" if absent else None

    @property
    def unbuilt(self) -> str | None:
        """How to build the runner, where it is not there; None where it is."""
        if (self.folder / self.product).is_file():
            return None
        how = f"run `{self.build}` in clients/{self.name}, or `make test-clients`" if self.build else "it is missing"
        return f"clients/{self.name}/{self.product} is not there: {how}"


# Go builds with the versions that go.mod names, which are the oldest; its tests are then run with the oldest Go as well.
LANGUAGES = (
    Language(
        name="go",
        tools=("go",),
        product="build/conformance",
        build="go build -o build/conformance ./conformance",
        example=("go", "run", "./examples/story"),
        oldest=("sh", "-c", "GOTOOLCHAIN=go$(go list -m -f '{{.GoVersion}}') go test ./..."),
    ),
    Language(
        name="java",
        tools=("java", "mvn"),
        product="conformance/target/conformance.jar",
        build="mvn -B -q package",
        words=("java", "-jar"),
        example=("java", "-jar", "examples/target/examples.jar"),
        oldest=("mvn", "-B", "-q", "test", "-Poldest"),
    ),
    Language(
        name="python",
        product="conformance/main.py",
        words=(sys.executable,),
        example=(sys.executable, "examples/story.py"),
        oldest=(sys.executable, "oldest.py"),
    ),
    Language(
        name="typescript",
        tools=("node", "npm"),
        product="dist/conformance/main.js",
        build="npm ci && npm run build",
        words=("node",),
        example=("node", "dist/examples/story.js"),
        oldest=("npm", "run", "--silent", "test:oldest"),
    ),
)


def strict() -> bool:
    """Whether nothing may be skipped here."""
    return os.environ.get("CI_STRICT") == "1"
