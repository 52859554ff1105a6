"""Names for requests: ours are ULIDs; a caller's own name is kept for the logs only."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Final

from ironleaf.foundation.clock import Clock

CLIENT_ID_CHARACTERS_MAX: Final = 64
"""Enough for a UUID with a prefix; longer ones are dropped, not cut, so that they never match by accident."""

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARACTERS: Final = 10
_RANDOM_CHARACTERS: Final = 16
_RANDOM_BITS: Final = 80
_CLIENT_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,%d}" % CLIENT_ID_CHARACTERS_MAX)
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""Version ``ff`` and numbers of nothing but zeros are forbidden."""
_PAIRS: Final = tuple(high + low for high in _ALPHABET for low in _ALPHABET)


class RequestIds:
    """Makes ULIDs: 48 bits of wall time in milliseconds, 80 bits of randomness, sortable as text."""

    def __init__(self, clock: Clock, randomness: random.Random) -> None:
        self._clock = clock
        self._randomness = randomness

    def make(self) -> str:
        """Return a new id of 26 characters."""
        time_ms = int(self._clock.now().timestamp() * 1000)
        return _encode(time_ms, _TIME_CHARACTERS) + _encode(
            self._randomness.getrandbits(_RANDOM_BITS), _RANDOM_CHARACTERS
        )


def _encode(number: int, characters: int) -> str:
    pairs: list[str] = []
    for _ in range(characters // 2):
        pairs.append(_PAIRS[number & 1023])
        number >>= 10
    return "".join(reversed(pairs))


def clean_client_id(value: bytes | None) -> str | None:
    """Return a caller's own request id if it is short and plain, else nothing. For logs only."""
    return value.decode("ascii") if value is not None and _CLIENT_ID.fullmatch(value) else None


def clean_traceparent(values: Sequence[bytes]) -> str | None:
    """Return the W3C ``traceparent`` of a request if it brings one, and that well formed; else nothing."""
    return values[0].decode("ascii") if len(values) == 1 and _TRACEPARENT.fullmatch(values[0]) else None
