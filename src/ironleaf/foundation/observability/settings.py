"""Where the logs go, and how long they stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ironleaf.foundation.places import find_state_directory

LEVELS = ("debug", "info", "warning", "error")


def _find_log_directory() -> Path:
    return find_state_directory() / "logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """The private side's memory."""

    level: str = "info"
    directory: Path = field(default_factory=_find_log_directory)
    """Holds ``ironleaf.jsonl`` and its predecessors, which ``ironleaf errors explain`` reads."""
    file: bool = True
    """Whether files are written at all."""
    file_bytes_max: int = 50 * 1024 * 1024
    """A file is closed and numbered at this size: a day of a busy service."""
    files_max: int = 10
    """Numbered files kept; older ones are deleted."""
    console: bool = True
    """Also write to standard error."""
    console_json: bool = False
    """JSON lines on the console too, for collectors that read standard error."""
    hide_addresses: bool = False
    """Also mask network addresses; operators usually need them to find the sick server."""

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f"level: must be one of {', '.join(LEVELS)}")
        if self.file_bytes_max < 64 * 1024:
            raise ValueError("file_bytes_max: must be at least 65536")
        if self.files_max < 1:
            raise ValueError("files_max: must be at least 1")
