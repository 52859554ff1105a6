"""Who hears of what: events of the doors, pools and guards become log records here, and nowhere else."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from typing import Final, TypeVar

import structlog

from ironleaf.application.outcome import PagesFailed
from ironleaf.document import Document
from ironleaf.foundation.database import DatabaseUnavailable
from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.errors.policy import POLICY
from ironleaf.foundation.errors.protocol import CLIENT_CLOSED
from ironleaf.foundation.monitoring import Signal, SignalState
from ironleaf.foundation.observability import make_fingerprint
from ironleaf.foundation.processes import JobQueued, ProcessEvent, WorkerReplaced
from ironleaf.foundation.resilience import BreakerClosed, BreakerOpened, ResilienceEvent
from ironleaf.services.engines.failure_verdicts import is_skipped
from ironleaf.services.engines.ledger import HealingEntry, HealingOutcome
from ironleaf.web import ErrorSeen, RequestSeen
from ironleaf.web.observation import list_details

T = TypeVar("T")
_log = structlog.get_logger("ironleaf")

LIVE_ROUTES: Final = frozenset({"/console/ops/feed", "/console/progress/{ticket}"})
"""Lines that a page holds open: whoever closes the page has missed no answer."""
QUIET_ROUTES: Final = LIVE_ROUTES | {
    *("/livez", "/readyz", "/health", "/metrics"),
    *("/console/state", "/console/assets/{mark}/{name}"),
}
"""Asked every second by machines, or by a page for itself: their successes are worth nothing in a log."""
_ERROR_STATUS: Final = 400
_NOT_LOGGED: Final = frozenset({"name", "private_failure"})
"""Of a guard's event: the first is logged under another name, the second by whoever ends up with it."""
_EXPECTED_REPLACEMENTS: Final = frozenset({"cancelled", "jobs_max", "resident_growth"})


def each(*hooks: Callable[[T], None]) -> Callable[[T], None]:
    """Return one hook that calls all of them, in order."""

    def tell(event: T) -> None:
        for hook in hooks:
            hook(event)

    return tell


def is_parting(seen: ErrorSeen) -> bool:
    """Tell whether it says no more than that somebody closed a page."""
    return seen.entry is CLIENT_CLOSED and seen.route in LIVE_ROUTES


def log_error(seen: ErrorSeen) -> None:
    """Write an error that met a request, as loudly and with as much as its level demands."""
    if is_parting(seen):
        return
    policy = POLICY[seen.level]
    _log.log(
        policy.log_level,
        "request failed",
        request_id=seen.request_id,
        client_request_id=seen.client_request_id,
        code=seen.entry.code,
        reason=seen.entry.reason,
        error_level=seen.level.value,
        kind=seen.entry.kind.value,
        method=seen.method,
        route=seen.route,
        status=seen.status,
        duration_ms=round(seen.duration_ms),
        details=list_details(seen) or None,
        context=seen.context or None,
        fingerprint=make_fingerprint(seen.exception, seen.entry.reason) if seen.exception else None,
        # Pages that failed have told their own stories; the request's adds nothing to them.
        exc_info=seen.exception if policy.with_stack and not isinstance(seen.exception, PagesFailed) else None,
    )


def log_step_down(alias: str, error: IronleafError) -> None:
    """Write why an engine did not read a page that another one may still read: the private face of a degraded page."""
    policy = POLICY[error.entry.level]
    skipped = is_skipped(error)  # what it is skipped for is in the log already
    _log.log(
        logging.INFO if skipped else policy.log_level,
        "engine stepped over" if skipped else "engine failed",
        engine=alias,
        code=error.entry.code,
        reason=error.entry.reason,
        error_level=error.entry.level.value,
        context=error.context or None,
        fingerprint=None if skipped else make_fingerprint(error, error.entry.reason),
        exc_info=error if policy.with_stack and not skipped else None,
    )


def log_document(document: Document) -> None:
    """Write what became of a file: who read its pages, and how many not as they should have been."""
    statuses = Counter(page.status.value for page in document.pages)
    degraded = sorted({page.degraded_reason for page in document.pages if page.degraded_reason})
    _log.info(
        "document read",
        media_type=document.media_type,
        page_count=document.page_count,
        pages=dict(statuses),
        engines=sorted({page.engine for page in document.pages}),
        degraded_reasons=degraded or None,
        warnings=sorted({notice.reason for notice in document.warnings}) or None,
        recognise_ms=document.timing.recognise_ms,
        total_ms=document.timing.total_ms,
    )


def log_request(seen: RequestSeen) -> None:
    """Write one line for each request that was answered well; the others have theirs already."""
    if seen.status >= _ERROR_STATUS or seen.route in QUIET_ROUTES:
        return
    _log.info(
        "request answered",
        request_id=seen.request_id,
        client_request_id=seen.client_request_id,
        method=seen.method,
        route=seen.route,
        status=seen.status,
        duration_ms=round(seen.duration_ms),
        body_bytes=seen.body_bytes,
    )


def log_process(event: ProcessEvent) -> None:
    """Write what happened to a worker process; that a job waited for one is for the statistics."""
    if isinstance(event, JobQueued):
        return
    if isinstance(event, WorkerReplaced):
        level = logging.INFO if event.reason in _EXPECTED_REPLACEMENTS else logging.WARNING
        _log.log(
            level,
            "worker replaced",
            pool=event.pool,
            cause=event.reason.value,
            exit_code=event.exit_code,
            jobs_done=event.jobs_done,
            duration_ms=round(event.duration_s * 1000),
            noise=event.private_noise or None,
        )
        return
    _log.error("worker does not start", pool=event.pool, attempt=event.attempt, noise=event.private_text)


def log_guard(event: ResilienceEvent) -> None:
    """Write what a guard around a backend did: openings and closings loudly, the rest for those who look closer."""
    loud = isinstance(event, BreakerOpened | BreakerClosed)
    level = (logging.WARNING if isinstance(event, BreakerOpened) else logging.INFO) if loud else logging.DEBUG
    facts = {field.name: getattr(event, field.name) for field in fields(event) if field.name not in _NOT_LOGGED}
    _log.log(level, _name_event(event), backend=event.name, **facts)


def log_database(failure: DatabaseUnavailable, wait_s: float) -> None:
    """Write that the database cannot be made ready yet, and when it is tried again."""
    _log.warning("the database is not ready", reason=failure.entry.reason, context=failure.context, wait_s=wait_s)


def log_healing(entry: HealingEntry) -> None:
    """Write what was done about a backend without asking anyone, or by hand."""
    level = logging.WARNING if entry.outcome is HealingOutcome.FAILED else logging.INFO
    _log.log(
        level,
        "healing",
        backend=entry.backend,
        action=entry.action.value,
        outcome=entry.outcome.value,
        cause=entry.cause,
        facts=dict(entry.facts) or None,
    )


def log_signal(signal: Signal) -> None:
    """Write that a condition began, has news, or ended."""
    firing = signal.state is SignalState.FIRING
    _log.log(
        logging.WARNING if firing else logging.INFO,
        "condition holds" if firing else "condition over",
        rule=signal.rule,
        component=signal.component,
        cause=signal.cause,
        urgency=signal.urgency.value,
        since=signal.since.isoformat(timespec="seconds"),
        evidence=dict(signal.evidence) or None,
        fingerprint=signal.fingerprint or None,
    )


def _name_event(event: ResilienceEvent) -> str:
    return re.sub(r"(?<!^)([A-Z])", r" \1", type(event).__name__).lower()
