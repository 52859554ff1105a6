"""The ledger forgets nothing it should keep, and never grows without end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ironleaf.services.engines.ledger import (
    LEDGER_FILE,
    FileLedger,
    HealingAction,
    HealingEntry,
    HealingOutcome,
)

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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


def test_what_was_written_is_read_the_newest_first(tmp_path: Path) -> None:
    ledger = FileLedger(tmp_path / "deep" / "state", bytes_max=1 << 20)
    assert ledger.read(5) == ()
    for number in range(4):
        ledger.record(entry(number))
    assert ledger.read(2) == (entry(3), entry(2))
    assert ledger.read(0) == ()
    assert FileLedger(tmp_path / "deep" / "state", bytes_max=1 << 20).read(9)[-1] == entry(0)


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


def test_whoever_listens_hears_of_each_entry(tmp_path: Path) -> None:
    heard: list[HealingEntry] = []
    FileLedger(tmp_path, bytes_max=1 << 20, on_entry=heard.append).record(entry(7))
    assert heard == [entry(7)]


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
