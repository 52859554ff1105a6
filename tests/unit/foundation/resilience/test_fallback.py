from __future__ import annotations

import pytest

from ironleaf.foundation.resilience import (
    Alternative,
    AlternativesExhausted,
    AttemptTimedOut,
    BulkheadFull,
    CallContext,
    CircuitOpen,
    DeadlineExceeded,
    Fallback,
    OpenReason,
    RefusalReason,
    RetriesExhausted,
    RetryStop,
    StepDown,
    step_down_reason,
)


def reason_of(failure: Exception) -> str | None:
    return {LookupError: "model_gone", ConnectionError: "unreachable"}.get(type(failure))


class Answers:
    def __init__(self, value: str = "text", *, failure: Exception | None = None, clock=None, takes_s: float = 0.0):
        self.value, self.failure, self.clock, self.takes_s = value, failure, clock, takes_s
        self.contexts: list[CallContext] = []

    async def __call__(self, context: CallContext) -> str:
        self.contexts.append(context)
        if self.takes_s:
            self.clock.advance(self.takes_s)
        if self.failure:
            raise self.failure
        return self.value


@pytest.fixture
def make_fallback(clock, events):
    def make(**calls: Answers) -> Fallback[str]:
        alternatives = [Alternative(name=name, call=call) for name, call in calls.items()]
        return Fallback(alternatives, reason_of=reason_of, clock=clock, on_event=events.append)

    return make


@pytest.mark.anyio
async def test_the_first_answers_and_nobody_else_is_asked(make_fallback, events, make_context) -> None:
    first, second = Answers("first"), Answers("second")
    answer = await make_fallback(alpha=first, beta=second).answer(make_context())
    assert (answer.value, answer.name, answer.steps) == ("first", "alpha", ())
    assert (second.contexts, events) == ([], [])


@pytest.mark.anyio
async def test_every_step_down_is_recorded_with_its_reason(make_fallback, events, make_context) -> None:
    calls = [Answers(failure=LookupError()), Answers(failure=ConnectionError()), Answers("third")]
    answer = await make_fallback(alpha=calls[0], beta=calls[1], gamma=calls[2]).answer(make_context())
    steps = (
        StepDown(name="alpha", at_s=1000.0, reason="model_gone", next_name="beta"),
        StepDown(name="beta", at_s=1000.0, reason="unreachable", next_name="gamma"),
    )
    assert (answer.value, answer.name, answer.steps) == ("third", "gamma", steps)
    assert events == list(steps)
    assert [call.contexts[0].alternative_left for call in calls] == [True, True, False]


@pytest.mark.anyio
async def test_when_none_answers_the_last_error_is_the_cause(make_fallback, make_context) -> None:
    last = ConnectionError()
    with pytest.raises(AlternativesExhausted) as caught:
        await make_fallback(alpha=Answers(failure=LookupError()), beta=Answers(failure=last)).answer(make_context())
    assert [(step.name, step.reason, step.next_name) for step in caught.value.steps] == [
        ("alpha", "model_gone", "beta"),
        ("beta", "unreachable", None),
    ]
    assert caught.value.__cause__ is last


@pytest.mark.anyio
async def test_the_last_may_fail_at_the_deadline(make_fallback, clock, make_context) -> None:
    late = Answers(failure=ConnectionError(), clock=clock, takes_s=99.0)
    with pytest.raises(AlternativesExhausted):
        await make_fallback(alpha=late).answer(make_context())


@pytest.mark.anyio
async def test_a_failure_that_nobody_else_may_answer_for_passes_unchanged(make_fallback, events, make_context) -> None:
    failure, second = ValueError("not mine"), Answers()
    with pytest.raises(ValueError, match=r"^not mine$") as caught:
        await make_fallback(alpha=Answers(failure=failure), beta=second).answer(make_context())
    assert caught.value is failure
    assert (second.contexts, events) == ([], [])


@pytest.mark.anyio
async def test_no_alternative_starts_after_the_deadline(make_fallback, clock, make_context) -> None:
    failure = ConnectionError()
    late, second = Answers(failure=failure, clock=clock, takes_s=60.0), Answers()
    with pytest.raises(DeadlineExceeded) as caught:
        await make_fallback(alpha=late, beta=second).answer(make_context())
    assert caught.value.__cause__ is failure
    assert caught.value.allowed_s == 0.0
    assert second.contexts == []


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (CircuitOpen("alpha", retry_after_s=1.0, reason=OpenReason.QUOTA), "circuit_open"),
        (BulkheadFull("alpha", retry_after_s=1.0, reason=RefusalReason.QUEUE_FULL), "bulkhead_full"),
        (AttemptTimedOut(allowed_s=1.0), "attempt_timed_out"),
        (DeadlineExceeded(allowed_s=1.0), "deadline_exceeded"),
        (LookupError(), "model_gone"),
        (RetriesExhausted(attempts=3, stop=RetryStop.ATTEMPTS, last=ConnectionError()), "unreachable"),
        (
            RetriesExhausted(attempts=3, stop=RetryStop.ATTEMPTS, last=AttemptTimedOut(allowed_s=1.0)),
            "attempt_timed_out",
        ),
        (ValueError(), None),
    ],
    ids=lambda value: repr(value) if isinstance(value, Exception) else str(value),
)
def test_the_kit_has_words_for_its_own_errors_only(failure: Exception, reason: str | None) -> None:
    assert step_down_reason(failure, reason_of) == reason


def test_there_must_be_an_alternative(make_fallback) -> None:
    with pytest.raises(ValueError, match=r"^alternatives must not be empty$"):
        make_fallback()
