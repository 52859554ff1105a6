"""An outage begins: a part fails far more calls than it should, seen after a handful of them.

A pair of detectors as the breaker's, balanced otherwise: what four failures in a row
add to false alarms is spent on the creeping outage. Thresholds grow faster with
traffic here: a breaker that opens in vain costs five seconds, an alert a person's
night, and where calls are many, waiting for more of them costs only seconds.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import AlertRule
from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.recovery import Recovery
from ironleaf.foundation.monitoring.detection.rules import ERROR_ONSET
from ironleaf.foundation.resilience.breaker_options import CREEPING as RECOVERS
from ironleaf.foundation.resilience.cusum import CallRate, Cusum, CusumOptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ironleaf.foundation.monitoring.detection.tick import Failures, Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal

HEALTHY_SHARE: Final = 0.02
"""Failures among a part's calls that nobody need hear of."""
SUDDEN: Final = CusumOptions(sick_share=0.7, threshold=14.2)
"""Sees a total outage in four calls, and next to nothing else."""
CREEPING: Final = CusumOptions(sick_share=0.26, threshold=10.42)
"""Sees every fifth call failing in some thirty calls. Of the pairs that were tried by simulation, with one false alarm
in seven weeks at a steady six calls a minute of which 2 % fail, the soonest (benchmarks/detection_simulation.py)."""
GROWTH: Final = 2.5
"""Nats for each e-fold of traffic above the quiet; the breaker takes 1.1. Chosen by
benchmarks/detection_simulation.py: a busy day adds next to no false alarm."""
QUIET_CALLS_PER_MINUTE: Final = 9.0
"""Up to here every second counts, and the breaker's thresholds stand as they are: half as much again as the six calls a
minute that they were chosen for, since the estimate of the traffic is off by so much."""
SHARE_TO_BLAME: Final = 0.25
"""A cause with this part of an onset's failures belongs to it; the one with most gives it its name."""
UNCOUNTED: Final = frozenset({"database", "disk", "queue"})
"""Parts whose work nobody counts: requests are the occasions on which they could fail, those that went well too."""


class Onset:
    """Error onset, for each component by itself.

    A component's failures of all causes are one stream: an outage shows many faces.
    What fired is set apart with its causes until it is over, so that an old trouble
    hides no new one.
    """

    def __init__(self, *, healthy_share: float = HEALTHY_SHARE) -> None:
        self._detectors = tuple(replace(each, healthy_share=healthy_share) for each in (SUDDEN, CREEPING))
        self._recovers = replace(RECOVERS, healthy_share=healthy_share)
        self._parts: dict[str, _Part] = {}

    def feed(self, tick: Tick) -> Iterator[Signal]:
        by_part: dict[str, list[Failures]] = {}
        for each in tick.failures:
            by_part.setdefault(each.component, []).append(each)
        for name in {*by_part, *tick.attempts} - self._parts.keys():
            self._parts[name] = _Part(name, self._detectors, self._recovers)
        for name, part in self._parts.items():
            failures = by_part.get(name, ())
            if failures or name in tick.attempts or (name in UNCOUNTED and tick.requests):
                yield from part.feed(tick, failures)
            elif part.failing:
                yield from part.judge(tick)

    def forget(self, identity: Identity) -> None:
        for part in self._parts.values():
            part.forget(identity)


@dataclass(slots=True)
class _Blame:
    """An onset that fired, and its causes."""

    condition: Condition
    causes: frozenset[str]
    recovery: Recovery


class _Part:
    """One component."""

    def __init__(self, name: str, detectors: Sequence[CusumOptions], recovers: CusumOptions) -> None:
        self._name = name
        self._recovers = recovers
        self._cusums = tuple((Cusum(each), each.threshold) for each in detectors)
        self._rate = CallRate()
        self._tally: Counter[str] = Counter()
        self._began_s = 0.0
        self._blames: list[_Blame] = []

    @property
    def failing(self) -> bool:
        """Whether anything fired that is not over."""
        return bool(self._blames)

    def feed(self, tick: Tick, failures: Sequence[Failures]) -> Iterator[Signal]:
        """Take a tick with calls of this part into account."""
        good = max(0, self._attempts(tick) - sum(each.count for each in failures))
        for blame in self._blames:
            failed = sum(each.fresh for each in failures if each.cause in blame.causes)
            blame.recovery.add(good=good, failed=failed, now_s=tick.now_s)
        yield from self._weigh(tick, good, list(self._unblamed(failures)))
        yield from self.judge(tick)

    def judge(self, tick: Tick) -> Iterator[Signal]:
        """Say what is over."""
        silenced = tick.is_silenced(self._name)
        seen_well_s = tick.find_seen_well_s(ERROR_ONSET, self._name)
        for blame in tuple(self._blames):
            if blame.recovery.is_over(tick.now_s, silenced=silenced, seen_well_s=seen_well_s):
                self._blames.remove(blame)
                yield blame.condition.end(tick)

    def forget(self, identity: Identity) -> None:
        """Set nothing apart any more for an onset of that name: what it blamed counts anew."""
        self._blames = [each for each in self._blames if each.condition.identity != identity]

    def _attempts(self, tick: Tick) -> int:
        return tick.attempts.get(self._name, tick.requests)

    def _unblamed(self, failures: Iterable[Failures]) -> Iterator[Failures]:
        known = {cause for blame in self._blames for cause in blame.causes}
        return (each for each in failures if each.alert is AlertRule.RATE and each.cause not in known)

    def _weigh(self, tick: Tick, good: int, failures: Sequence[Failures]) -> Iterator[Signal]:
        failed = sum(each.files for each in failures)
        if good + failed == 0:
            return
        self._rate.count(tick.now_s, calls=good + failed)
        if failed and all(cusum.score == 0.0 for cusum, _ in self._cusums):
            self._began_s = tick.now_s
            self._tally.clear()
        for each in failures:
            self._tally[each.cause] += each.files
        for cusum, _ in self._cusums:
            # Failures first: within one second the order is unknown, and this one is slow to cry wolf.
            cusum.add(failed=True, calls=failed)
            cusum.add(failed=False, calls=good)
        if failed and self._is_enough(tick.now_s):
            yield self._fire(tick)

    def _is_enough(self, now_s: float) -> bool:
        busier = max(1.0, self._rate.per_minute(now_s) / QUIET_CALLS_PER_MINUTE)
        grown = GROWTH * math.log(busier)
        return any(cusum.score >= threshold + grown for cusum, threshold in self._cusums)

    def _fire(self, tick: Tick) -> Signal:
        total = self._tally.total()
        (lead, _), *_ = sorted(self._tally.items(), key=lambda item: (-item[1], item[0]))
        causes = frozenset(cause for cause, count in self._tally.items() if count >= SHARE_TO_BLAME * total) | {lead}
        condition = Condition(ERROR_ONSET, self._name, lead)
        self._blames.append(_Blame(condition, causes, Recovery(self._recovers, tick.now_s)))
        for cusum, _ in self._cusums:
            cusum.clear()
        return condition.begin(
            tick,
            began_s=self._began_s,
            evidence={
                "failed_count": total,
                "calls_per_minute": round(self._rate.per_minute(tick.now_s), 2),
                "causes": ", ".join(sorted(causes)),
            },
        )
