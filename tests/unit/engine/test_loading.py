import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph.pregel import Pregel

from graphwire_server.engine.factory import Factory, Graph
from graphwire_server.engine.loading import Loader
from graphwire_server.engine.manifest import ManifestError
from tests.support.project import GRAPH, Project, project


@pytest.fixture(name="home")
def a_home(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as it:
        yield it


def load(home: Project, target: str = "./graphs.py:graph", **keys: object) -> Graph | Factory:
    manifest = home.manifest({"agent": target}, **keys)
    return Loader(manifest).load(manifest.graphs[0])


def refusal(home: Project, target: str = "./graphs.py:graph", **keys: object) -> str:
    """The line that says why a graph is refused, as it reads in the project's folder."""
    with pytest.raises(ManifestError) as caught:
        load(home, target, **keys)
    return str(caught.value).replace(f"{home.folder}/", "")


def module_of(graph: Graph | Factory) -> str:
    assert isinstance(graph, Pregel)
    function: Any = graph.nodes["shout"].bound
    return str(function.func.__module__)


def test_a_graph_in_a_file(home: Project) -> None:
    home.write("graphs.py", GRAPH)

    assert isinstance(load(home), Pregel)


def test_a_builder_is_compiled(home: Project) -> None:
    home.write("graphs.py", GRAPH)

    assert isinstance(load(home, "graphs.py:builder"), Pregel)


@pytest.mark.parametrize("target", ["app.inner:graph", "inner:graph"])
def test_a_graph_in_a_dotted_module(home: Project, target: str) -> None:
    home.write("src/app/__init__.py", "")
    home.write("src/app/inner.py", GRAPH)

    graph = load(home, target, dependencies=["./src", "./src/app"])

    assert isinstance(graph, Pregel)


def test_two_graphs_of_one_file_share_its_module(home: Project) -> None:
    home.write("graphs.py", GRAPH + "same = graph\n")
    manifest = home.manifest({"a": "./graphs.py:graph", "b": "sub/../graphs.py:same"})
    loader = Loader(manifest)

    assert loader.load(manifest.graphs[0]) is loader.load(manifest.graphs[1])


def test_siblings_can_be_imported(home: Project) -> None:
    home.write("src/graphs.py", "from gw_sibling import graph\n")
    home.write("src/gw_sibling.py", GRAPH)

    assert isinstance(load(home, "./src/graphs.py:graph"), Pregel)


def test_a_users_module_hides_no_standard_one_but_an_installed_one(home: Project) -> None:
    home.write("graphs.py", GRAPH)
    load(home, dependencies=["."])

    at = sys.path.index(str(home.folder))

    standard = next(i for i, each in enumerate(sys.path) if each == str(Path(subprocess.__file__).parent))
    installed = next(i for i, each in enumerate(sys.path) if each.endswith("site-packages"))
    assert standard < at < installed


def test_a_folder_is_put_on_the_path_once(home: Project) -> None:
    home.write("graphs.py", GRAPH)

    load(home, dependencies=[".", "."])
    load(home, dependencies=["."])

    assert sys.path.count(str(home.folder)) == 1


def test_objects_of_a_files_classes_can_be_pickled(home: Project) -> None:
    home.write("graphs.py", "from __future__ import annotations\n" + DATACLASS + GRAPH)
    module = importlib.import_module(module_of(load(home)))

    point = module.Point(x=1)

    assert pickle.loads(pickle.dumps(point)) == point  # noqa: S301  our own bytes


DATACLASS = "from dataclasses import dataclass\n@dataclass(slots=True)\nclass Point:\n    x: int\n"


def test_a_files_module_has_the_same_name_wherever_the_project_lies(home: Project) -> None:
    # Checkpoints name classes by it: another folder, or another machine, must find them.
    names = []
    for folder in ("here", "there"):
        with project(home.folder / folder) as it:
            it.write("src/my-graph.py", GRAPH)
            names.append(module_of(load(it, "./src/my-graph.py:graph")))

    assert names[0] == names[1]
    assert names[0].startswith("graphwire_graph_src_my_graph_")
    assert names[0].isidentifier()


def test_files_whose_paths_differ_in_a_sign_are_two_modules(home: Project) -> None:
    home.write("a-b.py", GRAPH)
    home.write("a_b.py", GRAPH)

    assert module_of(load(home, "./a-b.py:graph")) != module_of(load(home, "./a_b.py:graph"))


def test_projects_side_by_side_keep_their_modules(home: Project) -> None:
    other = Project(home.folder / "other")
    home.write("graphs.py", GRAPH)
    other.write("graphs.py", GRAPH)

    names = {module_of(load(home)), module_of(load(other))}

    assert len(names) == 2
    assert names <= sys.modules.keys()


def test_loading_again_runs_the_file_again(home: Project) -> None:
    home.write("graphs.py", GRAPH)

    assert load(home) is not load(home)


MAKERS = {
    "function": "def it(): return graph",
    "async function": "async def it(): return graph",
    "config": "def it(config): return graph",
    "one parameter of any name": "def it(cfg): return graph",
    "a dict": "def it(config: dict): return graph",
    "config and runtime": "def it(config, runtime): return graph",
    "defaults": "def it(config=None, verbose=False, *args, **kwargs): return graph",
    "lambda": "it = lambda: graph",
    "partial": "import functools\nit = functools.partial(lambda config, verbose: graph, verbose=True)",
    "callable": "class It:\n    def __call__(self, config): return graph\nit = It()",
    "method": "class It:\n    def make(self): return graph\nit = It().make",
    "context manager": "import contextlib\n@contextlib.contextmanager\ndef it():\n    yield graph",
    "async context manager": "import contextlib\n@contextlib.asynccontextmanager\nasync def it(config):\n    yield graph",
    "object": "class It:\n    async def __aenter__(self): return graph\n    async def __aexit__(self, *a): pass\nit = It()",
    "class": "class it:\n    def __enter__(self): return graph\n    def __exit__(self, *a): pass",
}


@pytest.mark.parametrize("code", MAKERS.values(), ids=MAKERS.keys())
def test_a_factory_is_recognised_and_not_called(home: Project, code: str) -> None:
    home.write("graphs.py", f"{GRAPH}\n{code}\n")

    assert isinstance(load(home, "./graphs.py:it"), Factory)


NOT_GRAPHS = {
    "number": (
        "it = 3",
        "'it' is an object of type int; it must be a compiled graph, a StateGraph, or a function that makes one",
    ),
    "none": ("it = None", "'it' is None; it must be a compiled graph, a StateGraph, or a function that makes one"),
    "class": (
        "it = State",
        "'it' is a class; it must be a compiled graph, a StateGraph, or a function that makes one",
    ),
    "module": (
        "import json as it",
        "'it' is an object of type module; it must be a compiled graph, a StateGraph, or a function that makes one",
    ),
    "node": (
        "def it(state): return {}",
        (
            "'it' needs 'state', but a function that makes a graph is given "
            "`config: RunnableConfig` and `runtime: ServerRuntime` only"
        ),
    ),
    "typed node": (
        "def it(x: State): return {}",
        (
            "'it' needs 'x', but a function that makes a graph is given "
            "`config: RunnableConfig` and `runtime: ServerRuntime` only"
        ),
    ),
    "too many": (
        "def it(config, model): return graph",
        (
            "'it' needs 'model', but a function that makes a graph is given "
            "`config: RunnableConfig` and `runtime: ServerRuntime` only"
        ),
    ),
    "called": (
        "import contextlib\n@contextlib.asynccontextmanager\nasync def make():\n    yield graph\nit = make()",
        "'it' was called already and can be opened only once; name the function itself",
    ),
    "unreadable": (
        "class It:\n    __signature__ = 3\n    def __call__(self): ...\nit = It()",
        "the parameters of 'it' cannot be read; write a function around it",
    ),
    "no entry point": (
        "it = StateGraph(State).add_node(shout)",
        (
            "'it' does not compile: ValueError: Graph must have an entrypoint: "
            "add at least one edge from START to another node"
        ),
    ),
}


@pytest.mark.parametrize(("code", "problem"), NOT_GRAPHS.values(), ids=NOT_GRAPHS.keys())
def test_what_is_no_graph_is_refused(home: Project, code: str, problem: str) -> None:
    home.write("graphs.py", f"{GRAPH}\n{code}\n")

    assert refusal(home, "./graphs.py:it") == f"langgraph.json:3: graph 'agent': {problem}"


def test_a_missing_file(home: Project) -> None:
    assert refusal(home, "./src/graphs.py:graph") == (
        f"langgraph.json:3: graph 'agent': there is no file ./src/graphs.py in {home.folder}; correct the path"
    )


def test_a_missing_attribute_names_the_graphs_that_are_there(home: Project) -> None:
    home.write("graphs.py", GRAPH + "def helper(): ...\n_hidden = graph\n")

    assert refusal(home, "./graphs.py:grph") == (
        "langgraph.json:3: graph 'agent': ./graphs.py has no attribute 'grph'; it has 'builder', 'graph'"
    )


def test_a_missing_attribute_names_the_functions_where_there_is_no_graph(home: Project) -> None:
    home.write("graphs.py", "from json import dumps\ndef make(config): ...\ndef node(state): ...\nX = 1\n")

    assert refusal(home) == "langgraph.json:3: graph 'agent': ./graphs.py has no attribute 'graph'; it has 'make'"


def test_a_missing_attribute_of_a_file_without_graphs(home: Project) -> None:
    home.write("graphs.py", "def node(state): ...\n")

    assert refusal(home) == (
        "langgraph.json:3: graph 'agent': ./graphs.py has no attribute 'graph'; "
        "it has no graph, no builder and no function that makes one"
    )


def test_a_missing_attribute_of_a_dotted_module(home: Project) -> None:
    home.write("gw_mod.py", "")

    assert refusal(home, "gw_mod:graph", dependencies=["."]).startswith(
        "langgraph.json:3: graph 'agent': gw_mod has no attribute 'graph'; it has no graph"
    )


FAILING = {
    "exception": ("\n\nraise ValueError('no such model')", "3: ValueError: no such model"),
    "no text": ("raise ValueError", "1: ValueError"),
    "many lines": ("raise ValueError('one\\n  two\\n')", "1: ValueError: one two"),
    "in a function": ("def f():\n    return {}['x']\n\nf()", "2: KeyError: 'x'"),
    "in a library": ("import json\n\njson.loads('[')", "3: JSONDecodeError: Expecting value: line 1 column 2 (char 1)"),
    "syntax": ("x = 1\ndef f(:\n    pass", "2: SyntaxError: invalid syntax"),
    "indent": ("if True:\nx = 1", "2: IndentationError: expected an indented block after 'if' statement on line 1"),
    "evaluated": ("\nexec('def f(:')", "2: SyntaxError: invalid syntax"),
    "exit": ("import sys\nsys.exit(2)", "2: SystemExit: 2"),
    "generator exit": ("raise GeneratorExit", "1: GeneratorExit"),
    "not installed": (
        "import gw_absent.part",
        "1: ModuleNotFoundError: No module named 'gw_absent'; install gw_absent, or add its folder to dependencies",
    ),
    "not exported": ("\nfrom json import nothing", "2: ImportError: cannot import name 'nothing' from 'json'"),
    "relative": (
        "from .sibling import graph",
        (
            "1: ImportError: attempted relative import with no known parent package; "
            "import it without the dot, or name the module in langgraph.json as package.module"
        ),
    ),
}


@pytest.mark.parametrize(("code", "problem"), FAILING.values(), ids=FAILING.keys())
def test_an_import_that_fails_names_the_users_line(home: Project, code: str, problem: str) -> None:
    home.write("graphs.py", code)
    before = set(sys.modules)

    line = refusal(home)

    assert line.startswith(f"langgraph.json:3: graph 'agent': importing ./graphs.py failed at graphs.py:{problem}")
    assert "\n" not in line
    assert not [name for name in sys.modules.keys() - before if name.startswith("graphwire_graph_graphs_")]


def test_the_line_is_that_of_the_innermost_file_of_the_users(home: Project) -> None:
    home.write("graphs.py", "import gw_deep\n")
    home.write("src/gw_deep.py", "import json\n\nimport gw_site\n")
    home.write("src/site-packages/gw_site.py", "raise OSError('down')\n")

    assert refusal(home, dependencies=["./src", "./src/site-packages"]) == (
        "langgraph.json:3: graph 'agent': importing ./graphs.py failed at src/gw_deep.py:3: OSError: down"
    )


def test_a_line_outside_the_folder_has_its_whole_path(home: Project) -> None:
    home.write("lib/gw_lib.py", "\n1 / 0\n")
    app = Project(home.folder / "app")
    app.write("graphs.py", "import gw_lib\n")

    with pytest.raises(ManifestError) as caught:
        load(app, dependencies=["../lib"])

    assert f" failed at {home.folder}/lib/gw_lib.py:2: ZeroDivisionError: division by zero" in str(caught.value)


def test_a_file_that_is_no_text(home: Project) -> None:
    (home.folder / "graphs.py").write_bytes(b"x = '\xff'\n")

    assert "importing ./graphs.py failed at graphs.py:1: SyntaxError: " in refusal(home)


def test_a_missing_module(home: Project) -> None:
    todo = "correct the name, install it, or add its folder to dependencies"

    assert (
        refusal(home, "gw_gone.part:graph") == f"langgraph.json:3: graph 'agent': there is no module 'gw_gone'; {todo}"
    )


def test_a_missing_part_of_a_module(home: Project) -> None:
    home.write("gw_pack/__init__.py", "")

    line = refusal(home, "gw_pack.part:graph", dependencies=["."])

    assert line.startswith("langgraph.json:3: graph 'agent': there is no module 'gw_pack.part'; ")


def test_a_module_whose_import_fails(home: Project) -> None:
    home.write("gw_bad/__init__.py", "")
    home.write("gw_bad/graphs.py", "\nimport gw_absent\n")

    assert refusal(home, "gw_bad.graphs:graph", dependencies=["."]) == (
        "langgraph.json:3: graph 'agent': importing gw_bad.graphs failed at gw_bad/graphs.py:2: "
        "ModuleNotFoundError: No module named 'gw_absent'; install gw_absent, or add its folder to dependencies"
    )


def test_an_attribute_that_fails_when_it_is_asked_for(home: Project) -> None:
    home.write("graphs.py", "def __getattr__(name):\n    raise ImportError(name)\n")

    assert refusal(home) == (
        "langgraph.json:3: graph 'agent': importing ./graphs.py failed at graphs.py:2: ImportError: graph"
    )


@pytest.mark.parametrize("target", ["./graphs.py:graph", "graphs:graph"])
def test_ctrl_c_passes(home: Project, target: str) -> None:
    home.write("graphs.py", "raise KeyboardInterrupt\n")

    with pytest.raises(KeyboardInterrupt):
        load(home, target, dependencies=["."])


def test_the_cause_is_kept(home: Project) -> None:
    home.write("graphs.py", "1 / 0\n")

    with pytest.raises(ManifestError) as caught:
        load(home)

    assert isinstance(caught.value.__cause__, ZeroDivisionError)
