"""What the kit itself raises: plain exceptions with typed attributes.

None of them has a catalogue entry; whoever owns the guarded thing translates
them. Their messages are private, like every exception's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironleaf.foundation.resilience.events import OpenReason, RefusalReason, RetryStop, StepDown


class ResilienceError(Exception):
    """Base of the kit's own exceptions."""


class TimeRanOut(ResilienceError):
    """A call was cut because its time was over."""

    def __init__(self, *, allowed_s: float) -> None:
        super().__init__(f"no answer within {allowed_s:.3f} s")
        self.allowed_s = allowed_s
        """How long the call was let run, in seconds."""


class AttemptTimedOut(TimeRanOut):
    """One try took longer than one try may."""


class DeadlineExceeded(TimeRanOut):
    """The request's time, or this alternative's share of it, is over."""


class CallRefused(ResilienceError):
    """A guard turned the call away without trying it."""

    def __init__(self, name: str, *, retry_after_s: float) -> None:
        super().__init__(f"{name} refused the call; worth another try in {retry_after_s:.3f} s")
        self.name = name
        """What the guard guards."""
        self.retry_after_s = retry_after_s
        """When another call has a chance, in seconds from now."""


class CircuitOpen(CallRefused):
    """The breaker lets nothing through now."""

    def __init__(self, name: str, *, retry_after_s: float, reason: OpenReason) -> None:
        super().__init__(name, retry_after_s=retry_after_s)
        self.reason = reason


class BulkheadFull(CallRefused):
    """Every permit is taken, and the queue is full or too slow for the call's deadline."""

    def __init__(self, name: str, *, retry_after_s: float, reason: RefusalReason) -> None:
        super().__init__(name, retry_after_s=retry_after_s)
        self.reason = reason


class RetriesExhausted(ResilienceError):
    """Another try was worth making but not allowed; the last error is the cause."""

    def __init__(self, *, attempts: int, stop: RetryStop, last: Exception) -> None:
        super().__init__(f"gave up after {attempts} attempt(s): {stop}")
        self.attempts = attempts
        self.stop = stop
        self.last = last


class AlternativesExhausted(ResilienceError):
    """Every alternative failed; the last error is the cause."""

    def __init__(self, steps: tuple[StepDown, ...]) -> None:
        super().__init__("every alternative failed: " + ", ".join(f"{step.name} ({step.reason})" for step in steps))
        self.steps = steps
        """One for each alternative, in the order of trying."""


def innermost(exception: Exception) -> Exception:
    """Return the failure itself where ``exception`` only says that retrying it ended."""
    while isinstance(exception, RetriesExhausted):
        exception = exception.last
    return exception
