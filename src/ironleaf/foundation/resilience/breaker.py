"""Not calling what is known to be broken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import replace
from typing import TYPE_CHECKING

from ironleaf.foundation.resilience.base import QueueTime, judge
from ironleaf.foundation.resilience.breaker_state import (
    GOOD,
    NEUTRAL,
    SLOW,
    Admission,
    BreakerMachine,
    BreakerSnapshot,
    BreakerState,
    CallResult,
    Refusal,
    ResultKind,
    Transition,
)
from ironleaf.foundation.resilience.errors import AttemptTimedOut, CircuitOpen, DeadlineExceeded
from ironleaf.foundation.resilience.events import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    BreakerRefused,
    EventHook,
    OpenReason,
    ResilienceEvent,
    emit,
    ignore,
)
from ironleaf.foundation.resilience.time_limit import Overrun, run_within

if TYPE_CHECKING:
    from random import Random

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.resilience.base import Call, CallContext, Classify, T
    from ironleaf.foundation.resilience.breaker_options import BreakerOptions

PROBE_TIMEOUT_S = 20.0
"""A tiny picture with known text takes a second or two; a model that is just being loaded takes longer."""

Probe = Callable[[], Awaitable[None]]
"""Returns if the other side answers rightly, raises if it does not."""


class CircuitBreaker:
    """Refuses calls at once while the other side is broken, and finds out by one single probe when it is not.

    All methods must be called from one event loop's thread; a state change
    never spans an ``await``, so that no lock is needed.
    """

    def __init__(
        self,
        name: str,
        *,
        options: BreakerOptions,
        classify: Classify,
        clock: Clock,
        random: Random,
        probe: Probe | None = None,
        probe_timeout_s: float = PROBE_TIMEOUT_S,
        may_probe: Callable[[], bool] = lambda: True,
        on_event: EventHook = ignore,
    ) -> None:
        self.name = name
        self._options = options
        self._classify = classify
        self._clock = clock
        self._probe = probe
        self._probe_timeout_s = probe_timeout_s
        self._may_probe = may_probe
        self._on_event = on_event
        self._aside: asyncio.Task[None] | None = None
        self._machine = BreakerMachine(
            options, random=random, now_s=clock.monotonic(), on_transition=self._tell_transition
        )

    async def execute(self, call: Call[T], context: CallContext) -> T:
        """Return what ``call`` returns.

        The first caller after the open time probes: with the supplied probe,
        and then with its call; or with its call, if there is no probe or
        ``may_probe`` says that there were enough of them. A caller whom
        somebody else can answer does not wait for the supplied probe: it runs
        aside, and he is refused. A call that waits inside for a permit is
        refused too if the breaker opens meanwhile.

        Raises:
            CircuitOpen: the call was not made.
        """
        admission = self._admit()
        if admission.probe and self._probe is not None and self._may_probe():
            if context.alternative_left:
                raise self._probe_aside(self._probe, admission)
            await self._run_probe(self._probe, admission, limit_s=context.deadline.remaining_s())
            admission = self._admit()
        context = replace(context, queue=QueueTime(), recheck=lambda: self._recheck(admission))
        started_s = self._clock.monotonic()
        result = NEUTRAL
        try:
            value = await call(context)
            result = GOOD
        except Exception as failure:
            result = self._result_of(failure)
            raise
        finally:
            # Also when the caller left: whoever leaves a silent server has seen enough of it.
            now_s = self._clock.monotonic()
            self._machine.record(admission, self._or_slow(result, now_s - started_s, context), now_s)
        return value

    async def try_probe(self) -> bool | None:
        """Probe now if the open time is over, so that no caller has to; for a schedule of its own.

        Returns:
            Whether it closed; nothing if there was no probe to make.
        """
        if self._probe is None or not self._due():
            return None
        try:
            await self._run_probe(self._probe, self._admit(), limit_s=self._probe_timeout_s)
        except CircuitOpen:
            return False
        return True

    async def aclose(self) -> None:
        """End a probe that still runs aside."""
        task, self._aside = self._aside, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    @property
    def generation(self) -> int:
        """Of the present period: to be handed back with a later verdict on an answer's content."""
        return self._machine.generation

    def record_content(self, *, bad: bool, generation: int) -> None:
        """Take a verdict on an answer's content into account that was made outside the guarded call."""
        self._machine.record_content(bad=bad, generation=generation, now_s=self._clock.monotonic())

    def open(self) -> None:
        """Open by hand: nothing passes until ``close`` or ``reset``."""
        self._machine.force_open(self._clock.monotonic())

    def close(self) -> None:
        """Close by hand; the length of former openings is remembered."""
        self._machine.close(self._clock.monotonic())

    def reset(self) -> None:
        """Close by hand and forget the past."""
        self._machine.reset(self._clock.monotonic())

    def snapshot(self) -> BreakerSnapshot:
        """Return the present state."""
        return self._machine.snapshot(self._clock.monotonic())

    def _or_slow(self, result: CallResult, taken_s: float, context: CallContext) -> CallResult:
        """Return the result, or that it was slow, the wait for a permit not counted."""
        innocent = result.kind in {ResultKind.GOOD, ResultKind.NEUTRAL}
        slow = taken_s - context.queue.waited_s > self._options.slow_limit_s(context.cost)
        return SLOW if innocent and slow else result

    def _due(self) -> bool:
        snapshot = self.snapshot()
        waiting = snapshot.state in {BreakerState.OPEN, BreakerState.HALF_OPEN}
        return waiting and not snapshot.probing and snapshot.retry_after_s <= 0.0

    def _admit(self) -> Admission:
        decision = self._machine.admit(self._clock.monotonic())
        if isinstance(decision, Refusal):
            raise self._refused(decision)
        return decision

    def _recheck(self, admission: Admission) -> None:
        refusal = self._machine.recheck(admission, self._clock.monotonic())
        if refusal is not None:
            raise self._refused(refusal)

    def _refused(self, refusal: Refusal) -> CircuitOpen:
        self._tell(
            BreakerRefused(
                name=self.name,
                at_s=self._clock.monotonic(),
                reason=refusal.reason,
                retry_after_s=refusal.retry_after_s,
            )
        )
        return CircuitOpen(self.name, retry_after_s=refusal.retry_after_s, reason=refusal.reason)

    def _probe_aside(self, probe: Probe, admission: Admission) -> CircuitOpen:
        async def run() -> None:
            with contextlib.suppress(CircuitOpen):
                await self._run_probe(probe, admission, limit_s=self._probe_timeout_s)

        # It is nobody's call: it must not look like a part of the caller's.
        self._aside = asyncio.create_task(run(), context=Context())
        snapshot = self.snapshot()
        reason = snapshot.reason or OpenReason.PROBE_FAILED
        return self._refused(Refusal(retry_after_s=snapshot.retry_after_s, reason=reason))

    async def _run_probe(self, probe: Probe, admission: Admission, *, limit_s: float) -> None:
        """Let the probe decide about the half-open breaker.

        Raises:
            CircuitOpen: the probe failed.
            DeadlineExceeded: the caller's time was over first, which proves nothing.
        """
        allowed_s = min(limit_s, self._probe_timeout_s)
        result = NEUTRAL
        failed: Exception | None = None
        try:
            await run_within(allowed_s, probe)
            result = GOOD
        except Overrun:
            if limit_s < self._probe_timeout_s:
                raise DeadlineExceeded(allowed_s=allowed_s) from None
            failed = AttemptTimedOut(allowed_s=allowed_s)
            result = self._result_of_probe(failed)
        except Exception as failure:  # noqa: BLE001 - told on as the cause of the refusal
            failed = failure
            result = self._result_of_probe(failed)
        finally:
            self._machine.record(admission, result, self._clock.monotonic())
        if failed is not None:
            snapshot = self.snapshot()
            reason = snapshot.reason or OpenReason.PROBE_FAILED
            raise self._refused(Refusal(retry_after_s=snapshot.retry_after_s, reason=reason)) from failed

    def _result_of_probe(self, failure: Exception) -> CallResult:
        """Whatever its owner thinks of the failure: a probe that fails has failed."""
        return replace(self._result_of(failure), kind=ResultKind.FAILED)

    def _result_of(self, failure: Exception) -> CallResult:
        verdict = judge(failure, self._classify)
        if verdict.content:
            kind = ResultKind.BAD_CONTENT
        elif verdict.counts_as_failure or verdict.hard is not None:
            kind = ResultKind.FAILED
        else:
            kind = ResultKind.NEUTRAL
        return CallResult(kind=kind, hard=verdict.hard, retry_after_s=verdict.retry_after_s)

    def _tell_transition(self, transition: Transition) -> None:
        at_s = self._clock.monotonic()
        match transition.state:
            case BreakerState.CLOSED:
                manual = transition.reason is OpenReason.MANUAL
                self._tell(BreakerClosed(name=self.name, at_s=at_s, manual=manual))
            case BreakerState.HALF_OPEN:
                self._tell(BreakerHalfOpened(name=self.name, at_s=at_s))
            case BreakerState.OPEN | BreakerState.FORCED_OPEN:
                reason = transition.reason or OpenReason.MANUAL
                self._tell(BreakerOpened(name=self.name, at_s=at_s, reason=reason, open_s=transition.open_s))

    def _tell(self, event: ResilienceEvent) -> None:
        emit(self._on_event, event)
