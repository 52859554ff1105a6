"""What the guards tell the outside: frozen events through one hook.

The kit imports neither logging of records nor metrics nor alerting; whoever
wants them passes a hook.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

logger = logging.getLogger(__name__)


class OpenReason(StrEnum):
    """Why a breaker is open."""

    MODEL_GONE = "model_gone"
    AUTHENTICATION = "authentication"
    QUOTA = "quota"
    CONNECTION_REFUSED = "connection_refused"
    FAILURES = "failures"
    CONTENT = "content"
    PROBE_FAILED = "probe_failed"
    MANUAL = "manual"


class RefusalReason(StrEnum):
    """Why a bulkhead turned a call away."""

    QUEUE_FULL = "queue_full"
    DEADLINE_TOO_NEAR = "deadline_too_near"
    """The queue is longer than the call's time."""
    WAITED_IN_VAIN = "waited_in_vain"
    """No permit came free before the call's deadline."""


class RetryStop(StrEnum):
    """Why there was no further attempt."""

    NOT_RETRYABLE = "not_retryable"
    ATTEMPTS = "attempts"
    DEADLINE = "deadline"
    RETRY_AFTER = "retry_after"
    """The other side asked for more patience than there is."""
    BUDGET = "budget"
    EQUAL_LEFT = "equal_left"
    """Somebody as good is asked instead."""
    REFUSED = "refused"
    """A guard turned the next attempt away: the one before it is the last that was made."""


class LimitCause(StrEnum):
    """Why a bulkhead changed its limit."""

    DEMAND = "demand"
    QUEUE_TIME = "queue_time"
    OVERLOAD = "overload"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResilienceEvent:
    """Base of every event."""

    name: str
    """What the policy guards: the name that its owner gave it."""
    at_s: float
    """In the clock's monotonic seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled(ResilienceEvent):
    attempt: int
    """The attempt that failed, from 1."""
    delay_s: float
    private_failure: Exception | None = field(default=None, repr=False)
    """What it failed with. For redacted logs and statistics only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryStopped(ResilienceEvent):
    attempt: int
    """The attempt that was the last, from 1."""
    stop: RetryStop


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(ResilienceEvent):
    """One call of the other side ended, well or not."""

    duration_s: float
    private_failure: BaseException | None = field(default=None, repr=False)
    """What it failed with, a cancellation if it was cut. For redacted logs, statistics and traces only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptCut(ResilienceEvent):
    allowed_s: float
    by_deadline: bool
    """Cut by the request's deadline, not by the limit of one attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpened(ResilienceEvent):
    reason: OpenReason
    open_s: float
    """How long it lets nothing through; infinite when it was opened by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerHalfOpened(ResilienceEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerClosed(ResilienceEvent):
    manual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRefused(ResilienceEvent):
    reason: OpenReason
    retry_after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadRefused(ResilienceEvent):
    reason: RefusalReason
    retry_after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadQueued(ResilienceEvent):
    """A call got its permit after waiting for it."""

    waited_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChanged(ResilienceEvent):
    limit: int
    cause: LimitCause


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDown(ResilienceEvent):
    """The alternative ``name`` failed and the next one, if there is one, is tried."""

    reason: str
    """From the owner's closed list, or one of the kit's own words."""
    next_name: str | None


EventHook = Callable[[ResilienceEvent], None]
"""Called with each event, in the caller's task: it must be quick and must not wait."""


def ignore(_event: ResilienceEvent) -> None:
    """The hook of those who do not listen."""


def emit(hook: EventHook, event: ResilienceEvent) -> None:
    """Hand the event over; a hook that fails is logged and never breaks the call."""
    try:
        hook(event)
    except Exception:
        logger.exception("a hook of the resilience kit failed")
