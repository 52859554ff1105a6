"""Another try at the same place, when that may help and nobody is harmed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from ironleaf.foundation.resilience.base import judge, require
from ironleaf.foundation.resilience.errors import CallRefused, RetriesExhausted
from ironleaf.foundation.resilience.events import EventHook, RetryScheduled, RetryStop, RetryStopped, emit, ignore

if TYPE_CHECKING:
    from random import Random

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.resilience.base import Call, CallContext, Classify, FailureVerdict, T
    from ironleaf.foundation.resilience.retry_budget import RetryBudget

ATTEMPTS_MAX = 3
"""What SRE practice and the AWS clients use: a third failure is no accident."""
BACKOFF_BASE_S = 0.2
"""Long enough for a dropped connection or a worker that is being replaced."""
BACKOFF_CAP_S = 5.0
"""Longer waits belong to the fallback."""
PATIENCE_S = 1.0
"""A person notices a second; beyond that, another engine's answer is worth more than waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOptions:
    attempts_max: int = ATTEMPTS_MAX
    """The first try included."""
    base_s: float = BACKOFF_BASE_S
    cap_s: float = BACKOFF_CAP_S
    patience_s: float = PATIENCE_S
    """The longest wait that the other side may ask for while an alternative is left."""

    def __post_init__(self) -> None:
        require(self.attempts_max >= 1, "attempts_max must be at least 1")
        require(self.base_s > 0.0, "base_s must be above zero")
        require(self.cap_s >= self.base_s, "cap_s must not be below base_s")
        require(self.patience_s >= 0.0, "patience_s must not be below zero")


def backoff_ceiling_s(attempt: int, *, options: RetryOptions) -> float:
    """Return the longest wait after the failed ``attempt`` (from 1): base, doubled each time, capped."""
    return min(options.cap_s, options.base_s * 2.0 ** (attempt - 1))


def choose_delay(
    verdict: FailureVerdict, context: CallContext, *, options: RetryOptions, draw: float
) -> float | RetryStop:
    """Return how long to wait before the next try, or why there is none. Pure.

    ``draw`` is a random number from 0 to 1: full jitter spreads callers over
    the whole interval, so that they do not come back together.
    """
    if (stop := _stop_at_once(verdict, context, options)) is not None:
        return stop
    delay_s = draw * backoff_ceiling_s(context.attempt, options=options)
    asked_s = verdict.retry_after_s
    if asked_s is None:
        return delay_s if delay_s < context.deadline.remaining_s() else RetryStop.DEADLINE
    if context.alternative_left and asked_s > options.patience_s:
        return RetryStop.RETRY_AFTER
    # Never earlier than asked; the jitter comes on top as far as the deadline allows.
    if asked_s >= context.deadline.remaining_s():
        return RetryStop.RETRY_AFTER
    return asked_s + delay_s if asked_s + delay_s < context.deadline.remaining_s() else asked_s


def _stop_at_once(verdict: FailureVerdict, context: CallContext, options: RetryOptions) -> RetryStop | None:
    if not verdict.retry_same or (verdict.timed_out and context.alternative_left):
        return RetryStop.NOT_RETRYABLE
    if context.equal_left:
        return RetryStop.EQUAL_LEFT
    return RetryStop.ATTEMPTS if context.attempt >= options.attempts_max else None


class Retry:
    """Tries again after failures that its owner calls worth it, within deadline and budget."""

    def __init__(
        self,
        name: str,
        *,
        options: RetryOptions,
        classify: Classify,
        budget: RetryBudget,
        clock: Clock,
        random: Random,
        on_event: EventHook = ignore,
    ) -> None:
        self.name = name
        self._options = options
        self._classify = classify
        self._budget = budget
        self._clock = clock
        self._random = random
        self._on_event = on_event

    async def execute(self, call: Call[T], context: CallContext) -> T:
        """Return what ``call`` returns, at one of its tries.

        Raises:
            RetriesExhausted: another try was worth making but not allowed; also where
                a guard inside, a breaker that had opened meanwhile, turned it away.
            Exception: the failure itself, when another try is no use.
        """
        self._budget.count_call()
        made: Exception | None = None
        while True:
            try:
                return await call(context)
            except Exception as failure:  # noqa: BLE001 - to deal with failures of any kind is the point
                if made is not None and isinstance(failure, CallRefused):
                    self._stop(RetryStop.REFUSED, made, replace(context, attempt=context.attempt - 1))
                delay_s = self._next_delay_s(failure, context)
                made = failure
            await self._clock.sleep(delay_s)
            context = replace(context, attempt=context.attempt + 1)

    def _next_delay_s(self, failure: Exception, context: CallContext) -> float:
        verdict = judge(failure, self._classify)
        choice = choose_delay(verdict, context, options=self._options, draw=self._random.random())
        if not isinstance(choice, RetryStop) and not self._budget.try_spend():
            choice = RetryStop.BUDGET
        if isinstance(choice, RetryStop):
            self._stop(choice, failure, context)
        emit(
            self._on_event,
            RetryScheduled(
                name=self.name,
                at_s=self._clock.monotonic(),
                attempt=context.attempt,
                delay_s=choice,
                private_failure=failure,
            ),
        )
        return choice

    def _stop(self, stop: RetryStop, failure: Exception, context: CallContext) -> NoReturn:
        emit(
            self._on_event,
            RetryStopped(name=self.name, at_s=self._clock.monotonic(), attempt=context.attempt, stop=stop),
        )
        if stop is RetryStop.NOT_RETRYABLE:
            raise failure
        raise RetriesExhausted(attempts=context.attempt, stop=stop, last=failure) from failure
