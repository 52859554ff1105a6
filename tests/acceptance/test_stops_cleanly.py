"""Asked to stop, the service ends its work, writes what waits, and leaves nothing behind."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.oncall import Operator
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


@pytest.mark.slow
def test_an_open_page_of_the_operators_holds_nothing_up(tmp_path: Path) -> None:
    settings = {"IRONLEAF_SERVER__SHUTDOWN_GRACE_S": "60", "IRONLEAF_WORKERS__RECOGNISERS": "1"}
    with stopping(tmp_path, **settings) as service, Operator(service) as operator, operator.follow() as news:
        assert next(news)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) == 0, "half of the grace: the page ends by itself"
