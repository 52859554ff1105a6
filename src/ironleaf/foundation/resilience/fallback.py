"""Ordered alternatives: who answers when the one that is wanted cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic

from ironleaf.foundation.resilience.base import CallContext, T, require
from ironleaf.foundation.resilience.errors import (
    AlternativesExhausted,
    AttemptTimedOut,
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    innermost,
)
from ironleaf.foundation.resilience.events import EventHook, StepDown, emit, ignore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.resilience.base import Call

OWN_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (CircuitOpen, "circuit_open"),
    (BulkheadFull, "bulkhead_full"),
    (AttemptTimedOut, "attempt_timed_out"),
    (DeadlineExceeded, "deadline_exceeded"),
)
"""The kit's own words for its own errors."""

ReasonOf = Callable[[Exception], str | None]
"""Returns the word for a failure, from the owner's closed list, or nothing if no other alternative may answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative(Generic[T]):
    name: str
    call: Call[T]


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackAnswer(Generic[T]):
    """An answer, who gave it, and why those before did not."""

    value: T
    name: str
    steps: tuple[StepDown, ...] = ()
    """Empty when the first alternative answered."""


class Fallback(Generic[T]):
    """Asks one alternative after the other until one answers; every step down has its reason."""

    def __init__(
        self,
        alternatives: Sequence[Alternative[T]],
        *,
        reason_of: ReasonOf,
        clock: Clock,
        on_event: EventHook = ignore,
    ) -> None:
        require(len(alternatives) > 0, "alternatives must not be empty")
        self._alternatives = tuple(alternatives)
        self._reason_of = reason_of
        self._clock = clock
        self._on_event = on_event

    async def answer(self, context: CallContext) -> FallbackAnswer[T]:
        """Return the first answer.

        Raises:
            AlternativesExhausted: none answered.
            DeadlineExceeded: the request's own time was over before one did.
            Exception: a failure that no other alternative may answer for.
        """
        steps: list[StepDown] = []
        for place, alternative in enumerate(self._alternatives, start=1):
            following = self._alternatives[place].name if place < len(self._alternatives) else None
            try:
                value = await alternative.call(replace(context, alternative_left=following is not None))
                return FallbackAnswer(value=value, name=alternative.name, steps=tuple(steps))
            except Exception as failure:  # noqa: BLE001 - to deal with failures of any kind is the point
                steps.append(self._step_down(failure, alternative.name, following))
                self._stop_if_over(failure, steps, context)
        raise AssertionError("the last alternative either answers or stops the loop")  # pragma: no cover

    def _step_down(self, failure: Exception, name: str, following: str | None) -> StepDown:
        reason = step_down_reason(failure, self._reason_of)
        if reason is None:
            raise failure
        step = StepDown(name=name, at_s=self._clock.monotonic(), reason=reason, next_name=following)
        emit(self._on_event, step)
        return step

    def _stop_if_over(self, failure: Exception, steps: list[StepDown], context: CallContext) -> None:
        if steps[-1].next_name is None:
            raise AlternativesExhausted(tuple(steps)) from failure
        if context.deadline.expired():
            raise DeadlineExceeded(allowed_s=0.0) from failure


def step_down_reason(failure: Exception, reason_of: ReasonOf) -> str | None:
    """Return the word for a failure: the kit's own for its own errors, else the owner's."""
    failure = innermost(failure)
    for kind, reason in OWN_REASONS:
        if isinstance(failure, kind):
            return reason
    return reason_of(failure)
