"""How many conversions run at once, how many wait, and what the next one is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ironleaf.foundation.clock import Clock, Deadline
from ironleaf.foundation.errors import Detail, LimitReached, Unit
from ironleaf.foundation.errors.protocol import SERVICE_BUSY
from ironleaf.foundation.resilience import (
    AdaptiveLimitOptions,
    Bulkhead,
    BulkheadFull,
    BulkheadOptions,
    BulkheadSnapshot,
    CallContext,
    FailureVerdict,
)

T = TypeVar("T")

QUEUE_SHARE: Final = 0.7
"""Taken in is who should be done within this part of his deadline. Behind the queue here is one at each model server,
which may be slower by the time he gets there: whoever is taken in by a bolder forecast waits for nothing, and hears so
half-way. With 0.8, two in a hundred refusals came late at twice the load and deadlines as short as the queue."""


LARGE_BYTES: Final = 4 * 1024 * 1024
"""A file of more takes turns with the small ones of the same caller: twenty scanned pages begin here."""
LARGE_COST: Final = 2.0
"""Beside 1 for a small file: times are kept apart for the two. No more, for of a kind that has not been seen yet the
time is foreseen from the other in proportion."""


class Admission:
    """A fixed number of conversions under way and a bounded queue before them.

    The bulkhead's limit is pinned: what may run at once follows from memory, not
    from how fast the engines answer.
    """

    def __init__(self, *, running_max: int, queued_max: int, clock: Clock) -> None:
        limit = AdaptiveLimitOptions(floor=running_max, start=running_max, max=running_max)
        self.queued_max = queued_max
        self._bulkhead = Bulkhead(
            "conversions",
            options=BulkheadOptions(limit=limit, queue_max=queued_max),
            classify=lambda _error: FailureVerdict(retry_same=False, counts_as_failure=False),
            clock=clock,
        )

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._bulkhead.snapshot().queued

    async def run(self, work: Callable[[], Awaitable[T]], deadline: Deadline, *, file_bytes: int) -> T:
        """Return what ``work`` returns, begun when it is its turn.

        How long it will take is forecast from files of its kind: what large ones take says nothing of a letter.

        Raises:
            LimitReached: service-busy, with the time after which it is worth coming back.
        """

        async def call(_context: CallContext) -> T:
            return await work()

        try:
            return await self._bulkhead.execute(
                call,
                CallContext(deadline=_in_good_time(deadline), cost=LARGE_COST if file_bytes > LARGE_BYTES else 1.0),
            )
        except BulkheadFull as full:
            raise self._busy(full) from full

    def require_room(self) -> None:
        """Return unless a conversion of the current party would be refused however long its deadline.

        Raises:
            LimitReached: service-busy, as `run` would.
        """
        try:
            self._bulkhead.require_room()
        except BulkheadFull as full:
            raise self._busy(full) from full

    def snapshot(self) -> BulkheadSnapshot:
        """Return how many run and how many wait."""
        return self._bulkhead.snapshot()

    def _busy(self, full: BulkheadFull) -> LimitReached:
        detail = Detail(reason=SERVICE_BUSY.reason, limit=self.queued_max, unit=Unit.REQUESTS)
        return LimitReached(SERVICE_BUSY, details=(detail,), retry_after_s=full.retry_after_s)


def _in_good_time(deadline: Deadline) -> Deadline:
    return deadline.less((1 - QUEUE_SHARE) * deadline.remaining_s())
