"""What needs a person is said at once: the first failure of level 4, or of an entry whose rule is `at_once`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ironleaf.foundation.errors import AlertRule
from ironleaf.foundation.monitoring.detection.condition import Condition
from ironleaf.foundation.monitoring.detection.recovery import Recovery
from ironleaf.foundation.monitoring.detection.rules import NEEDS_A_PERSON
from ironleaf.foundation.resilience.breaker_options import CREEPING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ironleaf.foundation.monitoring.detection.tick import Tick
    from ironleaf.foundation.monitoring.signals import Identity, Signal


class Urgent:
    """One signal for each part and cause, until enough work of the part went well or half an hour was quiet."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], tuple[Condition, Recovery]] = {}

    def feed(self, tick: Tick) -> Iterator[Signal]:
        failed: dict[tuple[str, str], int] = {}
        for each in tick.failures:
            if each.alert is AlertRule.AT_ONCE:
                key = each.component, each.cause
                failed[key] = failed.get(key, 0) + each.count
        for key in failed.keys() - self._standing.keys():
            condition = Condition(NEEDS_A_PERSON, *key)
            self._standing[key] = (condition, Recovery(CREEPING, tick.now_s))
            yield condition.begin(tick, evidence={"failed_count": failed[key]})
        for key, (condition, recovery) in tuple(self._standing.items()):
            good = _count_good(tick, key[0])
            recovery.add(good=good, failed=failed.get(key, 0), now_s=tick.now_s)
            part = key[0]
            seen_well_s = tick.find_seen_well_s(NEEDS_A_PERSON, part)
            if recovery.is_over(tick.now_s, silenced=tick.is_silenced(part), seen_well_s=seen_well_s):
                del self._standing[key]
                yield condition.end(tick)

    def forget(self, identity: Identity) -> None:
        for key, (condition, _) in tuple(self._standing.items()):
            if condition.identity == identity:
                del self._standing[key]


def _count_good(tick: Tick, component: str) -> int:
    failed = sum(each.count for each in tick.failures if each.component == component)
    return max(0, tick.attempts.get(component, tick.requests) - failed)
