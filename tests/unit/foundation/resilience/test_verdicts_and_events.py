from __future__ import annotations

import logging

import pytest

from ironleaf.foundation.resilience import (
    AlternativesExhausted,
    AttemptTimedOut,
    BreakerHalfOpened,
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    FailureVerdict,
    HardSignal,
    OpenReason,
    RefusalReason,
    RetriesExhausted,
    RetryStop,
    StepDown,
    innermost,
)
from ironleaf.foundation.resilience.base import judge
from ironleaf.foundation.resilience.events import emit, ignore

OWNERS = FailureVerdict(retry_same=True, hard=HardSignal.QUOTA)
OPEN = CircuitOpen("alpha", retry_after_s=4.5, reason=OpenReason.QUOTA)
FULL = BulkheadFull("alpha", retry_after_s=2.0, reason=RefusalReason.QUEUE_FULL)
REFUSED = {"retry_same": False, "counts_as_failure": False}


def wrapped(failure: Exception) -> RetriesExhausted:
    return RetriesExhausted(attempts=2, stop=RetryStop.ATTEMPTS, last=failure)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (OPEN, FailureVerdict(retry_after_s=4.5, **REFUSED)),
        (FULL, FailureVerdict(retry_after_s=2.0, **REFUSED)),
        (DeadlineExceeded(allowed_s=1.0), FailureVerdict(**REFUSED)),
        (AttemptTimedOut(allowed_s=1.0), OWNERS),
        (LookupError(), OWNERS),
        (wrapped(FULL), FailureVerdict(retry_after_s=2.0, **REFUSED)),
        (wrapped(wrapped(LookupError())), OWNERS),
    ],
)
def test_the_kit_judges_its_own_and_the_owner_the_rest(failure: Exception, expected: FailureVerdict) -> None:
    assert judge(failure, lambda _: OWNERS) == expected


def test_the_owner_judges_the_failure_itself_not_its_wrapping() -> None:
    failure = LookupError()
    seen: list[Exception] = []
    judge(wrapped(failure), lambda inner: seen.append(inner) or OWNERS)
    assert seen == [failure]
    assert innermost(failure) is failure


def test_a_verdict_counts_and_says_nothing_else_unless_told() -> None:
    assert FailureVerdict(retry_same=False) == FailureVerdict(
        retry_same=False,
        retry_after_s=None,
        hard=None,
        counts_as_failure=True,
        content=False,
        overloaded=False,
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (AttemptTimedOut(allowed_s=1.5), "no answer within 1.500 s"),
        (OPEN, "alpha refused the call; worth another try in 4.500 s"),
        (wrapped(LookupError()), "gave up after 2 attempt(s): attempts"),
        (
            AlternativesExhausted(
                (
                    StepDown(name="alpha", at_s=0.0, reason="gone", next_name="beta"),
                    StepDown(name="beta", at_s=0.0, reason="slow", next_name=None),
                )
            ),
            "every alternative failed: alpha (gone), beta (slow)",
        ),
    ],
)
def test_private_messages(error: Exception, message: str) -> None:
    assert str(error) == message


def test_attributes_of_the_errors() -> None:
    assert (OPEN.name, OPEN.retry_after_s, OPEN.reason) == ("alpha", 4.5, OpenReason.QUOTA)
    assert (FULL.name, FULL.retry_after_s, FULL.reason) == ("alpha", 2.0, RefusalReason.QUEUE_FULL)
    assert DeadlineExceeded(allowed_s=3.0).allowed_s == 3.0


def test_every_hard_signal_is_a_reason_to_open() -> None:
    assert {OpenReason(signal) for signal in HardSignal} <= set(OpenReason)


def test_a_hook_that_fails_is_logged_and_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    event = BreakerHalfOpened(name="alpha", at_s=1.0)

    def broken(_event: object) -> None:
        raise LookupError

    with caplog.at_level(logging.ERROR):
        emit(broken, event)
    assert [(record.message, record.exc_info[0]) for record in caplog.records if record.exc_info] == [
        ("a hook of the resilience kit failed", LookupError)
    ]
    ignore(event)


def test_the_kits_exceptions_say_in_the_private_log_what_happened() -> None:
    steps = (
        StepDown(name="alpha", at_s=1.0, reason="timeout", next_name="beta"),
        StepDown(name="beta", at_s=2.0, reason="breaker-open", next_name=None),
    )
    assert str(AttemptTimedOut(allowed_s=1.5)) == "no answer within 1.500 s"
    assert (
        str(CircuitOpen("alpha", retry_after_s=4.5, reason=OpenReason.QUOTA))
        == "alpha refused the call; worth another try in 4.500 s"
    )
    assert str(wrapped(OPEN)) == "gave up after 2 attempt(s): attempts"
    assert str(AlternativesExhausted(steps)) == "every alternative failed: alpha (timeout), beta (breaker-open)"
