"""Whatever callers do: no permit is lost, none is invented, and retries stay in their budget."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ironleaf.faults.clock import ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.resilience import (
    AdaptiveLimitOptions,
    Bulkhead,
    BulkheadFull,
    BulkheadOptions,
    CallContext,
    FailureVerdict,
    LimitChanged,
    ResilienceEvent,
    RetryBudget,
    RetryBudgetOptions,
    RetryOptions,
)
from ironleaf.foundation.resilience.retry import RetryStop, choose_delay

# Each caller: when it comes, how long its call takes, when it loses patience, and whether its call fails.
CALLERS = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.integers(0, 5),
        st.none() | st.integers(0, 8),
        st.sampled_from(["answers", "fails", "overloads"]),
    ),
    max_size=25,
)


class Shop:
    """A bulkhead, its server, and a count of who is inside."""

    def __init__(self, *, limit: int, adaptive: bool, queue_max: int) -> None:
        self.clock = ManualClock()
        self.inside = 0
        self.limits = [limit]
        options = AdaptiveLimitOptions(start=limit, max=8 if adaptive else limit, floor=1 if adaptive else limit)
        self.bulkhead = Bulkhead(
            "shop",
            options=BulkheadOptions(limit=options, queue_max=queue_max),
            classify=lambda failure: FailureVerdict(retry_same=False, overloaded=isinstance(failure, BlockingIOError)),
            clock=self.clock,
            on_event=self.note,
        )

    def note(self, event: ResilienceEvent) -> None:
        if isinstance(event, LimitChanged):
            self.limits.append(event.limit)

    async def caller(self, comes: int, takes: int, patience: int | None, fate: str) -> None:
        await self.clock.sleep(float(comes))
        call = asyncio.create_task(self.visit(takes, fate))
        if patience is not None:
            await self.clock.sleep(float(patience))
            call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    async def visit(self, takes: int, fate: str) -> None:
        async def serve(_context: CallContext) -> None:
            self.inside += 1
            try:
                assert self.inside <= max(self.limits)
                assert self.inside == self.bulkhead.snapshot().running
                await self.clock.sleep(float(takes))
            finally:
                self.inside -= 1
            if fate != "answers":
                raise BlockingIOError if fate == "overloads" else ConnectionError

        context = CallContext(deadline=Deadline.after(1000.0, self.clock))
        try:
            await self.bulkhead.execute(serve, context)
        except (BulkheadFull, ConnectionError, BlockingIOError):
            return


@settings(max_examples=150, deadline=None)
@given(callers=CALLERS, limit=st.integers(1, 4), adaptive=st.booleans(), queue_max=st.integers(0, 10))
def test_no_permit_is_lost_or_invented(callers, limit: int, adaptive: bool, queue_max: int) -> None:
    async def run() -> None:
        shop = Shop(limit=limit, adaptive=adaptive, queue_max=queue_max)
        tasks = [asyncio.create_task(shop.caller(*caller)) for caller in callers]
        for _ in range(200):
            await shop.clock.run_for(1.0)
            snapshot = shop.bulkhead.snapshot()
            assert snapshot.running == shop.inside
            assert snapshot.queued <= queue_max
            if not adaptive:
                assert snapshot.running <= limit
            # Nobody waits while a permit is free.
            assert snapshot.queued == 0 or snapshot.running >= snapshot.limit
            if all(task.done() for task in tasks):
                break
        await asyncio.gather(*tasks)
        final = shop.bulkhead.snapshot()
        assert (final.running, final.queued, shop.inside) == (0, 0, 0)
        assert final.limit >= 1

    asyncio.run(run())


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([0.0, 0.3, 1.0, 9.9, 10.0, 61.0]), st.integers(0, 6), st.integers(0, 8)),
        max_size=60,
    ),
    share=st.sampled_from([0.0, 0.2, 0.5, 1.0]),
)
def test_no_window_holds_more_retries_than_share_or_floor_allow(steps, share: float) -> None:
    clock = ManualClock()
    budget = RetryBudget(options=RetryBudgetOptions(share=share), clock=clock)
    calls: list[float] = []
    retries: list[float] = []
    for wait_s, new_calls, tries in steps:
        clock.advance(wait_s)
        now_s = clock.monotonic()
        for _ in range(new_calls):
            budget.count_call()
            calls.append(now_s)
        for _ in range(tries):
            if budget.try_spend():
                retries.append(now_s)
                in_window = sum(each > now_s - 60.0 for each in retries)
                # Buckets may keep a call for a second more, never less.
                justified = share * sum(each >= now_s - 61.0 for each in calls)
                assert in_window <= max(justified, 6.0)
    close = [later - earlier for earlier, later in pairwise(retries)]
    if share == 0.0:
        assert all(gap_s >= 10.0 - 1e-9 for gap_s in close)


@given(
    attempt=st.integers(1, 4),
    asked_s=st.none() | st.floats(0.0, 100.0),
    left_s=st.floats(0.0, 100.0),
    draw=st.floats(0.0, 1.0, exclude_max=True),
    alternative_left=st.booleans(),
)
def test_a_wait_never_passes_the_deadline_nor_comes_before_what_was_asked(
    attempt: int, asked_s: float | None, left_s: float, draw: float, alternative_left: bool
) -> None:
    clock = ManualClock()
    context = CallContext(deadline=Deadline.after(left_s, clock), attempt=attempt, alternative_left=alternative_left)
    verdict = FailureVerdict(retry_same=True, retry_after_s=asked_s)
    choice = choose_delay(verdict, context, options=RetryOptions(), draw=draw)
    if isinstance(choice, RetryStop):
        return
    assert attempt < 3
    assert (asked_s or 0.0) <= choice < left_s
    assert choice <= (asked_s or 0.0) + min(5.0, 0.2 * 2 ** (attempt - 1))
    if alternative_left:
        assert (asked_s or 0.0) <= 1.0
