"""Settings of the engines that are built in; those of the VL engine live beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """How the embedded engine reads. It crosses the pipe to each worker process as it is."""

    page_pixels_max: int = 12_000_000
    """Pages reach a worker no larger than this: A4 at 300 dpi has 8.7 million."""
    page_timeout_s: float = 60.0
    """One page's share of a worker. A dense page takes about 10 s of one core; the rest is for a loaded machine."""
    queue_timeout_s: float = 60.0
    """How long a page may wait for a free worker before the caller hears that we are busy."""
    detection_side_px_max: int = 1280
    """Longer pages are looked at in this size: the same accuracy as full size at 0.6 of the time, measured."""
    detection_side_px_min: int = 736
    """Smaller pictures are enlarged towards this, at most twofold: low-resolution screenshots need it."""
    lines_max: int = 2000
    """The longest newspaper page seen holds 900 lines; the rest would only burn the worker's time."""
    score_min: float = 0.5
    """Lines read with less confidence are noise from pictures and textures."""
