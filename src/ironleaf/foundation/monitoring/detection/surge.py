"""Callers run into the same refusal far more often than they used to: a jump, not a burst.

A Poisson CUSUM in steps of a minute. What is usual is a share of the requests,
learned over a day of them, so that morning is no surge. One minute's evidence is
bounded: whoever sends a hundred wrong files within a minute is one caller with a
hundred files; what goes on for five minutes is worth knowing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import AlertRule
from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import CALLER_SURGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.foundation.monitoring.detection.tick import Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

FACTOR: Final = 4.0
"""So many times the usual is what it is quickest to see."""
USUAL_MIN_PER_MINUTE: Final = 1.0
"""Fewer than this are never a surge, however rare they used to be."""
ROOM: Final = 1.5
"""Above the learned share: a caller more or less."""
MINUTE_S: Final = 60.0
MINUTE_EVIDENCE_MAX: Final = 3.0
"""In nats; with the threshold it takes at least six minutes that are bad, however bad."""
THRESHOLD: Final = 16.0
MEMORY_MINUTES: Final = 1440.0
"""The share is learned over about a day."""
LEARNING_MINUTES: Final = 120.0
"""After a start nothing is said: what is usual must be seen first."""
CLEAR_S: Final = 900.0
"""Below twice the usual for so long: a client that retries every ten minutes is still there."""
CLEAR_PART: Final = 2.0
IDLE_MINUTES: Final = 7 * 1440
"""A refusal that nobody met for a week is forgotten."""


class Surge:
    """Surges of entries whose rule is `surge`, for each component and cause."""

    def __init__(self, *, factor: float = FACTOR, usual_min_per_minute: float = USUAL_MIN_PER_MINUTE) -> None:
        self._factor = factor
        self._usual_min_per_minute = usual_min_per_minute
        self._causes: dict[tuple[str, str], _Cause] = {}
        self._requests = 0
        self._requests_sum = 0.0
        self._minute: int | None = None
        self._minutes_watched = 0

    def feed(self, tick: Tick) -> Iterator[Signal]:
        minute = int(tick.now_s // MINUTE_S)
        if self._minute is not None and minute != self._minute:
            yield from self._close(tick, minutes=minute - self._minute)
        self._minute = minute
        self._requests += tick.requests
        for each in tick.failures:
            if each.alert is AlertRule.SURGE:
                key = each.component, each.cause
                self._causes.setdefault(key, _Cause(key)).count += each.fresh

    def forget(self, identity: Identity) -> None:
        for cause in self._causes.values():
            cause.condition.forget(identity)

    def _close(self, tick: Tick, *, minutes: int) -> Iterator[Signal]:
        """Judge the minute that ended; in those since then, if any, nobody told of anything."""
        kept = math.exp(-minutes / MEMORY_MINUTES)
        requests, self._requests = self._requests, 0
        before = self._requests_sum
        self._requests_sum = before * kept + requests
        self._minutes_watched += minutes
        for key, cause in tuple(self._causes.items()):
            usual = max(self._usual_min_per_minute, ROOM * requests * cause.sum / max(before, 1.0))
            if self._minutes_watched >= LEARNING_MINUTES:
                yield from cause.judge(tick, usual=usual, factor=self._factor)
                cause.learn(most=self._factor * usual, kept=kept, minutes=minutes)
            else:
                cause.learn(most=math.inf, kept=kept, minutes=minutes)
            if cause.idle_minutes > IDLE_MINUTES and not cause.firing:
                del self._causes[key]


class _Cause:
    """One refusal that callers meet."""

    def __init__(self, key: tuple[str, str]) -> None:
        self.count = 0
        self.sum = 0.0
        """Of about a day."""
        self.idle_minutes = 0
        self.condition = Condition(CALLER_SURGE, *key, clear_s=CLEAR_S)
        self._score = 0.0
        self._began_s = 0.0

    @property
    def firing(self) -> bool:
        return self.condition.firing

    def judge(self, tick: Tick, *, usual: float, factor: float) -> Iterator[Signal]:
        """Weigh the minute that ended."""
        if self.firing:
            self._score = 0.0
            yield from self.condition.tell(tick, bad=False, good=self.count <= CLEAR_PART * usual)
            return
        if self._score == 0.0:
            self._began_s = tick.now_s - MINUTE_S
        step = self.count * math.log(factor) - (factor - 1.0) * usual
        self._score = max(0.0, self._score + min(step, MINUTE_EVIDENCE_MAX))
        if self._score >= THRESHOLD:
            evidence = {"count_per_minute": float(self.count), "usual_per_minute": round(usual, 2)}
            yield self.condition.begin(tick, began_s=self._began_s, evidence=evidence)

    def learn(self, *, most: float, kept: float, minutes: int) -> None:
        """Take the minute into what is usual, and begin the next; a surge cannot make itself usual within hours."""
        self.idle_minutes = 0 if self.count else self.idle_minutes + minutes
        self.sum = self.sum * kept + min(self.count, most)
        self.count = 0
