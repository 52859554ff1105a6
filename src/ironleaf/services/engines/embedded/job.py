"""What crosses the pipe to a recognition worker: a path, not pixels. Imports nothing heavy, for the parent's sake."""

from __future__ import annotations

import math
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
    ends_at_s: float = math.inf
    """When the caller's time ends, in monotonic seconds, which all processes of a machine share."""
