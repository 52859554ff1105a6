"""Guards around calls that may fail: each a policy, usable alone or in a pipeline.

Nothing here knows what is called: the owner of a call supplies the verdict on
its failures, the clock, the randomness and a hook that hears the events.
"""

from ironleaf.foundation.resilience.adaptive_limit import AdaptiveLimitOptions
from ironleaf.foundation.resilience.attempt_timeout import AttemptTimeout, AttemptTimeoutOptions
from ironleaf.foundation.resilience.base import (
    Call,
    CallContext,
    Classify,
    FailureVerdict,
    HardSignal,
    Policy,
    Silence,
)
from ironleaf.foundation.resilience.breaker import CircuitBreaker, Probe
from ironleaf.foundation.resilience.breaker_options import BreakerOptions
from ironleaf.foundation.resilience.breaker_state import BreakerSnapshot, BreakerState, ResultKind
from ironleaf.foundation.resilience.bulkhead import Bulkhead, BulkheadOptions, BulkheadSnapshot
from ironleaf.foundation.resilience.cusum import Cusum, CusumOptions
from ironleaf.foundation.resilience.deadline import DeadlineShare, DeadlineShareOptions, RequestDeadline
from ironleaf.foundation.resilience.errors import (
    AlternativesExhausted,
    AttemptTimedOut,
    BulkheadFull,
    CallRefused,
    CircuitOpen,
    DeadlineExceeded,
    ResilienceError,
    RetriesExhausted,
    TimeRanOut,
    innermost,
)
from ironleaf.foundation.resilience.events import (
    AttemptCut,
    AttemptEnded,
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    BreakerRefused,
    BulkheadQueued,
    BulkheadRefused,
    EventHook,
    LimitCause,
    LimitChanged,
    OpenReason,
    RefusalReason,
    ResilienceEvent,
    RetryScheduled,
    RetryStop,
    RetryStopped,
    StepDown,
    emit,
)
from ironleaf.foundation.resilience.fallback import Alternative, Fallback, FallbackAnswer, step_down_reason
from ironleaf.foundation.resilience.patience import Pace, Patience, PatienceOptions
from ironleaf.foundation.resilience.pipeline import Pipeline
from ironleaf.foundation.resilience.retry import Retry, RetryOptions
from ironleaf.foundation.resilience.retry_budget import RetryBudget, RetryBudgetOptions

__all__ = [
    "AdaptiveLimitOptions",
    "Alternative",
    "AlternativesExhausted",
    "AttemptCut",
    "AttemptEnded",
    "AttemptTimedOut",
    "AttemptTimeout",
    "AttemptTimeoutOptions",
    "BreakerClosed",
    "BreakerHalfOpened",
    "BreakerOpened",
    "BreakerOptions",
    "BreakerRefused",
    "BreakerSnapshot",
    "BreakerState",
    "Bulkhead",
    "BulkheadFull",
    "BulkheadOptions",
    "BulkheadQueued",
    "BulkheadRefused",
    "BulkheadSnapshot",
    "Call",
    "CallContext",
    "CallRefused",
    "CircuitBreaker",
    "CircuitOpen",
    "Classify",
    "Cusum",
    "CusumOptions",
    "DeadlineExceeded",
    "DeadlineShare",
    "DeadlineShareOptions",
    "EventHook",
    "FailureVerdict",
    "Fallback",
    "FallbackAnswer",
    "HardSignal",
    "LimitCause",
    "LimitChanged",
    "OpenReason",
    "Pace",
    "Patience",
    "PatienceOptions",
    "Pipeline",
    "Policy",
    "Probe",
    "RefusalReason",
    "RequestDeadline",
    "ResilienceError",
    "ResilienceEvent",
    "ResultKind",
    "RetriesExhausted",
    "Retry",
    "RetryBudget",
    "RetryBudgetOptions",
    "RetryOptions",
    "RetryScheduled",
    "RetryStop",
    "RetryStopped",
    "Silence",
    "StepDown",
    "TimeRanOut",
    "emit",
    "innermost",
    "step_down_reason",
]
