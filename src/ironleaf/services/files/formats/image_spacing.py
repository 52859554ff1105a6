"""How far apart a TIFF's rows lie: fax machines scan twice as finely across as down."""

from __future__ import annotations

from typing import Final

from PIL import Image, TiffImagePlugin

_ACROSS_TAG: Final = 282
_DOWN_TAG: Final = 283
FACTOR_MIN: Final = 1.5
FACTOR_MAX: Final = 2.5
"""Fax pages are 204 x 98 or 200 x 100 dots per inch, so 2.08 or 2; other factors were seen in broken files only."""


def read_row_factor(picture: Image.Image) -> float:
    """Return how much further apart rows lie than columns, by the file's own word; 1.0 where it says nothing usable."""
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return 1.0
    try:
        factor = float(picture.tag_v2[_ACROSS_TAG]) / float(picture.tag_v2[_DOWN_TAG])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return 1.0
    return factor if FACTOR_MIN <= factor <= FACTOR_MAX else 1.0
