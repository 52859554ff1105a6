"""Asks the probes, remembers good answers for a moment, and forgives a single blip."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.health.base import HealthReport, HealthStatus, Probe, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ironleaf.foundation.clock import Clock

CACHED_S: Final = 2.0
"""A good answer stays good this long: several load balancers may ask every second."""
PROBE_S: Final = 1.0
"""A probe that takes longer is a failure; orchestrators commonly wait one second for the whole answer."""
FAILURES_BELIEVED: Final = 2
"""So many failures in a row are believed: one lost packet must not take a replica out of traffic."""

_SEVERITY: Final = (HealthStatus.HEALTHY, HealthStatus.DEGRADED, HealthStatus.UNHEALTHY)

logger = logging.getLogger(__name__)


class HealthBoard:
    """The health of the service, component by component.

    Successes are cached for ``CACHED_S``, failures never. A single failure after
    a success is answered with that success. Each probe runs once at a time, however
    many callers ask.
    """

    def __init__(self, probes: Iterable[Probe], clock: Clock, *, probe_s: float = PROBE_S) -> None:
        self._seats = [_Seat(probe, clock, probe_s) for probe in probes]
        self._stopping = False
        names = [seat.name for seat in self._seats]
        if len(set(names)) != len(names):
            raise ValueError("two health probes have the same name")

    @property
    def stopping(self) -> bool:
        """Whether the service is on its way out and should get no new traffic."""
        return self._stopping

    def stop(self) -> None:
        """Take the service out of traffic: ``/readyz`` refuses from now on."""
        self._stopping = True

    async def report(self) -> HealthReport:
        """Return the state of every component. Never raises."""
        results = await asyncio.gather(*(seat.ask() for seat in self._seats))
        components = {seat.name: result for seat, result in zip(self._seats, results, strict=True)}
        worst = max((result.status for result in results), key=_SEVERITY.index, default=HealthStatus.HEALTHY)
        return HealthReport(status=worst, components=components)


class _Seat:
    """One probe with its memory."""

    def __init__(self, probe: Probe, clock: Clock, probe_s: float) -> None:
        self.name = probe.name
        self._probe = probe
        self._clock = clock
        self._probe_s = probe_s
        self._lock = asyncio.Lock()
        self._asked = 0
        self._last: ProbeResult | None = None
        self._good: ProbeResult | None = None
        self._good_until_s = 0.0
        self._failures = 0

    async def ask(self) -> ProbeResult:
        seen = self._asked
        async with self._lock:
            if self._last is not None and self._asked != seen:
                return self._last  # another caller's probe ended while we waited: single flight
            if self._good is not None and self._clock.monotonic() < self._good_until_s:
                return self._good
            self._last = self._weigh(await self._probe_once())
            self._asked += 1
            return self._last

    async def _probe_once(self) -> ProbeResult:
        try:
            async with asyncio.timeout(self._probe_s):
                return await self._probe.check()
        except TimeoutError:
            return ProbeResult(status=HealthStatus.UNHEALTHY, detail="the probe took too long", detail_zh="探测超时")
        except Exception as error:
            if self._failures == 0:
                logger.exception("the health probe %s failed", self.name)
            name = type(error).__name__
            return ProbeResult(
                status=HealthStatus.UNHEALTHY, detail=f"the probe failed: {name}", detail_zh=f"探测失败：{name}"
            )

    def _weigh(self, result: ProbeResult) -> ProbeResult:
        if result.status is not HealthStatus.UNHEALTHY:
            self._failures = 0
            self._good = result
            self._good_until_s = self._clock.monotonic() + CACHED_S
            return result
        self._failures += 1
        if self._good is not None and self._failures < FAILURES_BELIEVED:
            return self._good
        self._good = None
        return result
