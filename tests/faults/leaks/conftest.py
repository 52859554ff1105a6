"""Faults write to the product's own log pipeline here, as they do in the product."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from ironleaf.foundation.observability import LogSettings, Redactor, configure_logs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def logs(tmp_path: Path) -> Iterator[Path]:
    """The directory of the log files."""
    root = logging.getLogger()
    kept, level = list(root.handlers), root.level
    for handler in kept:  # pytest's own
        root.removeHandler(handler)
    configure_logs(LogSettings(directory=tmp_path / "logs", console=False), Redactor())
    yield tmp_path / "logs"
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in kept:
        root.addHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()
