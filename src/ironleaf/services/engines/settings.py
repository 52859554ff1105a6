"""Settings of the engines that are built in; those of the VL engine live beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ironleaf.foundation.places import find_state_directory


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """How the embedded engine reads. It crosses the pipe to each worker process as it is."""

    page_pixels_max: int = 12_000_000
    """Pages reach a worker no larger than this: A4 at 300 dpi has 8.7 million."""
    page_timeout_s: float = 60.0
    """One page's share of a worker. A dense magazine page takes 6 s of one core, 420 lines 32 s, measured."""
    queue_timeout_s: float = 60.0
    """How long a page may wait for a free worker before the caller hears that we are busy."""
    detection_side_px_max: int = 1280
    """Longer pages are shrunk to this before lines are looked for; they are read at full size."""
    detection_side_px_min: int = 736
    """Smaller pictures are enlarged towards this, at most twofold: low-resolution screenshots need it."""
    lines_max: int = 2000
    """More than any readable page holds; the rest would only burn the worker's time."""
    score_min: float = 0.5
    """Lines read with less confidence are noise from pictures and textures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingSettings:
    """What is done about a sick model server without asking anyone. Every action is kept in a ledger."""

    rediscover: bool = True
    """Look for a vanished model under another name of the same family, and use it once it reads the canary page."""
    dry_run: bool = False
    """Decide and write down, but change nothing."""
    probe_every_s: float = 60.0
    """How often a server without other work is shown the canary page."""
    look_every_s: float = 5.0
    """How often a server whose model is gone is asked what it serves: a list, not a computation."""
    ledger_directory: Path = field(default_factory=find_state_directory)
    """Holds a command's ``healing.jsonl`` and its predecessor. A service keeps its own in the database, and takes over
    what it finds here when it starts."""
    ledger_bytes_max: int = 1024 * 1024
    """The ledger begins anew at this size, some 2,500 actions; one predecessor is kept."""

    def __post_init__(self) -> None:
        if self.probe_every_s < 1:
            raise ValueError("probe_every_s: must be 1 or more")
        if self.look_every_s < 1:
            raise ValueError("look_every_s: must be 1 or more")
        if self.ledger_bytes_max < 16 * 1024:
            raise ValueError("ledger_bytes_max: must be at least 16384")
