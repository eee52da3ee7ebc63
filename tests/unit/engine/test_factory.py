import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.manifest import ManifestError
from tests.support.project import GRAPH, Project, project
from tests.unit.engine.graphs import own


@pytest.fixture(name="home")
def a_home(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as it:
        yield it


def serve(home: Project, code: str, *names: str) -> Catalogue:
    """A catalogue of some attributes of one file."""
    home.write("graphs.py", f"{GRAPH}\n{code}")
    return Catalogue.load(home.manifest({name: f"./graphs.py:{name}" for name in names}))


def seen(home: Project) -> list[Any]:
    """What the project's code has put into its list `seen`."""
    module = next(
        module for module in sys.modules.values() if getattr(module, "__file__", "") == f"{home.folder}/graphs.py"
    )
    seen: list[Any] = module.seen
    return seen


MAKERS = """
import contextlib
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime
from langgraph_sdk.runtime import ServerRuntime

seen = []

def plain(): return builder.compile()
async def awaited(): return builder.compile()
def gives_builder(): return builder
async def takes_config(config: RunnableConfig):
    seen.append(config)
    return builder
def takes_any(cfg):
    seen.append(cfg)
    return builder
def takes_position(config, /):
    seen.append(config)
    return builder
def takes_keyword(*, config):
    seen.append(config)
    return builder

@contextlib.contextmanager
def managed():
    seen.append("in")
    try:
        yield builder
    except LookupError as error:
        seen.append(repr(error))
        raise
    finally:
        seen.append("out")

@contextlib.asynccontextmanager
async def managed_async(config):
    seen.append("in")
    try:
        yield builder.compile()
    except LookupError as error:
        seen.append(repr(error))
        raise
    finally:
        seen.append("out")

async def manager_after_await():
    return managed()

class Manager:
    async def __aenter__(self):
        seen.append("in")
        return graph
    async def __aexit__(self, *args):
        seen.append("out")
manager = Manager()
"""

FRESH = ("plain", "awaited", "gives_builder", "takes_config", "managed", "managed_async", "manager_after_await")


@pytest.mark.parametrize("name", FRESH)
async def test_a_factory_makes_a_fresh_graph_for_each_use(home: Project, name: str) -> None:
    catalogue = serve(home, MAKERS, name)

    async with catalogue.open(name, {}) as first, catalogue.open(name, {}) as second:
        assert first is not second
        assert await first.ainvoke({"text": "hi"}) == {"text": "HI"}


@pytest.mark.parametrize("name", ["takes_config", "takes_any", "takes_position", "takes_keyword"])
async def test_a_factory_gets_the_config(home: Project, name: str) -> None:
    catalogue = serve(home, MAKERS, name)

    async with catalogue.open(name, {"tags": ["a"], "configurable": {"user": "Ann"}}):
        pass
    async with catalogue.open(name):
        pass

    assert seen(home) == [{"tags": ["a"], "configurable": {"user": "Ann"}}, {"configurable": {}}]


@pytest.mark.parametrize("name", ["managed", "managed_async", "manager_after_await", "manager"])
async def test_a_context_manager_is_held_open_until_the_use_ends(home: Project, name: str) -> None:
    catalogue = serve(home, MAKERS, name)

    for _ in range(2):
        async with catalogue.open(name):
            assert seen(home)[-1] == "in"

    assert seen(home) == ["in", "out", "in", "out"]


@pytest.mark.parametrize("name", ["managed", "managed_async", "manager_after_await"])
async def test_an_exception_of_the_use_reaches_the_context_manager(home: Project, name: str) -> None:
    catalogue = serve(home, MAKERS, name)

    with pytest.raises(LookupError, match="lost"):
        async with catalogue.open(name):
            raise LookupError("lost")

    assert seen(home) == ["in", "LookupError('lost')", "out"]


async def test_what_a_factory_raises_is_passed_on(home: Project) -> None:
    catalogue = serve(home, "def make(config): raise LookupError(config['configurable'].get('user'))", "make")

    with pytest.raises(LookupError, match="Ann"):
        async with catalogue.open("make", {"configurable": {"user": "Ann"}}):
            pytest.fail("there is no graph")


WRONG = {
    "none": ("def make(): pass", "'make' gave None; it must give a compiled graph or a StateGraph"),
    "text": (
        "async def make(): return 'x'",
        "'make' gave an object of type str; it must give a compiled graph or a StateGraph",
    ),
    "builder": ("def make(): return StateGraph(State)", "'make' does not compile: ValueError: "),
}


@pytest.mark.parametrize(("code", "problem"), WRONG.values(), ids=WRONG.keys())
async def test_a_factory_that_gives_no_graph(home: Project, code: str, problem: str) -> None:
    catalogue = serve(home, code, "make")

    with pytest.raises(ManifestError) as caught:
        async with catalogue.open("make"):
            pytest.fail("there is no graph")

    assert str(caught.value).startswith(f"{home.folder}/langgraph.json:3: graph 'make': {problem}")


RUNTIMES = """
from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime
from langgraph_sdk.runtime import ServerRuntime
if TYPE_CHECKING:
    from nowhere import Nothing

@dataclass
class Ctx:
    user: str

seen = []

def named(runtime): seen.append(runtime); return graph
def typed(r: ServerRuntime): seen.append(r); return graph
def optional(r: Optional[ServerRuntime] = None): seen.append(r); return graph
def generic(config: RunnableConfig, r: ServerRuntime[Ctx]): seen.append(r); return graph
def as_text(r: "ServerRuntime[Ctx]"): seen.append(r); return graph
def unresolved(r: "ServerRuntime[Nothing]"): seen.append(r); return graph
def of_langgraph(r: Runtime[Ctx], c: RunnableConfig): seen.append(r); return graph
def of_langgraph_unresolved(r: "Runtime[Nothing]"): seen.append(r); return graph
"""

SERVER = ("named", "typed", "optional", "generic", "as_text", "unresolved")


@pytest.mark.parametrize("name", SERVER)
async def test_a_server_runtime_says_what_the_graph_is_for(home: Project, name: str) -> None:
    catalogue = serve(home, RUNTIMES, name)

    async with catalogue.open(name, {}):
        pass
    async with catalogue.open(name):
        pass
    await catalogue.draw(own(name), 0)
    async with catalogue.open(name, access="threads.update"):
        pass

    run, *others = seen(home)
    assert run.access_context == "threads.create_run"
    assert run.execution_runtime is run
    assert [each.access_context for each in others] == ["threads.read", "assistants.read", "threads.update"]
    assert [each.execution_runtime for each in others] == [None, None, None]


@pytest.mark.parametrize("name", ["generic", "as_text", "of_langgraph"])
async def test_a_runtime_has_the_context_as_the_class_that_it_names(home: Project, name: str) -> None:
    catalogue = serve(home, RUNTIMES, name)

    async with catalogue.open(name, {}, context={"user": "Ann"}):
        pass

    [runtime] = seen(home)
    assert repr(runtime.context) == "Ctx(user='Ann')"


@pytest.mark.parametrize("name", ["typed", "unresolved", "of_langgraph_unresolved"])
async def test_a_runtime_has_the_context_as_it_came_where_no_class_is_known(home: Project, name: str) -> None:
    catalogue = serve(home, RUNTIMES, name)

    async with catalogue.open(name, {}, context={"user": "Ann"}):
        pass

    [runtime] = seen(home)
    assert runtime.context == {"user": "Ann"}
