"""One condition with hysteresis: it speaks once when it begins, and once when it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ironleaf.foundation.monitoring.signals import Identity, Signal, SignalState, Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ironleaf.foundation.monitoring.detection.rules import Rule
    from ironleaf.foundation.monitoring.detection.tick import Tick

Evidence = dict[str, float | str]


class Condition:
    """Holds when it was bad for ``hold_s`` without a break, and until it was good for ``clear_s`` without a break.

    What is neither bad nor good breaks both.
    """

    def __init__(self, rule: Rule, component: str, cause: str, *, hold_s: float = 0.0, clear_s: float = 0.0) -> None:
        self.rule = rule
        self.identity = Identity(rule.name, component, cause)
        self.firing = False
        self._hold_s = hold_s
        self._clear_s = clear_s
        self._turning_s: float | None = None
        self._began_s = 0.0
        self._urgency = rule.urgency

    def tell(
        self,
        tick: Tick,
        *,
        bad: bool,
        good: bool,
        evidence: Evidence | None = None,
        urgency: Urgency | None = None,
        looks_back_s: float = 0.0,
    ) -> tuple[Signal, ...]:
        """Note how it is now, or was over the last ``looks_back_s``; return what is to be said."""
        if not (good if self.firing else bad):
            self._turning_s = None
            return self._raise(tick, urgency, evidence) if bad else ()
        if self._turning_s is None:
            self._turning_s = tick.now_s
        if tick.now_s - self._turning_s < (self._clear_s if self.firing else self._hold_s):
            return ()
        if self.firing:
            return (self.end(tick),)
        began_s = self._turning_s - looks_back_s
        return (self.begin(tick, began_s=began_s, evidence=evidence, urgency=urgency),)

    def begin(
        self,
        tick: Tick,
        *,
        began_s: float | None = None,
        evidence: Mapping[str, float | str] | None = None,
        urgency: Urgency | None = None,
        fingerprint: str = "",
    ) -> Signal:
        """Say that it holds, since ``began_s``; said again, it is news of the same."""
        if not self.firing:
            self._began_s = tick.now_s if began_s is None else began_s
        self.firing = True
        self._turning_s = None
        self._urgency = urgency or self.rule.urgency
        return self._speak(tick, SignalState.FIRING, evidence or {}, fingerprint)

    def end(self, tick: Tick) -> Signal:
        """Say that it is over."""
        self.firing = False
        self._turning_s = None
        return self._speak(tick, SignalState.CLEAR, {}, "")

    def forget(self, identity: Identity) -> bool:
        """Begin anew if this is the condition of that name; return whether it is."""
        if identity != self.identity:
            return False
        self.firing = False
        self._turning_s = None
        return True

    def _raise(self, tick: Tick, urgency: Urgency | None, evidence: Evidence | None) -> tuple[Signal, ...]:
        """Say that what holds has become more urgent; it does not become less so before it ends."""
        if urgency is not Urgency.PAGE or self._urgency is Urgency.PAGE:
            return ()
        return (self.begin(tick, evidence=evidence, urgency=urgency),)

    def _speak(self, tick: Tick, state: SignalState, evidence: Mapping[str, float | str], fingerprint: str) -> Signal:
        return Signal(
            rule=self.identity.rule,
            component=self.identity.component,
            cause=self.identity.cause,
            state=state,
            urgency=self._urgency,
            at=tick.at,
            since=tick.at - timedelta(seconds=tick.now_s - self._began_s),
            fingerprint=fingerprint,
            new_fingerprint=bool(fingerprint),
            evidence=evidence,
        )
