from dataclasses import replace

from graphwire_server.core.delivery import Delivery, DeliveryState
from graphwire_server.core.model import RunStatus
from graphwire_server.core.tally import Tally
from tests.unit.core.fakes import house, on_thread, running


def test_calls_are_counted_by_code_and_timed_by_operation() -> None:
    tally = Tally()

    tally.called("grpc", "GetRun", "OK", 1.5)
    tally.called("grpc", "GetRun", "NOT_FOUND", 0.5)
    tally.called("http", "get_run", "200", 1.0)

    assert tally.calls["grpc", "GetRun", "OK"] == tally.calls["grpc", "GetRun", "NOT_FOUND"] == 1
    assert tally.seconds == {("grpc", "GetRun"): 2.0, ("http", "get_run"): 1.0}


async def test_runs_are_counted_by_their_end_with_their_events() -> None:
    tally, made = Tally(), house()
    async with running(made):
        events = await made.events(on_thread())
        ended = await made.end(await made.runs.get(events[0].run_id))

    tally.ended(ended)
    tally.ended(replace(ended, status=RunStatus.INTERRUPTED, first_seq=0))

    assert tally.ends == {RunStatus.SUCCESS: 1, RunStatus.INTERRUPTED: 1}
    assert tally.events == len(events), "a run that never started had none of its own"


def test_calls_of_webhooks_are_counted_by_what_becomes_of_them() -> None:
    tally, pending = Tally(), Delivery(run_id="r", thread_id="t", url="u")

    for state in (DeliveryState.PENDING, DeliveryState.PENDING, DeliveryState.DELIVERED):
        tally.attempted(replace(pending, state=state))

    assert tally.attempts == {DeliveryState.PENDING: 2, DeliveryState.DELIVERED: 1}
