"""Counts what is heard between two ticks. Costs a few microseconds an event, and its memory is bounded."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import AlertRule, Level
from ironleaf.foundation.monitoring.detection.tick import Failures, Sight, Tick
from ironleaf.foundation.monitoring.events import ErrorEvent, Measured, Outcome, WorkMeasured

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

COMPONENTS_MAX: Final = 64
"""Engines, backends and parts of the house; what comes on top is counted as `other`."""
CAUSES_MAX: Final = 256
"""The catalogue has fewer reasons."""
OTHER: Final = "other"
REQUESTS_REMEMBERED_MAX: Final = 4096
"""Requests that met an error lately, so that their further errors are known as theirs."""
PACES_MAX: Final = 100
"""Times kept of one kind of work in one tick; a percentile needs no more."""
SIGHTS_MAX: Final = 50
"""Fingerprints of one tick."""
UNITS_MIN: Final = 0.25
"""The smallest work that counts as such: below it, what every call costs would look like slowness."""
_SERVICE: Final = "service"
_OURS: Final = frozenset({Level.L3, Level.L4})


@dataclass(slots=True)
class _Tally:
    level: Level
    alert: AlertRule
    count: int = 0
    fresh: int = 0


class TickCounter:
    """Hears events from any thread, and is emptied once a tick.

    ``alert_of`` tells the alert rule in force for a reason and level.
    ``quiet_routes`` are asked by machines that look after us: no requests of anybody's.
    """

    def __init__(self, *, alert_of: Callable[[str, Level], AlertRule], quiet_routes: Collection[str] = ()) -> None:
        self._alert_of = alert_of
        self._quiet = frozenset(quiet_routes)
        self._lock = threading.Lock()
        self._components = _Names(COMPONENTS_MAX)
        self._causes = _Names(CAUSES_MAX)
        self._met: OrderedDict[tuple[str, str, str], None] = OrderedDict()
        self._begin()

    def hear(self, event: ErrorEvent | WorkMeasured) -> None:
        """Count one event."""
        with self._lock:
            if isinstance(event, ErrorEvent):
                self._count_error(event)
            else:
                self._count_work(event)

    def take(self, *, now_s: float, at: datetime) -> Tick:
        """Return what was counted since the last call, without any figures of the house."""
        with self._lock:
            failures = tuple(
                Failures(
                    component=component,
                    cause=cause,
                    level=tally.level,
                    alert=tally.alert,
                    count=tally.count,
                    fresh=tally.fresh,
                )
                for (component, cause), tally in self._failures.items()
            )
            tick = Tick(
                now_s=now_s,
                at=at,
                requests=self._requests,
                failed_requests=min(self._failed_requests, self._requests),
                attempts=self._attempts,
                failures=failures,
                sights=tuple(self._sights),
                paces=self._paces,
            )
            self._begin()
        return tick

    def _begin(self) -> None:
        self._requests = 0
        self._failed_requests = 0
        self._attempts: Counter[str] = Counter()
        self._failures: dict[tuple[str, str], _Tally] = {}
        self._sights: dict[Sight, None] = {}
        self._paces: dict[tuple[str, str], list[float]] = {}

    def _count_error(self, event: ErrorEvent) -> None:
        component, cause = self._components.fold(event.component), self._causes.fold(event.reason)
        tally = self._failures.get((component, cause))
        if tally is None:
            alert = self._alert_of(event.reason, event.level)
            tally = self._failures[component, cause] = _Tally(event.level, alert)
        tally.count += 1
        tally.fresh += self._is_fresh(component, cause, event.request_id)
        if event.level not in _OURS:
            return
        if event.outcome is Outcome.FAILED:
            self._failed_requests += self._is_fresh("", "", event.request_id)
        news = tally.alert is not AlertRule.NEVER  # else it is the echo of something that is told itself
        if news and event.fingerprint and len(self._sights) < SIGHTS_MAX:
            self._sights[Sight(component=component, cause=cause, fingerprint=event.fingerprint)] = None

    def _is_fresh(self, component: str, cause: str, request_id: str) -> bool:
        if not request_id:
            return True
        key = component, cause, request_id
        if key in self._met:
            return False
        self._met[key] = None
        if len(self._met) > REQUESTS_REMEMBERED_MAX:
            self._met.popitem(last=False)
        return True

    def _count_work(self, event: WorkMeasured) -> None:
        match event.measured:
            case Measured.ROUTE:
                if event.name not in self._quiet:
                    self._requests += 1
                    self._attempts[_SERVICE] += 1
            case Measured.STAGE:
                if event.ok:
                    self._pace(_SERVICE, f"slow-{event.name}", event, max(1.0, event.pages))
            case Measured.ENGINE | Measured.BACKEND:
                name = f"backend:{event.name}" if event.measured is Measured.BACKEND else event.name
                component = self._components.fold(name)
                self._attempts[component] += 1
                if event.ok:
                    self._pace(component, "slow", event, max(UNITS_MIN, event.cost))

    def _pace(self, component: str, cause: str, event: WorkMeasured, units: float) -> None:
        paces = self._paces.setdefault((component, self._causes.fold(cause)), [])
        if len(paces) < PACES_MAX:
            paces.append(max(0.0, event.duration_s - event.wait_s) / units)


class _Names:
    """A bounded set of names: the first ones keep theirs, the rest are one."""

    def __init__(self, names_max: int) -> None:
        self._max = names_max
        self._names: set[str] = set()

    def fold(self, name: str) -> str:
        """Return the name, or `other` if there are too many already."""
        if name in self._names:
            return name
        if len(self._names) >= self._max:
            return OTHER
        self._names.add(name)
        return name
