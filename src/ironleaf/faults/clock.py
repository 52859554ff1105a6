"""A clock that stands still until it is told to move, so that no test has to wait."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

WALL_START = datetime(2026, 1, 1, tzinfo=UTC)
"""The wall time of a clock that was given none; any fixed value would do."""

SETTLING_TURNS = 20
"""Turns of the event loop after a wake-up: enough for a handful of tasks that wait for one another."""


class ManualClock:
    """A ``Clock`` whose time moves only by ``advance`` and ``run_for``.

    Sleepers wake in the order of their times, and in the order of their
    arrival where the times are equal.
    """

    def __init__(self, start_s: float = 0.0, *, wall: datetime = WALL_START) -> None:
        self._monotonic_s = start_s
        self._start_s = start_s
        self._wall = wall
        self._arrivals = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._wall + timedelta(seconds=self._monotonic_s - self._start_s)

    def monotonic(self) -> float:
        return self._monotonic_s

    async def sleep(self, duration_s: float) -> None:
        """Return once the clock has moved on by ``duration_s``; at the loop's next turn if that is not above zero."""
        if duration_s <= 0.0:
            await _Turn()
            return
        awakening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic_s + duration_s, next(self._arrivals), awakening))
        await awakening

    @property
    def sleepers(self) -> int:
        """How many calls of ``sleep`` are waiting now."""
        return sum(not awakening.done() for _, _, awakening in self._sleepers)

    def advance(self, duration_s: float) -> None:
        """Move on by ``duration_s`` at once and wake, in order, whoever is due.

        The woken run when the caller next gives the loop a turn, and all of
        them see the new time. Where one sleep must be seen to follow another,
        use ``run_for``.

        Raises:
            ValueError: for a duration below zero.
        """
        if duration_s < 0.0:
            raise ValueError("time does not run backwards")
        self._move_to(self._monotonic_s + duration_s)

    async def run_for(self, duration_s: float) -> None:
        """Move on by ``duration_s``, stopping at each awakening so that the woken run at their own time.

        Sleeps that the woken begin are served too, if they end within the duration.

        Raises:
            ValueError: for a duration below zero.
        """
        if duration_s < 0.0:
            raise ValueError("time does not run backwards")
        end_s = self._monotonic_s + duration_s
        await self.settle()
        while (due_s := self._next_due_s()) is not None and due_s <= end_s:
            self._move_to(due_s)
            await self.settle()
        self._monotonic_s = end_s

    async def settle(self) -> None:
        """Give every task that can run some turns of the loop, without moving the time."""
        for _ in range(SETTLING_TURNS):
            await _Turn()

    def _next_due_s(self) -> float | None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def _move_to(self, time_s: float) -> None:
        self._monotonic_s = time_s
        while self._sleepers and self._sleepers[0][0] <= time_s:
            _, _, awakening = heapq.heappop(self._sleepers)
            if not awakening.done():
                awakening.set_result(None)


class _Turn:
    """Awaited, it lets the event loop run everything else once."""

    def __await__(self) -> Generator[None, None, None]:
        yield
