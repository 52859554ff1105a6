"""Faults write to the product's own log pipeline here, as they do in the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.leaks.private_logs import write_logs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory of the log files; the switch of ``make leaks``, read by now, is no setting of the product's."""
    monkeypatch.delenv("IRONLEAF_LEAKS", raising=False)
    with write_logs(tmp_path / "logs") as directory:
        yield directory
