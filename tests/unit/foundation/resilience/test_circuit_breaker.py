from __future__ import annotations

import asyncio
import random
from contextvars import ContextVar

import pytest

from ironleaf.foundation.resilience import (
    BreakerClosed,
    BreakerHalfOpened,
    BreakerOpened,
    BreakerOptions,
    BreakerRefused,
    BreakerState,
    BulkheadFull,
    CallContext,
    CircuitBreaker,
    CircuitOpen,
    DeadlineExceeded,
    FailureVerdict,
    HardSignal,
    OpenReason,
    RefusalReason,
    ResultKind,
)

VERDICTS: dict[type[Exception], FailureVerdict] = {
    LookupError: FailureVerdict(retry_same=False, hard=HardSignal.MODEL_GONE),
    ConnectionError: FailureVerdict(retry_same=True),
    ValueError: FailureVerdict(retry_same=False, counts_as_failure=False),
    ArithmeticError: FailureVerdict(retry_same=True, content=True),
    PermissionError: FailureVerdict(
        retry_same=False, counts_as_failure=False, hard=HardSignal.QUOTA, retry_after_s=42.0
    ),
}


def classify(failure: Exception) -> FailureVerdict:
    return VERDICTS[type(failure)]


class Server:
    """Answers, fails with what it is told, or waits for the clock first."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.failure: Exception | None = None
        self.takes_s = 0.0
        self.queued_s = 0.0
        self.calls = 0

    async def __call__(self, context: CallContext) -> str:
        self.calls += 1
        context.queue.waited_s += self.queued_s
        if self.takes_s:
            await self.clock.sleep(self.takes_s)
        if self.failure is not None:
            raise self.failure
        return "text"

    async def probe(self) -> None:
        await self(CallContext(deadline=None))


@pytest.fixture
def server(clock) -> Server:
    return Server(clock)


@pytest.fixture
def canary(clock) -> Server:
    return Server(clock)


@pytest.fixture
def make_breaker(clock, events):
    def make(probe=None, **more) -> CircuitBreaker:
        return CircuitBreaker(
            "alpha",
            options=BreakerOptions(open_jitter=0.0),
            classify=classify,
            clock=clock,
            random=random.Random(1),
            probe=probe,
            on_event=events.append,
            **more,
        )

    return make


async def fail(breaker: CircuitBreaker, server: Server, context: CallContext, failure: Exception) -> None:
    server.failure = failure
    with pytest.raises(type(failure)) as caught:
        await breaker.execute(server, context)
    assert caught.value is failure
    server.failure = None


@pytest.mark.anyio
async def test_a_healthy_call_passes(make_breaker, server, events, make_context) -> None:
    breaker = make_breaker()
    assert await breaker.execute(server, make_context()) == "text"
    assert breaker.snapshot().results[ResultKind.GOOD] == 1
    assert (breaker.name, breaker.generation, events) == ("alpha", 0, [])


@pytest.mark.anyio
async def test_the_whole_round_and_its_events(make_breaker, server, clock, events, make_context) -> None:
    breaker = make_breaker()
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(2.0)
    with pytest.raises(CircuitOpen) as caught:
        await breaker.execute(server, make_context())
    assert (caught.value.name, caught.value.retry_after_s) == ("alpha", 3.0)
    assert caught.value.reason is OpenReason.MODEL_GONE
    assert server.calls == 1
    clock.advance(3.0)
    assert await breaker.execute(server, make_context()) == "text"
    assert events == [
        BreakerOpened(name="alpha", at_s=1000.0, reason=OpenReason.MODEL_GONE, open_s=5.0),
        BreakerRefused(name="alpha", at_s=1002.0, reason=OpenReason.MODEL_GONE, retry_after_s=3.0),
        BreakerHalfOpened(name="alpha", at_s=1005.0),
        BreakerClosed(name="alpha", at_s=1005.0, manual=False),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ConnectionError(), ResultKind.FAILED),
        (ValueError(), ResultKind.NEUTRAL),
        (ArithmeticError(), ResultKind.BAD_CONTENT),
        (LookupError(), ResultKind.FAILED),
        (PermissionError(), ResultKind.FAILED),
        (DeadlineExceeded(allowed_s=1.0), ResultKind.NEUTRAL),
        (BulkheadFull("alpha", retry_after_s=1.0, reason=RefusalReason.QUEUE_FULL), ResultKind.NEUTRAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_failures_count_as_their_verdict_says(make_breaker, server, make_context, failure, kind) -> None:
    breaker = make_breaker()
    await fail(breaker, server, make_context(), failure)
    assert breaker.snapshot().results == {**dict.fromkeys(ResultKind, 0), kind: 1}


@pytest.mark.anyio
async def test_the_time_that_the_other_side_asks_for_is_kept(make_breaker, server, events, make_context) -> None:
    await fail(make_breaker(), server, make_context(), PermissionError())
    assert events == [BreakerOpened(name="alpha", at_s=1000.0, reason=OpenReason.QUOTA, open_s=42.0)]


async def timed(breaker, server, clock, context, *, takes_s: float) -> None:
    server.takes_s = takes_s
    task = asyncio.create_task(breaker.execute(server, context))
    await clock.run_for(takes_s)
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("takes_s", "queued_s", "cost", "kind"),
    [
        (30.0, 0.0, 1.0, ResultKind.GOOD),
        (30.125, 0.0, 1.0, ResultKind.SLOW),
        (30.125, 0.125, 1.0, ResultKind.GOOD),
        (50.0, 0.0, 2.0, ResultKind.GOOD),
        (50.125, 0.0, 2.0, ResultKind.SLOW),
    ],
)
async def test_slow_is_what_the_cost_does_not_explain(
    make_breaker, server, clock, make_context, takes_s, queued_s, cost, kind
) -> None:
    breaker = make_breaker()
    server.queued_s = queued_s
    await timed(breaker, server, clock, make_context(cost=cost), takes_s=takes_s)
    assert breaker.snapshot().results == {**dict.fromkeys(ResultKind, 0), kind: 1}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ValueError(), ResultKind.SLOW),
        (DeadlineExceeded(allowed_s=31.0), ResultKind.SLOW),
        (ConnectionError(), ResultKind.FAILED),
        (ArithmeticError(), ResultKind.BAD_CONTENT),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_what_ends_late_was_slow_unless_it_was_worse(
    make_breaker, server, clock, make_context, failure, kind
) -> None:
    breaker = make_breaker()
    server.failure = failure
    await timed(breaker, server, clock, make_context(), takes_s=31.0)
    assert breaker.snapshot().results == {**dict.fromkeys(ResultKind, 0), kind: 1}


@pytest.mark.anyio
@pytest.mark.parametrize(("after_s", "kind"), [(5.0, ResultKind.NEUTRAL), (31.0, ResultKind.SLOW)])
async def test_a_caller_who_leaves(make_breaker, server, clock, make_context, after_s, kind) -> None:
    breaker = make_breaker()
    server.takes_s = 1e6
    task = asyncio.create_task(breaker.execute(server, make_context()))
    await clock.run_for(after_s)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert breaker.snapshot().results == {**dict.fromkeys(ResultKind, 0), kind: 1}


@pytest.mark.anyio
async def test_of_fifty_callers_exactly_one_probes_with_its_call(make_breaker, server, clock, make_context) -> None:
    breaker = make_breaker()
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    server.calls, server.takes_s = 0, 1.0
    tasks = [asyncio.create_task(breaker.execute(server, make_context())) for _ in range(50)]
    await clock.run_for(1.0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [each for each in results if isinstance(each, CircuitOpen)]
    assert server.calls == 1
    assert results.count("text") == 1
    assert [each.retry_after_s for each in refused] == [1.0] * 49
    assert breaker.snapshot().state is BreakerState.CLOSED


@pytest.mark.anyio
async def test_of_fifty_callers_exactly_one_sends_the_canary(make_breaker, server, canary, clock, make_context) -> None:
    breaker = make_breaker(canary.probe)
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    server.calls, canary.takes_s = 0, 1.0
    tasks = [asyncio.create_task(breaker.execute(server, make_context())) for _ in range(50)]
    await clock.run_for(1.0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert (canary.calls, server.calls) == (1, 1)
    assert results[0] == "text"
    assert [type(each) for each in results[1:]] == [CircuitOpen] * 49


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ValueError(), OpenReason.PROBE_FAILED),
        (LookupError(), OpenReason.MODEL_GONE),
        (DeadlineExceeded(allowed_s=1.0), OpenReason.PROBE_FAILED),
    ],
    ids=["whatever its verdict", "hard", "a deadline of its own"],
)
async def test_a_canary_that_fails_opens_again(
    make_breaker, server, canary, clock, events, make_context, failure, reason
) -> None:
    breaker = make_breaker(canary.probe)
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    canary.failure = failure
    with pytest.raises(CircuitOpen) as caught:
        await breaker.execute(server, make_context())
    assert server.calls == 1
    assert (caught.value.retry_after_s, caught.value.reason) == (10.0, reason)
    assert caught.value.__cause__ is failure
    assert events[-2:] == [
        BreakerOpened(name="alpha", at_s=1005.0, reason=reason, open_s=10.0),
        BreakerRefused(name="alpha", at_s=1005.0, reason=reason, retry_after_s=10.0),
    ]


@pytest.mark.anyio
async def test_a_silent_canary_fails_at_its_own_limit(make_breaker, server, canary, clock, make_context) -> None:
    judged: list[Exception] = []
    breaker = make_breaker(canary.probe, probe_timeout_s=1 / 128)
    breaker._classify = lambda failure: judged.append(failure) or FailureVerdict(retry_same=False)
    for _ in range(4):
        await fail(breaker, server, make_context(), ConnectionError())
    clock.advance(5.0)
    canary.takes_s = 1e6
    with pytest.raises(CircuitOpen):
        await breaker.execute(server, make_context(within_s=1 / 128))
    assert type(judged[-1]).__name__ == "AttemptTimedOut"
    assert judged[-1].allowed_s == 1 / 128
    assert breaker.snapshot().state is BreakerState.OPEN


@pytest.mark.anyio
async def test_a_canary_cut_by_the_callers_deadline_proves_nothing(
    make_breaker, server, canary, clock, make_context
) -> None:
    breaker = make_breaker(canary.probe)
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    canary.takes_s = 1e6
    with pytest.raises(DeadlineExceeded) as caught:
        await breaker.execute(server, make_context(within_s=1 / 128))
    assert caught.value.allowed_s == 1 / 128
    assert (breaker.snapshot().state, breaker.snapshot().probing) == (BreakerState.HALF_OPEN, False)


@pytest.mark.anyio
async def test_a_caller_who_leaves_during_the_canary_frees_the_place(
    make_breaker, server, canary, clock, make_context
) -> None:
    breaker = make_breaker(canary.probe)
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    canary.takes_s = 1e6
    task = asyncio.create_task(breaker.execute(server, make_context()))
    await clock.settle()
    assert breaker.snapshot().probing
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not breaker.snapshot().probing
    canary.takes_s = 0.0
    assert await breaker.execute(server, make_context()) == "text"


@pytest.mark.anyio
async def test_a_caller_whom_another_can_answer_does_not_wait_for_the_canary(
    make_breaker, server, canary, clock, events, make_context
) -> None:
    breaker = make_breaker(canary.probe)
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    server.calls, canary.takes_s = 0, 3.0
    for _ in range(2):
        with pytest.raises(CircuitOpen) as caught:
            await breaker.execute(server, make_context(alternative_left=True))
        assert (caught.value.reason, caught.value.retry_after_s) == (OpenReason.MODEL_GONE, 1.0)
    await clock.settle()
    assert (canary.calls, server.calls) == (1, 0)
    assert breaker.snapshot().probing
    assert isinstance(events[-1], BreakerRefused)
    await clock.run_for(3.0)
    assert await breaker.execute(server, make_context(alternative_left=True)) == "text"
    assert canary.calls == 1


@pytest.mark.anyio
async def test_a_canary_that_fails_aside_opens_again_and_harms_nobody(
    make_breaker, server, canary, clock, make_context
) -> None:
    breaker = make_breaker(canary.probe)
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    canary.failure = ValueError()
    with pytest.raises(CircuitOpen):
        await breaker.execute(server, make_context(alternative_left=True))
    await clock.settle()
    assert (breaker.snapshot().state, breaker.snapshot().reason) == (BreakerState.OPEN, OpenReason.PROBE_FAILED)
    assert breaker._aside.exception() is None
    await breaker.aclose()


@pytest.mark.anyio
async def test_a_canary_aside_is_no_part_of_the_callers_story(make_breaker, server, clock, make_context) -> None:
    story = ContextVar("story", default="nobody's")
    seen: list[str] = []

    async def probe() -> None:
        seen.append(story.get())

    breaker = make_breaker(probe)
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    story.set("the caller's")
    with pytest.raises(CircuitOpen):
        await breaker.execute(server, make_context(alternative_left=True))
    await clock.settle()
    assert seen == ["nobody's"]


@pytest.mark.anyio
async def test_a_silent_canary_aside_has_its_own_limit_whatever_the_callers_was(
    make_breaker, server, canary, clock, make_context
) -> None:
    breaker = make_breaker(canary.probe, probe_timeout_s=1 / 128)
    breaker._classify = lambda _failure: FailureVerdict(retry_same=False)
    for _ in range(4):
        await fail(breaker, server, make_context(), ConnectionError())
    clock.advance(5.0)
    canary.takes_s = 1e6
    with pytest.raises(CircuitOpen):
        await breaker.execute(server, make_context(within_s=1e-4, alternative_left=True))
    await asyncio.wait({breaker._aside}, timeout=5)
    assert breaker.snapshot().state is BreakerState.OPEN


@pytest.mark.anyio
async def test_closing_ends_the_canary_that_runs_aside_and_frees_the_place(
    make_breaker, server, canary, clock, make_context
) -> None:
    breaker = make_breaker(canary.probe)
    await breaker.aclose()
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    canary.takes_s = 1e6
    with pytest.raises(CircuitOpen):
        await breaker.execute(server, make_context(alternative_left=True))
    await clock.settle()
    assert breaker.snapshot().probing
    await breaker.aclose()
    assert not breaker.snapshot().probing


@pytest.mark.anyio
async def test_without_a_canary_the_call_of_a_caller_with_an_alternative_probes(
    make_breaker, server, canary, clock, make_context
) -> None:
    for breaker in (make_breaker(), make_breaker(canary.probe, may_probe=lambda: False)):
        await fail(breaker, server, make_context(), LookupError())
        clock.advance(5.0)
        assert await breaker.execute(server, make_context(alternative_left=True)) == "text"
    assert canary.calls == 0


@pytest.mark.anyio
async def test_a_closed_breaker_never_sends_the_canary(make_breaker, server, canary, make_context) -> None:
    breaker = make_breaker(canary.probe)
    await breaker.execute(server, make_context())
    assert canary.calls == 0


@pytest.mark.anyio
async def test_probing_on_a_schedule(make_breaker, server, canary, clock, make_context) -> None:
    breaker = make_breaker(canary.probe)
    assert await breaker.try_probe() is None
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(4.5)
    assert await breaker.try_probe() is None
    clock.advance(0.5)
    canary.failure = ConnectionError()
    assert await breaker.try_probe() is False
    assert await breaker.try_probe() is None
    clock.advance(10.0)
    canary.failure, canary.takes_s = None, 1.0
    first, second = asyncio.create_task(breaker.try_probe()), asyncio.create_task(breaker.try_probe())
    await clock.run_for(1.0)
    assert (await first, await second) == (True, None)
    assert (canary.calls, breaker.snapshot().state) == (2, BreakerState.CLOSED)
    breaker.open()
    assert await breaker.try_probe() is None
    assert await make_breaker().try_probe() is None


@pytest.mark.anyio
async def test_a_schedule_takes_up_a_half_open_breaker_without_a_probe_out(
    make_breaker, server, canary, clock, make_context
) -> None:
    breaker = make_breaker(canary.probe)
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    canary.takes_s = 1e6
    with pytest.raises(DeadlineExceeded):
        await breaker.execute(server, make_context(within_s=1 / 128))
    canary.takes_s = 0.0
    assert await breaker.try_probe() is True


@pytest.mark.anyio
async def test_a_person_opens_closes_and_resets(make_breaker, server, clock, events, make_context) -> None:
    breaker = make_breaker()
    breaker.open()
    clock.advance(1e6)
    with pytest.raises(CircuitOpen) as caught:
        await breaker.execute(server, make_context())
    assert (caught.value.retry_after_s, caught.value.reason) == (300.0, OpenReason.MANUAL)
    assert breaker.snapshot().state is BreakerState.FORCED_OPEN
    breaker.close()
    assert await breaker.execute(server, make_context()) == "text"
    breaker.open()
    breaker.reset()
    assert breaker.snapshot().state is BreakerState.CLOSED
    assert [type(event) for event in events] == [
        BreakerOpened, BreakerRefused, BreakerClosed, BreakerOpened, BreakerClosed,
    ]  # fmt: skip
    assert events[0] == BreakerOpened(name="alpha", at_s=1000.0, reason=OpenReason.MANUAL, open_s=float("inf"))
    assert events[2].manual is True


def test_every_intervention_has_its_time(make_breaker, clock) -> None:
    breaker = make_breaker()
    ages_s = []
    for intervene in (breaker.open, breaker.close, breaker.reset):
        clock.advance(1.0)
        ages_s.append(breaker.snapshot().state_age_s)
        intervene()
        ages_s.append(breaker.snapshot().state_age_s)
    assert ages_s == [1.0, 0.0] * 3


def test_a_probe_has_twenty_seconds(make_breaker) -> None:
    assert make_breaker()._probe_timeout_s == 20.0


@pytest.mark.anyio
async def test_the_canary_is_overtaken_by_a_person(make_breaker, server, canary, clock, make_context) -> None:
    breaker = make_breaker(canary.probe)
    await fail(breaker, server, make_context(), LookupError())
    clock.advance(5.0)
    canary.takes_s = 1.0
    task = asyncio.create_task(breaker.execute(server, make_context()))
    await clock.settle()
    breaker.open()
    await clock.run_for(1.0)
    with pytest.raises(CircuitOpen) as caught:
        await task
    assert caught.value.reason is OpenReason.MANUAL
    assert server.calls == 1


@pytest.mark.anyio
async def test_content_verdicts_from_outside(make_breaker) -> None:
    breaker = make_breaker()
    for _ in range(4):
        breaker.record_content(bad=True, generation=breaker.generation)
    assert breaker.snapshot().reason is OpenReason.CONTENT
    assert breaker.generation == 1
    breaker.reset()
    breaker.record_content(bad=True, generation=1)
    assert breaker.snapshot().content_scores == (0.0, 0.0)
