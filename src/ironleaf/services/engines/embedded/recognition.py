"""From strips of a page to text: width, network, decoding."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ironleaf.services.engines.embedded.network import Network
    from ironleaf.services.engines.embedded.picture import Picture

STRIP_HEIGHT_PX: Final = 48
"""The network's own."""
STEP_PX: Final = 8
"""The network answers once per so many columns."""
WIDTH_PX_MULTIPLE: Final = 16
STRIP_WIDTH_PX_MAX: Final = 2400
"""Longer strips are read in pieces: memory grows with the length, and the network saw none so long."""
SEAM_SEARCH_PX: Final = 240
"""Around the place of a cut, the widest gap within so much is taken."""
QUIET_SHARE: Final = 0.15
"""Columns with less unrest than this share of the strip's greatest hold no ink."""
SPACE_PX_MIN: Final = 9
"""Gaps between Latin words are wider, those inside words narrower, at this height of strip."""
EAST_ASIAN_FROM: Final = "\u2e80"


REACH_PX: Final = 32
"""A character accounts for the ink within this distance of its middle: two thirds of a Han character's width."""
CERTAIN_MIN: Final = 0.6
"""Less certain characters account for nothing."""
INK_CONTRAST: Final = 0.5
"""A column holds ink when its contrast is above this share of the strip's usual one."""

INKED_MAX: Final = 0.97
"""Stripes and bars hold ink in every column; writing has gaps."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands in a strip."""

    text: str
    confidence: float
    """Mean over the characters that are not spaces, 0-1; 0 where there is none."""
    characters: tuple[float, ...]
    """Of each character of ``text``."""
    steps: tuple[int, ...]
    """Where each character stands: a step is `STEP_PX` of the strip."""
    unread: float = 0.0
    """Share of the strip's inked columns that no character accounts for, 0-1."""


EMPTY: Final = Reading("", 0.0, (), ())


class Reader:
    """Reads strips that hold one line each."""

    def __init__(self, network: Network) -> None:
        self._network = network
        alphabet = network.metadata["character"].split("\n")
        self._characters = ("", *(character.rstrip("\r") for character in alphabet), " ")

    def read(self, strip: Picture) -> Reading:
        """Return the text of one strip of any size."""
        scaled = _scale(strip)
        seams = find_seams(scaled)
        edges = [0, *(seam.at_px for seam in seams), scaled.shape[1]]
        readings = [_shift(self._read_piece(scaled[:, start:end]), start // STEP_PX) for start, end in pairwise(edges)]
        whole = join_readings(readings, seams=seams)
        return replace(whole, unread=measure_unread(scaled, whole))

    def _read_piece(self, strip: Picture) -> Reading:
        width_px = strip.shape[1]
        padded_px = max(WIDTH_PX_MULTIPLE, math.ceil(width_px / WIDTH_PX_MULTIPLE) * WIDTH_PX_MULTIPLE)
        values = np.zeros((1, 3, STRIP_HEIGHT_PX, padded_px), np.float32)
        values[0, :, :, :width_px] = cv2.dnn.blobFromImage(strip, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)[0]
        return decode(self._network.run(values)[0], characters=self._characters)


def decode(likelihoods: npt.NDArray[np.float32], *, characters: tuple[str, ...]) -> Reading:
    """Return the text of one strip's output of shape (steps, characters): repeats joined, blanks dropped."""
    best = likelihoods.argmax(axis=1)
    changes = np.concatenate([[True], best[1:] != best[:-1]])
    kept = np.flatnonzero((best != 0) & changes)
    if not kept.size:
        return EMPTY
    steps: list[int] = kept.tolist()
    classes: list[int] = best[kept].tolist()
    scores: list[float] = likelihoods[kept, classes].tolist()
    text = "".join(characters[index] for index in classes)
    return Reading(text, _mean_certainty(text, scores), tuple(scores), tuple(steps))


def join_readings(readings: Sequence[Reading], *, seams: Sequence[Seam]) -> Reading:
    """Return the pieces of one line as one reading, with a space where the line was cut between two words."""
    parts = [readings[0]]
    for seam, reading in zip(seams, readings[1:], strict=True):
        if seam.spaced and _end_words(parts[-1].text, reading.text):
            parts.append(Reading(" ", 0.0, (1.0,), (seam.at_px // STEP_PX,)))
        parts.append(reading)
    scores = tuple(score for part in parts for score in part.characters)
    text = "".join(part.text for part in parts)
    steps = tuple(step for part in parts for step in part.steps)
    return Reading(text, _mean_certainty(text, scores), scores, steps)


def _end_words(before: str, after: str) -> bool:
    # Han and kana stand apart without being words.
    return bool(before and after) and max(before[-1], after[0]) < EAST_ASIAN_FROM and " " not in before[-1] + after[0]


def measure_unread(strip: Picture, reading: Reading) -> float:
    """Return the share of the inked columns that lie far from every character that was read with some certainty.

    The network answers a script that it never learned with nothing at all, or with
    spaces, and calls that certain; so the ink that is left over tells more than the
    confidence. Measured on rendered pages: 0.7-1 for Korean, Cyrillic, Arabic, Thai,
    Hebrew and Devanagari, at most 0.02 for the scripts that it knows.
    """
    grey = strip.mean(axis=2)
    contrast = grey.max(axis=0) - grey.min(axis=0)
    inked = contrast > INK_CONTRAST * max(1.0, float(np.percentile(contrast, 90)))
    if inked.mean() > INKED_MAX:
        return 0.0
    accounted = np.zeros(inked.shape, np.bool_)
    for character, score, step in zip(reading.text, reading.characters, reading.steps, strict=True):
        if not character.isspace() and score >= CERTAIN_MIN:
            middle = step * STEP_PX + STEP_PX // 2
            accounted[max(0, middle - REACH_PX) : middle + REACH_PX] = True
    return float((inked & ~accounted).sum() / max(1, inked.sum()))


def _mean_certainty(text: str, scores: Sequence[float]) -> float:
    # Spaces do not count: the network is always sure of them.
    marks = [score for character, score in zip(text, scores, strict=True) if not character.isspace()]
    return sum(marks) / len(marks) if marks else 0.0


def _shift(reading: Reading, offset: int) -> Reading:
    return replace(reading, steps=tuple(step + offset for step in reading.steps)) if offset else reading


def _scale(strip: Picture) -> Picture:
    height_px, width_px = strip.shape[:2]
    scaled_px = max(1, round(width_px * STRIP_HEIGHT_PX / height_px))
    method = cv2.INTER_AREA if height_px > STRIP_HEIGHT_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(strip, (scaled_px, STRIP_HEIGHT_PX), interpolation=method), np.uint8)


@dataclass(frozen=True, slots=True)
class Seam:
    """Where a long strip is cut."""

    at_px: int
    spaced: bool
    """It lies in a gap as wide as a space."""


def find_seams(strip: Picture) -> list[Seam]:
    """Return the cuts, each in the widest gap near its place, that leave pieces of bearable length."""
    width_px = strip.shape[1]
    if width_px <= STRIP_WIDTH_PX_MAX:
        return []
    count = math.ceil(width_px / (STRIP_WIDTH_PX_MAX - SEAM_SEARCH_PX))
    unrest = strip.std(axis=(0, 2))
    quiet = unrest < QUIET_SHARE * float(unrest.max())
    return [_find_seam(quiet, near_px=width_px * number // count) for number in range(1, count)]


def _find_seam(quiet: npt.NDArray[np.bool_], *, near_px: int) -> Seam:
    starts_px = near_px - SEAM_SEARCH_PX // 2
    flags = np.concatenate([[False], quiet[starts_px : starts_px + SEAM_SEARCH_PX], [False]])
    edges: list[int] = np.flatnonzero(flags[1:] != flags[:-1]).tolist()
    gaps = list(zip(edges[::2], edges[1::2], strict=True))
    if not gaps:
        return Seam(near_px, spaced=False)
    start, end = max(gaps, key=lambda gap: gap[1] - gap[0])
    return Seam(starts_px + (start + end) // 2, spaced=end - start >= SPACE_PX_MIN)
