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
"""How far from the middle of a cut the emptiest column may lie."""


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
        readings: list[Reading] = []
        offset = 0
        scaled = _scale(strip)
        for piece in _cut_long(scaled):
            readings.append(_shift(self._read_piece(piece), offset))
            offset += piece.shape[1] // STEP_PX
        whole = readings[0] if len(readings) == 1 else join_readings(readings)
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


def join_readings(readings: list[Reading]) -> Reading:
    """Return the pieces of one line as one reading."""
    scores = tuple(score for reading in readings for score in reading.characters)
    if not scores:
        return EMPTY
    text = "".join(reading.text for reading in readings)
    steps = tuple(step for reading in readings for step in reading.steps)
    return Reading(text, _mean_certainty(text, scores), scores, steps)


def measure_unread(strip: Picture, reading: Reading) -> float:
    """Return the share of the inked columns that lie far from every character that was read with some certainty.

    The network answers a script that it never learned with nothing at all, or with
    spaces, and calls that certain; so the ink that is left over tells more than the
    confidence. Measured on rendered pages: 0.8-1 for Korean, Cyrillic, Arabic, Thai,
    Hebrew and Devanagari, under 0.02 for the scripts that it knows.
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


def _cut_long(strip: Picture) -> list[Picture]:
    """Cut a strip at its emptiest columns into pieces of bearable length."""
    width_px = strip.shape[1]
    if width_px <= STRIP_WIDTH_PX_MAX:
        return [strip]
    count = math.ceil(width_px / (STRIP_WIDTH_PX_MAX - SEAM_SEARCH_PX))
    unrest = strip.std(axis=(0, 2))
    seams = [0]
    for number in range(1, count):
        near = width_px * number // count - SEAM_SEARCH_PX // 2
        seams.append(near + int(unrest[near : near + SEAM_SEARCH_PX].argmin()))
    return [strip[:, start:end] for start, end in pairwise([*seams, width_px])]
