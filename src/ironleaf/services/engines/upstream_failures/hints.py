"""How long the server asks us to wait."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

HINT_S_MAX: Final = 31 * 86_400.0
"""Longer waits are no waits; also a bound against absurd numbers."""

_IN_WORDS = re.compile(
    r"(?:(?:try|retry)[ a-z]{0,24}(?:in|after)|retry[ _-]?(?:delay|after|in)"
    r"|wait(?:ing)?(?: for)?|after|reset(?:s)?[ a-z]{0,8} in)[\"']?[ :=]{0,3}[\"']?"
    r"(?:(\d{1,4})\s?h(?:ours?)?\s?)?(?:(\d{1,5})\s?m(?:in(?:ute)?s?)?(?![a-z])\s?)?"
    r"(?:(\d{1,9}(?:\.\d{1,9})?)\s?(ms\b|milliseconds?|s\b|secs?\b|seconds?|m\b"
    r"|minutes?|h\b|hours?))?"
)
# A field's bare number means seconds; "failed after 3 attempts" asks for nothing.
_KEYED = re.compile(
    r"retry[ _-]?(?:delay|after)(?:[ _-]?s(?:ec(?:ond)?s?)?)?[\"']? ?[:=] ?[\"']?"
    r"(\d{1,9}(?:\.\d{1,9})?)(?![\w.]| ?[a-z])"
)
_UNIT_S: Final = {"ms": 0.001, "mi": 60.0, "m": 60.0, "h": 3_600.0, "s": 1.0}


def read_retry_after(headers: Mapping[str, str], text: str, date_now: datetime | None = None) -> float | None:
    """Return the seconds to wait that the headers, or else the words, name; None if they name none.

    ``date_now`` is needed for hints that name a date; the answer's own ``Date``
    header stands in for it.
    """
    named = {str(key).lower(): str(value) for key, value in headers.items()}
    for key, factor in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _number(named.get(key, ""), factor)
        if seconds is not None:
            return seconds
    dated = _seconds_until(named.get("retry-after", ""), date_now or _moment(named.get("date", "")))
    return dated if dated is not None else _in_words(text)


def _number(value: str, factor: float) -> float | None:
    if not re.fullmatch(r"\s*\d{1,9}(\.\d{1,9})?\s*", value):
        return None
    return min(float(value) * factor, HINT_S_MAX)


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value[:64])
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds_until(value: str, date_now: datetime | None) -> float | None:
    moment = _moment(value) if value else None
    if moment is None or date_now is None:
        return None
    return min(max(0.0, (moment - date_now).total_seconds()), HINT_S_MAX)


def _in_words(text: str) -> float | None:
    keyed = _KEYED.search(text)
    if keyed is not None:
        return min(float(keyed[1]), HINT_S_MAX)
    for match in _IN_WORDS.finditer(text):
        hours, minutes, number, unit = match.groups()
        seconds = float(hours or 0) * 3_600.0 + float(minutes or 0) * 60.0
        if number:
            seconds += float(number) * _UNIT_S.get(unit[:2], _UNIT_S.get(unit[:1], 1.0))
        if hours or minutes or number:
            return min(seconds, HINT_S_MAX)
    return None
