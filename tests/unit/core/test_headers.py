import time

import pytest

from graphwire_server.core.headers import HeaderRule

CREDENTIALS = ("authorization", "cookie", "proxy-authorization", "x-api-key", "x-service-key", "x-tenant-id")


def test_the_default() -> None:
    chosen = HeaderRule().select(
        [
            ("X-User-Id", "u1"),
            ("user-agent", "curl/8"),
            ("LangSmith-Trace", "t"),
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("host", "example.com"),
            *((name, "secret") for name in CREDENTIALS),
        ]
    )

    assert chosen == {"x-user-id": "u1", "user-agent": "curl/8", "langsmith-trace": "t"}


def test_nothing_passes_where_there_are_no_patterns() -> None:
    assert HeaderRule(defaults=()).select([("x-a", "1"), ("", "2")]) == {}


def test_includes_are_added_to_the_default() -> None:
    rule = HeaderRule(includes=("accept-*", "Host"))

    chosen = rule.select([("Accept-Language", "de"), ("HOST", "h"), ("x-a", "1"), ("accept", "no")])

    assert chosen == {"accept-language": "de", "host": "h", "x-a": "1"}


def test_excludes_win() -> None:
    rule = HeaderRule(includes=("x-user-id", "my-*"), excludes=("X-User-*", "my-secret", "*key*"))

    chosen = rule.select([("x-user-id", "1"), ("my-secret", "2"), ("my-own", "3"), ("x-monkeys", "4"), ("x-b", "5")])

    assert chosen == {"my-own": "3", "x-b": "5"}


def test_all_can_be_excluded() -> None:
    headers = [("x-a", "1"), ("user-agent", "2"), ("baggage", "langsmith-project=p")]

    assert HeaderRule(includes=("x-a",), excludes=("*",)).select(headers) == {}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credential_passes_by_no_wildcard(name: str) -> None:
    rule = HeaderRule(includes=("*", "x-*", f"{name[:-1]}*", f"*{name[1:]}", f"{name}*"))

    assert not rule.allows(name)
    assert not rule.allows(name.upper())


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_credential_passes_by_its_full_name(name: str) -> None:
    assert HeaderRule(includes=(name.title(),)).select([(name, "secret")]) == {name: "secret"}
    assert not HeaderRule(includes=(name,), excludes=(f"{name[:3]}*",)).allows(name)


@pytest.mark.parametrize("name", ["thread_id", "checkpoint_ns", "langgraph_auth_user", "__pregel_send"])
def test_a_name_of_a_key_of_langgraphs_passes_by_no_wildcard(name: str) -> None:
    assert not HeaderRule(includes=("*", f"{name}*")).allows(name)
    assert HeaderRule(includes=(name,)).allows(name)


def test_an_underscore_alone_keeps_nothing_out() -> None:
    assert HeaderRule().allows("x-user_id")


@pytest.mark.parametrize("pattern", ["a?c", "a[b]c", "a.c", "[!x]bc", "a|abc", "(abc)"])
def test_only_the_star_is_a_pattern(pattern: str) -> None:
    rule = HeaderRule(includes=(pattern,), excludes=("x?", "[x]-*"))

    assert not rule.allows("abc")
    assert rule.allows("x-a")


MATCHES = {
    ("*", "a", True),
    ("a*", "a", True),
    ("a*", "ba", False),
    ("*a", "ba", True),
    ("*-trace-*", "my-trace-id", True),
    ("*-trace-*", "trace-id", False),
    ("a*b*c", "a-b-b-c", True),
    ("a*b*c", "a-c-b", False),
    ("a-b", "a-bc", False),
}


@pytest.mark.parametrize(("pattern", "name", "passes"), sorted(MATCHES))
def test_patterns(pattern: str, name: str, passes: bool) -> None:
    assert HeaderRule(defaults=(), includes=(pattern,)).allows(name) is passes


def test_a_long_name_does_not_hold_the_server_up() -> None:
    rule = HeaderRule(includes=("*a*a*a*a*a*a*a*b",))
    start = time.process_time()

    passes = rule.allows("a" * 50_000)

    assert not passes
    assert time.process_time() - start < 2


def test_a_header_that_is_there_twice() -> None:
    chosen = HeaderRule().select([("x-a", "1"), ("x-b", "2"), ("X-A", "3")])

    assert chosen == {"x-a": "1, 3", "x-b": "2"}


BAGGAGE = {
    "of others": ("userId=alice,serverNode=DF%2028", {}),
    "nothing": ("", {}),
    "malformed": (",,=, langsmith", {}),
    "project": (
        "userId=alice, langsmith-project=my%20app",
        {"baggage": "langsmith-project=my%20app", "langsmith-project": "my app"},
    ),
    "metadata": (
        "langsmith-metadata=%7B%22a%22%3A1%7D,b=c,langsmith-tags=x%2Cy",
        {"baggage": "langsmith-metadata=%7B%22a%22%3A1%7D,langsmith-tags=x%2Cy"},
    ),
    "property": (
        "langsmith-project=app;ttl=3",
        {"baggage": "langsmith-project=app;ttl=3", "langsmith-project": "app"},
    ),
    "two projects": (
        "langsmith-project=a,langsmith-project=b",
        {"baggage": "langsmith-project=a,langsmith-project=b", "langsmith-project": "a"},
    ),
}


@pytest.mark.parametrize(("value", "chosen"), BAGGAGE.values(), ids=BAGGAGE.keys())
def test_of_baggage_only_what_belongs_to_tracing_is_kept(value: str, chosen: dict[str, str]) -> None:
    assert HeaderRule().select([("Baggage", value)]) == chosen


def test_baggage_in_two_headers() -> None:
    chosen = HeaderRule().select([("baggage", "langsmith-tags=x"), ("baggage", "a=b,langsmith-project=p")])

    assert chosen == {"baggage": "langsmith-tags=x,langsmith-project=p", "langsmith-project": "p"}


def test_the_project_of_baggage_can_be_excluded() -> None:
    headers = [("baggage", "langsmith-project=p"), ("langsmith-trace", "t")]

    assert HeaderRule(excludes=("baggage",)).select(headers) == {"langsmith-trace": "t"}
    assert HeaderRule(excludes=("langsmith-*",)).select(headers) == {"baggage": "langsmith-project=p"}


def test_rules_that_say_the_same_are_equal() -> None:
    assert HeaderRule(includes=("a",)) == HeaderRule(includes=("a",))
    assert len({HeaderRule(), HeaderRule(), HeaderRule(defaults=())}) == 2
