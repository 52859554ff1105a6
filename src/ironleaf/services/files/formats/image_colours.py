"""From any way of storing colour to opaque 8-bit RGB, and what had to be done for it."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageCms

from ironleaf.services.files import errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEPTHS: Final = (255, 1023, 4095, 16383, 65535)
"""Full scale of 8-, 10-, 12-, 14- and 16-bit samples: a 12-bit scanner's picture in 16 bits is not a black one."""
ICC_BYTES_MAX: Final = 4 * 1024 * 1024
"""Longer colour profiles are ignored: printers' own are under 3 MB."""
LIGHT_GREY: Final = 200
"""If everything visible of a transparent picture is at least as light as this on average, paper white hides it."""
VISIBLE_ALPHA: Final = 32
_DEEP_MODES: Final = ("I", "F")
_STRIP_ROWS: Final = 512
"""Deep samples are scaled in strips, so that no second large copy exists."""


def _full_scale(top: float) -> float:
    return float(next((depth for depth in DEPTHS if top <= depth), top))


def _scale_range(low: float, high: float) -> tuple[float, float]:
    """Return what becomes black and white for samples between ``low`` and ``high``."""
    if low < 0:
        return low, high
    if high <= 1.0:
        return 0.0, 1.0
    return 0.0, _full_scale(high)


def _reduce_depth(picture: Image.Image) -> Image.Image:
    """Return a deep grey picture (16-bit, 32-bit, float) as 8-bit grey, scaled by its own range."""
    samples = np.asarray(picture)
    finite = samples[np.isfinite(samples)] if samples.dtype.kind == "f" else samples
    black, white = _scale_range(float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    span = (white - black) or 1.0
    grey: NDArray[np.uint8] = np.empty(samples.shape, np.uint8)
    for top in range(0, samples.shape[0], _STRIP_ROWS):
        strip = np.nan_to_num(samples[top : top + _STRIP_ROWS].astype(np.float32), posinf=white, neginf=black)
        grey[top : top + _STRIP_ROWS] = np.clip((strip - black) * (255.0 / span) + 0.5, 0, 255).astype(np.uint8)
    return Image.fromarray(grey)


def shrink(picture: Image.Image, goal: tuple[int, int], notices: list[str]) -> Image.Image:
    """Return the picture in a mode fit for `make_rgb`, in the size of ``goal``.

    A very large one is first reduced band by band, so that its unpacked colours
    never lie in memory as a whole: 100 megapixels of RGBA stay under 0.6 GB.
    """
    factor = min(picture.width // goal[0], picture.height // goal[1])
    if factor > 1 and not picture.mode.startswith(_DEEP_MODES):
        work = _reduce_in_bands(picture, factor, notices)
    else:
        work = unpack_colours(picture, notices)
    return work if work.size == goal else work.resize(goal, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _reduce_in_bands(picture: Image.Image, factor: int, notices: list[str]) -> Image.Image:
    rows = max(1, _STRIP_ROWS // factor) * factor
    reduced: Image.Image | None = None
    found: list[str] = []
    for top in range(0, picture.height, rows):
        band = picture.crop((0, top, picture.width, min(top + rows, picture.height)))
        part = unpack_colours(band, found).reduce(factor)
        if reduced is None:
            reduced = Image.new(part.mode, (part.width, math.ceil(picture.height / factor)))
        reduced.paste(part, (0, top // factor))
    notices.extend(dict.fromkeys(found))
    return reduced or picture


def unpack_colours(picture: Image.Image, notices: list[str]) -> Image.Image:
    """Return the picture in L, RGB, RGBA or CMYK: modes that can be shrunk well."""
    mode = picture.mode
    if mode.startswith(_DEEP_MODES):
        notices.append(errors.DEPTH_REDUCED.reason)
        return _reduce_depth(picture)
    if mode in {"P", "PA"}:
        notices.append(errors.PALETTE_EXPANDED.reason)
    if mode in {"P", "PA", "LA", "La", "RGBa"} or "transparency" in picture.info:
        has_alpha = mode != "P" or "transparency" in picture.info
        picture = picture.convert("LA") if mode == "La" else picture  # the only way that leads out of it
        return picture.convert("RGBA" if has_alpha else "RGB")
    if mode == "1":
        return picture.convert("L")
    if mode in {"LAB", "HSV"}:
        notices.append(errors.COLOUR_CONVERTED.reason)
    return picture if mode in {"L", "RGB", "RGBA", "CMYK"} else picture.convert("RGB")


def _flatten(picture: Image.Image, notices: list[str]) -> Image.Image:
    alpha = picture.getchannel("A")
    if alpha.getextrema()[0] == 255:  # noqa: PLR2004
        return picture.convert("RGB")
    notices.append(errors.ALPHA_FLATTENED.reason)
    visible = np.asarray(alpha) >= VISIBLE_ALPHA
    grey = np.asarray(picture.convert("RGB").convert("L"))
    light = bool(visible.any()) and float(grey[visible].mean()) >= LIGHT_GREY
    # White text on nothing would vanish on paper; a fully opaque light page is no such case, hence the share.
    paper = (0, 0, 0) if light and float(visible.mean()) < 0.5 else (255, 255, 255)  # noqa: PLR2004
    flat = Image.new("RGB", picture.size, paper)
    flat.paste(picture.convert("RGB"), mask=alpha)
    return flat


def _follow_profile(picture: Image.Image, profile: bytes, notices: list[str]) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if picture.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        turned = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, KeyError):
        notices.append(errors.ICC_IGNORED.reason)
        return None
    notices.append(errors.ICC_CONVERTED.reason)
    return turned


def make_rgb(picture: Image.Image, profile: bytes | None, notices: list[str]) -> Image.Image:
    """Return an unpacked picture as opaque RGB. A colour profile is followed where it can be."""
    if picture.mode == "RGBA":
        picture = _flatten(picture, notices)
    elif picture.mode == "CMYK":
        notices.append(errors.CMYK_CONVERTED.reason)
    if profile and len(profile) <= ICC_BYTES_MAX and picture.mode in {"RGB", "CMYK"}:
        followed = _follow_profile(picture, profile, notices)
        if followed is not None:
            return followed
    return picture if picture.mode == "RGB" else picture.convert("RGB")
