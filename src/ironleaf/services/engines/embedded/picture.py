"""Pictures and quadrangles as arrays, and cutting the one with the other."""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]
"""Shape (height, width, 3), RGB."""
Quad: TypeAlias = npt.NDArray[np.float32]
"""Four corners (x, y) in the order top left, top right, bottom right, bottom left of the text as it stands."""

LEVEL_SHARE: Final = 0.1
"""A line that leans or rises by less than this share of its height is cut without warping, which only blurs."""


def order_corners(points: npt.NDArray[np.float32]) -> Quad:
    """Return four points as a quadrangle, from the top left one clockwise."""
    by_x = points[np.argsort(points[:, 0], kind="stable")]
    left, right = by_x[:2], by_x[2:]
    top_left, bottom_left = left[np.argsort(left[:, 1], kind="stable")]
    top_right, bottom_right = right[np.argsort(right[:, 1], kind="stable")]
    return np.stack([top_left, top_right, bottom_right, bottom_left]).astype(np.float32)


def measure_sides(quad: Quad) -> tuple[float, float]:
    """Return the width and the height of a quadrangle, in pixels."""
    top_left, top_right, bottom_right, bottom_left = quad
    width = max(np.hypot(*(top_right - top_left)), np.hypot(*(bottom_right - bottom_left)))
    height = max(np.hypot(*(bottom_left - top_left)), np.hypot(*(bottom_right - top_right)))
    return float(width), float(height)


def turn_quad(quad: Quad, turn_deg: int, *, width_px: int, height_px: int) -> Quad:
    """Return where a quadrangle lies once its page of the given size is turned clockwise.

    The corners are named anew, so that the first one is again the top left.
    """
    x, y = quad[:, 0], quad[:, 1]
    if turn_deg == 90:  # noqa: PLR2004 - the four quarter turns
        points = np.stack([height_px - y, x], axis=1)
    elif turn_deg == 180:  # noqa: PLR2004
        points = np.stack([width_px - x, height_px - y], axis=1)
    elif turn_deg == 270:  # noqa: PLR2004
        points = np.stack([y, width_px - x], axis=1)
    else:
        points = quad
    return order_corners(points.astype(np.float32))


def turn_picture(picture: Picture, turn_deg: int) -> Picture:
    """Return a view of the picture, turned clockwise by a multiple of 90 degrees."""
    return np.rot90(picture, k=-(turn_deg // 90))


def cut_out(picture: Picture, quad: Quad) -> Picture:
    """Return the text inside the quadrangle as an upright strip, never empty."""
    x0, y0, x1, y1 = _bound(quad, picture)
    window = picture[y0:y1, x0:x1]
    width, height = measure_sides(quad)
    rise = max(abs(float(quad[1, 1] - quad[0, 1])), abs(float(quad[2, 1] - quad[3, 1])))
    lean = max(abs(float(quad[3, 0] - quad[0, 0])), abs(float(quad[2, 0] - quad[1, 0])))
    if max(rise, lean) <= max(1.0, LEVEL_SHARE * min(width, height)):
        return window
    strip_px = (max(1, round(width)), max(1, round(height)))
    corners = np.array([[0, 0], [strip_px[0], 0], strip_px, [0, strip_px[1]]], np.float32)
    transform = cv2.getPerspectiveTransform(quad - np.array([x0, y0], np.float32), corners)
    strip = cv2.warpPerspective(
        np.ascontiguousarray(window), transform, strip_px, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(strip, np.uint8)


def _bound(quad: Quad, picture: Picture) -> tuple[int, int, int, int]:
    height_px, width_px = picture.shape[:2]
    x0 = min(max(0, int(quad[:, 0].min())), width_px - 1)
    y0 = min(max(0, int(quad[:, 1].min())), height_px - 1)
    x1 = max(x0 + 1, min(width_px, int(np.ceil(quad[:, 0].max()))))
    y1 = max(y0 + 1, min(height_px, int(np.ceil(quad[:, 1].max()))))
    return x0, y0, x1, y1
