"""The policies in the order in which the product uses them, against whole outages."""

from __future__ import annotations

import asyncio
import random

import pytest

from ironleaf.foundation.resilience import (
    Alternative,
    AttemptTimedOut,
    AttemptTimeout,
    AttemptTimeoutOptions,
    BreakerOpened,
    BreakerOptions,
    BreakerRefused,
    Bulkhead,
    BulkheadFull,
    BulkheadOptions,
    CallContext,
    CircuitBreaker,
    CircuitOpen,
    DeadlineShare,
    DeadlineShareOptions,
    FailureVerdict,
    Fallback,
    HardSignal,
    OpenReason,
    Patience,
    PatienceOptions,
    Pipeline,
    RefusalReason,
    RequestDeadline,
    Retry,
    RetryBudget,
    RetryBudgetOptions,
    RetryOptions,
)

ORDER = [DeadlineShare, Retry, CircuitBreaker, Bulkhead, AttemptTimeout, Patience]


def classify(failure: Exception) -> FailureVerdict:
    if isinstance(failure, LookupError):
        return FailureVerdict(retry_same=False, hard=HardSignal.MODEL_GONE)
    if isinstance(failure, AttemptTimedOut):
        return FailureVerdict(retry_same=False)
    return FailureVerdict(retry_same=True, retry_after_s=7.0 if isinstance(failure, BlockingIOError) else None)


class Backend:
    def __init__(self, clock) -> None:
        self.clock = clock
        self.failure: Exception | None = None
        self.hits = 0

    async def __call__(self, _context: CallContext) -> str:
        self.hits += 1
        if self.failure is not None:
            raise self.failure
        return "model"


@pytest.fixture
def backend(clock) -> Backend:
    return Backend(clock)


@pytest.fixture
def guards(clock, events) -> Pipeline:
    rng = random.Random(1)
    shared = {"clock": clock, "on_event": events.append}
    return Pipeline(
        [
            DeadlineShare("alpha", options=DeadlineShareOptions(reserve_s=2.0)),
            Retry(
                "alpha",
                options=RetryOptions(),
                classify=classify,
                budget=RetryBudget(options=RetryBudgetOptions(), clock=clock),
                random=rng,
                **shared,
            ),
            CircuitBreaker("alpha", options=BreakerOptions(), classify=classify, random=rng, **shared),
            Bulkhead("alpha", options=BulkheadOptions(), classify=classify, **shared),
            AttemptTimeout("alpha", options=AttemptTimeoutOptions(timeout_s=1 / 64), **shared),
            Patience("alpha", options=PatienceOptions(), **shared),
        ],
        name="alpha",
    )


@pytest.fixture
def fallback(guards, backend, clock) -> Fallback[str]:
    async def embedded(_context: CallContext) -> str:
        return "embedded"

    return Fallback(
        [
            Alternative(name="alpha", call=guards.guard(backend)),
            Alternative(name="embedded", call=embedded),
        ],
        reason_of=lambda failure: type(failure).__name__,
        clock=clock,
    )


def test_the_order(guards) -> None:
    assert [type(policy) for policy in guards.policies] == ORDER


async def ask(fallback, clock, context) -> tuple[str, list[str]]:
    task = asyncio.create_task(fallback.answer(context))
    while not task.done():
        await clock.run_for(0.25)
    answer = await task
    return answer.value, [step.reason for step in answer.steps]


@pytest.mark.anyio
async def test_all_is_well(fallback, backend, clock, make_context) -> None:
    assert await ask(fallback, clock, make_context()) == ("model", [])
    assert backend.hits == 1


@pytest.mark.anyio
async def test_a_vanished_model_is_asked_once_and_then_never(fallback, backend, clock, make_context) -> None:
    backend.failure = LookupError()
    assert await ask(fallback, clock, make_context()) == ("embedded", ["LookupError"])
    assert await ask(fallback, clock, make_context()) == ("embedded", ["circuit_open"])
    assert backend.hits == 1


@pytest.mark.anyio
async def test_nobody_waits_for_a_far_retry_after(fallback, backend, clock, make_context) -> None:
    backend.failure = BlockingIOError()
    assert await ask(fallback, clock, make_context()) == ("embedded", ["BlockingIOError"])
    assert clock.monotonic() < 1001.0


@pytest.mark.anyio
async def test_an_outage_is_hardly_amplified(fallback, backend, clock, make_context) -> None:
    backend.failure = ConnectionError()
    for _ in range(500):
        await ask(fallback, clock, make_context())
        clock.advance(0.75)
    assert backend.hits <= 20  # against 500 requests: the breaker keeps them away


@pytest.mark.anyio
async def test_without_a_breaker_the_budget_alone_bounds_it(backend, clock, make_context) -> None:
    backend.failure = ConnectionError()
    retry = Retry(
        "alpha",
        options=RetryOptions(),
        classify=classify,
        budget=RetryBudget(options=RetryBudgetOptions(), clock=clock),
        clock=clock,
        random=random.Random(1),
    )
    tasks = []
    for _ in range(500):
        tasks.append(asyncio.create_task(retry.execute(backend, make_context())))
        await clock.run_for(1.0)
    await clock.run_for(10.0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert 550 < backend.hits <= 600


@pytest.mark.anyio
async def test_a_silent_backend_is_cut_and_then_avoided(guards, clock, events, make_context) -> None:
    async def silent(_context: CallContext) -> str:
        await asyncio.Event().wait()
        return "never"

    for _ in range(4):
        with pytest.raises(AttemptTimedOut):
            await guards.execute(silent, make_context())
    with pytest.raises(CircuitOpen):
        await guards.execute(silent, make_context())
    assert [event.reason for event in events if isinstance(event, BreakerOpened)] == [OpenReason.FAILURES]


@pytest.mark.anyio
async def test_whoever_waits_for_a_permit_leaves_as_soon_as_the_breaker_opens(
    guards, clock, events, make_context
) -> None:
    hits, gone = 0, asyncio.Event()

    async def goes_away(_context: CallContext) -> str:
        nonlocal hits
        hits += 1
        await gone.wait()
        raise LookupError

    pipeline = Pipeline(guards.policies[:-2])
    tasks = [asyncio.create_task(pipeline.execute(goes_away, make_context())) for _ in range(12)]
    await clock.settle()
    gone.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert hits == 4
    assert [type(each) for each in results] == [LookupError] * 4 + [CircuitOpen] * 8
    assert {each.reason for each in results[4:]} == {OpenReason.MODEL_GONE}
    refused = [event for event in events if isinstance(event, BreakerRefused)]
    assert {(event.name, event.reason) for event in refused} == {("alpha", OpenReason.MODEL_GONE)}
    assert len(refused) == 8
    assert guards.policies[3].snapshot().running == 0


@pytest.mark.anyio
async def test_a_full_bulkhead_does_not_open_the_breaker(guards, clock, make_context) -> None:
    started = asyncio.Event()

    async def waits(_context: CallContext) -> str:
        await started.wait()
        return "text"

    pipeline = Pipeline([RequestDeadline("request"), Pipeline(guards.policies[:-2])])
    tasks = [asyncio.create_task(pipeline.execute(waits, make_context())) for _ in range(60)]
    await clock.settle()
    started.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    refused = [each for each in results if isinstance(each, BulkheadFull)]
    assert len(refused) == 60 - 4 - 16
    assert {each.reason for each in refused} == {RefusalReason.QUEUE_FULL}
    assert results.count("text") == 20
    assert await pipeline.execute(waits, make_context()) == "text"
