"""Which way up a page is: a few of its lines are read both ways, and the better reading wins.

A page that reads well as it stands costs nothing, since those readings are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ironleaf.services.engines.embedded.picture import cut_out, measure_sides, turn_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ironleaf.services.engines.embedded.picture import Picture, Quad
    from ironleaf.services.engines.embedded.recognition import Reading

STANDING_RATIO: Final = 1.5
"""A box this much higher than wide holds a line that runs down or up the page."""
STANDING_SHARE: Final = 0.6
"""Share of the lines' length that must stand before the page is thought to lie on its side."""
SAMPLE_LINES: Final = 4
SAMPLE_RATIO_MIN: Final = 2.0
SAMPLE_RATIO_MAX: Final = 15.0
"""Lines of this shape are long enough to judge by and short enough to read twice."""
LEGIBLE_MIN: Final = 0.9
"""Upright lines read better than this; upside-down ones were seen at 0.1-0.6."""
TURNED_MIN: Final = 0.7
"""What reads worse even when turned is noise, or a script that is not known: it stays as it is."""
GAIN_MIN: Final = 0.2
"""A page is turned only for a clear gain: unknown scripts read badly both ways."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The clockwise turn that makes a page upright, and what was already read on the way."""

    turn_deg: int
    readings: dict[int, Reading]
    """By number of the quadrangle."""


def judge_legibility(reading: Reading) -> float:
    """Return how well a strip was read, 0-1: certain, and no ink left over."""
    return reading.confidence * (1 - reading.unread) if reading.text.strip() else 0.0


def is_standing(quad: Quad) -> bool:
    """Tell whether the line in the quadrangle runs down or up the page."""
    width, height = measure_sides(quad)
    return height >= STANDING_RATIO * width


def find_turn(picture: Picture, quads: Sequence[Quad], read: Callable[[Picture], Reading]) -> Turn:
    """Return the turn that makes the page's lines read best."""
    standing = _share_standing(quads) > STANDING_SHARE
    sample = _choose_sample(quads, standing=standing)
    if not sample:
        return Turn(0, {})
    strips = {number: cut_out(picture, quads[number]) for number in sample}
    first, second = (90, 270) if standing else (0, 180)
    ahead = {number: read(turn_picture(strip, first)) for number, strip in strips.items()}
    if _mean(ahead) >= LEGIBLE_MIN:
        return Turn(first, ahead)
    behind = {number: read(turn_picture(strip, second)) for number, strip in strips.items()}
    if standing:
        return _choose_standing(Turn(first, ahead), Turn(second, behind))
    clear = _mean(behind) >= max(TURNED_MIN, _mean(ahead) + GAIN_MIN)
    return Turn(second, behind) if clear else Turn(first, ahead)


def _choose_standing(one: Turn, other: Turn) -> Turn:
    better = one if _mean(one.readings) >= _mean(other.readings) else other
    # Columns of Han characters stand as well and read badly on either side: leave such a page as it is.
    return better if _mean(better.readings) >= TURNED_MIN else Turn(0, {})


def _mean(readings: dict[int, Reading]) -> float:
    return sum(map(judge_legibility, readings.values())) / len(readings)


def _share_standing(quads: Sequence[Quad]) -> float:
    sides = [measure_sides(quad) for quad in quads]
    long = [(width, height) for width, height in sides if max(width, height) >= SAMPLE_RATIO_MIN * min(width, height)]
    total = sum(max(pair) for pair in long)
    return sum(height for width, height in long if height > width) / total if total else 0.0


def _choose_sample(quads: Sequence[Quad], *, standing: bool) -> list[int]:
    def ratio(number: int) -> float:
        width, height = measure_sides(quads[number])
        return height / max(1.0, width) if standing else width / max(1.0, height)

    fit = [number for number in range(len(quads)) if SAMPLE_RATIO_MIN <= ratio(number) <= SAMPLE_RATIO_MAX]
    fit = fit or [number for number in range(len(quads)) if ratio(number) > SAMPLE_RATIO_MAX]
    return sorted(fit, key=ratio, reverse=True)[:SAMPLE_LINES]
