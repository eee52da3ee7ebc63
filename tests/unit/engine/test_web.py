import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from graphwire_server.core.headers import HeaderRule
from graphwire_server.engine.document import ManifestError, read_document
from graphwire_server.engine.web import AppEntry, Cors, HttpSection, read_http

NO_VARIABLES: Mapping[str, str] = {}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read_text(text: str, environ: Mapping[str, str] = NO_VARIABLES) -> HttpSection:
    path = Path("langgraph.json")
    path.write_text(text)
    return read_http(read_document(path, "{}"), environ)


def read(http: object, environ: Mapping[str, str] = NO_VARIABLES) -> HttpSection:
    return read_text(json.dumps({"http": http}), environ)


def cors(values: object, environ: Mapping[str, str] = NO_VARIABLES) -> Cors:
    return read({"cors": values}, environ).cors


@pytest.mark.parametrize("text", ["{}", '{"http": null}', '{"http": {}}', '{"http": {"mine": [3], "ui": "x"}}'])
def test_defaults(text: str) -> None:
    assert read_text(text) == HttpSection()


def test_null_says_nothing() -> None:
    names = ("app", "mount_prefix", "cors", "disable_mcp", "configurable_headers")
    others = ("middleware_order", "enable_custom_route_auth")

    assert read(dict.fromkeys(names + others)) == HttpSection()
    assert cors(dict.fromkeys(("allow_origins", "allow_credentials", "max_age", "allow_origin_regex"))) == Cors()


def test_whole_section() -> None:
    section = read_text(
        """{"graphs": {}, "http": {
  "disable_mcp": true,
  "app": "my.web:site",
  "mount_prefix": "/api/v1",
  "middleware_order": "auth_first",
  "enable_custom_route_auth": true,
  "configurable_headers": {"includes": ["my-*"], "excludes": ["x-secret-*"]}
}}"""
    )

    assert section == HttpSection(
        app="my.web:site",
        app_where="langgraph.json:3",
        mount_prefix="/api/v1",
        disabled=frozenset({"mcp"}),
        configurable_headers=HeaderRule(includes=("my-*",), excludes=("x-secret-*",)),
        middleware_order="auth_first",
        enable_custom_route_auth=True,
    )
    assert section.entry == AppEntry(target="my.web", attribute="site", where="langgraph.json:3")


def test_no_app_is_no_entry() -> None:
    assert HttpSection().entry is None


def test_an_entry_of_a_file() -> None:
    entry = HttpSection(app=" ./src/app.py:app ").entry

    assert entry == AppEntry(target="./src/app.py", attribute="app")
    assert entry.is_file


GROUPS = ("assistants", "threads", "runs", "store", "meta", "mcp", "a2a", "ui", "webhooks")


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_that_is_disabled(group: str) -> None:
    others = {f"disable_{each}": False for each in GROUPS}

    assert read({**others, f"disable_{group}": True}).disabled == {group}


@pytest.mark.parametrize("keys", [("includes", "excludes"), ("include", "exclude")])
def test_both_spellings_of_header_lists(keys: tuple[str, str]) -> None:
    rule = read({"configurable_headers": {keys[0]: ["A-*"], keys[1]: ["x-b"]}}).configurable_headers

    assert rule == HeaderRule(includes=("A-*",), excludes=("x-b",))


def test_both_spellings_at_once_add_up() -> None:
    rule = read({"configurable_headers": {"includes": ["a"], "include": ["b"], "excludes": None}}).configurable_headers

    assert rule == HeaderRule(includes=("a", "b"))


def test_whole_cors() -> None:
    values = {
        "allow_origins": ["https://a.example"],
        "allow_methods": ["GET"],
        "allow_headers": [],
        "allow_credentials": True,
        "allow_origin_regex": "https://.*",
        "expose_headers": ["x-mine"],
        "max_age": 0,
    }

    assert cors(values) == Cors(
        allow_origins=("https://a.example",),
        allow_methods=("GET",),
        allow_headers=(),
        allow_credentials=True,
        allow_origin_regex="https://.*",
        expose_headers=("x-mine",),
        max_age=0,
    )


def test_any_origin_may_read_but_not_with_cookies() -> None:
    made = cors({})

    assert (made.allow_origins, made.allow_methods, made.allow_headers) == (("*",), ("*",), ("*",))
    assert not made.allow_credentials
    assert {"content-location", "location"} <= set(made.expose_headers)


def test_an_expression_for_origins_is_not_made_void_by_the_default() -> None:
    assert cors({"allow_origin_regex": "https://.*"}).allow_origins == ()


ORIGINS = {
    "not set": ({}, ("*",)),
    "empty": ({"CORS_ALLOW_ORIGINS": " , "}, ("*",)),
    "one": ({"CORS_ALLOW_ORIGINS": "https://a.example"}, ("https://a.example",)),
    "two": (
        {"CORS_ALLOW_ORIGINS": "https://a.example, https://b.example,"},
        ("https://a.example", "https://b.example"),
    ),
}


@pytest.mark.parametrize(("environ", "origins"), ORIGINS.values(), ids=ORIGINS.keys())
def test_origins_of_the_variable(environ: Mapping[str, str], origins: tuple[str, ...]) -> None:
    assert read(None, environ).cors == Cors(allow_origins=origins)


@pytest.mark.parametrize("origins", [[], ["https://c.example"]])
def test_origins_of_the_file_go_before_those_of_the_variable(origins: list[str]) -> None:
    made = cors({"allow_origins": origins}, {"CORS_ALLOW_ORIGINS": "https://a.example"})

    assert made.allow_origins == tuple(origins)


def test_origins_of_the_variable_stand_beside_an_expression() -> None:
    made = cors({"allow_origin_regex": "https://.*"}, {"CORS_ALLOW_ORIGINS": "http://a.example"})

    assert made.allow_origins == ("http://a.example",)


PREFIXES = {
    "variable": ({}, {"MOUNT_PREFIX": "/env"}, "/env"),
    "file": ({"mount_prefix": "/file"}, {"MOUNT_PREFIX": "/env"}, "/file"),
    "file says none": ({"mount_prefix": ""}, {"MOUNT_PREFIX": "/env"}, ""),
    "file, and a variable that is wrong": ({"mount_prefix": "/file"}, {"MOUNT_PREFIX": "env"}, "/file"),
    "null": ({"mount_prefix": None}, {"MOUNT_PREFIX": "/env"}, "/env"),
    "empty variable": ({}, {"MOUNT_PREFIX": ""}, ""),
}


@pytest.mark.parametrize(("http", "environ", "prefix"), PREFIXES.values(), ids=PREFIXES.keys())
def test_mount_prefix(http: object, environ: Mapping[str, str], prefix: str) -> None:
    assert read(http, environ).mount_prefix == prefix


BAD_PREFIXES = ["api", "/", "/api/", "//api", "/a//b", "/a b", "/a?b", "/{name}", "https://a.example/api", "/api\n"]


@pytest.mark.parametrize("prefix", BAD_PREFIXES)
def test_a_mount_prefix_that_cannot_be_meant(prefix: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read({"mount_prefix": prefix})

    assert str(caught.value) == (
        "langgraph.json:1: http.mount_prefix: "
        "this must begin with / and not end with it, as in /api, or be empty; correct it"
    )


def test_a_variable_with_a_prefix_that_cannot_be_meant() -> None:
    with pytest.raises(ManifestError, match=r"^the variable MOUNT_PREFIX: this must begin with / and not end with it"):
        read({}, {"MOUNT_PREFIX": "api"})


BAD = {
    "a list": ('{\n"http": []}', """2: http: this must be a map, such as {"app": "./app.py:app"}"""),
    "app": ('{"http": {\n"app": {}}}', """2: http.app: this must be text, such as "./app.py:app\""""),
    "app without a name": (
        '{"http": {\n\n"app": "./app.py"}}',
        ("3: http.app: './app.py' names no attribute; write the file or module, a colon and a name: './app.py:app'"),
    ),
    "app in another language": (
        '{"http": {"app": "./app.ts:app"}}',
        "1: http.app: './app.ts' is neither a .py file nor a dotted module; write './app.py:app'",
    ),
    "prefix": ('{"http": {"mount_prefix": 3}}', """1: http.mount_prefix: this must be text, such as "/api\""""),
    "flag": ('{"http": {\n"disable_mcp": "yes"}}', "2: http.disable_mcp: this must be true or false"),
    "number as a flag": ('{"http": {"disable_ui": 1}}', "1: http.disable_ui: this must be true or false"),
    "route auth": (
        '{"http": {"enable_custom_route_auth": "no"}}',
        "1: http.enable_custom_route_auth: this must be true or false",
    ),
    "order": (
        '{"http": {\n"middleware_order": "last"}}',
        """2: http.middleware_order: 'last' is no order; write "auth_first" or "middleware_first\"""",
    ),
    "order as a flag": (
        '{"http": {"middleware_order": true}}',
        """1: http.middleware_order: this must be text, such as "auth_first\"""",
    ),
    "headers": (
        '{"http": {\n"configurable_headers": ["x-a"]}}',
        (
            "2: http.configurable_headers: this must be a map, such as "
            '{"includes": ["x-user-*"], "excludes": ["x-user-token"]}'
        ),
    ),
    "header list": (
        '{"http": {"configurable_headers": {\n"include":\n"x-a"}}}',
        """2: http.configurable_headers.include: this must be a list of texts, such as ["x-user-*"]""",
    ),
    "header": (
        '{"http": {"configurable_headers": {"excludes": ["x-a", 3]}}}',
        """1: http.configurable_headers.excludes: this must be a list of texts, such as ["x-user-*"]""",
    ),
    "cors": (
        '{"http": {\n"cors": true}}',
        """2: http.cors: this must be a map, such as {"allow_origins": ["https://example.com"]}""",
    ),
    "origins": (
        '{"http": {"cors": {\n"max_age": 3,\n"allow_origins": "*"}}}',
        """3: http.cors.allow_origins: this must be a list of texts, such as ["https://example.com"]""",
    ),
    "credentials": (
        '{"http": {"cors": {"allow_credentials": "true"}}}',
        "1: http.cors.allow_credentials: this must be true or false",
    ),
    "age": (
        '{"http": {"cors": {"max_age": "600"}}}',
        "1: http.cors.max_age: this must be a whole number of seconds, zero or more",
    ),
    "negative age": (
        '{"http": {"cors": {"max_age": -1}}}',
        "1: http.cors.max_age: this must be a whole number of seconds, zero or more",
    ),
    "flag as an age": (
        '{"http": {"cors": {"max_age": true}}}',
        "1: http.cors.max_age: this must be a whole number of seconds, zero or more",
    ),
    "expression": (
        '{"http": {"cors": {\n"allow_origin_regex": "("}}}',
        (
            "2: http.cors.allow_origin_regex: this is not a regular expression: "
            "missing ), unterminated subpattern at position 0; correct it"
        ),
    ),
}


@pytest.mark.parametrize(("text", "line"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_one_line(text: str, line: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read_text(text)

    assert str(caught.value) == f"langgraph.json:{line}"
