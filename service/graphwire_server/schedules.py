"""Schedules as cron writes them.

Owns the port `Schedules`: what a schedule and a time zone may be, and at which times they fire. The library CronSim does the arithmetic, as Debian's cron does it.

What a change of the clocks does to a schedule that names an hour and a minute: a time that the clocks pass over is made when they have, a time that comes
twice is made the first time. Schedules with a `*` in the minutes or hours, and those with seconds, go by the time that really passes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from graphwire_server.core.errors import InvalidField

_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_LONGEST = 256
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_EXAMPLE = "such as '0 9 * * mon-fri': minute, hour, day of the month, month, day of the week, and perhaps seconds as a sixth field"


class CronSchedules:
    """The port `Schedules`."""

    def check(self, schedule: str, timezone: str | None) -> None:
        """Raises InvalidField, for `schedule` or for `timezone`, where it cannot be meant."""
        if next(_times(schedule, _ANY_TIME.astimezone(_zone(timezone))), None) is None:
            raise InvalidField(
                "schedule", f"{schedule!r} never comes: no day of the next fifty years is one of its days"
            )

    def following(self, schedule: str, timezone: str | None, after: datetime) -> datetime | None:
        """The first time of a schedule after a time, in UTC; None where there is none in fifty years."""
        for found in _times(schedule, after.astimezone(_zone(timezone))):
            time = found.astimezone(UTC)
            if time > after:  # in an hour that comes twice the library looks at the first one again
                return time
        return None

    def latest(self, schedule: str, timezone: str | None, since: datetime, until: datetime) -> datetime:
        """The last time of a schedule up to a time, that one included; `since` where there is none behind that."""

        def comes_after(time: datetime) -> datetime | None:
            found = self.following(schedule, timezone, time)
            return None if found is None or found > until else found

        latest, none_after = since, until
        while none_after - latest > _SECOND:  # by halves: a year has very many minutes
            middle = latest + (none_after - latest) // 2
            found = comes_after(middle)
            if found is None:
                none_after = middle
            else:
                latest = found
        return comes_after(latest) or latest


def _times(schedule: str, after: datetime) -> Iterator[datetime]:
    try:
        return CronSim(_expression(schedule), after)
    except CronSimError as error:
        raise InvalidField(
            "schedule", f"{schedule[:60]!r} is no cron schedule ({error}); write one {_EXAMPLE}"
        ) from None


def _expression(schedule: str) -> str:
    """A schedule in the form that the library takes: seconds first."""
    if len(schedule) > _LONGEST:
        raise InvalidField("schedule", f"has {len(schedule)} characters; at most {_LONGEST} are taken")
    known = _ALIASES.get(schedule.strip().lower())
    if known is not None:
        return known
    fields = schedule.split()
    if len(fields) not in (5, 6):
        raise InvalidField("schedule", f"has {len(fields)} fields; write one {_EXAMPLE}")
    return " ".join((*fields[5:], *fields[:5]))


def _zone(timezone: str | None) -> tzinfo:
    if not timezone or timezone == "UTC":
        return UTC
    try:
        return ZoneInfo(timezone)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # names of folders, paths and other texts fail in their own ways
        raise InvalidField(
            "timezone", f"{timezone[:60]!r} is no time zone of the IANA database; write one such as 'Europe/Berlin'"
        ) from None
