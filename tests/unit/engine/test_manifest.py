import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphwire_server.engine.manifest import GraphEntry, Manifest, ManifestError, apply_env, read_manifest
from graphwire_server.engine.web import HttpSection
from tests.support.project import Project, project


@pytest.fixture(name="home")
def a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MOUNT_PREFIX", raising=False)
    monkeypatch.delenv("CORS_ALLOW_ORIGINS", raising=False)
    with project(tmp_path) as it:
        yield it


def read(home: Project, text: str) -> Manifest:
    (home.folder / "langgraph.json").write_text(text)
    return read_manifest(Path("langgraph.json"))


def test_graphs_keep_their_order_and_know_their_lines(home: Project) -> None:
    manifest = read(
        home,
        """{
  "graphs": {
    "b": "./src/graphs.py:graph",
    "a": {
      "path": "my.module:make",
      "description": "what it is for"
    }, "c": "c.py:c"
  }
}""",
    )

    assert manifest.graphs == (
        GraphEntry(graph_id="b", target="./src/graphs.py", attribute="graph", where="langgraph.json:3"),
        GraphEntry(
            graph_id="a",
            target="my.module",
            attribute="make",
            description="what it is for",
            where="langgraph.json:4",
        ),
        GraphEntry(graph_id="c", target="c.py", attribute="c", where="langgraph.json:7"),
    )
    assert [entry.is_file for entry in manifest.graphs] == [True, False, True]


def test_lines_are_right_whatever_stands_before(home: Project) -> None:
    manifest = read(
        home,
        '\ufeff{"store": {"graphs": {"agent": 1}},\n"x": "\\"graphs\\": {", "y": [1, {"graphs": 2}], "z": {},'
        '\r\n"graphs" :\n{\n"\\u0061gent"\n:\n"a.py:b" }\n}',
    )

    assert [(entry.graph_id, entry.where) for entry in manifest.graphs] == [("agent", "langgraph.json:5")]


def test_keys_that_nobody_reads_are_ignored(home: Project) -> None:
    manifest = read(
        home,
        '{"python_version": "3.12", "http": {"cors": {}, "new": 3}, "auth": null, "mine": [], "graphs": {"a": {"path": "a.py:g", "z": 1}}}',
    )

    assert [entry.graph_id for entry in manifest.graphs] == ["a"]
    assert dict(manifest.env) == {}
    assert manifest.dependencies == ()
    assert manifest.http == HttpSection()


def test_the_section_http(home: Project) -> None:
    manifest = home.manifest(http={"app": "./app.py:app", "disable_mcp": True})

    assert manifest.http == HttpSection(
        app="./app.py:app", app_where=f"{home.folder}/langgraph.json:6", disabled=frozenset({"mcp"})
    )


def test_a_manifest_without_http_has_its_defaults() -> None:
    assert Manifest(path=Path("langgraph.json"), graphs=()).http == HttpSection()


def test_variables_of_the_file_stand_in_for_parts_of_it(home: Project) -> None:
    home.write("langgraph.json", '{"graphs": {"a": "a.py:g"}, "env": {"MOUNT_PREFIX": "/file"}}')

    manifest = read_manifest(home.folder / "langgraph.json", {})

    assert manifest.http.mount_prefix == "/file"


def test_variables_that_are_set_go_before_those_of_the_file(home: Project) -> None:
    home.write("langgraph.json", '{"graphs": {"a": "a.py:g"}, "env": {"MOUNT_PREFIX": "/file"}}')

    manifest = read_manifest(home.folder / "langgraph.json", {"MOUNT_PREFIX": "/process"})

    assert manifest.http.mount_prefix == "/process"


def test_the_variables_of_the_process_count(home: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOUNT_PREFIX", "/process")

    assert home.manifest().http.mount_prefix == "/process"


def test_dependencies_that_are_folders(home: Project) -> None:
    home.write("src/x.py", "")
    home.write("package/x.py", "")

    manifest = home.manifest(dependencies=[".", "./src", "package", "langchain-openai>=1", str(home.folder / "src")])

    assert manifest.folder == home.folder
    assert manifest.dependencies == (home.folder, home.folder / "src", home.folder / "src")


def test_env_as_a_map(home: Project) -> None:
    manifest = home.manifest(env={"TEXT": "a b", "NUMBER": 3, "FLAG": True})

    assert dict(manifest.env) == {"TEXT": "a b", "NUMBER": "3", "FLAG": "true"}


def test_env_as_a_file(home: Project) -> None:
    home.write("config/.env", 'PLAIN=1\n# a remark\nexport QUOTED="a b"\nBARE\nEMPTY=\n')

    manifest = home.manifest(env="config/.env")

    assert dict(manifest.env) == {"PLAIN": "1", "QUOTED": "a b", "EMPTY": ""}


def test_a_variable_that_is_set_keeps_its_value(home: Project) -> None:
    manifest = home.manifest(env={"OLD": "by the file", "NEW": "by the file"})
    environ = {"OLD": "by the process"}

    apply_env(manifest, environ)

    assert environ == {"OLD": "by the process", "NEW": "by the file"}


def test_env_reaches_the_process_only_when_applied(home: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GW_NEW", "")  # so that it is put back
    monkeypatch.delenv("GW_NEW")

    manifest = home.manifest(env={"GW_NEW": "by the file"})
    before = os.environ.get("GW_NEW")
    apply_env(manifest)

    assert before is None
    assert os.environ["GW_NEW"] == "by the file"


GRAPHS = '"graphs": {"a": "a.py:g"}'

BAD = {
    "no graphs": ("{}", 'langgraph.json:1: there is no "graphs"; add "graphs": {"agent": "./graph.py:graph"}'),
    "a list": ("[]", 'langgraph.json:1: this must be a JSON object, such as {"graphs": {"agent": "./graph.py:graph"}}'),
    "empty file": ("", "langgraph.json:1:1: this is not JSON: Expecting value; correct it there"),
    "colon": (
        '{"graphs": {\n  "a" "a.py:g"\n}}',
        "langgraph.json:2:7: this is not JSON: Expecting ':' delimiter; correct it there",
    ),
    "remark": (
        '{\n// mine\n"graphs": {}}',
        "langgraph.json:2:1: this is not JSON: Expecting property name enclosed in double quotes; correct it there",
    ),
    "two": (f"{{{GRAPHS}}} x", "langgraph.json:1:29: this is not JSON: Extra data; correct it there"),
    "empty graphs": (
        '{\n"graphs": {}}',
        'langgraph.json:2: graphs: this is empty; add a graph, such as "agent": "./graph.py:graph"',
    ),
    "graphs as a list": (
        '{\n"graphs": ["a.py:g"]}',
        'langgraph.json:2: graphs: this must be a map of names to graphs, such as {"agent": "./graph.py:graph"}',
    ),
    "twice": (
        '{"graphs": {"a": "a.py:g",\n"b": "a.py:g",\n"a": "b.py:g"}}',
        "langgraph.json:3: graph 'a' is there twice; rename one",
    ),
    "no name": ('{"graphs": {\n" ": "a.py:g"}}', "langgraph.json:2: graph ' ': a graph needs a name; give it one"),
    "number": (
        '{"graphs": {\n"a": 3}}',
        'langgraph.json:2: graph \'a\': this must be text such as "./graph.py:graph", or a map with "path" and "description"',
    ),
    "number as path": (
        '{"graphs": {\n"a": {"path": null}}}',
        'langgraph.json:2: graph \'a\': this must be text such as "./graph.py:graph", or a map with "path" and "description"',
    ),
    "no path": (
        '{"graphs": {\n\n"a": {"description": "x"}}}',
        'langgraph.json:3: graph \'a\': there is no "path"; write {"path": "./graph.py:graph"}',
    ),
    "description": (
        '{"graphs": {"a": {"path": "a.py:g", "description": 3}}}',
        "langgraph.json:1: graph 'a': the description must be text",
    ),
    "no attribute": (
        '{"graphs": {\n"a": "./a.py"}}',
        (
            "langgraph.json:2: graph 'a': './a.py' names no attribute; "
            "write the file or module, a colon and a name: './graph.py:graph'"
        ),
    ),
    "call": (
        '{"graphs": {\n"a": "./a.py:make()"}}',
        (
            "langgraph.json:2: graph 'a': './a.py:make()' names no attribute; "
            "write the file or module, a colon and a name: './graph.py:graph'"
        ),
    ),
    "no target": (
        '{"graphs": {\n"a": ":graph"}}',
        "langgraph.json:2: graph 'a': ':graph' names no attribute; write the file or module, a colon and a name: './graph.py:graph'",
    ),
    "another language": (
        '{"graphs": {\n"a": "./src/agent.ts:graph"}}',
        "langgraph.json:2: graph 'a': './src/agent.ts' is neither a .py file nor a dotted module; write './graph.py:graph'",
    ),
    "folder": (
        '{"graphs": {\n"a": "./src:graph"}}',
        "langgraph.json:2: graph 'a': './src' is neither a .py file nor a dotted module; write './graph.py:graph'",
    ),
    "http": (
        f'{{{GRAPHS},\n"http": {{\n"app": 3}}}}',
        'langgraph.json:3: http.app: this must be text, such as "./app.py:app"',
    ),
    "env as a list": (
        f'{{{GRAPHS},\n"env": []}}',
        "langgraph.json:2: env: this must be a map of names to values, or the path of a file such as '.env'",
    ),
    "env value": (f'{{{GRAPHS},\n"env": {{"A": ["x"]}}}}', "langgraph.json:2: env: the value of 'A' must be text"),
    "env null": (f'{{{GRAPHS},\n"env": {{"A": null}}}}', "langgraph.json:2: env: the value of 'A' must be text"),
    "env name": (
        f'{{{GRAPHS},\n"env": {{"A=B": "x"}}}}',
        "langgraph.json:2: env: 'A=B' cannot be set as a variable; correct its name or value",
    ),
    "env file": (
        f'{{{GRAPHS},\n"env": ".env"}}',
        "langgraph.json:2: env: there is no file '.env'; write it, or remove the key",
    ),
    "dependencies": (
        f'{{{GRAPHS},\n"dependencies": "."}}',
        'langgraph.json:2: dependencies: this must be a list of folders and packages, such as ["."]',
    ),
    "dependency": (
        f'{{{GRAPHS},\n\n"dependencies": [".", 3]}}',
        'langgraph.json:3: dependencies: this must be a list of folders and packages, such as ["."]',
    ),
    "missing folder": (
        f'{{{GRAPHS},\n"dependencies": [".",\n "./gone"]}}',
        "langgraph.json:2: dependencies: './gone' is not a folder; make it, or remove it from the list",
    ),
}


@pytest.mark.parametrize(("text", "line"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_one_line(home: Project, text: str, line: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(home, text)

    assert str(caught.value) == line


def test_a_file_that_is_not_there(home: Project) -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest(Path("app/langgraph.json"))

    assert str(caught.value) == "app/langgraph.json: there is no such file; write one, or name it with --config"


def test_a_folder(home: Project) -> None:
    (home.folder / "app").mkdir()

    with pytest.raises(ManifestError) as caught:
        read_manifest(Path("app"))

    assert str(caught.value) == "app: this cannot be read: Is a directory; name a file with --config"


def test_a_file_that_is_not_text(home: Project) -> None:
    (home.folder / "langgraph.json").write_bytes(b'{"a": "\xff"}')

    with pytest.raises(ManifestError) as caught:
        read_manifest(Path("langgraph.json"))

    assert str(caught.value) == "langgraph.json: this is not UTF-8: invalid start byte at byte 7; save it as such"


def test_a_file_that_is_nested_too_deep(home: Project) -> None:
    with pytest.raises(ManifestError, match=r"^langgraph\.json: this is nested too deep"):
        read(home, "[" * 200_000)


def test_an_env_file_that_is_not_text(home: Project) -> None:
    (home.folder / ".env").write_bytes(b"A=\xff\n")

    with pytest.raises(ManifestError, match=r"^langgraph\.json:2: env: '\.env' cannot be read: 'utf-8' codec"):
        read(home, f'{{{GRAPHS},\n"env": ".env"}}')
