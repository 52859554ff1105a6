"""A page's picture in, its lines out: find, turn upright, read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ironleaf.document import Region
from ironleaf.services.engines.embedded.detection import DetectionLimits, Detector
from ironleaf.services.engines.embedded.lines import Line
from ironleaf.services.engines.embedded.network import Network
from ironleaf.services.engines.embedded.orientation import find_turn, is_standing, judge_legibility
from ironleaf.services.engines.embedded.picture import cut_out, measure_sides, turn_picture, turn_quad
from ironleaf.services.engines.embedded.recognition import Reader, Reading
from ironleaf.services.engines.embedded.weights import DETECTION, RECOGNITION, find_folder, read_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ironleaf.services.engines.embedded.picture import Picture, Quad
    from ironleaf.services.engines.settings import EmbeddedSettings

SLANT_RATIO_MIN: Final = 3.0
"""Shorter lines say little about the page's slant."""
STANDING_LEGIBLE_MIN: Final = 0.8
"""A standing line that reads worse downwards is tried upwards too."""
FLAT_CONTRAST_MAX: Final = 12
"""Grey levels between the darkest and the lightest pixel of a blank picture: not even faint print stays under it."""
STRIP_RATIO_MIN: Final = 1.5
STRIP_RATIO_MAX: Final = 100.0
STRIP_HEIGHT_PX_MAX: Final = 100
"""A picture this low and wide may be one cut-out line: it is read whole where nothing is found in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReading:
    """All lines of a page, also those that could not be read."""

    lines: tuple[Line, ...]
    width_px: int
    """Of the upright page."""
    height_px: int
    turn_deg: int
    """The clockwise turn that made it upright."""
    left_out: bool
    """Some lines were not read: too many, or no time."""


class Recogniser:
    """Two networks and what lies between them. Not for threads: one for each process.

    Raises:
        ModelFailure: ``model-files-damaged``, at construction.
    """

    def __init__(self, settings: EmbeddedSettings) -> None:
        folder = find_folder()
        limits = DetectionLimits(
            side_px_max=settings.detection_side_px_max,
            side_px_min=settings.detection_side_px_min,
            lines_max=settings.lines_max,
        )
        self._lines_max = settings.lines_max
        self._detector = Detector(Network(read_weights(DETECTION, folder=folder), keeps_memory=False), limits=limits)
        self._reader = Reader(Network(read_weights(RECOGNITION, folder=folder), keeps_memory=True))

    def read(self, picture: Picture, *, has_time: Callable[[], bool] = lambda: True) -> PageReading:
        """Return what stands on the page, in no promised order; what is read when time ends, the upper lines first."""
        quads = [] if _is_flat(picture) else self._detector.find(picture)
        quads = quads or _take_whole(picture)
        turn = find_turn(picture, quads, self._reader.read)
        height_px, width_px = picture.shape[:2]
        upright = turn_picture(picture, turn.turn_deg)
        turned = [turn_quad(quad, turn.turn_deg, width_px=width_px, height_px=height_px) for quad in quads]
        readings = dict(turn.readings)
        for number in sorted(range(len(turned)), key=lambda number: float(turned[number][:, 1].min())):
            if number not in readings and (has_time() or not readings):
                readings[number] = self._read_quad(upright, turned[number])
        read = sorted(readings)
        return PageReading(
            lines=_make_lines([turned[number] for number in read], [readings[number] for number in read]),
            width_px=upright.shape[1],
            height_px=upright.shape[0],
            turn_deg=turn.turn_deg,
            left_out=len(quads) >= self._lines_max or len(read) < len(quads),
        )

    def _read_quad(self, picture: Picture, quad: Quad) -> Reading:
        strip = cut_out(picture, quad)
        if not is_standing(quad):
            return self._reader.read(strip)
        down = self._reader.read(turn_picture(strip, 270))
        if judge_legibility(down) >= STANDING_LEGIBLE_MIN:
            return down
        return max(down, self._reader.read(turn_picture(strip, 90)), key=judge_legibility)


def _is_flat(picture: Picture) -> bool:
    return int(picture.max()) - int(picture.min()) <= FLAT_CONTRAST_MAX


def _take_whole(picture: Picture) -> list[Quad]:
    height_px, width_px = picture.shape[:2]
    line_like = STRIP_RATIO_MIN * height_px <= width_px <= STRIP_RATIO_MAX * height_px
    if _is_flat(picture) or height_px > STRIP_HEIGHT_PX_MAX or not line_like:
        return []
    return [np.array([[0, 0], [width_px, 0], [width_px, height_px], [0, height_px]], np.float32)]


def _make_lines(quads: Sequence[Quad], readings: Sequence[Reading]) -> tuple[Line, ...]:
    slant = _measure_slant(quads)
    return tuple(
        Line(
            text=" ".join(reading.text.split()),
            confidence=reading.confidence,
            unread=reading.unread,
            region=_enclose(quad),
            level=_level(quad, slant),
        )
        for quad, reading in zip(quads, readings, strict=True)
    )


def _measure_slant(quads: Sequence[Quad]) -> float:
    """Return the page's slant in radians: the median over its longer lines."""
    angles = [
        math.atan2(float(quad[1, 1] - quad[0, 1]), float(quad[1, 0] - quad[0, 0]))
        for quad in quads
        if measure_sides(quad)[0] >= SLANT_RATIO_MIN * measure_sides(quad)[1]
    ]
    return float(np.median(angles)) if angles else 0.0


def _enclose(quad: Quad) -> Region:
    x0, y0 = (round(float(value), 1) for value in quad.min(axis=0))
    x1, y1 = (round(float(value), 1) for value in quad.max(axis=0))
    return Region(x0, y0, x1, y1)


def _level(quad: Quad, slant: float) -> Region:
    x, y = (float(value) for value in quad.mean(axis=0))
    width, height = measure_sides(quad)
    across = x * math.cos(slant) + y * math.sin(slant)
    down = y * math.cos(slant) - x * math.sin(slant)
    return Region(across - width / 2, down - height / 2, across + width / 2, down + height / 2)
