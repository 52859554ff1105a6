"""No more calls at once than the other side can take, and a short queue in front."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ironleaf.foundation.resilience.adaptive_limit import AdaptiveLimit, AdaptiveLimitOptions
from ironleaf.foundation.resilience.base import judge, require
from ironleaf.foundation.resilience.errors import AttemptTimedOut, BulkheadFull, DeadlineExceeded, innermost
from ironleaf.foundation.resilience.events import (
    BulkheadQueued,
    BulkheadRefused,
    EventHook,
    LimitCause,
    LimitChanged,
    RefusalReason,
    ResilienceEvent,
    emit,
    ignore,
)
from ironleaf.foundation.resilience.time_limit import Overrun, run_within
from ironleaf.foundation.turns import Turns, current_party, on_behalf_of

if TYPE_CHECKING:
    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.resilience.base import Call, CallContext, Classify, T

QUEUE_MAX = 16
"""Some rounds of calls: a longer queue only makes everybody late."""
RETRY_AFTER_UNKNOWN_S = 1.0
"""Said before the first call has come back."""
RETRY_AFTER_MAX_S = 60.0
"""Nobody plans further ahead, and the estimate is worth nothing there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadOptions:
    limit: AdaptiveLimitOptions = field(default_factory=AdaptiveLimitOptions)
    queue_max: int = QUEUE_MAX
    """Calls that may wait; zero refuses at once."""

    def __post_init__(self) -> None:
        require(self.queue_max >= 0, "queue_max must not be below zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadSnapshot:
    """What an operator sees."""

    limit: int
    running: int
    queued: int
    refusals: int
    """Since the start."""


class Bulkhead:
    """Hands out permits, the parties that wait taking turns, and refuses at once what would wait in vain.

    A full queue takes in whoever has less than others in it: the last of the longest
    line is refused in his place.

    All methods must be called from one event loop's thread.
    """

    def __init__(
        self,
        name: str,
        *,
        options: BulkheadOptions,
        classify: Classify,
        clock: Clock,
        on_event: EventHook = ignore,
    ) -> None:
        self.name = name
        self.queue_max = options.queue_max
        self._classify = classify
        self._clock = clock
        self._on_event = on_event
        self._limit = AdaptiveLimit(options.limit, on_change=self._tell_limit)
        self._running = 0
        self._queue: Turns[asyncio.Future[None]] = Turns()
        self._refusals = 0

    async def execute(self, call: Call[T], context: CallContext) -> T:
        """Return what ``call`` returns.

        Raises:
            BulkheadFull: the call was not made: the queue is full, or too long
                for the call's deadline.
            ResilienceError: it was not made: while it waited, a policy outside
                learned something against it.
        """
        await self._acquire(context)
        started_s = self._clock.monotonic()
        try:
            context.recheck()
            value = await call(context)
        except Exception as failure:
            if self._speaks_of_overload(failure, context.cost):
                self._limit.overloaded(started_s=started_s, now_s=self._clock.monotonic())
            raise
        else:
            self._limit.succeeded(
                started_s=started_s,
                now_s=self._clock.monotonic(),
                cost=context.cost,
                all_used=self._running >= self._limit.limit,
            )
            return value
        finally:
            self._release()

    def require_room(self) -> None:
        """Return if a call of the current party would find a place, at least one in the queue.

        Raises:
            BulkheadFull: it would be refused, however long its deadline.
        """
        if self._running >= self._limit.limit and self._has_no_room():
            raise self._refused(RefusalReason.QUEUE_FULL)

    @property
    def is_full(self) -> bool:
        """Whether a call that came now would be refused for want of a place."""
        return self._running >= self._limit.limit and len(self._queue) >= self.queue_max

    def snapshot(self) -> BulkheadSnapshot:
        """Return the present state."""
        return BulkheadSnapshot(
            limit=self._limit.limit, running=self._running, queued=len(self._queue), refusals=self._refusals
        )

    async def _acquire(self, context: CallContext) -> None:
        if self._running < self._limit.limit and not self._queue:
            self._running += 1
            return
        if self._has_no_room():
            raise self._refused(RefusalReason.QUEUE_FULL)
        if self._would_be_late(context):
            raise self._refused(RefusalReason.DEADLINE_TOO_NEAR)
        if len(self._queue) >= self.queue_max:
            self._displace()
        started_s = self._clock.monotonic()
        try:
            await run_within(context.deadline.remaining_s(), self._wait_for_permit)
        except Overrun:
            raise self._refused(RefusalReason.WAITED_IN_VAIN) from None
        finally:
            waited_s = self._clock.monotonic() - started_s
            context.queue.waited_s += waited_s
        self._tell(BulkheadQueued(name=self.name, at_s=self._clock.monotonic(), waited_s=waited_s))

    def _has_no_room(self) -> bool:
        return len(self._queue) >= self.queue_max and not self._queue.has_room_for(current_party())

    async def _wait_for_permit(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.join(turn, current_party())
        try:
            await turn
        except asyncio.CancelledError:
            if not self._queue.leave(turn) and not turn.cancelled() and turn.exception() is None:
                # The permit came in the same turn of the loop as the cancellation.
                self._release()
            raise

    def _displace(self) -> None:
        displaced, party = self._queue.drop_last_of_longest()
        if not displaced.done():
            with on_behalf_of(party):
                displaced.set_exception(self._refused(RefusalReason.QUEUE_FULL))

    def _release(self) -> None:
        self._running -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        while self._running < self._limit.limit and (turn := self._queue.next()) is not None:
            if not turn.done():
                self._running += 1
                turn.set_result(None)

    def _would_be_late(self, context: CallContext) -> bool:
        expected_s = self._limit.expected_s(context.cost)
        if expected_s is None:
            return False
        return self._drain_s() + expected_s > context.deadline.remaining_s()

    def _drain_s(self) -> float:
        """Return how long it takes until everybody before a newcomer has a permit."""
        call_s = self._limit.call_s
        if call_s is None:
            return RETRY_AFTER_UNKNOWN_S
        # Little's law: calls leave at the number of running ones over the time of one.
        return (self._queue.ahead_of(current_party()) + 1) * call_s / max(1, self._running)

    def _refused(self, reason: RefusalReason) -> BulkheadFull:
        self._refusals += 1
        retry_after_s = min(RETRY_AFTER_MAX_S, self._drain_s())
        self._tell(
            BulkheadRefused(name=self.name, at_s=self._clock.monotonic(), reason=reason, retry_after_s=retry_after_s)
        )
        return BulkheadFull(self.name, retry_after_s=retry_after_s, reason=reason)

    def _speaks_of_overload(self, failure: Exception, cost: float) -> bool:
        failure = innermost(failure)
        if isinstance(failure, AttemptTimedOut):
            return True
        if isinstance(failure, DeadlineExceeded):
            # A caller in a hurry proves nothing; one who waited far longer than usual does.
            return failure.allowed_s > self._limit.too_long_s(cost)
        return judge(failure, self._classify).overloaded

    def _tell_limit(self, limit: int, cause: LimitCause) -> None:
        self._tell(LimitChanged(name=self.name, at_s=self._clock.monotonic(), limit=limit, cause=cause))

    def _tell(self, event: ResilienceEvent) -> None:
        emit(self._on_event, event)
