"""The second hand of monitoring: what was heard and what is seen becomes a tick, and ticks become signals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from ironleaf.application.figures import HouseFigures
from ironleaf.application.subscriptions import QUIET_ROUTES
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import AlertRule, Catalogue, Level
from ironleaf.foundation.errors.policy import POLICY
from ironleaf.foundation.monitoring import ErrorEvent, Identity, Signal, WorkMeasured
from ironleaf.foundation.monitoring.detection import (
    DetectionSettings,
    Tick,
    TickCounter,
    make_standard_panel,
)
from ironleaf.foundation.monitoring.work import WorkGroups

TICK_S: Final = 1.0
HEALTH_EVERY_S: Final = 5.0
RESOURCES_EVERY_S: Final = 10.0

logger = logging.getLogger(__name__)


class Detection:
    """Hears events, ticks, and hands signals to ``say``, which must neither raise nor wait. A `SignalSource`.

    Nothing here raises: what fails is logged by type, once, until it works again.
    """

    def __init__(
        self,
        settings: DetectionSettings,
        *,
        figures: HouseFigures,
        catalogue: Catalogue,
        say: Callable[[Signal], None],
        clock: Clock,
    ) -> None:
        self._standard = make_standard_panel(settings)
        self._counter = TickCounter(alert_of=_make_alert_rule(catalogue), quiet_routes=QUIET_ROUTES)
        self._figures = figures
        self._say = say
        self._clock = clock
        self._failing: set[str] = set()

    def hear(self, event: ErrorEvent | WorkMeasured) -> None:
        """Count an event. From any thread; a few microseconds."""
        with self._guarded("hear"):
            self._counter.hear(event)

    def hear_work(self, groups: WorkGroups) -> None:
        """Count measurements, many at a time. From any thread."""
        with self._guarded("hear"):
            self._counter.hear_work(groups)

    def recall(self, *, request_hours: Mapping[datetime, int], fingerprints: Iterable[str]) -> None:
        """Take over what is kept of the past: requests by the beginning of their hour, and fingerprints ever seen."""
        self._standard.silence.recall(request_hours)
        self._standard.novelty.recall(fingerprints)

    @property
    def standing(self) -> tuple[Signal, ...]:
        """The last word on each condition that holds."""
        return self._standard.panel.standing

    def find_absent(self, identities: Iterable[Identity]) -> tuple[Signal, ...]:
        """Return a `CLEAR` for each identity that holds no longer; see `SignalSource`."""
        return self._standard.panel.find_absent(identities)

    def forget(self, identities: Iterable[Identity]) -> None:
        """Decide each anew; see `SignalSource`."""
        self._standard.panel.forget(identities)

    async def run(self) -> None:
        """Tick and look until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(TICK_S, "turn", self._turn))
            group.create_task(self._repeat(HEALTH_EVERY_S, "health", self._figures.look_at_health))
            group.create_task(self._repeat(RESOURCES_EVERY_S, "resources", self._figures.look_at_resources))

    def tick(self) -> None:
        """Make one tick now."""
        with self._guarded("tick"):
            counted = self._counter.take(now_s=self._clock.monotonic(), at=self._clock.now())
            self._feed(self._figures.take(counted))

    async def _turn(self) -> None:
        self.tick()

    def _feed(self, tick: Tick) -> None:
        for signal in self._standard.panel.feed(tick):
            with self._guarded("say"):
                self._say(signal)

    async def _repeat(self, every_s: float, what: str, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            with self._guarded(what):
                await work()
            await self._clock.sleep(every_s)

    def _guarded(self, what: str) -> _Guarded:
        return _Guarded(what, self._failing)


class _Guarded:
    """Logs a failure by its type, once until the work succeeds again, and lets it go."""

    __slots__ = ("_failing", "_what")

    def __init__(self, what: str, failing: set[str]) -> None:
        self._what = what
        self._failing = failing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if kind is None:
            self._failing.discard(self._what)
            return False
        if not issubclass(kind, Exception):
            return False
        if self._what not in self._failing:
            logger.error("detection failed to %s: %s", self._what, kind.__name__)
        self._failing.add(self._what)
        return True


def _make_alert_rule(catalogue: Catalogue) -> Callable[[str, Level], AlertRule]:
    """Return how an entry is alerted: as it says itself; what is in no catalogue, as its level says."""

    def alert_of(reason: str, level: Level) -> AlertRule:
        entry = catalogue.find(reason)
        return POLICY[level].alert if entry is None else entry.alert

    return alert_of
