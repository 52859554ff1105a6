"""The breaker's states and what moves it between them: pure, no waiting, no clock of its own.

| State | a call | a failure | a success | a result from before the last change |
|---|---|---|---|---|
| closed | passes | feeds the detectors, may open | feeds the detectors | changes nothing |
| open | refused until the time is over, then half-open | - | - | changes nothing |
| half-open | one passes as the probe, others are refused | opens, for longer | closes | changes nothing |
| forced open | refused until a person closes or resets | - | - | changes nothing |
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ironleaf.foundation.resilience.base import HardSignal
from ironleaf.foundation.resilience.cusum import CallRate, Cusum
from ironleaf.foundation.resilience.events import OpenReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from ironleaf.foundation.resilience.breaker_options import BreakerOptions


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    FORCED_OPEN = "forced_open"


class ResultKind(StrEnum):
    """How a call ended, as far as the breaker cares."""

    GOOD = "good"
    FAILED = "failed"
    SLOW = "slow"
    """It took, or had already taken when it was cut, longer than a healthy call may."""
    BAD_CONTENT = "bad_content"
    NEUTRAL = "neutral"
    """It says nothing about the other side: a bad request, a caller who left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    kind: ResultKind
    hard: HardSignal | None = None
    retry_after_s: float | None = None


GOOD = CallResult(kind=ResultKind.GOOD)
NEUTRAL = CallResult(kind=ResultKind.NEUTRAL)
SLOW = CallResult(kind=ResultKind.SLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The right to make one call."""

    generation: int
    """Of the breaker's period that gave it; results of older periods change nothing."""
    probe: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    retry_after_s: float
    reason: OpenReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One change of state."""

    state: BreakerState
    """The new one."""
    reason: OpenReason | None = None
    """Why it is open; also for a closing by hand."""
    open_s: float = 0.0
    """How long it stays open; infinite when opened by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSnapshot:
    """What an operator sees."""

    state: BreakerState
    state_age_s: float
    """How long it has been in this state."""
    reason: OpenReason | None
    retry_after_s: float
    """Zero when calls pass."""
    generation: int
    probing: bool
    failure_scores: tuple[float, ...]
    """Evidence against the thresholds, one for each detector."""
    failure_thresholds: tuple[float, ...]
    content_scores: tuple[float, ...]
    calls_per_minute: float
    refused_in_a_row: int
    openings: int
    """Since the start, those by hand included."""
    results: dict[ResultKind, int]
    """Since the start; late results are not in it."""
    refusals: int


class BreakerMachine:
    """The breaker without its shell. Every method takes the present time; none waits."""

    def __init__(
        self,
        options: BreakerOptions,
        *,
        random: Random,
        now_s: float,
        on_transition: Callable[[Transition], None],
    ) -> None:
        self._options = options
        self._random = random
        self._on_transition = on_transition
        self._failures = tuple(Cusum(each) for each in options.failure_detectors)
        self._contents = tuple(Cusum(each) for each in options.content_detectors)
        self._rate = CallRate()
        self._state = BreakerState.CLOSED
        self._since_s = now_s
        self._reason = OpenReason.MANUAL
        self._until_s = now_s
        self._generation = 0
        self._probing = False
        self._refused_row = 0
        self._grown_s = 0.0
        self._closed_at_s = now_s
        self._openings = 0
        self._refusals = 0
        self._results = dict.fromkeys(ResultKind, 0)

    @property
    def generation(self) -> int:
        """Number of changes so far."""
        return self._generation

    def admit(self, now_s: float) -> Admission | Refusal:
        """Let a call through, or not. An admission must be answered by ``record``."""
        if self._state is BreakerState.OPEN and now_s >= self._until_s:
            self._change(BreakerState.HALF_OPEN, now_s)
        if self._state is BreakerState.CLOSED:
            return Admission(generation=self._generation, probe=False)
        if self._state is BreakerState.HALF_OPEN and not self._probing:
            self._probing = True
            return Admission(generation=self._generation, probe=True)
        self._refusals += 1
        return Refusal(retry_after_s=self._retry_after_s(now_s), reason=self._reason)

    def recheck(self, admission: Admission, now_s: float) -> Refusal | None:
        """Return why a call that has waited since it was admitted is not to be made any more, if so."""
        if admission.generation == self._generation or self._state is BreakerState.CLOSED:
            return None
        self._refusals += 1
        return Refusal(retry_after_s=self._retry_after_s(now_s), reason=self._reason)

    def record(self, admission: Admission, result: CallResult, now_s: float) -> None:
        """Take the result of an admitted call into account."""
        if admission.generation != self._generation:
            return
        self._results[result.kind] += 1
        if self._state is BreakerState.HALF_OPEN:
            self._record_probe(result, now_s)
        else:
            self._record_call(result, now_s)

    def record_content(self, *, bad: bool, generation: int, now_s: float) -> None:
        """Take a verdict on an answer into account that came after its call was recorded."""
        if generation != self._generation or self._state is not BreakerState.CLOSED:
            return
        self._feed(self._contents, OpenReason.CONTENT, failed=bad, now_s=now_s)

    def force_open(self, now_s: float) -> None:
        """Let nothing through until a person closes or resets."""
        self._openings += 1
        self._change(BreakerState.FORCED_OPEN, now_s, reason=OpenReason.MANUAL, open_s=math.inf)

    def close(self, now_s: float) -> None:
        """Let calls through now; if the trouble is still there, it opens again for longer."""
        self._closed_at_s = now_s
        self._change(BreakerState.CLOSED, now_s, reason=OpenReason.MANUAL)

    def reset(self, now_s: float) -> None:
        """Close and forget the past, the length of former openings included."""
        self._grown_s = 0.0
        self._change(BreakerState.CLOSED, now_s, reason=OpenReason.MANUAL)

    def snapshot(self, now_s: float) -> BreakerSnapshot:
        """Return the present state for people to read."""
        rate = self._rate.per_minute(now_s)
        return BreakerSnapshot(
            state=self._state,
            state_age_s=now_s - self._since_s,
            reason=None if self._state is BreakerState.CLOSED else self._reason,
            retry_after_s=self._retry_after_s(now_s),
            generation=self._generation,
            probing=self._probing,
            failure_scores=tuple(each.score for each in self._failures),
            failure_thresholds=tuple(each.threshold(rate) for each in self._failures),
            content_scores=tuple(each.score for each in self._contents),
            calls_per_minute=rate,
            refused_in_a_row=self._refused_row,
            openings=self._openings,
            results=dict(self._results),
            refusals=self._refusals,
        )

    def _record_probe(self, result: CallResult, now_s: float) -> None:
        if result.kind is ResultKind.NEUTRAL:
            self._probing = False  # it proved nothing: the next caller probes
        elif result.kind is ResultKind.GOOD:
            self._closed_at_s = now_s
            self._change(BreakerState.CLOSED, now_s)
        else:
            self._open(OpenReason.PROBE_FAILED if result.hard is None else OpenReason(result.hard), result, now_s)

    def _record_call(self, result: CallResult, now_s: float) -> None:
        if result.kind is ResultKind.NEUTRAL:
            return
        self._rate.count(now_s)
        if self._believes(result.hard):
            self._open(OpenReason(result.hard), result, now_s)
            return
        failed = result.kind in {ResultKind.FAILED, ResultKind.SLOW}
        if self._feed(self._failures, OpenReason.FAILURES, failed=failed, now_s=now_s) or failed:
            return
        bad = result.kind is ResultKind.BAD_CONTENT
        self._feed(self._contents, OpenReason.CONTENT, failed=bad, now_s=now_s)

    def _believes(self, hard: HardSignal | None) -> bool:
        if hard is not HardSignal.CONNECTION_REFUSED:
            self._refused_row = 0
            return hard is not None
        self._refused_row += 1
        return self._refused_row >= self._options.refused_in_a_row

    def _feed(self, detectors: tuple[Cusum, ...], reason: OpenReason, *, failed: bool, now_s: float) -> bool:
        rate = self._rate.per_minute(now_s)
        for each in detectors:
            each.add(failed=failed)
        alarmed = failed and any(each.alarmed(rate) for each in detectors)
        if alarmed:
            self._open(reason, NEUTRAL, now_s)
        return alarmed

    def _open(self, reason: OpenReason, result: CallResult, now_s: float) -> None:
        same_trouble = now_s - self._closed_at_s < self._options.stable_s
        if self._state is not BreakerState.HALF_OPEN and not same_trouble:
            self._grown_s = 0.0
        grown_s = max(self._options.open_first_s, self._grown_s * self._options.open_growth)
        self._grown_s = min(grown_s, self._options.open_max_s)
        open_s = self._grown_s * (1.0 - self._options.open_jitter * self._random.random())
        # Who says when it will be back is believed, within the longest open time.
        open_s = max(open_s, min(result.retry_after_s or 0.0, self._options.open_max_s))
        self._openings += 1
        self._until_s = now_s + open_s
        self._change(BreakerState.OPEN, now_s, reason=reason, open_s=open_s)

    def _change(
        self, state: BreakerState, now_s: float, *, reason: OpenReason | None = None, open_s: float = 0.0
    ) -> None:
        self._state = state
        self._since_s = now_s
        self._reason = reason or self._reason
        self._generation += 1
        self._probing = False
        self._refused_row = 0
        for each in (*self._failures, *self._contents):
            each.clear()
        self._on_transition(Transition(state=state, reason=reason, open_s=open_s))

    def _retry_after_s(self, now_s: float) -> float:
        match self._state:
            case BreakerState.CLOSED:
                return 0.0
            case BreakerState.OPEN:
                return max(0.0, self._until_s - now_s)
            case BreakerState.HALF_OPEN:
                return self._options.half_open_retry_s if self._probing else 0.0
            case BreakerState.FORCED_OPEN:
                return self._options.open_max_s
