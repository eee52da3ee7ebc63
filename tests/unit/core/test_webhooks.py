from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from graphwire_server.core.addresses import AddressKind
from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.errors import InvalidField, NotOffered
from graphwire_server.core.model import CancelAction, Run, RunSpec, RunStatus
from graphwire_server.core.webhooks import Answer, Schedule, Target, UrlPolicy, begun, delivering, judged

OPEN = UrlPolicy(allow_loopback=True, allow_private=True)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PENDING = Delivery(run_id="r", thread_id="t", url="https://x.example", next_at=NOW)
S = timedelta(seconds=1)


def refusal(url: str, policy: UrlPolicy | None = None) -> str:
    with pytest.raises(InvalidField) as refused:
        (policy or UrlPolicy()).check(url)
    assert refused.value.field == "webhook"
    return refused.value.problem


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", Target(secure=True, host="example.com", port=443, path="/")),
        ("HTTPS://Example.COM./a?b=c#d", Target(secure=True, host="example.com.", port=443, path="/a?b=c")),
        ("http://example.com:8080/?q", Target(secure=False, host="example.com", port=8080, path="/?q")),
        ("http://8.8.8.8/x", Target(secure=False, host="8.8.8.8", port=80, path="/x")),
        ("http://[2606:4700::1111]:81/x", Target(secure=False, host="2606:4700::1111", port=81, path="/x")),
        ("https://my_host.example/%20", Target(secure=True, host="my_host.example", port=443, path="/%20")),
        ("https://xn--bcher-kva.example", Target(secure=True, host="xn--bcher-kva.example", port=443, path="/")),
    ],
)
def test_where_a_url_leads(url: str, target: Target) -> None:
    assert UrlPolicy().check(url) == target


@pytest.mark.parametrize(
    ("target", "authority"),
    [
        (Target(secure=True, host="a", port=443, path="/"), "a"),
        (Target(secure=False, host="a", port=443, path="/"), "a:443"),
        (Target(secure=False, host="::1", port=80, path="/"), "[::1]"),
        (Target(secure=False, host="::1", port=81, path="/"), "[::1]:81"),
    ],
)
def test_how_the_head_of_a_request_names_it(target: Target, authority: str) -> None:
    assert target.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "", "/hook", "hook", "//example.com", "ftp://example.com", "file:///etc/passwd", "http:", "http://", "https:///x", "http://:80/", "http://a:0/",
        "http://a:65536/", "http://a:b/", "http://a b/", "http://a/\n", "http://exämple.com/", "http://a/ä", "http://[::1/", "http://[::g]/", "http://a:b@c/",
        "http://a@b/", "http://[1.2.3.4]/", "http://-a/", "http://.a/", "http://a\\@b/", "http://%31/", "http://1.2.3.4.5/", "http://1.2.3.999/", "http://0x/x", "http://a.0x1",
    ],
)  # fmt: skip
def test_what_is_no_url_to_call(url: str) -> None:
    assert refusal(url, OPEN)


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", AddressKind.LOOPBACK),
        ("localhost", AddressKind.LOOPBACK),
        ("LOCALHOST.", AddressKind.LOOPBACK),
        ("a.localhost", AddressKind.LOOPBACK),
        ("[::1]", AddressKind.LOOPBACK),
        ("[::ffff:127.0.0.1]", AddressKind.LOOPBACK),
        ("127.1", AddressKind.LOOPBACK),
        ("2130706433", AddressKind.LOOPBACK),
        ("0x7f000001", AddressKind.LOOPBACK),
        ("0177.0.0.1", AddressKind.LOOPBACK),
        ("127.0.0.1.", AddressKind.LOOPBACK),
        ("10.0.0.1", AddressKind.PRIVATE),
        ("[fd00::1]", AddressKind.PRIVATE),
        ("169.254.169.254", AddressKind.METADATA),
        ("[fe80::1]", AddressKind.LINK_LOCAL),
        ("224.0.0.1", AddressKind.MULTICAST),
        ("0", AddressKind.RESERVED),
        ("0.0.0.0", AddressKind.RESERVED),  # noqa: S104  nothing is bound
        ("[::]", AddressKind.RESERVED),
    ],
)
def test_a_host_that_may_not_be_called(host: str, kind: AddressKind) -> None:
    assert kind.value in refusal(f"http://{host}/")


def test_what_may_be_called_where_it_is_allowed() -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        assert UrlPolicy(allow_loopback=True).check(f"http://{host}:8080/").port == 8080
        assert refusal(f"http://{host}/", UrlPolicy(allow_private=True))
    for host in ("10.0.0.1", "[fd00::1]"):
        assert UrlPolicy(allow_private=True).check(f"http://{host}/")
        assert refusal(f"http://{host}/", UrlPolicy(allow_loopback=True))


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "224.0.0.1", "0.0.0.0", "[fd00:ec2::254]"])  # noqa: S104  as above
def test_what_is_never_called(host: str) -> None:
    assert refusal(f"http://{host}/", OPEN)


def test_https_alone() -> None:
    assert "https" in refusal("http://example.com", UrlPolicy(require_https=True))
    assert UrlPolicy(require_https=True).check("https://example.com")


def test_ports() -> None:
    only = UrlPolicy(allowed_ports=(443, 8443))
    assert only.check("https://example.com").port == 443
    assert only.check("https://example.com:8443").port == 8443
    assert "80" in refusal("http://example.com", only)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("hooks.example.com", True),
        ("HOOKS.example.com.", True),
        ("a.corp.example", True),
        ("a.b.corp.example", True),
        ("corp.example", False),
        ("evilcorp.example", False),
        ("hooks.example.com.evil.example", False),
        ("x.hooks.example.com", False),
    ],
)
def test_domains(host: str, allowed: bool) -> None:
    only = UrlPolicy(allowed_domains=("hooks.example.com", "*.corp.example"))
    assert only.check(f"https://{host}/") if allowed else refusal(f"https://{host}/", only)


def test_a_domain_that_is_allowed_does_not_make_its_address_so() -> None:
    assert refusal("http://127.0.0.1/", UrlPolicy(allowed_domains=("127.0.0.1",)))


def test_how_long_a_url_may_be() -> None:
    url = "https://example.com/".ljust(2048, "x")
    assert UrlPolicy().check(url)
    assert "2049" in refusal(url + "x")
    assert refusal(url, UrlPolicy(most_characters=100))


def test_webhooks_that_are_off() -> None:
    with pytest.raises(NotOffered):
        UrlPolicy(offered=False).check("https://example.com")
    spec = RunSpec(assistant="a")
    assert UrlPolicy(offered=False).check_spec(spec) is spec


def test_a_refusal_does_not_repeat_what_may_be_secret() -> None:
    for url in ("https://a:hidden@example.com/", "http://a:b/?hidden", "ftp://x/?hidden"):
        assert "hidden" not in refusal(url)


def test_what_a_webhook_tells_is_kept() -> None:
    streamed = RunSpec(assistant="a", keep_output=False, webhook="https://example.com")

    assert UrlPolicy().check_spec(streamed).keep_output
    assert not UrlPolicy().check_spec(replace(streamed, webhook=None)).keep_output


# -- when it is tried again -------------------------------------------------------------------------


def test_each_wait_is_four_times_as_long_up_to_the_longest() -> None:
    schedule = Schedule(attempts=9, first=2 * S, longest=timedelta(hours=1))

    waits = [schedule.wait(attempts, None, 1.0) for attempts in range(1, 10)]

    assert waits == [n * S for n in (2, 8, 32, 128, 512, 2048, 3600, 3600)] + [None]


def test_a_wait_is_half_of_it_to_all_of_it() -> None:
    schedule = Schedule(first=8 * S)
    assert [schedule.wait(1, None, chance) for chance in (0.0, 0.5, 1.0)] == [4 * S, 6 * S, 8 * S]


def test_a_receiver_may_ask_for_more_and_not_for_less() -> None:
    schedule = Schedule(first=8 * S, longest=timedelta(minutes=1))
    assert schedule.wait(1, 30 * S, 1.0) == 30 * S
    assert schedule.wait(1, 1 * S, 1.0) == 8 * S
    assert schedule.wait(1, timedelta(days=9), 1.0) == timedelta(minutes=1)


def test_very_many_attempts_make_no_number_too_large() -> None:
    assert Schedule(attempts=10_000).wait(9_999, None, 1.0) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("answer", "state", "error"),
    [
        (Answer(status=200), DeliveryState.DELIVERED, ""),
        (Answer(status=204), DeliveryState.DELIVERED, ""),
        (Answer(status=299), DeliveryState.DELIVERED, ""),
        (Answer(status=301), DeliveryState.FAILED, "answered 301: redirects are not followed"),
        (Answer(status=308), DeliveryState.FAILED, "answered 308: redirects are not followed"),
        (Answer(status=400), DeliveryState.PENDING, "answered 400"),
        (Answer(status=404), DeliveryState.PENDING, "answered 404"),
        (Answer(status=410), DeliveryState.FAILED, "answered 410"),
        (Answer(status=429), DeliveryState.PENDING, "answered 429"),
        (Answer(status=500), DeliveryState.PENDING, "answered 500"),
        (Answer(error="no answer"), DeliveryState.PENDING, "no answer"),
        (Answer(error="refused", final=True), DeliveryState.FAILED, "refused"),
    ],
)
def test_what_becomes_of_a_delivery(answer: Answer, state: DeliveryState, error: str) -> None:
    after = judged(PENDING, answer, Schedule(first=8 * S), NOW, lambda: 1.0)

    settled = state is not DeliveryState.PENDING
    assert after == replace(
        PENDING,
        state=state,
        attempts=1,
        attempted_at=NOW,
        next_at=None if settled else NOW + 8 * S,
        settled_at=NOW if settled else None,
        status=answer.status,
        error=error,
    )


def test_the_last_attempt_gives_up() -> None:
    tried = replace(PENDING, attempts=2)

    after = judged(tried, Answer(status=500), Schedule(attempts=3), NOW, lambda: 1.0)

    assert (after.state, after.attempts, after.next_at) == (DeliveryState.FAILED, 3, None)


# -- the end of a run -------------------------------------------------------------------------------


def run(**fields: Any) -> Run:
    base: dict[str, Any] = {
        "run_id": "r",
        "thread_id": "t",
        "assistant_id": "a",
        "graph_id": "g",
        "status": RunStatus.SUCCESS,
        "created_at": NOW - S,
        "updated_at": NOW,
        "spec": RunSpec(assistant="g", webhook="https://x.example"),
    }
    return Run(**{**base, **fields})


def test_the_end_of_a_run_makes_its_delivery() -> None:
    assert begun(run()) == PENDING
    assert begun(run(spec=RunSpec(assistant="g"))) is None


def test_a_run_that_is_rolled_back_says_so() -> None:
    assert delivering(run(), rolled_back=True).cancel is CancelAction.ROLLBACK
    assert delivering(run(), rolled_back=False) == run(delivery=PENDING)
    plain = run(spec=RunSpec(assistant="g"))
    assert delivering(plain, rolled_back=True) is plain
