"""Where the lines of text are: a network's map of likelihoods, and the quadrangles around its islands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

import cv2
import cv2.typing
import numpy as np
import numpy.typing as npt

from ironleaf.services.engines.embedded.picture import Picture, Quad, order_corners

if TYPE_CHECKING:
    from ironleaf.services.engines.embedded.network import Network

Likelihood: TypeAlias = npt.NDArray[np.float32]
"""Shape (height, width): how likely each pixel belongs to the core of a line."""

STRIDE_PX: Final = 32
"""The network halves its input five times."""
TILE_PX: Final = 1600
"""Length of a piece of a long page, in the network's pixels: keeps its memory under 0.3 GiB."""
OVERLAP_PX: Final = 192
"""Neighbouring pieces share this much, and each is believed up to the middle of it."""
ENLARGEMENT_MAX: Final = 2.0
"""More blurs without helping."""
LIKELIHOOD_MIN: Final = 0.3
BOX_LIKELIHOOD_MIN: Final = 0.4
"""Lower than the usual 0.5: blurred lines are found down to here, and noise is dropped once it has been read."""
UNCLIP_RATIO: Final = 1.6
"""The network marks the core of a line; this is how it was trained to be grown."""
CORE_PX_MIN: Final = 3
"""Smaller islands are specks."""
MARGIN_PX: Final = 16
"""Blank margin around small pictures: text that touches the edge is found better with it."""
MARGIN_SIDE_PX_MAX: Final = 320
"""Pictures with a side below this get the margin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionLimits:
    """In which size a page is looked at."""

    side_px_max: int
    """For pages of ordinary shape; the shorter side of long pages may have half of it."""
    side_px_min: int
    lines_max: int


class Detector:
    """Finds lines of text."""

    def __init__(self, network: Network, *, limits: DetectionLimits) -> None:
        self._network = network
        self._limits = limits

    def find(self, picture: Picture) -> list[Quad]:
        """Return a quadrangle for each line of text, in pixels of the picture, in no promised order."""
        height_px, width_px = picture.shape[:2]
        margin_px = MARGIN_PX if min(height_px, width_px) < MARGIN_SIDE_PX_MAX else 0
        framed = _frame(picture, margin_px)
        scaled = self._resize(framed)
        likelihood = self._map(scaled)
        factor_x = framed.shape[1] / scaled.shape[1]
        factor_y = framed.shape[0] / scaled.shape[0]
        factors = np.array([factor_x, factor_y], np.float32)
        islands = find_islands(likelihood, count_max=self._limits.lines_max)
        return [order_corners(island * factors - margin_px) for island in islands]

    def _resize(self, picture: Picture) -> Picture:
        height_px, width_px = picture.shape[:2]
        factor = choose_factor(width_px, height_px, limits=self._limits)
        size_px = (_to_stride(width_px * factor), _to_stride(height_px * factor))
        if size_px == (width_px, height_px):
            return picture
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture, size_px, interpolation=method), np.uint8)

    def _map(self, picture: Picture) -> Likelihood:
        axis = 0 if picture.shape[0] >= picture.shape[1] else 1
        maps: list[Likelihood] = []
        for piece in cut_pieces(picture.shape[axis]):
            part = (
                picture[piece.starts_px : piece.ends_px] if axis == 0 else picture[:, piece.starts_px : piece.ends_px]
            )
            whole = self._run(part)
            kept = slice(piece.kept_from_px - piece.starts_px, piece.kept_to_px - piece.starts_px)
            maps.append(whole[kept] if axis == 0 else whole[:, kept])
        return np.concatenate(maps, axis=axis)

    def _run(self, picture: Picture) -> Likelihood:
        values = cv2.dnn.blobFromImage(picture, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)
        return self._network.run(np.asarray(values, np.float32))[0, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of a long page: what the network sees of it, and what of its answer is kept."""

    starts_px: int
    ends_px: int
    kept_from_px: int
    kept_to_px: int


def cut_pieces(length_px: int) -> list[Piece]:
    """Return overlapping stretches of at most `TILE_PX`; the kept parts cover the length exactly once."""
    if length_px <= TILE_PX:
        return [Piece(starts_px=0, ends_px=length_px, kept_from_px=0, kept_to_px=length_px)]
    count = math.ceil((length_px - OVERLAP_PX) / (TILE_PX - OVERLAP_PX))
    starts = [min(number * (TILE_PX - OVERLAP_PX), length_px - TILE_PX) for number in range(count)]
    seams = [(start + before + TILE_PX) // 2 for before, start in pairwise(starts)]
    return [
        Piece(starts_px=start, ends_px=start + TILE_PX, kept_from_px=kept_from, kept_to_px=kept_to)
        for start, kept_from, kept_to in zip(starts, [0, *seams], [*seams, length_px], strict=True)
    ]


def choose_factor(width_px: int, height_px: int, *, limits: DetectionLimits) -> float:
    """Return by how much a page is scaled before it is looked at.

    The shorter side of a long page (a receipt, a screenshot of a whole site) keeps
    half of the limit: shrinking its longer side to the limit would lose the text. Small
    pictures are enlarged, since tiny print is found better so.
    """
    long_px, short_px = max(width_px, height_px), min(width_px, height_px)
    factor = min(1.0, max(limits.side_px_max / long_px, limits.side_px_max / 2 / short_px))
    if short_px * factor >= limits.side_px_min or factor < 1:
        return factor
    return max(factor, min(limits.side_px_min / short_px, limits.side_px_max / long_px, ENLARGEMENT_MAX))


def find_islands(likelihood: Likelihood, *, count_max: int) -> list[Quad]:
    """Return the grown rectangles around the islands of a map, in its own pixels, at most ``count_max``."""
    mask = cv2.dilate((likelihood > LIKELIHOOD_MIN).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    islands = (_measure_island(likelihood, contour) for contour in contours)
    return list(islice((island for island in islands if island is not None), count_max))


def _measure_island(likelihood: Likelihood, contour: cv2.typing.MatLike) -> Quad | None:
    centre, (width, height), angle_deg = cv2.minAreaRect(contour)
    if min(width, height) < CORE_PX_MIN:
        return None
    core = np.asarray(cv2.boxPoints((centre, (width, height), angle_deg)), np.float32)
    if _mean_inside(likelihood, core, contour) < BOX_LIKELIHOOD_MIN:
        return None
    growth = width * height * UNCLIP_RATIO / (width + height)
    grown = cv2.boxPoints((centre, (width + growth, height + growth), angle_deg))
    return np.asarray(grown, np.float32)


def _mean_inside(likelihood: Likelihood, core: Quad, contour: cv2.typing.MatLike) -> float:
    x, y, width, height = cv2.boundingRect(contour)
    window = likelihood[y : y + height, x : x + width]
    inside = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(inside, [(core - (x, y)).astype(np.int32)], (1,))
    return float(cv2.mean(window, inside)[0])


def _to_stride(length_px: float) -> int:
    return max(STRIDE_PX, round(length_px / STRIDE_PX) * STRIDE_PX)


def _frame(picture: Picture, margin_px: int) -> Picture:
    if not margin_px:
        return picture
    framed = cv2.copyMakeBorder(picture, margin_px, margin_px, margin_px, margin_px, cv2.BORDER_REPLICATE)
    return np.asarray(framed, np.uint8)
