"""Where things lie on this machine unless a setting says otherwise."""

from __future__ import annotations

import os
from pathlib import Path


def find_state_directory() -> Path:
    """Return our part of where this user's programs keep their state (XDG base directories)."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "ironleaf"
