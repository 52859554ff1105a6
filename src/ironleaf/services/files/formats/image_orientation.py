"""Which way up a camera held the picture."""

from __future__ import annotations

from typing import Final

from PIL import Image, TiffImagePlugin
from PIL.PngImagePlugin import PngImageFile

_TAG: Final = 274
_Turn = Image.Transpose

TURNS: Final[dict[int, tuple[_Turn, int]]] = {
    2: (_Turn.FLIP_LEFT_RIGHT, 0),
    3: (_Turn.ROTATE_180, 180),
    4: (_Turn.FLIP_TOP_BOTTOM, 180),
    5: (_Turn.TRANSPOSE, 270),
    6: (_Turn.ROTATE_270, 90),
    7: (_Turn.TRANSVERSE, 90),
    8: (_Turn.ROTATE_90, 270),
}
"""EXIF value: the operation that makes it upright, and the clockwise turn in it (the rest is a mirror)."""


def read_orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1-8; 1 where there is none or it is broken. Decodes no pixel."""
    try:
        if isinstance(picture, TiffImagePlugin.TiffImageFile):
            value = picture.tag_v2.get(_TAG)
        elif isinstance(picture, PngImageFile) and "exif" not in picture.info:
            return 1  # asking would decode the whole picture: the tag may stand behind the pixels
        else:
            value = picture.getexif().get(_TAG)
    except Exception:  # noqa: BLE001  # whatever a broken tag raises, the picture itself may be fine
        return 1
    return value if isinstance(value, int) and value in TURNS else 1


def is_sideways(orientation: int) -> bool:
    """Tell whether width and height change places."""
    return orientation >= 5  # noqa: PLR2004
