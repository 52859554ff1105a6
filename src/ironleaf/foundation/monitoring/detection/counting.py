"""Counts what is heard between two ticks. Costs a few microseconds an event, and its memory is bounded."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import AlertRule, Level
from ironleaf.foundation.monitoring.detection.tick import Failures, Sight, Tick
from ironleaf.foundation.monitoring.events import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import datetime

    from ironleaf.foundation.monitoring.work import WorkGroups

COMPONENTS_MAX: Final = 64
"""Engines, backends and parts of the house; what comes on top is counted as `other`."""
CAUSES_MAX: Final = 256
"""The catalogue has fewer reasons."""
OTHER: Final = "other"
REQUESTS_REMEMBERED_MAX: Final = 4096
"""Requests that met an error lately, so that their further errors are known as theirs."""
FILES_REMEMBERED_MAX: Final = 4096
"""Files that met a failure lately, so that the same failure is known as theirs when they are sent again."""
FILE_REMEMBERED_S: Final = 3_600.0
"""From the failure that counted. Whoever sends a file again does so within minutes, and an onset is judged within
minutes: a file that comes every hour counts every hour, and is never an onset."""
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
    files: int = 0


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
        self._files = FileMemory()
        self._begin()

    def hear(self, event: ErrorEvent | WorkMeasured) -> None:
        """Count one event."""
        with self._lock:
            if isinstance(event, ErrorEvent):
                self._count_error(event)
            else:
                self._count_work(event.measured, event.name, Work.of((event,)))

    def hear_work(self, groups: WorkGroups) -> None:
        """Count measurements: many at a time cost a fraction of what they cost one by one."""
        with self._lock:
            for (measured, name), group in groups.items():
                self._count_work(measured, name, group)

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
                    files=tally.files,
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
        if self._is_fresh(component, cause, event.request_id):
            tally.fresh += 1
            tally.files += self._files.is_new(component, cause, event.file, event.at.timestamp())
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

    def _count_work(self, measured: Measured, name: str, work: Work) -> None:
        if measured is Measured.STAGE:
            self._pace(_SERVICE, f"slow-{name}", work, (pages or 1 for pages in work.pages))
        elif measured is Measured.ROUTE:
            if name not in self._quiet:
                self._requests += len(work)
                self._attempts[_SERVICE] += len(work)
        else:
            component = self._components.fold(f"backend:{name}" if measured is Measured.BACKEND else name)
            self._attempts[component] += len(work)
            self._pace(component, "slow", work, (max(UNITS_MIN, cost) for cost in work.costs))

    def _pace(self, component: str, cause: str, work: Work, units: Iterable[float]) -> None:
        key = component, self._causes.fold(cause)
        room = PACES_MAX - len(self._paces.get(key, ()))
        if room == 0:
            return
        done = zip(work.durations_s, work.waits_s, units, work.oks, strict=True)
        paces = (max(0.0, duration_s - wait_s) / unit for duration_s, wait_s, unit, ok in done if ok)
        if found := list(islice(paces, room)):
            self._paces.setdefault(key, []).extend(found)


class FileMemory:
    """Tells a file that is sent again from another one that fails alike."""

    def __init__(self) -> None:
        self._failed: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def is_new(self, component: str, cause: str, file: str, at_s: float) -> bool:
        """Tell whether this failure is the file's first of its kind within the hour; without a file, each is."""
        if not file:
            return True
        key = component, cause, file
        failed_s = self._failed.get(key)
        if failed_s is not None and abs(at_s - failed_s) < FILE_REMEMBERED_S:
            return False
        self._failed[key] = at_s
        self._failed.move_to_end(key)
        if len(self._failed) > FILES_REMEMBERED_MAX:
            self._failed.popitem(last=False)
        return True


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
