from __future__ import annotations

import asyncio
import re

import pytest

from ironleaf.foundation.resilience import (
    AdaptiveLimitOptions,
    AttemptTimedOut,
    Bulkhead,
    BulkheadFull,
    BulkheadOptions,
    BulkheadQueued,
    BulkheadRefused,
    BulkheadSnapshot,
    CallContext,
    DeadlineExceeded,
    FailureVerdict,
    LimitCause,
    LimitChanged,
    RefusalReason,
)
from ironleaf.foundation.turns import on_behalf_of


def classify(failure: Exception) -> FailureVerdict:
    return FailureVerdict(retry_same=True, overloaded=isinstance(failure, BlockingIOError))


class Server:
    """Answers after some time on the clock; notes how many calls it had at once, and their order."""

    def __init__(self, clock) -> None:
        self.clock = clock
        self.takes_s = 1.0
        self.failure: Exception | None = None
        self.inside = 0
        self.most = 0
        self.seen: list[float] = []

    async def __call__(self, context: CallContext) -> float:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.seen.append(context.cost)
        try:
            await self.clock.sleep(self.takes_s)
        finally:
            self.inside -= 1
        if self.failure is not None:
            raise self.failure
        return context.queue.waited_s


@pytest.fixture
def server(clock) -> Server:
    return Server(clock)


@pytest.fixture
def make_bulkhead(clock, events):
    def make(*, limit: int = 2, limit_max: int | None = None, queue_max: int = 3) -> Bulkhead:
        options = BulkheadOptions(limit=AdaptiveLimitOptions(start=limit, max=limit_max or limit), queue_max=queue_max)
        return Bulkhead("alpha", options=options, classify=classify, clock=clock, on_event=events.append)

    return make


def start(bulkhead, server, context) -> asyncio.Task[float]:
    return asyncio.create_task(bulkhead.execute(server, context))


@pytest.mark.anyio
async def test_calls_beyond_the_limit_wait_their_turn(make_bulkhead, server, clock, events, make_context) -> None:
    bulkhead = make_bulkhead()
    tasks = [start(bulkhead, server, make_context(cost=float(number))) for number in range(1, 6)]
    await clock.settle()
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=2, running=2, queued=3, refusals=0)
    await clock.run_for(10.0)
    assert await asyncio.gather(*tasks) == [0.0, 0.0, 1.0, 1.0, 2.0]
    assert (server.most, server.seen) == (2, [1.0, 2.0, 3.0, 4.0, 5.0])
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=2, running=0, queued=0, refusals=0)
    assert events == [
        BulkheadQueued(name="alpha", at_s=at_s, waited_s=at_s - 1000.0) for at_s in (1001.0, 1001.0, 1002.0)
    ]
    assert bulkhead.name == "alpha"


@pytest.mark.anyio
async def test_a_full_queue_refuses_at_once(make_bulkhead, server, clock, events, make_context) -> None:
    bulkhead = make_bulkhead(queue_max=1)
    tasks = [start(bulkhead, server, make_context()) for _ in range(2)]
    await clock.settle()
    assert not bulkhead.is_full
    tasks.append(start(bulkhead, server, make_context()))
    await clock.settle()
    assert bulkhead.is_full
    with pytest.raises(BulkheadFull) as caught:
        await bulkhead.execute(server, make_context())
    assert (caught.value.name, caught.value.reason) == ("alpha", RefusalReason.QUEUE_FULL)
    assert caught.value.retry_after_s == 1.0  # nothing has been measured yet
    assert events == [BulkheadRefused(name="alpha", at_s=1000.0, reason=RefusalReason.QUEUE_FULL, retry_after_s=1.0)]
    assert bulkhead.snapshot().refusals == 1
    with pytest.raises(BulkheadFull):
        await bulkhead.execute(server, make_context())
    assert bulkhead.snapshot().refusals == 2
    await clock.run_for(5.0)
    await asyncio.gather(*tasks)


def start_for(party, bulkhead, server, context) -> asyncio.Task[float]:
    with on_behalf_of(party):
        return start(bulkhead, server, context)


@pytest.mark.anyio
async def test_parties_take_turns(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=1, queue_max=9)
    tasks = [start_for("greedy", bulkhead, server, make_context(cost=float(number))) for number in range(1, 6)]
    tasks.append(start_for("other", bulkhead, server, make_context(cost=9.0)))
    await clock.run_for(10.0)
    await asyncio.gather(*tasks)
    assert server.seen == [1.0, 2.0, 9.0, 3.0, 4.0, 5.0]


@pytest.mark.anyio
async def test_a_full_queue_lets_in_who_has_less_in_it(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=1, queue_max=3)
    greedy = [start_for("greedy", bulkhead, server, make_context(cost=float(number))) for number in range(1, 5)]
    await clock.settle()
    other = start_for("other", bulkhead, server, make_context(cost=9.0))
    await clock.settle()
    with pytest.raises(BulkheadFull) as caught:
        await greedy[-1]
    assert caught.value.reason is RefusalReason.QUEUE_FULL
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=1, running=1, queued=3, refusals=1)
    await clock.run_for(10.0)
    await asyncio.gather(*greedy[:-1], other)
    assert server.seen == [1.0, 2.0, 9.0, 3.0]


@pytest.mark.anyio
async def test_one_who_leaves_while_he_is_displaced_costs_no_permit(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=1, queue_max=2)
    greedy = [start_for("greedy", bulkhead, server, make_context()) for _ in range(3)]
    await clock.settle()
    other = start_for("other", bulkhead, server, make_context())
    await asyncio.wait([other], timeout=0)  # the displaced one has not run yet
    greedy[-1].cancel()
    await clock.run_for(10.0)
    await asyncio.gather(*greedy, other, return_exceptions=True)
    assert greedy[-1].cancelled() or isinstance(greedy[-1].exception(), BulkheadFull)
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=1, running=0, queued=0, refusals=1)


@pytest.mark.anyio
async def test_a_newcomer_is_judged_by_those_before_him_only(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=1, queue_max=9)
    await clock.run_for(0.0)
    first = start(bulkhead, server, make_context())
    await clock.run_for(1.0)
    await first
    greedy = [start_for("greedy", bulkhead, server, make_context()) for _ in range(6)]
    await clock.settle()
    other = start_for("other", bulkhead, server, make_context(within_s=3.5))  # 7.0 if he stood behind all
    await clock.run_for(10.0)
    assert await other == 2.0
    await asyncio.gather(*greedy)


@pytest.mark.anyio
@pytest.mark.parametrize(("takes_s", "retry_after_s"), [(3.0, 4.5), (30.0, 45.0), (50.0, 60.0)])
async def test_retry_after_comes_from_the_drain_rate(
    make_bulkhead, server, clock, make_context, takes_s, retry_after_s
) -> None:
    bulkhead = make_bulkhead(queue_max=2)
    server.takes_s = takes_s
    first = start(bulkhead, server, make_context(within_s=1000.0))
    await clock.run_for(takes_s)
    await first
    tasks = [start(bulkhead, server, make_context(within_s=1000.0)) for _ in range(4)]
    await clock.settle()
    with pytest.raises(BulkheadFull) as caught:
        await bulkhead.execute(server, make_context(within_s=1000.0))
    assert caught.value.retry_after_s == retry_after_s  # three places, two calls at once
    await clock.run_for(1000.0)
    await asyncio.gather(*tasks)


@pytest.mark.anyio
@pytest.mark.parametrize("cost", [0.1, 2.0])
async def test_retry_after_does_not_depend_on_the_unit_of_cost(
    make_bulkhead, server, clock, make_context, cost
) -> None:
    bulkhead = make_bulkhead(queue_max=2)
    server.takes_s = 3.0
    first = start(bulkhead, server, make_context(within_s=1000.0, cost=cost))
    await clock.run_for(3.0)
    await first
    tasks = [start(bulkhead, server, make_context(within_s=1000.0, cost=cost)) for _ in range(4)]
    await clock.settle()
    with pytest.raises(BulkheadFull) as caught:
        await bulkhead.execute(server, make_context(within_s=1000.0, cost=cost))
    assert caught.value.retry_after_s == 4.5  # three places, two calls at once, three seconds each
    await clock.run_for(1000.0)
    await asyncio.gather(*tasks)


@pytest.mark.anyio
async def test_room_can_be_asked_for_before_there_is_a_call(make_bulkhead, server, clock, events, make_context) -> None:
    bulkhead = make_bulkhead(limit=1, queue_max=2)
    bulkhead.require_room()
    tasks = [start(bulkhead, server, make_context())]
    await clock.settle()
    bulkhead.require_room()
    tasks += [start(bulkhead, server, make_context()) for _ in range(2)]
    await clock.settle()
    with pytest.raises(BulkheadFull) as caught:
        bulkhead.require_room()
    assert caught.value.reason is RefusalReason.QUEUE_FULL
    assert [event.reason for event in events if isinstance(event, BulkheadRefused)] == [RefusalReason.QUEUE_FULL]
    with on_behalf_of("another"):
        bulkhead.require_room()
    await clock.run_for(5.0)
    await asyncio.gather(*tasks)
    bulkhead.require_room()


@pytest.mark.anyio
async def test_no_queue_at_all(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=1, queue_max=0)
    task = start(bulkhead, server, make_context())
    await clock.settle()
    with pytest.raises(BulkheadFull):
        await bulkhead.execute(server, make_context())
    await clock.run_for(1.0)
    await task


@pytest.mark.anyio
@pytest.mark.parametrize(("within_s", "cost", "refused"), [(7.0, 1.0, False), (6.5, 1.0, True), (7.0, 2.0, True)])
async def test_what_would_come_too_late_is_refused_at_once(
    make_bulkhead, server, clock, make_context, within_s, cost, refused
) -> None:
    bulkhead = make_bulkhead(limit=1)
    server.takes_s = 3.5
    first = start(bulkhead, server, make_context())
    await clock.run_for(3.5)
    await first
    running = start(bulkhead, server, make_context())
    await clock.settle()
    waiting = start(bulkhead, server, make_context(within_s=within_s, cost=cost))
    await clock.settle()
    assert waiting.done() is refused
    await clock.run_for(10.0)
    await running
    if refused:
        with pytest.raises(BulkheadFull) as caught:
            await waiting
        assert caught.value.reason is RefusalReason.DEADLINE_TOO_NEAR
    else:
        assert await waiting == 3.5


@pytest.mark.anyio
async def test_a_hurried_call_runs_if_a_permit_is_free(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead()
    first = start(bulkhead, server, make_context())
    await clock.run_for(1.0)
    await first
    task = start(bulkhead, server, make_context(within_s=0.1))
    await clock.run_for(1.0)
    assert await task == 0.0


@pytest.mark.anyio
async def test_waiting_ends_at_the_deadline(make_bulkhead, server, clock, events, make_context) -> None:
    bulkhead = make_bulkhead(limit=1)
    running = start(bulkhead, server, make_context())
    await clock.settle()
    context = make_context(within_s=1 / 128)
    with pytest.raises(BulkheadFull) as caught:
        await bulkhead.execute(server, context)
    assert caught.value.reason is RefusalReason.WAITED_IN_VAIN
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=1, running=1, queued=0, refusals=1)
    assert isinstance(events[-1], BulkheadRefused)
    await clock.run_for(1.0)
    await running


@pytest.mark.anyio
async def test_the_time_of_a_vain_wait_is_told_too(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=1)
    running = start(bulkhead, server, make_context())
    await clock.settle()
    context = make_context()
    context.queue.waited_s = 1.0
    waiting = start(bulkhead, server, context)
    await clock.run_for(0.5)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert context.queue.waited_s == 1.5
    await clock.run_for(1.0)
    await running


@pytest.mark.anyio
async def test_a_cancelled_waiter_leaves_the_queue(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=1)
    tasks = [start(bulkhead, server, make_context()) for _ in range(3)]
    await clock.settle()
    tasks[1].cancel()
    await clock.settle()
    assert bulkhead.snapshot().queued == 1
    await clock.run_for(5.0)
    assert await tasks[2] == 1.0
    assert bulkhead.snapshot().running == 0


@pytest.mark.anyio
async def test_a_permit_given_to_one_who_is_just_leaving_goes_to_the_next(
    make_bulkhead, server, clock, make_context
) -> None:
    bulkhead = make_bulkhead(limit=1)
    tasks = [start(bulkhead, server, make_context()) for _ in range(3)]
    await clock.settle()
    bulkhead._queue.next().set_result(None)  # as a release does it, in the very turn of the cancellation
    bulkhead._running += 1
    tasks[1].cancel()
    await clock.settle()
    assert tasks[1].cancelled()
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=1, running=1, queued=1, refusals=0)
    await clock.run_for(5.0)
    await asyncio.gather(tasks[0], tasks[2])
    assert bulkhead.snapshot().running == 0


@pytest.mark.anyio
async def test_a_waiter_cancelled_in_the_turn_of_a_release_costs_no_permit(
    make_bulkhead, server, clock, make_context
) -> None:
    bulkhead = make_bulkhead(limit=1)
    tasks = [start(bulkhead, server, make_context()) for _ in range(3)]
    await clock.settle()
    tasks[1].cancel()  # its place is still in the queue when the permit comes free
    tasks[0].cancel()
    await clock.settle()
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=1, running=1, queued=0, refusals=0)
    await clock.run_for(5.0)
    await tasks[2]


@pytest.mark.anyio
async def test_demand_raises_the_limit_and_lets_two_in(make_bulkhead, server, clock, events, make_context) -> None:
    bulkhead = make_bulkhead(limit=1, limit_max=2)
    tasks = [start(bulkhead, server, make_context()) for _ in range(3)]
    await clock.run_for(1.0)
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=2, running=2, queued=0, refusals=0)
    assert LimitChanged(name="alpha", at_s=1001.0, limit=2, cause=LimitCause.DEMAND) in events
    await clock.run_for(1.0)
    await asyncio.gather(*tasks)


@pytest.mark.anyio
async def test_without_demand_the_limit_stays(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=2, limit_max=9)
    for _ in range(5):
        task = start(bulkhead, server, make_context())
        await clock.run_for(1.0)
        await task
    assert bulkhead.snapshot().limit == 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("failure", "limit"),
    [
        (AttemptTimedOut(allowed_s=1.0), 4),
        (BlockingIOError(), 4),
        (ConnectionError(), 8),
        (DeadlineExceeded(allowed_s=2.0), 8),
        (DeadlineExceeded(allowed_s=2.125), 4),
    ],
    ids=lambda value: repr(value) if isinstance(value, Exception) else "",
)
async def test_overload_halves_the_limit(make_bulkhead, server, clock, make_context, failure, limit) -> None:
    bulkhead = make_bulkhead(limit=8)
    first = start(bulkhead, server, make_context())
    await clock.run_for(1.0)
    await first
    server.failure = failure
    tasks = [start(bulkhead, server, make_context()) for _ in range(8)]
    await clock.run_for(1.0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results == [failure] * 8
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=limit, running=0, queued=0, refusals=0)


@pytest.mark.anyio
async def test_a_first_call_that_never_ends_speaks_of_overload(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=8)
    server.failure = DeadlineExceeded(allowed_s=0.5)
    task = start(bulkhead, server, make_context())
    await clock.run_for(1.0)
    await asyncio.gather(task, return_exceptions=True)
    assert bulkhead.snapshot().limit == 4


@pytest.mark.anyio
async def test_a_lowered_limit_waits_for_the_running_to_leave(make_bulkhead, server, clock, make_context) -> None:
    bulkhead = make_bulkhead(limit=4)
    tasks = [start(bulkhead, server, make_context()) for _ in range(6)]
    await clock.settle()
    bulkhead._limit.overloaded(started_s=1000.0, now_s=1000.0)
    bulkhead._limit.overloaded(started_s=1000.0, now_s=1000.5)
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=1, running=4, queued=2, refusals=0)
    await clock.run_for(1.0)
    assert bulkhead.snapshot() == BulkheadSnapshot(limit=1, running=1, queued=1, refusals=0)
    await clock.run_for(2.0)
    await asyncio.gather(*tasks)


def test_defaults() -> None:
    assert BulkheadOptions() == BulkheadOptions(limit=AdaptiveLimitOptions(), queue_max=16)


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=f"^{re.escape('queue_max must not be below zero')}$"):
        BulkheadOptions(queue_max=-1)
