"""What a server has refused as too large, so that the like of it goes to an equal at once. Pure.

A refusal tells nobody what was counted: bytes, pixels or tokens. So sizes are
compared in all that a server could count, and only a request that is no smaller
in any of it is held too large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ironleaf.services.engines.upstream_failures import FailureKind

if TYPE_CHECKING:
    from ironleaf.document import PageImage
    from ironleaf.foundation.errors import Entry

TOO_LARGE: Final = frozenset({FailureKind.CONTEXT_TOO_LONG, FailureKind.IMAGE_TOO_LARGE, FailureKind.PAYLOAD_TOO_LARGE})
REFUSAL_REMEMBERED_S: Final = 60.0
"""Rates are counted by the minute, and a limit that was raised is found within one: the price is one call in vain."""
REFUSALS_MAX: Final = 8
"""Pages differ in few ways; a size that is forgotten early costs one call in vain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSize:
    """All of a request that a server could count."""

    pixels: int
    image_bytes: int
    prompt_characters: int

    def covers(self, other: RequestSize) -> bool:
        """Tell whether this is at least as large in every way."""
        return (
            self.pixels >= other.pixels
            and self.image_bytes >= other.image_bytes
            and self.prompt_characters >= other.prompt_characters
        )


def measure_size(image: PageImage, prompt: str) -> RequestSize:
    """Return how large a request about ``image`` is."""
    pixels = image.width_px * image.height_px
    return RequestSize(pixels=pixels, image_bytes=image.bytes, prompt_characters=len(prompt))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    size: RequestSize
    entry: Entry
    until_s: float


class RefusedSizes:
    """Remembers the smallest sizes that one model of one server refused, each for a minute."""

    def __init__(self) -> None:
        self._refusals: tuple[_Refusal, ...] = ()

    def find(self, size: RequestSize, *, now_s: float) -> Entry | None:
        """Return how the server spoke of the like of it, if it refused something no larger a moment ago."""
        held = (each.entry for each in self._refusals if now_s < each.until_s and size.covers(each.size))
        return next(held, None)

    def note_refused(self, size: RequestSize, entry: Entry, *, now_s: float) -> None:
        """Remember that the server called this too large."""
        others = (each for each in self._refusals if now_s < each.until_s and not each.size.covers(size))
        new = _Refusal(size=size, entry=entry, until_s=now_s + REFUSAL_REMEMBERED_S)
        self._refusals = (*others, new)[-REFUSALS_MAX:]

    def note_taken(self, size: RequestSize) -> None:
        """Forget what the server has shown to be wrong: it took something that is no smaller."""
        self._refusals = tuple(each for each in self._refusals if not size.covers(each.size))
