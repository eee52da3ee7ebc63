"""What the server counts, for those who watch it.

Owns the names of the metrics and how they are shown: the text that Prometheus scrapes, or JSON. They are made when somebody asks, so nothing that is
served pays for them but its own count.
"""

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from graphwire_server.core.tally import Load, Tally


class Metrics:
    """The metrics of one server.

    Args:
        tally: What was counted.
        load: What the server has in its hands now.
    """

    def __init__(self, tally: Tally, load: Callable[[], Load]) -> None:
        # A registry of its own: the library's would be shared by all servers of a process, and by the graphs' own metrics.
        self._registry = CollectorRegistry()
        self._registry.register(_Counted(tally, load))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self._registry)

    def shown(self) -> list[dict[str, Any]]:
        """The same for JSON."""
        return [_shown(metric) for metric in self._registry.collect()]


class _Counted(Collector):
    """What the server counted, as the library's metrics."""

    def __init__(self, tally: Tally, load: Callable[[], Load]) -> None:
        self._tally = tally
        self._load = load

    def collect(self) -> Iterator[Metric]:
        """All metrics, as they are now."""
        yield from _held(self._load())
        yield from self._ended()
        yield from self._called()

    def _ended(self) -> Iterator[Metric]:
        runs = CounterMetricFamily("graphwire_runs_ended", "Runs that ended, by status.", labels=["status"])
        for status, count in self._tally.ends.items():
            runs.add_metric([status.value], count)
        yield runs
        yield CounterMetricFamily("graphwire_events", "Events of the runs that ended.", value=self._tally.events)
        attempts = CounterMetricFamily(
            "graphwire_webhook_attempts",
            "Calls of webhooks: delivered, failed for good, or pending, to be tried again.",
            labels=["state"],
        )
        for state, count in self._tally.attempts.items():
            attempts.add_metric([state.value], count)
        yield attempts

    def _called(self) -> Iterator[Metric]:
        calls = CounterMetricFamily(
            "graphwire_calls",
            "Calls that ended, by face (grpc or http), operation, and gRPC code or HTTP status.",
            labels=["face", "operation", "code"],
        )
        seconds = SummaryMetricFamily(
            "graphwire_call_seconds",
            "How long calls took, streams to their end, by face and operation.",
            labels=["face", "operation"],
        )
        counts: dict[tuple[str, str], int] = {}
        for (face, operation, code), count in sorted(self._tally.calls.items()):
            calls.add_metric([face, operation, code], count)
            counts[face, operation] = counts.get((face, operation), 0) + count
        for (face, operation), count in counts.items():
            seconds.add_metric([face, operation], count_value=count, sum_value=self._tally.seconds[face, operation])
        yield calls
        yield seconds


def _held(load: Load) -> Iterator[Metric]:
    runs = GaugeMetricFamily("graphwire_runs", "Runs that have not ended, by what they do.", labels=["state"])
    runs.add_metric(["executing"], load.executing)
    runs.add_metric(["waiting"], load.waiting)
    yield runs
    yield GaugeMetricFamily("graphwire_slots", "The most runs that execute at once.", value=load.slots)
    yield GaugeMetricFamily("graphwire_streams", "Streams that are open, on both faces.", value=load.streams)
    yield GaugeMetricFamily("graphwire_held_bytes", "Bytes of events in memory, for readers.", value=load.held_bytes)


def _shown(metric: Metric) -> dict[str, Any]:
    samples = [{"name": each.name, "labels": each.labels, "value": each.value} for each in metric.samples]
    return {"name": metric.name, "type": metric.type, "help": metric.documentation, "samples": samples}
