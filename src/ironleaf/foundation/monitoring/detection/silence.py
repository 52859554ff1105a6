"""No request arrives in the middle of an hour that is usually busy.

Expected is the smaller of what the same hour had yesterday and a week ago, so a
Saturday is held against the last one. Only traffic that stops can be missed: a
day on which it never began may be a holiday, and nothing here can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import NO_TRAFFIC

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ironleaf.foundation.monitoring.detection.tick import Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

MISSED_MIN: Final = 60.0
"""Requests that should have come since the last one. They come in bunches: chance alone would make 20 enough."""
SILENT_S_MIN: Final = 600.0
"""At least; shorter pauses are a restart of something in front of us."""
SILENT_S_MAX: Final = 3600.0
"""What is missed must be missed within this time of the last request: then traffic stopped in a busy hour. Where it
takes longer, the evening came."""
HOUR_S: Final = 3600
DAY_HOURS: Final = 24
WEEK_HOURS: Final = 7 * DAY_HOURS
HOURS_KEPT: Final = WEEK_HOURS + DAY_HOURS


class Silence:
    """Missed traffic; off until a week of hours is known, from its own past or from ``recall``."""

    def __init__(self, *, missed_min: float = MISSED_MIN) -> None:
        self._missed_min = missed_min
        self._condition = Condition(NO_TRAFFIC, "traffic", "silent")
        self._hours: dict[int, int] = {}
        self._known_from: int | None = None
        self._last: datetime | None = None
        self._last_s = 0.0
        self._waits_anew = False

    def recall(self, hours: Mapping[datetime, int]) -> None:
        """Take over the requests of past hours, by the hour's beginning (aware); an hour left out had none."""
        counts = {_number(at): count for at, count in hours.items()}
        if not counts:
            return
        self._known_from = min(counts) if self._known_from is None else min(self._known_from, *counts)
        for hour, count in sorted(counts.items()):
            self._hours[hour] = self._hours.get(hour, 0) + count

    def feed(self, tick: Tick) -> tuple[Signal, ...]:
        hour = _number(tick.at)
        if self._known_from is None:
            self._known_from = hour + 1  # the first one is seen in part only
        if tick.requests:
            self._note(hour, tick)
            return (self._condition.end(tick),) if self._condition.firing else ()
        if self._waits_anew:
            self._last, self._last_s, self._waits_anew = tick.at, tick.now_s, False
        if self._last is None or self._condition.firing or tick.now_s - self._last_s < SILENT_S_MIN:
            return ()
        missed = self._missed(self._last.timestamp(), min(tick.at.timestamp(), self._last.timestamp() + SILENT_S_MAX))
        if missed < self._missed_min:
            return ()
        evidence = {"silent_s": round(tick.now_s - self._last_s), "missed_requests": round(missed)}
        return (self._condition.begin(tick, began_s=self._last_s, evidence=evidence),)

    def forget(self, identity: Identity) -> None:
        self._waits_anew = self._condition.forget(identity)

    def _note(self, hour: int, tick: Tick) -> None:
        self._hours[hour] = self._hours.get(hour, 0) + tick.requests
        self._last, self._last_s = tick.at, tick.now_s
        while len(self._hours) > HOURS_KEPT:
            del self._hours[min(self._hours)]

    def _missed(self, begin_s: float, end_s: float) -> float:
        """Return how many requests were to be expected between two moments."""
        hours = range(int(begin_s // HOUR_S), int(end_s // HOUR_S) + 1)
        return sum(
            self._expected(hour) * max(0.0, min(end_s, (hour + 1) * HOUR_S) - max(begin_s, hour * HOUR_S)) / HOUR_S
            for hour in hours
        )

    def _expected(self, hour: int) -> int:
        if self._known_from is None or hour - WEEK_HOURS < self._known_from:
            return 0
        return min(self._hours.get(hour - DAY_HOURS, 0), self._hours.get(hour - WEEK_HOURS, 0))


def _number(at: datetime) -> int:
    return int(at.timestamp() // HOUR_S)
