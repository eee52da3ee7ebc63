"""What schedules mean, time zones and changes of the clocks included."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwire_server.core.errors import InvalidField
from graphwire_server.schedules import CronSchedules

SCHEDULES = CronSchedules()
BERLIN = "Europe/Berlin"


def times(schedule: str, after: str, count: int, timezone: str | None = None) -> list[str]:
    """The next times of a schedule, in UTC."""
    found = []
    at = datetime.fromisoformat(after).replace(tzinfo=UTC)
    for _ in range(count):
        following = SCHEDULES.following(schedule, timezone, at)
        assert following is not None
        assert following > at
        at = following
        found.append(at.strftime("%m-%d %H:%M" if at.second == 0 else "%m-%d %H:%M:%S"))
    return found


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("* * * * *", ["03-02 09:01", "03-02 09:02"]),
        ("*/15 * * * *", ["03-02 09:15", "03-02 09:30"]),
        ("5,7-8 10 * * *", ["03-02 10:05", "03-02 10:07", "03-02 10:08", "03-03 10:05"]),
        ("0 9 * * mon-fri", ["03-03 09:00", "03-04 09:00", "03-05 09:00", "03-06 09:00", "03-09 09:00"]),
        ("0 0 1 JAN,jul *", ["07-01 00:00", "01-01 00:00"]),
        ("0 0 * * 7", ["03-08 00:00"]),
        ("0 0 L * *", ["03-31 00:00", "04-30 00:00"]),
        ("0 0 * * mon#1", ["04-06 00:00"]),
        ("0 0 13 * fri", ["03-06 00:00", "03-13 00:00", "03-20 00:00"]),
        ("* * * * * */20", ["03-02 09:01", "03-02 09:01:20", "03-02 09:01:40"]),
        ("0 12 * * * 30", ["03-02 12:00:30", "03-03 12:00:30"]),
        ("  0  12  *\t* * ", ["03-02 12:00"]),
        ("@hourly", ["03-02 10:00"]),
        ("@daily", ["03-03 00:00"]),
        ("@midnight", ["03-03 00:00"]),
        ("@weekly", ["03-08 00:00"]),
        ("@MONTHLY", ["04-01 00:00"]),
        ("@yearly", ["01-01 00:00"]),
        ("@annually", ["01-01 00:00"]),
    ],
)
def test_times(schedule: str, expected: list[str]) -> None:
    assert times(schedule, "2026-03-02 09:00:40", len(expected)) == expected


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        # In the night of 29 March, 2:00 is followed by 3:00, which is 1:00 UTC.
        ("30 2 * * *", "2026-03-28 00:00", ["03-28 01:30", "03-29 01:00", "03-30 00:30"]),
        ("0,30 2 * * *", "2026-03-28 12:00", ["03-29 01:00", "03-30 00:00"]),
        ("0 3 * * *", "2026-03-28 12:00", ["03-29 01:00", "03-30 01:00"]),
        ("*/30 * * * *", "2026-03-29 00:10", ["03-29 00:30", "03-29 01:00", "03-29 01:30"]),
        # In that of 25 October, 3:00 is followed by 2:00: the hour comes twice, at 0:00 and at 1:00 UTC.
        ("30 2 * * *", "2026-10-24 12:00", ["10-25 00:30", "10-26 01:30"]),
        ("30 2 * * *", "2026-10-25 01:10", ["10-26 01:30"]),
        ("15,45 2 * * *", "2026-10-24 12:00", ["10-25 00:15", "10-25 00:45", "10-26 01:15"]),
        (
            "*/30 * * * *",
            "2026-10-24 23:40",
            ["10-25 00:00", "10-25 00:30", "10-25 01:00", "10-25 01:30", "10-25 02:00"],
        ),
        ("0 3 * * *", "2026-10-24 12:00", ["10-25 02:00", "10-26 02:00"]),
    ],
)
def test_changes_of_the_clocks(schedule: str, after: str, expected: list[str]) -> None:
    assert times(schedule, after, len(expected), BERLIN) == expected


def test_a_schedule_that_names_no_hour_fires_as_often_as_hours_pass() -> None:
    for night in ("2026-03-28 23:00", "2026-10-24 22:00"):
        begin = datetime.fromisoformat(night).replace(tzinfo=UTC)
        found = [begin]
        while found[-1] < begin + timedelta(hours=6):
            found.append(SCHEDULES.following("0 * * * *", BERLIN, found[-1]) or begin)

        assert {later - earlier for earlier, later in itertools.pairwise(found)} == {timedelta(hours=1)}


@pytest.mark.parametrize(
    ("schedule", "since", "until", "expected"),
    [
        ("* * * * *", "2026-03-02 09:01", "2026-03-02 09:01:00", "2026-03-02 09:01"),
        ("* * * * *", "2026-03-02 09:01", "2026-03-02 09:01:59", "2026-03-02 09:01"),
        ("* * * * *", "2026-03-02 09:01", "2027-03-02 09:01:59", "2027-03-02 09:01"),
        ("* * * * * *", "2016-03-02 09:01", "2026-03-02 09:01:59", "2026-03-02 09:01:59"),
        ("0 9 * * *", "2026-03-02 09:00", "2026-03-05 08:59:59", "2026-03-04 09:00"),
        ("0 9 1 * *", "2025-01-01 09:00", "2026-03-05 08:59:59", "2026-03-01 09:00"),
        ("* * * 1 * *", "2016-01-01 00:00", "2026-12-15 12:00:00", "2026-01-31 23:59:59"),
        ("* * 29 2 * *", "2024-02-29 00:00", "2027-12-15 12:00:00", "2024-02-29 23:59:59"),
        ("0 9 29 2 *", "2016-02-29 09:00", "2026-03-05 09:00:00", "2024-02-29 09:00"),
        ("0 9 29 2 *", "2024-02-29 09:00", "2026-03-05 09:00:00", "2024-02-29 09:00"),
    ],
)
def test_the_latest(schedule: str, since: str, until: str, expected: str) -> None:
    begin, end, wanted = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (since, until, expected))

    assert SCHEDULES.latest(schedule, None, begin, end) == wanted


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        ["* * * * *", "*/7 * * * *", "30 2 * * *", "15,45 2 * * *", "0 3 * * *", "0 */3 * * sun", "@monthly"]
    ),
    st.integers(0, 60 * 24 * 60),
    st.integers(0, 60 * 24 * 40),
    st.sampled_from([None, BERLIN, "Australia/Lord_Howe"]),
)
def test_the_latest_is_the_one_that_none_follows(schedule: str, after: int, minutes: int, timezone: str | None) -> None:
    """Around the changes of the clocks as well: the days are those from March to May."""
    since = SCHEDULES.following(schedule, timezone, datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=after))
    assert since is not None
    until = since + timedelta(minutes=minutes, seconds=1.5)

    latest = SCHEDULES.latest(schedule, timezone, since, until)

    following = SCHEDULES.following(schedule, timezone, latest)
    assert since <= latest <= until
    assert following is not None
    assert following > until


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("", "has 0 fields"),
        ("* * * *", "has 4 fields"),
        ("* * * * * * *", "has 7 fields"),
        ("60 * * * *", "Bad minute"),
        ("* 24 * * *", "Bad hour"),
        ("* * 32 * *", "Bad day-of-month"),
        ("* * * 13 *", "Bad month"),
        ("* * * * 8", "Bad day-of-week"),
        ("* * * * * 60", "Bad second"),
        ("*/0 * * * *", "Bad minute"),
        ("5-1 * * * *", "Bad minute"),
        ("¹ * * * *", "Bad minute"),
        ("@reboot", "has 1 fields"),
        ("0 0 30 2 *", "Bad day-of-month"),
        ("0 0 * 2 sun#5", ""),
        ("*" * 300, "has 300 characters"),
    ],
)
def test_what_is_no_schedule_is_named(schedule: str, says: str) -> None:
    if not says:
        SCHEDULES.check(schedule, None)  # every 28 years
        return
    with pytest.raises(InvalidField) as refused:
        SCHEDULES.check(schedule, None)

    assert refused.value.field == "schedule"
    assert says in refused.value.problem


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "..", "/etc/passwd", "America", "a\x00b", "x" * 9999, "\ud800"])
def test_what_is_no_time_zone_is_named(timezone: str) -> None:
    with pytest.raises(InvalidField) as refused:
        SCHEDULES.check("* * * * *", timezone)

    assert refused.value.field == "timezone"


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789*/-,#LWl mon@²٣ ", max_size=30), st.text(max_size=12))
def test_no_text_fails_otherwise(schedule: str, timezone: str) -> None:
    try:
        SCHEDULES.check(schedule, timezone)
        SCHEDULES.following(schedule, timezone, datetime(2026, 1, 1, tzinfo=UTC))
    except InvalidField as error:
        assert error.field in ("schedule", "timezone")  # noqa: PT017  either may be wrong
