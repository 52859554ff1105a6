from __future__ import annotations

import asyncio
import random
import re

import pytest

from ironleaf.foundation.resilience import (
    CallContext,
    CircuitOpen,
    FailureVerdict,
    OpenReason,
    RetriesExhausted,
    Retry,
    RetryBudget,
    RetryBudgetOptions,
    RetryOptions,
    RetryScheduled,
    RetryStop,
    RetryStopped,
)
from ironleaf.foundation.resilience.retry import backoff_ceiling_s, choose_delay

AGAIN = FailureVerdict(retry_same=True)
NEVER = FailureVerdict(retry_same=False)


class Draws(random.Random):
    """Randomness that always draws the same."""

    def __init__(self, draw: float) -> None:
        super().__init__()
        self.draw = draw

    def random(self) -> float:
        return self.draw


class Failing:
    """Fails so many times with the same error, then answers."""

    def __init__(self, times: int, failure: Exception | None = None) -> None:
        self.left = times
        self.failure = failure or LookupError()
        self.attempts: list[int] = []

    async def __call__(self, context: CallContext) -> str:
        self.attempts.append(context.attempt)
        if self.left:
            self.left -= 1
            raise self.failure
        return "text"


def ample_budget(clock) -> RetryBudget:
    budget = RetryBudget(options=RetryBudgetOptions(), clock=clock)
    for _ in range(100):
        budget.count_call()
    return budget


@pytest.fixture
def make_retry(clock, events):
    def make(*, verdict: FailureVerdict = AGAIN, draw: float = 0.5, budget: RetryBudget | None = None, **options):
        return Retry(
            "alpha",
            options=RetryOptions(**options),
            classify=lambda _: verdict,
            budget=budget or ample_budget(clock),
            clock=clock,
            random=Draws(draw),
            on_event=events.append,
        )

    return make


@pytest.mark.parametrize(("attempt", "ceiling_s"), [(1, 0.2), (2, 0.4), (3, 0.8), (5, 3.2), (6, 5.0), (900, 5.0)])
def test_the_ceiling_doubles_up_to_the_cap(attempt: int, ceiling_s: float) -> None:
    assert backoff_ceiling_s(attempt, options=RetryOptions()) == pytest.approx(ceiling_s)


@pytest.mark.parametrize(
    ("verdict", "fields", "expected"),
    [
        (NEVER, {}, RetryStop.NOT_RETRYABLE),
        (FailureVerdict(retry_same=False, retry_after_s=0.1), {"attempt": 3}, RetryStop.NOT_RETRYABLE),
        (AGAIN, {}, 0.1),
        (AGAIN, {"attempt": 2}, 0.2),
        (AGAIN, {"attempt": 3}, RetryStop.ATTEMPTS),
        (AGAIN, {"attempt": 4}, RetryStop.ATTEMPTS),
        (AGAIN, {"within_s": 0.0625}, RetryStop.DEADLINE),
        (AGAIN, {"within_s": 0.125}, 0.1),
        (FailureVerdict(retry_same=True, retry_after_s=7.0), {}, 7.1),
        (FailureVerdict(retry_same=True, retry_after_s=7.0), {"within_s": 7.0}, RetryStop.RETRY_AFTER),
        (FailureVerdict(retry_same=True, retry_after_s=7.0), {"within_s": 7.0625}, 7.0),
        (FailureVerdict(retry_same=True, retry_after_s=7.0), {"alternative_left": True}, RetryStop.RETRY_AFTER),
        (FailureVerdict(retry_same=True, retry_after_s=1.0), {"alternative_left": True}, 1.1),
        (FailureVerdict(retry_same=True, retry_after_s=0.0), {}, 0.1),
        (FailureVerdict(retry_same=True, timed_out=True), {}, 0.1),
        (FailureVerdict(retry_same=True, timed_out=True), {"alternative_left": True}, RetryStop.NOT_RETRYABLE),
        (AGAIN, {"alternative_left": True}, 0.1),
        (AGAIN, {"alternative_left": True, "equal_left": True}, RetryStop.EQUAL_LEFT),
        (NEVER, {"alternative_left": True, "equal_left": True}, RetryStop.NOT_RETRYABLE),
        (FailureVerdict(retry_same=True, retry_after_s=0.1), {"attempt": 3}, RetryStop.ATTEMPTS),
    ],
)
def test_choice_of_the_delay(make_context, verdict, fields, expected) -> None:
    choice = choose_delay(verdict, make_context(**fields), options=RetryOptions(), draw=0.5)
    if isinstance(expected, RetryStop):
        assert choice is expected
    else:
        assert choice == pytest.approx(expected)


def test_a_wait_that_ends_at_the_very_deadline_is_too_long(make_context) -> None:
    asked = FailureVerdict(retry_same=True, retry_after_s=1.0)
    options = RetryOptions(base_s=1.0)
    assert choose_delay(asked, make_context(within_s=1.5), options=options, draw=0.5) == 1.0
    assert choose_delay(asked, make_context(within_s=1.75), options=options, draw=0.5) == 1.5
    assert choose_delay(AGAIN, make_context(within_s=0.5), options=options, draw=0.5) is RetryStop.DEADLINE


@pytest.mark.anyio
async def test_it_waits_and_tries_again_with_the_number_of_the_attempt(clock, events, make_retry, make_context) -> None:
    call = Failing(2)
    task = asyncio.create_task(make_retry().execute(call, make_context()))
    await clock.run_for(0.09)
    assert call.attempts == [1]
    await clock.run_for(0.02)
    assert call.attempts == [1, 2]
    await clock.run_for(0.2)
    assert await task == "text"
    assert call.attempts == [1, 2, 3]
    assert [(event.name, event.attempt, event.delay_s) for event in events] == [
        ("alpha", 1, pytest.approx(0.1)),
        ("alpha", 2, pytest.approx(0.2)),
    ]
    assert [event.at_s for event in events] == [pytest.approx(1000.0), pytest.approx(1000.1)]
    assert all(isinstance(event, RetryScheduled) for event in events)


@pytest.mark.anyio
async def test_after_the_last_attempt_the_last_error_is_the_cause(clock, events, make_retry, make_context) -> None:
    call = Failing(5)
    task = asyncio.create_task(make_retry(draw=0.0).execute(call, make_context()))
    with pytest.raises(RetriesExhausted) as caught:
        await task
    assert call.attempts == [1, 2, 3]
    assert (caught.value.attempts, caught.value.stop) == (3, RetryStop.ATTEMPTS)
    assert caught.value.last is caught.value.__cause__ is call.failure
    assert events[-1] == RetryStopped(name="alpha", at_s=1000.0, attempt=3, stop=RetryStop.ATTEMPTS)


@pytest.mark.anyio
async def test_a_failure_that_no_retry_mends_passes_unchanged_at_once(events, make_retry, make_context) -> None:
    call = Failing(1)
    with pytest.raises(LookupError) as caught:
        await make_retry(verdict=NEVER).execute(call, make_context())
    assert caught.value is call.failure
    assert call.attempts == [1]
    assert events == [RetryStopped(name="alpha", at_s=1000.0, attempt=1, stop=RetryStop.NOT_RETRYABLE)]


@pytest.mark.anyio
async def test_an_open_breaker_inside_is_not_retried_whatever_the_owner_says(make_retry, make_context) -> None:
    call = Failing(9, CircuitOpen("alpha", retry_after_s=0.1, reason=OpenReason.QUOTA))
    with pytest.raises(CircuitOpen):
        await make_retry().execute(call, make_context())
    assert call.attempts == [1]


@pytest.mark.anyio
async def test_a_second_try_that_a_guard_turns_away_does_not_hide_what_the_first_one_met(
    clock, events, make_retry, make_context
) -> None:
    met, tries = LookupError(), iter([1, 2])

    async def call(_context: CallContext) -> str:
        if next(tries) == 1:
            raise met
        raise CircuitOpen("alpha", retry_after_s=5.0, reason=OpenReason.FAILURES)

    with pytest.raises(RetriesExhausted) as caught:
        await make_retry(draw=0.0).execute(call, make_context())
    assert (caught.value.attempts, caught.value.stop) == (1, RetryStop.REFUSED)
    assert caught.value.last is caught.value.__cause__ is met
    assert events[-1] == RetryStopped(name="alpha", at_s=1000.0, attempt=1, stop=RetryStop.REFUSED)


@pytest.mark.anyio
async def test_nobody_waits_seven_seconds_when_somebody_else_can_answer(clock, make_retry, make_context) -> None:
    call = Failing(1)
    retry = make_retry(verdict=FailureVerdict(retry_same=True, retry_after_s=7.0))
    with pytest.raises(RetriesExhausted) as caught:
        await retry.execute(call, make_context(alternative_left=True))
    assert caught.value.stop is RetryStop.RETRY_AFTER
    assert clock.monotonic() == 1000.0


@pytest.mark.anyio
async def test_an_empty_budget_stops_retries_not_calls(clock, make_retry, make_context) -> None:
    retry = make_retry(draw=0.0, budget=RetryBudget(options=RetryBudgetOptions(share=0.0), clock=clock))
    with pytest.raises(RetriesExhausted) as caught:
        await retry.execute(Failing(9), make_context())
    assert (caught.value.attempts, caught.value.stop) == (2, RetryStop.BUDGET)
    assert await retry.execute(Failing(0), make_context()) == "text"


@pytest.mark.anyio
async def test_a_call_is_counted_once_and_a_refused_retry_spends_nothing(clock, make_retry, make_context) -> None:
    budget = RetryBudget(options=RetryBudgetOptions(share=0.5), clock=clock)
    assert budget.try_spend()  # the floor's only one for ten seconds
    retry = make_retry(draw=0.0, budget=budget)
    for _ in range(3):
        await retry.execute(Failing(0), make_context())
    with pytest.raises(RetriesExhausted) as caught:
        await retry.execute(Failing(9), make_context())
    assert (caught.value.attempts, caught.value.stop) == (2, RetryStop.BUDGET)
    with pytest.raises(LookupError):
        await make_retry(verdict=NEVER, budget=budget).execute(Failing(1), make_context())
    await retry.execute(Failing(1), make_context())


@pytest.mark.anyio
async def test_a_caller_who_leaves_is_not_retried(clock, make_retry, make_context) -> None:
    call = Failing(9)
    task = asyncio.create_task(make_retry().execute(call, make_context()))
    await clock.settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await clock.run_for(10.0)
    assert call.attempts == [1]


def test_defaults() -> None:
    assert RetryOptions() == RetryOptions(attempts_max=3, base_s=0.2, cap_s=5.0, patience_s=1.0)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"attempts_max": 0}, "attempts_max must be at least 1"),
        ({"base_s": 0.0}, "base_s must be above zero"),
        ({"base_s": 2.0, "cap_s": 1.9}, "cap_s must not be below base_s"),
        ({"patience_s": -0.1}, "patience_s must not be below zero"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        RetryOptions(**options)


def test_options_at_their_bounds_are_taken() -> None:
    assert RetryOptions(attempts_max=1, base_s=2.0, cap_s=2.0, patience_s=0.0).attempts_max == 1
