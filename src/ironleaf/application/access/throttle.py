"""How often a key may ask, and how often somebody may guess. In memory, so per replica."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from ironleaf.foundation.clock import Clock

WINDOW_S: Final = 60
GUESSES_PER_MINUTE: Final = 10
"""Wrong keys from one address: a script with a stale key is told often enough, a guesser learns nothing."""
GUESSERS_MAX: Final = 4_096
"""Addresses are counted in so many drawers, so that no crowd of them fills the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left of a limit."""

    granted: bool
    limit: int
    remaining: int
    reset_s: int
    """Seconds until one more request is granted, or until the oldest counted one is forgotten."""

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return the ``RateLimit-*`` headers."""
        values = ((b"limit", self.limit), (b"remaining", self.remaining), (b"reset", self.reset_s))
        return tuple((b"ratelimit-" + name, str(value).encode()) for name, value in values)


class Throttle:
    """Counts in a window that moves with the time, so that no burst fits between two windows."""

    def __init__(self, clock: Clock, *, seed: bytes) -> None:
        self._clock = clock
        self._seed = seed
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def take(self, key_id: str, per_minute: int) -> Allowance:
        """Count one request of a key."""
        return self._take(RateLimitItemPerMinute(per_minute, namespace="key"), key_id)

    def take_guess(self, client: str) -> Allowance:
        """Count one wrong key, link or cookie from an address."""
        drawn = hashlib.blake2b(client.encode(), key=self._seed, digest_size=4).digest()
        drawer = int.from_bytes(drawn, "big") % GUESSERS_MAX
        return self._take(RateLimitItemPerMinute(GUESSES_PER_MINUTE, namespace="guess"), str(drawer))

    def _take(self, item: RateLimitItem, name: str) -> Allowance:
        granted = self._limiter.hit(item, name)
        stats = self._limiter.get_window_stats(item, name)
        left_s = math.ceil(stats.reset_time - self._clock.now().timestamp())
        return Allowance(
            granted=granted,
            limit=item.amount,
            remaining=max(0, stats.remaining),
            reset_s=min(max(left_s, 1), WINDOW_S),
        )
