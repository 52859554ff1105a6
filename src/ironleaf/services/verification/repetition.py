"""An answer that repeats itself without end.

The rule looks at the tail of the text, its whitespace collapsed: is it periodic,
often enough and long enough? The numbers were measured on 3,000 pieces of real
documents and 400 grafted loops (`benchmarks/verdicts.py` measures them anew).
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from ironleaf.services.verification.base import Answer, Verdict
from ironleaf.services.verification.finish_reason import ended_early

PERIOD_CHARACTERS_MAX: Final = 1_500
"""Longer units are pages that resemble one another, not loops."""
REPEATS_MIN: Final = ((8, 10), (40, 6), (200, 4), (PERIOD_CHARACTERS_MAX, 3))
"""Periods up to the first number need at least the second number of repeats."""
TAIL_CHARACTERS_MIN: Final = 240
"""Shorter tails are dotted lines and refrains."""
TAIL_CHARACTERS_MIN_PLAIN: Final = 2_000
"""The same for units of rulings, dots and empty cells, which forms have many of."""
LETTER_SHARE_MIN: Final = 0.3
"""Units with a smaller share of letters and digits count as plain."""
TAIL_CHARACTERS_MAX: Final = PERIOD_CHARACTERS_MAX * 3
"""All that the rule ever looks at, whitespace collapsed."""
CHECK_CHARACTERS: Final = 64
"""A stream is checked whenever so many new characters have come."""
ZLIB_RATIO_MIN: Final = 8.0
"""Second opinion: real pages compress 2 to 6 times, loops 7 times and more."""

_SPACE = re.compile(r"\s+")
_KEY_CHARACTERS: Final = 16
"""Where the tail's last characters stood before tells the candidate periods."""


def find_loop(text: str) -> int | None:
    """Return the period, in characters, of the loop that ``text`` ends with; None if it ends with none."""
    # Collapsing can only shorten: a raw tail of 16 times the size holds enough unless it is mostly blank.
    tail = _SPACE.sub(" ", text[-16 * TAIL_CHARACTERS_MAX :]).strip()
    return _period(tail[-TAIL_CHARACTERS_MAX:])


def judge_repetition(answer: Answer) -> Verdict | None:
    """Reject a loop that was cut or that the compression ratio confirms; doubt any other."""
    if find_loop(answer.text) is None:
        return None
    hard = ended_early(answer) or _zlib_ratio(answer.text) >= ZLIB_RATIO_MIN
    return Verdict(reason="repetition-loop", severity="hard" if hard else "soft")


class RepetitionWatch:
    """Tells while an answer streams in that it has begun to loop, so that it can be aborted."""

    def __init__(self) -> None:
        self._tail = ""
        self._unchecked = 0
        self._looping = False

    def feed(self, chunk: str) -> bool:
        """Take the next piece; return whether the answer so far ends in a loop (once true, always true)."""
        if self._looping:
            return True
        for start in range(0, len(chunk), CHECK_CHARACTERS):
            if self._take(chunk[start : start + CHECK_CHARACTERS]):
                self._looping = True
                break
        return self._looping

    def _take(self, piece: str) -> bool:
        words = _SPACE.sub(" ", piece)
        if self._tail.endswith(" "):
            words = words.lstrip(" ")
        self._tail = (self._tail + words)[-TAIL_CHARACTERS_MAX - 1 :]
        self._unchecked += len(words)
        if self._unchecked < CHECK_CHARACTERS:
            return False
        self._unchecked = 0
        return _period(self._tail.strip()[-TAIL_CHARACTERS_MAX:]) is not None


def _period(tail: str) -> int | None:
    if len(tail) < TAIL_CHARACTERS_MIN:
        return None
    key = tail[-_KEY_CHARACTERS:]
    end = len(tail) - 1
    while True:
        found = tail.rfind(key, 0, end)
        period = len(tail) - _KEY_CHARACTERS - found
        if found < 0 or period > PERIOD_CHARACTERS_MAX:
            return None
        if _repeats(tail, period):
            return period
        end = found + _KEY_CHARACTERS - 1


def _repeats(tail: str, period: int) -> bool:
    repeats_min = next(repeats for limit, repeats in REPEATS_MIN if period <= limit)
    if not _is_periodic(tail, period, max(TAIL_CHARACTERS_MIN, repeats_min * period)):
        return False
    # Letters are counted last: it is the costly part.
    unit = tail[-period:]
    if sum(map(str.isalnum, unit)) >= LETTER_SHARE_MIN * period:
        return True
    return _is_periodic(tail, period, max(TAIL_CHARACTERS_MIN_PLAIN, repeats_min * period))


def _is_periodic(tail: str, period: int, length: int) -> bool:
    return length <= len(tail) and tail[-length:-period] == tail[-length + period :]


def _zlib_ratio(text: str) -> float:
    raw = text[-16 * TAIL_CHARACTERS_MAX :].encode("utf-8", "replace")
    return len(raw) / len(zlib.compress(raw))
