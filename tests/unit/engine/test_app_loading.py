import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from graphwire_server.engine.loading import Loader, load_app
from graphwire_server.engine.manifest import Manifest, ManifestError
from graphwire_server.engine.web import HttpSection
from tests.support.project import GRAPH, Project, project


@pytest.fixture(name="home")
def a_home(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as it:
        yield it


APP = """
class App:
    def __init__(self):
        self.router = object()

    @property
    def routes(self):
        return []

    async def __call__(self, scope, receive, send): ...


def create(): return App()
app = App()
"""


def app_of(home: Project, target: str = "./app.py:app", **keys: object) -> object:
    return load_app(home.manifest(None, http={"app": target}, **keys))


def refused_app(home: Project, target: str = "./app.py:app", **keys: object) -> str:
    with pytest.raises(ManifestError) as caught:
        app_of(home, target, **keys)
    return str(caught.value).replace(f"{home.folder}/", "")


def test_no_app(home: Project) -> None:
    assert load_app(home.manifest()) is None


@pytest.mark.parametrize("target", ["./app.py:app", "app:app", "gw_pack.web:app"])
def test_an_app(home: Project, target: str) -> None:
    home.write("app.py", APP)
    home.write("gw_pack/web.py", APP)

    app = app_of(home, target, dependencies=["."])

    assert type(app).__name__ == "App"


@pytest.mark.parametrize(
    "code", ["from starlette.applications import Starlette as A", "from fastapi import FastAPI as A"]
)
def test_an_app_of_a_framework(home: Project, code: str) -> None:
    home.write("app.py", f"{code}\napp = A()\n")

    assert isinstance(app_of(home), Starlette)


def test_an_app_shares_the_module_of_a_graph_where_the_loader_is_shared(home: Project) -> None:
    home.write("graphs.py", GRAPH + APP + "app.graph = graph\n")
    manifest = home.manifest(http={"app": "graphs.py:app"})
    loader = Loader(manifest)
    graph = loader.load(manifest.graphs[0])

    app: Any = load_app(manifest, loader)

    assert app.graph is graph


def test_an_app_never_takes_the_place_of_a_graphs_module(home: Project) -> None:
    # Pickle refuses objects of a class whose module is another one by now.
    home.write("graphs.py", f"{GRAPH}{APP}class Point: ...\n\n\ngraph.point = Point()\n")
    manifest = home.manifest(http={"app": "graphs.py:app"})
    graph: Any = Loader(manifest).load(manifest.graphs[0])

    load_app(manifest)

    assert type(pickle.loads(pickle.dumps(graph.point))) is type(graph.point)  # noqa: S301  our own bytes


def test_an_apps_siblings_can_be_imported(home: Project) -> None:
    home.write("web/app.py", "from gw_web_sibling import app\n")
    home.write("web/gw_web_sibling.py", APP)

    assert app_of(home, "./web/app.py:app") is not None


MADE = ", and nothing here calls what makes one: write `app = ...` in the file"

NOT_APPS = {
    "number": ("it = 3", "an object of type int; it must be a Starlette or FastAPI app"),
    "none": ("it = None", "None; it must be a Starlette or FastAPI app"),
    "class": ("it = App", f"a class; it must be a Starlette or FastAPI app{MADE}"),
    "function": ("it = create", f"an object of type function; it must be a Starlette or FastAPI app{MADE}"),
    "router": (
        "class Router:\n    routes = ()\n    def __call__(self, *a): ...\nit = Router()",
        "an object of type Router; it must be a Starlette or FastAPI app",
    ),
    "not to be called": (
        "class Site:\n    router = routes = ()\nit = Site()",
        "an object of type Site; it must be a Starlette or FastAPI app",
    ),
    "all attributes": (
        "from unittest.mock import Mock\nit = Mock()",
        "an object of type Mock; it must be a Starlette or FastAPI app",
    ),
}


@pytest.mark.parametrize(("code", "problem"), NOT_APPS.values(), ids=NOT_APPS.keys())
def test_what_is_no_app_is_refused(home: Project, code: str, problem: str) -> None:
    home.write("app.py", f"{APP}\n{code}\n")

    assert refused_app(home, "./app.py:it") == f"langgraph.json:6: http.app: 'it' is {problem}"


def test_a_missing_app_names_those_that_are_there(home: Project) -> None:
    home.write("app.py", f"{APP}\nsite = app\n_hidden = app\n")

    assert refused_app(home, "./app.py:web") == (
        "langgraph.json:6: http.app: ./app.py has no attribute 'web'; it has 'app', 'site'"
    )


def test_a_missing_app_of_a_file_without_one(home: Project) -> None:
    home.write("app.py", "x = 1\n")

    assert refused_app(home) == (
        "langgraph.json:6: http.app: ./app.py has no attribute 'app'; it has no Starlette or FastAPI app"
    )


def test_an_apps_file_that_is_missing(home: Project) -> None:
    assert refused_app(home) == (
        f"langgraph.json:6: http.app: there is no file ./app.py in {home.folder}; correct the path"
    )


def test_an_app_whose_import_fails(home: Project) -> None:
    home.write("app.py", "\nimport gw_absent\n")

    assert refused_app(home) == (
        "langgraph.json:6: http.app: importing ./app.py failed at app.py:2: "
        "ModuleNotFoundError: No module named 'gw_absent'; install gw_absent, or add its folder to dependencies"
    )


def test_an_entry_that_cannot_be_meant(home: Project) -> None:
    manifest = Manifest(path=home.folder / "langgraph.json", graphs=(), http=HttpSection(app="app.py"))

    with pytest.raises(ManifestError, match=r"^langgraph\.json: http\.app: 'app\.py' names no attribute; "):
        load_app(manifest)
