"""A log file that several processes write, and that one of them at a time moves aside when it is full."""

from __future__ import annotations

import fcntl
import logging
import logging.handlers
import os
from pathlib import Path
from typing import Final

LOCK_SUFFIX: Final = ".lock"


class SharedRotatingFileHandler(logging.handlers.RotatingFileHandler):
    """Rotates by size, beside other processes that do the same with the same file.

    Without the lock two of them would move the numbered files at once, and one of
    those would be lost; without the second look each would move the other's fresh
    file aside, and the files would hold a fraction of what they should.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record to the file that bears the name now."""
        try:
            if self.stream is not None and not self._is_current():
                self._reopen()
        except OSError:
            self.handleError(record)
            return
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802 - the standard library's name
        """Move the full file aside, unless another process has done so."""
        lock = os.open(f"{self.baseFilename}{LOCK_SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # held for a few renames
            if self._is_current():
                super().doRollover()
            else:
                self._reopen()
        finally:
            os.close(lock)

    def _is_current(self) -> bool:
        try:
            named = Path(self.baseFilename).stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self.stream.fileno()) if self.stream is not None else None
        return ours is not None and (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)

    def _reopen(self) -> None:
        if self.stream is not None:
            self.stream.close()
        self.stream = self._open()
