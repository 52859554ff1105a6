"""From a failed call to its meaning.

Pure and total: any answer gets a verdict, nothing raises, and the time grows with
the body's length only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import Level
from ironleaf.services.engines.upstream_failures.base import CausedBy, FailureKind, UpstreamAnswer, UpstreamVerdict
from ironleaf.services.engines.upstream_failures.errors import entry_for
from ironleaf.services.engines.upstream_failures.evidence import gather_evidence
from ironleaf.services.engines.upstream_failures.hints import read_retry_after
from ironleaf.services.engines.upstream_failures.outcome import outcome_of
from ironleaf.services.engines.upstream_failures.rules import RULES
from ironleaf.services.engines.upstream_failures.successes import claims_success, judge_success
from ironleaf.services.engines.upstream_failures.tokens import input_fills_window

if TYPE_CHECKING:
    from ironleaf.services.engines.upstream_failures.evidence import Evidence
    from ironleaf.services.engines.upstream_failures.outcome import Outcome

REFUSED_FOR_GOOD: Final = {
    401: outcome_of(FailureKind.AUTH),
    402: outcome_of(FailureKind.QUOTA_EXHAUSTED),
    407: outcome_of(FailureKind.AUTH),
}
"""Whatever the words beside such a status: the same request is refused again, and a person is needed."""

RETRY_HINT_S_MAX: Final = 900.0
"""A limit that refills later than this is not worth waiting for: another engine must answer."""


def classify(answer: UpstreamAnswer) -> UpstreamVerdict:
    """Return what the failed call ``answer`` means, and what to do about it."""
    evidence = gather_evidence(answer)
    retry_after_s = read_retry_after(answer.headers, evidence.text)
    name, outcome = judge_success(answer, evidence) or _first_rule(evidence)
    outcome = _refine(outcome, evidence, retry_after_s)
    return UpstreamVerdict(
        kind=outcome.kind,
        caused_by=outcome.caused_by,
        retry_same_backend=outcome.retry,
        fallback_other_backend=outcome.fallback,
        level=outcome.level,
        retry_after_s=retry_after_s,
        rule=name,
        reason=entry_for(outcome.kind, outcome.level).reason,
    )


def _first_rule(evidence: Evidence) -> tuple[str, Outcome]:
    rule = next((rule for rule in RULES if rule.applies(evidence)), None)
    if rule is not None and not (rule.outcome.kind is FailureKind.UNKNOWN and claims_success(evidence.status)):
        return rule.name, rule.outcome
    if claims_success(evidence.status):
        return "success-without-choices", outcome_of(FailureKind.PROTOCOL)
    return "nothing-known", outcome_of(FailureKind.UNKNOWN)


def _refine(outcome: Outcome, evidence: Evidence, retry_after_s: float | None) -> Outcome:
    if outcome.retry and evidence.status in REFUSED_FOR_GOOD:
        return REFUSED_FOR_GOOD[evidence.status]
    if outcome.kind is FailureKind.CONTEXT_TOO_LONG and input_fills_window(evidence.text) is False:
        return replace(outcome, caused_by=CausedBy.OPERATOR, level=Level.L3)
    if outcome.retry and retry_after_s is not None and retry_after_s > RETRY_HINT_S_MAX:
        return replace(outcome, retry=False)
    return outcome
