"""The error budget burns: more requests fail than the objective allows, over a long and a short window at once.

Windows and factors are those of the SRE workbook (chapter 5) for a budget of 30 days:

| rule | budget gone | factor | long window | short window |
|---|---|---|---|---|
| budget-burn | 2 % in an hour | 14.4 | 1 h | 5 min |
| budget-burn | 5 % in six hours | 6 | 6 h | 30 min |
| budget-leak | 10 % in three days | 1 | 3 d | 6 h |
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.rules import BUDGET_BURN, BUDGET_LEAK
from ironleaf.foundation.monitoring.detection.sliding import SlidingPair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.foundation.monitoring.detection.rules import Rule
    from ironleaf.foundation.monitoring.detection.tick import Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

AVAILABILITY_TARGET: Final = 0.995
"""Of the requests. One process on one machine with a model server behind it, which is restarted now and then: three
and a half hours a month. What the ladder saves is no failure: the caller got a text."""
FAILURES_MIN: Final = 20
"""In the long window. The workbook's rates say nothing at low traffic: four files that break an engine, each sent
three times in a quiet night, are no outage. With 10 such nights spoke 0.2 times a week; outages are the onset's."""
FAILURES_SHORT_MIN: Final = 3
"""In the short window: it goes on."""
CLEAR_PART: Final = 0.5
"""Over when the short window burns less than this part of the factor."""
CLEAR_S: Final = 300.0
AFTER_BURN_S: Final = 6 * 3_600.0
"""So long the leak's short window is full of what burned fast, and was told as that."""

_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
PAIRS: Final = (
    (BUDGET_BURN, 14.4, _HOUR_S, 5 * _MINUTE_S),
    (BUDGET_BURN, 6.0, 6 * _HOUR_S, 30 * _MINUTE_S),
    (BUDGET_LEAK, 1.0, 72 * _HOUR_S, 6 * _HOUR_S),
)


class Burn:
    """Burn rates of the whole service: requests that failed by our fault, among all."""

    def __init__(self, *, availability_target: float = AVAILABILITY_TARGET, failures_min: int = FAILURES_MIN) -> None:
        budget = 1.0 - availability_target
        pairs = [_Pair(*each, budget=budget, failures_min=failures_min) for each in PAIRS]
        self._burn, self._leak = (
            _Burning(rule, [pair for pair in pairs if pair.rule is rule]) for rule in (BUDGET_BURN, BUDGET_LEAK)
        )
        self._burned_s = -math.inf

    def feed(self, tick: Tick) -> Iterator[Signal]:
        yield from self._burn.feed(tick, begins=True)
        if self._burn.firing:
            self._burned_s = tick.now_s
        yield from self._leak.feed(tick, begins=tick.now_s - self._burned_s >= AFTER_BURN_S)

    def forget(self, identity: Identity) -> None:
        for burning in (self._burn, self._leak):
            burning.forget(identity)


class _Pair:
    """A long and a short window with the factor that both must burn at."""

    def __init__(
        self, rule: Rule, factor: float, long_s: float, short_s: float, *, budget: float, failures_min: int
    ) -> None:
        self.rule = rule
        self._spans_s = (long_s, short_s)
        self.clear()
        self._share = factor * budget
        self._failures_min = failures_min
        self._budget = budget

    def clear(self) -> None:
        """Begin both windows anew."""
        self.long, self._short = map(SlidingPair, self._spans_s)

    def add(self, tick: Tick) -> None:
        for window in (self.long, self._short):
            window.add(tick.now_s, bad=tick.failed_requests, total=tick.requests)

    @property
    def burns(self) -> bool:
        enough = self.long.bad >= self._failures_min and self._short.bad >= FAILURES_SHORT_MIN
        return enough and self.long.share >= self._share and self._short.share >= self._share

    @property
    def is_calm(self) -> bool:
        return self._short.share <= CLEAR_PART * self._share

    @property
    def rate(self) -> float:
        return self.long.share / self._budget


class _Burning:
    """One rule with its pairs."""

    def __init__(self, rule: Rule, pairs: list[_Pair]) -> None:
        self._pairs = pairs
        self._condition = Condition(rule, "service", "failed-requests", clear_s=CLEAR_S)

    @property
    def firing(self) -> bool:
        return self._condition.firing

    def forget(self, identity: Identity) -> None:
        """Begin the windows anew, if it is this rule: they are full of what a person says is over."""
        if self._condition.forget(identity):
            for pair in self._pairs:
                pair.clear()

    def feed(self, tick: Tick, *, begins: bool) -> tuple[Signal, ...]:
        """Take a tick into account; unless it ``begins``, only what stands already goes on."""
        for pair in self._pairs:
            pair.add(tick)
        burning = [pair for pair in self._pairs if pair.burns]
        worst = max(burning or self._pairs, key=lambda pair: pair.rate)
        evidence = {
            "burn_rate": round(worst.rate, 2),
            "failed_count": worst.long.bad,
            "request_count": worst.long.total,
            "window_s": worst.long.span_s,
        }
        calm = all(pair.is_calm for pair in self._pairs)
        bad = bool(burning) and (begins or self.firing)
        return self._condition.tell(tick, bad=bad, good=calm and not burning, evidence=evidence)
