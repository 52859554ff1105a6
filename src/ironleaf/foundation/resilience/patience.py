"""Not waiting on one that is silent for far longer than it usually is, while its equal is idle."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ironleaf.foundation.resilience.base import Silence, require, size_of
from ironleaf.foundation.resilience.errors import AttemptTimedOut
from ironleaf.foundation.resilience.events import AttemptCut, EventHook, emit, ignore

if TYPE_CHECKING:
    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.resilience.base import Call, CallContext, T

SILENCES_KEPT = 128
"""Of each size of work: some hours at a page a minute, some minutes at sixty."""
SILENCES_MIN = 20
"""Fewer tell nothing of the slow ones among them: until then nobody is cut."""
USUAL_SHARE = 0.95
"""What is usual: nineteen of twenty calls are quicker."""
PATIENCE_FACTOR = 8.0
"""Chosen by benchmarks/patience_simulation.py: hardly any call of a healthy server is cut."""
PATIENCE_FLOOR_S = 1.0
"""A person notices a second; a shorter stall is no reason to ask somebody else."""
CUTS_MAX = 12
"""Three rounds of a breaker that opens after four: then slowness has come to stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatienceOptions:
    kept: int = SILENCES_KEPT
    """Silences that are remembered for each size of work."""
    known_min: int = SILENCES_MIN
    """With fewer, patience has no end."""
    usual_share: float = USUAL_SHARE
    """Quantile of the remembered silences that counts as usual."""
    factor: float = PATIENCE_FACTOR
    """Patience ends after so many times the usual silence."""
    floor_s: float = PATIENCE_FLOOR_S
    """And never sooner than this."""
    cuts_max: int = CUTS_MAX
    """After so many cuts in a row the pace is learned anew."""

    def __post_init__(self) -> None:
        require(1 <= self.known_min <= self.kept, "known_min must be from 1 to kept")
        require(0.0 < self.usual_share <= 1.0, "usual_share must be above 0 and at most 1")
        require(self.factor >= 1.0, "factor must be at least 1")
        require(self.floor_s > 0.0, "floor_s must be above zero")
        require(self.cuts_max >= 1, "cuts_max must be at least 1")


class Pace:
    """Knows how long the other side is usually silent before an answer begins. Pure.

    Work of different size is never compared: silences are kept for each doubling
    of the cost, so that many small pictures do not make a large page look late.
    """

    def __init__(self, options: PatienceOptions) -> None:
        self._options = options
        self._silences: dict[int, deque[float]] = {}
        self._cuts: dict[int, int] = {}

    def observe(self, silence_s: float, *, cost: float) -> None:
        """Remember a silence that ended by itself."""
        size = size_of(cost)
        self._cuts[size] = 0
        self._silences.setdefault(size, deque(maxlen=self._options.kept)).append(silence_s)

    def count_cut(self, cost: float) -> None:
        """Note that patience ended; slowness that stays is learned as the new pace, with endless patience meanwhile."""
        size = size_of(cost)
        self._cuts[size] += 1
        if self._cuts[size] >= self._options.cuts_max:
            self._silences[size].clear()

    def patience_s(self, cost: float) -> float | None:
        """Return how long to wait for the first sign; nothing while too little is known."""
        silences = self._silences.get(size_of(cost), ())
        if len(silences) < self._options.known_min:
            return None
        rank = math.ceil(self._options.usual_share * len(silences)) - 1
        return max(self._options.floor_s, self._options.factor * sorted(silences)[rank])


class Patience:
    """Cuts a call whose answer does not begin, while an equal could answer instead. Belongs innermost.

    The call says when it asks and when the first piece of the answer is there
    (`CallContext.silence`); a call that says nothing is never cut. Without an
    equal it only learns.
    """

    def __init__(self, name: str, *, options: PatienceOptions, clock: Clock, on_event: EventHook = ignore) -> None:
        self.name = name
        self.pace = Pace(options)
        self._clock = clock
        self._on_event = on_event

    async def execute(self, call: Call[T], context: CallContext) -> T:
        """Return what ``call`` returns.

        Raises:
            AttemptTimedOut: nothing came in several times the usual time.
        """
        limit_s = self.pace.patience_s(context.cost) if context.equal_left else None
        scope = asyncio.timeout(None)
        silence = _Watched(scope, self.pace, self._clock, limit_s=limit_s, cost=context.cost)
        try:
            async with scope:
                return await call(replace(context, silence=silence))
        except TimeoutError:
            if limit_s is None or not scope.expired():
                raise
        self.pace.count_cut(context.cost)
        emit(
            self._on_event,
            AttemptCut(name=self.name, at_s=self._clock.monotonic(), allowed_s=limit_s, by_deadline=False),
        )
        raise AttemptTimedOut(allowed_s=limit_s)


class _Watched(Silence):
    """Starts and stops the timer of one call."""

    def __init__(self, scope: asyncio.Timeout, pace: Pace, clock: Clock, *, limit_s: float | None, cost: float) -> None:
        self._scope = scope
        self._pace = pace
        self._clock = clock
        self._limit_s = limit_s
        self._cost = cost
        self._began_s: float | None = None

    def begin(self) -> None:
        self._began_s = self._clock.monotonic()
        if self._limit_s is not None:
            self._scope.reschedule(asyncio.get_running_loop().time() + self._limit_s)

    def end(self) -> None:
        if self._began_s is None or self._scope.expired():
            return
        self._pace.observe(self._clock.monotonic() - self._began_s, cost=self._cost)
        self._began_s = None
        self._scope.reschedule(None)
