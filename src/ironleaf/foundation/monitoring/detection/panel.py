"""All detectors together, and what stands at present."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ironleaf.foundation.monitoring.detection.rules import RULES
from ironleaf.foundation.monitoring.signals import Signal, SignalState, Urgency

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from ironleaf.foundation.monitoring.detection.base import Detector
    from ironleaf.foundation.monitoring.detection.tick import Tick
    from ironleaf.foundation.monitoring.signals import Identity

logger = logging.getLogger(__name__)


class Panel:
    """Feeds every detector and remembers what stands. One that fails is logged by type and leaves the others alone.

    ``off``: names of rules that say nothing.
    """

    def __init__(self, detectors: Mapping[str, Detector], *, off: Collection[str] = ()) -> None:
        self._detectors = dict(detectors)
        self._off = frozenset(off)
        self._standing: dict[Identity, Signal] = {}
        self._started_s: float | None = None
        self._now: tuple[float, datetime] | None = None
        self._well_since_s: dict[str, float] = {}
        self._failing: set[str] = set()

    @property
    def standing(self) -> tuple[Signal, ...]:
        """The last word on each condition that holds."""
        return tuple(self._standing.values())

    def feed(self, tick: Tick) -> tuple[Signal, ...]:
        """Return what the detectors say of this tick. Never raises."""
        if self._started_s is None:
            self._started_s = tick.now_s
        self._now = tick.now_s, tick.at
        self._well_since_s = {name: self._well_since_s.get(name, tick.now_s) for name in tick.find_seen_well()}
        said: list[Signal] = []
        for name, detector in self._detectors.items():
            said += self._ask(name, detector, tick)
        for signal in said:
            if signal.state is SignalState.FIRING:
                self._standing[signal.identity] = signal
            else:
                self._standing.pop(signal.identity, None)
        return tuple(said)

    def find_absent(self, identities: Iterable[Identity]) -> tuple[Signal, ...]:
        """Return a `CLEAR` for what does not hold although its rule has settled; see `SignalSource`."""
        if self._now is None or self._started_s is None:
            return ()
        now_s, at = self._now
        up_s = now_s - self._started_s
        return tuple(
            _close(identity, at)
            for identity in identities
            if identity not in self._standing and (up_s >= _settles_s(identity) or self._is_seen_well(identity, now_s))
        )

    def forget(self, identities: Iterable[Identity]) -> None:
        """Let each condition be decided anew: a person says that it is over. Never raises."""
        for identity in identities:
            self._standing.pop(identity, None)
            for name, detector in self._detectors.items():
                try:
                    detector.forget(identity)
                except Exception as error:  # noqa: BLE001 - as above
                    logger.error("the detector %s failed: %s", name, type(error).__name__)  # noqa: TRY400

    def _is_seen_well(self, identity: Identity, now_s: float) -> bool:
        since_s = self._well_since_s.get(identity.component)
        least_s = RULES[identity.rule].seen_well_s if identity.rule in RULES else None
        return since_s is not None and least_s is not None and now_s - since_s >= least_s

    def _ask(self, name: str, detector: Detector, tick: Tick) -> list[Signal]:
        try:
            said = [signal for signal in detector.feed(tick) if signal.rule not in self._off]
        except Exception as error:  # noqa: BLE001 - monitoring must not break what it watches
            if name not in self._failing:  # once, not every second
                logger.error("the detector %s failed: %s", name, type(error).__name__)  # noqa: TRY400
            self._failing.add(name)
            return []
        self._failing.discard(name)
        return said


def _settles_s(identity: Identity) -> float:
    rule = RULES.get(identity.rule)
    if rule is None:
        return 0.0
    soon = (seconds for ending, seconds in rule.settles_soon_s.items() if identity.cause.endswith(ending))
    return next(soon, rule.settles_s)


def _close(identity: Identity, at: datetime) -> Signal:
    rule, component, cause = identity
    urgency = RULES[rule].urgency if rule in RULES else Urgency.TICKET
    return Signal(
        rule=rule,
        component=component,
        cause=cause,
        state=SignalState.CLEAR,
        urgency=urgency,
        at=at,
        since=at,
    )
