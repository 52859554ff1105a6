"""The product's own log pipeline in a test, in place of pytest's handlers, which would see what is not yet redacted."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from ironleaf.foundation.observability import LogSettings, Redactor, configure_logs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def write_logs(directory: Path) -> Iterator[Path]:
    """Send every record to files in ``directory`` until the end of the context."""
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    structured = structlog.get_config()
    for handler in kept:
        root.removeHandler(handler)
    configure_logs(LogSettings(directory=directory, console=False), Redactor())
    try:
        yield directory
    finally:
        for handler in list(root.handlers):
            root.removeHandler(handler)
            handler.close()
        for handler in kept:
            root.addHandler(handler)
        root.setLevel(level)
        structlog.configure(**structured)
