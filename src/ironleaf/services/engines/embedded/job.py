"""What crosses the pipe to a recognition worker: a path, not pixels. Imports nothing heavy, for the parent's sake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RecogniseJob:
    """One page to read."""

    path: Path
    """A picture in the encoding ``raw_rgb``."""
    languages: tuple[str, ...] = ()
    """BCP-47 hints."""
