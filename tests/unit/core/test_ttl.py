from datetime import timedelta

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.ttl import LONGEST_TTL, Ttl, TtlStrategy, changed, check_ttl, given
from tests.unit.core.fakes import THREAD, house

DAY, FOREVER = Ttl(after=timedelta(days=1), strategy=TtlStrategy.KEEP_LATEST), Ttl(after=timedelta(0))


@pytest.mark.parametrize(
    ("said", "default", "life"), [(None, None, None), (None, DAY, DAY), (DAY, None, DAY), (FOREVER, DAY, None)]
)
def test_what_a_new_thread_gets(said: Ttl | None, default: Ttl | None, life: Ttl | None) -> None:
    assert given(said, default) == life


@pytest.mark.parametrize(
    ("before", "change", "after"), [(None, None, None), (DAY, None, DAY), (None, DAY, DAY), (DAY, FOREVER, None)]
)
def test_what_a_change_makes_of_it(before: Ttl | None, change: Ttl | None, after: Ttl | None) -> None:
    assert changed(before, change) == after


@pytest.mark.parametrize("after", [timedelta(microseconds=-1), LONGEST_TTL + timedelta(microseconds=1)])
async def test_a_life_out_of_bounds_is_refused(after: timedelta) -> None:
    made, life = house(), Ttl(after=after)
    with pytest.raises(InvalidField, match="ttl"):
        check_ttl("ttl", life)
    with pytest.raises(InvalidField, match="ttl"):
        await made.threads.create(THREAD, {}, ttl=life)
    await made.threads.create(THREAD, {})
    with pytest.raises(InvalidField, match="ttl"):
        await made.threads.merge_metadata(THREAD, {}, life)


async def test_the_time_counts_from_the_last_change() -> None:
    made = house()
    thread = await made.threads.create(THREAD, {}, ttl=DAY)
    later = await made.threads.merge_metadata(THREAD, {"k": 1})

    assert thread.expires_at == thread.created_at + timedelta(days=1)
    assert later.expires_at == later.updated_at + timedelta(days=1)
    assert later.updated_at > thread.updated_at
