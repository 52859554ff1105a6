"""Limits as errors that say the number seen and the number allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.foundation.errors import Detail, LimitReached, Unit
from ironleaf.services.files.errors import FILE_TOO_LARGE

if TYPE_CHECKING:
    from ironleaf.foundation.errors import Entry

NUMBER_MAX: Final = 2**53 - 1
"""The largest number that every JSON reader keeps exact; files can claim larger ones."""


def limit_reached(entry: Entry, *, limit: float, actual: float, unit: Unit) -> LimitReached:
    """Return the error that says which limit was met, ready to be raised."""
    detail = Detail(reason=entry.reason, limit=limit, actual=min(actual, NUMBER_MAX), unit=unit)
    return LimitReached(entry, details=(detail,))


def check_bytes(size: int, *, bytes_max: int) -> None:
    """Refuse a file of ``size`` bytes that is over the limit.

    Raises:
        LimitReached: file-too-large.
    """
    if size > bytes_max:
        raise limit_reached(FILE_TOO_LARGE, limit=bytes_max, actual=size, unit=Unit.BYTES)
