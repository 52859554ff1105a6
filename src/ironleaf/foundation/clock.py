"""Time as a value that is handed in, so that no test has to wait for it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where the product gets its time from."""

    def now(self) -> datetime:
        """Return the wall time, in UTC, for records that people read."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only grow, for measuring; the zero means nothing."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Return after ``duration_s`` seconds."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(duration_s)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The absolute end of one request: shared by queueing, attempts and fallback."""

    clock: Clock
    ends_at_s: float
    """In the clock's monotonic seconds."""

    @classmethod
    def after(cls, duration_s: float, clock: Clock) -> Deadline:
        """Return the deadline that lies ``duration_s`` seconds ahead."""
        return cls(clock=clock, ends_at_s=clock.monotonic() + duration_s)

    def remaining_s(self) -> float:
        """Return the seconds left, never below zero."""
        return max(0.0, self.ends_at_s - self.clock.monotonic())

    def expired(self) -> bool:
        """Tell whether the time is over."""
        return self.remaining_s() <= 0.0

    def less(self, reserve_s: float) -> Deadline:
        """Return an earlier deadline that keeps ``reserve_s`` seconds back."""
        return Deadline(clock=self.clock, ends_at_s=self.ends_at_s - reserve_s)
