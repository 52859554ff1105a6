"""The page for Prometheus: the same numbers as everywhere, by its names and in its units. Of this process only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ironleaf.application.version import VERSION
from ironleaf.application.watching import Watching
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.monitoring import Measured
from ironleaf.foundation.monitoring.buckets import Histogram
from ironleaf.foundation.monitoring.recorder import Recorder
from ironleaf.foundation.monitoring.totals import WorkTotal
from ironleaf.foundation.processes import WorkerPool
from ironleaf.foundation.resilience import BreakerState, Bulkhead, BulkheadSnapshot, CircuitBreaker

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""One format for everybody: choosing by the request's header would put words of the caller into the answer's."""
_NAMES: Final = {
    Measured.STAGE: ("stage", "stage", "stages of the flow, for each conversion or page"),
    Measured.ENGINE: ("engine", "engine", "pages that an engine was asked for"),
    Measured.BACKEND: ("backend", "backend", "pages that a model server was asked for"),
    Measured.ROUTE: ("http_request", "route", "requests, by the route's template"),
}
logger = logging.getLogger(__name__)


class GuardedBackend(Protocol):
    """A model server with its guards."""

    breaker: CircuitBreaker
    bulkhead: Bulkhead

    @property
    def alias(self) -> str: ...


class HouseCollector(Collector):
    """Asks the parts of the house when it is asked; a part that fails is left out and costs the others nothing."""

    def __init__(
        self,
        *,
        recorder: Recorder,
        watching: Watching,
        backends: Sequence[GuardedBackend],
        pools: Sequence[WorkerPool[Any, Any]],
        conversions: Callable[[], BulkheadSnapshot],
        clock: Clock,
    ) -> None:
        self._recorder = recorder
        self._watching = watching
        self._backends = backends
        self._pools = pools
        self._conversions = conversions
        self._clock = clock
        self.failures = 0

    def collect(self) -> Iterator[Metric]:
        parts = (
            self._errors,
            self._work,
            self._breakers,
            self._bulkheads,
            self._workers,
            self._waiting,
            self._events,
            self._itself,
        )
        for part in parts:
            try:
                yield from list(part())
            except Exception as error:  # noqa: BLE001 - half a page is worth more than none
                self.failures += 1
                logger.warning("a part of the metrics failed: %s", type(error).__name__)

    def _errors(self) -> Iterator[Metric]:
        labels = ("error_type", "level", "component", "outcome")
        family = CounterMetricFamily("ironleaf_errors", "Errors, degraded pages and healed faults.", labels=labels)
        for key, count in list(self._recorder.totals.errors.items()):
            family.add_metric(key, count)
        yield family

    def _work(self) -> Iterator[Metric]:
        totals = list(self._recorder.totals.work.items())
        for measured, (name, label, what) in _NAMES.items():
            lines = [(key[1], total) for key, total in totals if key[0] is measured]
            yield _histogram(f"ironleaf_{name}_duration", f"Seconds of {what}.", label, lines, _duration)
            yield _histogram(f"ironleaf_{name}_wait", f"Of that, waiting for a turn: {what}.", label, lines, _wait)
            failures = CounterMetricFamily(f"ironleaf_{name}_failures", f"Failures among {what}.", labels=(label,))
            pages = CounterMetricFamily(f"ironleaf_{name}_pages", f"Pages in {what}.", labels=(label,))
            for value, total in lines:
                failures.add_metric((value,), total.failed)
                pages.add_metric((value,), total.pages)
            yield failures
            yield pages

    def _breakers(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "ironleaf_breaker_state", "1 for the state that the breaker is in.", labels=("backend", "state")
        )
        for backend in self._backends:
            now = backend.breaker.snapshot().state
            for state in BreakerState:
                family.add_metric((backend.alias, state.value), float(state is now))
        yield family

    def _bulkheads(self) -> Iterator[Metric]:
        snapshots = [((backend.alias,), backend.bulkhead.snapshot()) for backend in self._backends]
        yield _gauge("ironleaf_backend_calls_max", "Calls let through at once.", "backend", snapshots, "limit")
        yield _gauge("ironleaf_backend_calls_running", "Calls under way.", "backend", snapshots, "running")
        yield _gauge("ironleaf_backend_calls_queued", "Calls that wait.", "backend", snapshots, "queued")
        refusals = CounterMetricFamily("ironleaf_backend_refusals", "Calls turned away.", labels=("backend",))
        for labels, snapshot in snapshots:
            refusals.add_metric(labels, snapshot.refusals)
        yield refusals

    def _workers(self) -> Iterator[Metric]:
        statuses = [pool.status() for pool in self._pools]
        lines = [((status.name,), status) for status in statuses]
        yield _gauge("ironleaf_workers_max", "Worker processes that should be there.", "pool", lines, "size")
        yield _gauge("ironleaf_workers_alive", "Worker processes that are there.", "pool", lines, "alive")
        yield _gauge("ironleaf_workers_busy", "Worker processes with a job.", "pool", lines, "busy")
        yield _gauge("ironleaf_worker_jobs_queued", "Jobs that wait for a worker.", "pool", lines, "queued")
        replaced = CounterMetricFamily(
            "ironleaf_worker_replacements", "Worker processes replaced.", labels=("pool", "reason")
        )
        for status in statuses:
            for reason, count in status.replaced.items():
                replaced.add_metric((status.name, reason.value), count)
        yield replaced

    def _waiting(self) -> Iterator[Metric]:
        snapshot = self._conversions()
        yield GaugeMetricFamily("ironleaf_conversions_max", "Conversions let in at once.", snapshot.limit)
        yield GaugeMetricFamily("ironleaf_conversions_running", "Conversions under way.", snapshot.running)
        yield GaugeMetricFamily("ironleaf_conversions_queued", "Conversions that wait.", snapshot.queued)
        yield CounterMetricFamily("ironleaf_conversions_refusals", "Conversions turned away.", snapshot.refusals)

    def _events(self) -> Iterator[Metric]:
        healings = CounterMetricFamily(
            "ironleaf_healing_actions", "Acts of self-healing.", labels=("backend", "action", "outcome")
        )
        for labels, count in list(self._watching.healings.items()):
            healings.add_metric(labels, count)
        guards = CounterMetricFamily("ironleaf_guard_events", "What guards did.", labels=("backend", "event"))
        for labels, count in list(self._watching.guards.items()):
            guards.add_metric(labels, count)
        yield healings
        yield guards

    def _itself(self) -> Iterator[Metric]:
        lost = self._recorder.lost + self._watching.failures + self.failures
        yield CounterMetricFamily("ironleaf_monitoring_lost", "Events that could not be counted.", lost)
        written_s = self._recorder.last_written_s
        age = GaugeMetricFamily("ironleaf_monitoring_unwritten_seconds", "Since statistics were last written.")
        if written_s is not None:
            age.add_metric((), self._clock.monotonic() - written_s)
        yield age
        build = GaugeMetricFamily("ironleaf_build_info", "The version that runs.", labels=("version",))
        build.add_metric((VERSION,), 1)
        yield build


def make_registry(collector: Collector) -> CollectorRegistry:
    """Return a registry of its own, with what the system knows of this process."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def render(registry: CollectorRegistry) -> bytes:
    """Return the page."""
    return generate_latest(registry)


def _duration(total: WorkTotal) -> Histogram:
    return total.duration


def _wait(total: WorkTotal) -> Histogram:
    return total.wait


def _histogram(
    name: str,
    about: str,
    label: str,
    lines: Iterable[tuple[str, WorkTotal]],
    choose: Callable[[WorkTotal], Histogram],
) -> Metric:
    family = HistogramMetricFamily(name, about, labels=(label,), unit="seconds")
    for value, total in lines:
        histogram = choose(total)
        buckets = [("+Inf" if bound == float("inf") else str(bound), count) for bound, count in histogram.cumulative()]
        family.add_metric((value,), buckets, histogram.sum_s)
    return family


def _gauge(name: str, about: str, label: str, lines: Iterable[tuple[tuple[str], Any]], field: str) -> Metric:
    family = GaugeMetricFamily(name, about, labels=(label,))
    for labels, facts in lines:
        family.add_metric(labels, getattr(facts, field))
    return family
