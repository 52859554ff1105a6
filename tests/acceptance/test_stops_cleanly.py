"""Asked to stop, the service ends its work, writes what waits, and leaves nothing behind."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.service import run_service

if TYPE_CHECKING:
    from pathlib import Path

stopping = contextmanager(run_service)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_the_house(how: signal.Signals, tmp_path: Path) -> None:
    with stopping(tmp_path, IRONLEAF_WORKERS__RECOGNISERS="1", IRONLEAF_WORKERS__DECODERS="1") as service:
        service.process.send_signal(how)
        assert service.process.wait(60) == 0
        assert list((tmp_path / "spool").iterdir()) == []
        assert [path.name for path in (tmp_path / "state" / "ironleaf").glob("*.db*")] == ["ironleaf.db"]
