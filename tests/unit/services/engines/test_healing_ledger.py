"""The ledger forgets nothing it should keep, and never grows without end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.fixtures.databases import DIALECTS, make_migrated

from ironleaf.faults import ManualClock
from ironleaf.services.engines.ledger import (
    LEDGER_FILE,
    FileLedger,
    HealingAction,
    HealingEntry,
    HealingOutcome,
)
from ironleaf.services.engines.ledger_store import DatabaseLedger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ironleaf.services.engines.ledger import HealingLedger

START = datetime(2026, 1, 1, tzinfo=UTC)


def entry(number: int = 0) -> HealingEntry:
    return HealingEntry(
        at=START + timedelta(seconds=number),
        backend="reader-1",
        action=HealingAction.MODEL_SWITCHED,
        cause="the model was gone",
        guard_rail="reads the canary page",
        outcome=HealingOutcome.DONE,
        undo="restart",
        facts={"from": "a", "to": "b"},
    )


class Traded(DatabaseLedger):
    """Works through the database at once: what it says then is what the database said."""

    def record(self, entry: HealingEntry) -> None:
        super().record(entry)
        assert asyncio.run(self.exchange.trade_now())


@pytest.fixture(params=["file", *DIALECTS])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., HealingLedger]:
    def build(**options: Any) -> HealingLedger:
        if request.param == "file":
            return FileLedger(tmp_path / "deep" / "state", bytes_max=1 << 20, **options)
        return Traded(make_migrated(request.param, request), ManualClock(), **options)

    return build


def test_what_was_written_is_read_the_newest_first(make: Callable[..., HealingLedger]) -> None:
    ledger = make()
    assert ledger.read(5) == ()
    for number in range(4):
        ledger.record(entry(number))
    assert ledger.read(2) == (entry(3), entry(2))
    assert ledger.read(9) == (entry(3), entry(2), entry(1), entry(0))
    assert ledger.read(0) == ()


def test_whoever_listens_hears_of_each_entry(make: Callable[..., HealingLedger]) -> None:
    heard: list[HealingEntry] = []
    make(on_entry=heard.append).record(entry(7))
    assert heard == [entry(7)]


def test_a_file_outlives_its_ledger(tmp_path: Path) -> None:
    FileLedger(tmp_path, bytes_max=1 << 20).record(entry(0))
    assert FileLedger(tmp_path, bytes_max=1 << 20).read(9) == (entry(0),)


def test_it_stays_within_its_size_and_keeps_the_newest(tmp_path: Path) -> None:
    bytes_max = 16 * 1024
    ledger = FileLedger(tmp_path, bytes_max=bytes_max)
    for number in range(300):
        ledger.record(entry(number))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= bytes_max
    kept = ledger.read(1000)
    assert kept[0] == entry(299)
    assert len(kept) > 20
    assert [each.at for each in kept] == sorted((each.at for each in kept), reverse=True)


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path, bytes_max=1 << 20)
    ledger.record(entry(1))
    with (tmp_path / LEDGER_FILE).open("ab") as file:
        file.write(b'{"at": 5}\n[]\nnull\n\xff\xfe\n{"at": "2026-01-01", "facts": []}\n' + b"x" * 40_000 + b"\n")
    ledger.record(entry(2))
    assert ledger.read(10) == (entry(2), entry(1))


def test_a_ledger_that_cannot_be_written_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    FileLedger(tmp_path / "file", bytes_max=1 << 20).record(entry())
    assert "ledger cannot be written" in caplog.text
