"""What an engine's failure means to the guards around it. Pure; one place, so that all of them agree."""

from __future__ import annotations

from typing import Final

from ironleaf.document import AttemptOutcome
from ironleaf.foundation.errors import IronleafError, Level
from ironleaf.foundation.resilience import FailureVerdict, HardSignal
from ironleaf.services.engines.errors import CIRCUIT_OPEN, NotAsked
from ironleaf.services.engines.upstream_failures import CausedBy, FailureKind
from ironleaf.services.engines.upstream_failures.errors import CONTENT_REFUSED
from ironleaf.services.engines.vision_language.answer import AnswerRejected, UpstreamFailure

_HARD: Final[dict[FailureKind, HardSignal]] = {
    FailureKind.MODEL_NOT_FOUND: HardSignal.MODEL_GONE,
    FailureKind.AUTH: HardSignal.AUTHENTICATION,
    FailureKind.PERMISSION: HardSignal.AUTHENTICATION,
    FailureKind.QUOTA_EXHAUSTED: HardSignal.QUOTA,
}
_OVERLOADED: Final = frozenset({FailureKind.OVERLOADED, FailureKind.RATE_LIMITED, FailureKind.TIMEOUT})
_ONE_REQUEST: Final = frozenset(
    {
        FailureKind.CONTEXT_TOO_LONG,
        FailureKind.IMAGE_INVALID,
        FailureKind.IMAGE_TOO_LARGE,
        FailureKind.CONTENT_FILTERED,
        FailureKind.PAYLOAD_TOO_LARGE,
    }
)
"""Kinds that speak of this page, not of the server's health, whoever built the request."""
_IGNORED: Final = FailureVerdict(retry_same=False, counts_as_failure=False)


def judge_failure(failure: Exception) -> FailureVerdict:
    """Return what ``failure`` says about the backend, and whether the same call may help."""
    if isinstance(failure, AnswerRejected):
        return FailureVerdict(retry_same=False, counts_as_failure=False, content=not failure.blames_input)
    if isinstance(failure, UpstreamFailure):
        return _judge_upstream(failure)
    if isinstance(failure, IronleafError):
        return _IGNORED  # the deadline, or the page could not be drawn: not the backend's doing
    return FailureVerdict(retry_same=False)


def judge_undeclined(failure: Exception) -> FailureVerdict:
    """Return the same, but nothing against a backend that declined a page.

    For operators whose policy that is: else a few declined pages would open the
    breaker, and the next engine would read what must not be read.
    """
    if isinstance(failure, AnswerRejected) and failure.entry == CONTENT_REFUSED:
        return _IGNORED
    return judge_failure(failure)


def _judge_upstream(failure: UpstreamFailure) -> FailureVerdict:
    verdict = failure.verdict
    if (
        failure.deadline_bound
        or failure.blames_input
        or verdict.kind in _ONE_REQUEST
        or verdict.caused_by is CausedBy.CLIENT_INPUT
    ):
        return _IGNORED
    return FailureVerdict(
        retry_same=verdict.retry_same_backend,
        retry_after_s=verdict.retry_after_s,
        hard=_find_hard_signal(failure),
        overloaded=verdict.kind in _OVERLOADED,
        timed_out=verdict.kind is FailureKind.TIMEOUT,
    )


def _find_hard_signal(failure: UpstreamFailure) -> HardSignal | None:
    verdict = failure.verdict
    if verdict.kind is FailureKind.ENGINE_CRASHED and verdict.level is Level.L4:
        return HardSignal.MODEL_GONE
    if verdict.kind is FailureKind.CONNECTION and verdict.caused_by is CausedBy.UPSTREAM:
        return HardSignal.CONNECTION_REFUSED
    return _HARD.get(verdict.kind)


def describe_attempt(failure: IronleafError) -> tuple[AttemptOutcome, str]:
    """Return how a failed step of the ladder is recorded: its outcome and a reason from the closed lists."""
    if isinstance(failure, AnswerRejected):
        return AttemptOutcome.REJECTED, failure.rejection.reason
    if is_skipped(failure):
        return AttemptOutcome.SKIPPED, failure.entry.reason
    return AttemptOutcome.FAILED, failure.entry.reason


def is_skipped(failure: IronleafError) -> bool:
    """Tell whether the engine was not asked at all: for what was known of it before, or a guard had no room or time."""
    return failure.entry == CIRCUIT_OPEN or isinstance(failure, NotAsked)
