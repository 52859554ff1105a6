"""Free workers, and the calls that wait for one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ironleaf.foundation.processes.loss import BusyReason, PoolBusy
from ironleaf.foundation.turns import Turns, current_party

if TYPE_CHECKING:
    from collections.abc import Callable

    from ironleaf.foundation.clock import Clock
    from ironleaf.foundation.processes.link import WorkerLink


async def finishes(future: asyncio.Future[Any], within_s: float, *, clock: Clock) -> bool:
    """Wait for ``future`` at most ``within_s`` seconds; tell whether it is done. Never cancels it."""
    timer = asyncio.ensure_future(clock.sleep(within_s))
    try:
        await asyncio.wait((future, timer), return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
    return future.done()


class WorkerQueue:
    """Hands free workers to calls; the parties that call take turns."""

    def __init__(self, *, length_max: int, clock: Clock, on_unused: Callable[[WorkerLink], None]) -> None:
        """``on_unused`` takes a worker back whose caller left in the very moment of getting it."""
        self._length_max = length_max
        self._clock = clock
        self._on_unused = on_unused
        self._idle: list[WorkerLink] = []
        """Taken from the end: the last used worker's memory is warm."""
        self._waiting: Turns[asyncio.Future[WorkerLink]] = Turns()

    @property
    def idle_count(self) -> int:
        """Workers without a job."""
        return len(self._idle)

    @property
    def waiting_count(self) -> int:
        """Calls without a worker."""
        return len(self._waiting)

    async def take(self, wait_s: float) -> WorkerLink:
        """Return a free worker, waiting at most ``wait_s`` seconds for it.

        Raises:
            PoolBusy: there is none in time, too many wait already, or the queue was closed.
        """
        if self._idle:
            return self._idle.pop()
        if len(self._waiting) >= self._length_max:
            raise PoolBusy(BusyReason.QUEUE_FULL)
        waiter: asyncio.Future[WorkerLink] = asyncio.get_running_loop().create_future()
        self._waiting.join(waiter, current_party())
        try:
            if await finishes(waiter, wait_s, clock=self._clock):
                return waiter.result()
        except asyncio.CancelledError:
            if waiter.done() and waiter.exception() is None:
                self._on_unused(waiter.result())
            raise
        finally:
            self._waiting.leave(waiter)
        raise PoolBusy(BusyReason.QUEUE_TIMEOUT)

    def offer(self, link: WorkerLink) -> None:
        """Give a free worker to whose turn it is, or let it rest."""
        while (waiter := self._waiting.next()) is not None:
            if not waiter.done():
                waiter.set_result(link)
                return
        self._idle.append(link)

    def withdraw(self, link: WorkerLink) -> bool:
        """Take a worker out; tell whether it was free."""
        if link not in self._idle:
            return False
        self._idle.remove(link)
        return True

    def close(self) -> None:
        """Send everybody away."""
        while (waiter := self._waiting.next()) is not None:
            if not waiter.done():
                waiter.set_exception(PoolBusy(BusyReason.CLOSED))
