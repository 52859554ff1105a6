"""The stores in a real database: shared by replicas, heirs of the files, whole after the database was away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text

from ironleaf.faults import ManualClock
from ironleaf.foundation.database import Database, DatabaseSettings
from ironleaf.foundation.errors import IronleafError
from ironleaf.foundation.processes import LossReason
from ironleaf.services.engines.ledger import FileLedger, HealingAction, HealingEntry, HealingOutcome
from ironleaf.services.engines.ledger_store import ENTRIES, DatabaseLedger
from ironleaf.services.files.quarantine import FileQuarantine
from ironleaf.services.files.quarantine_store import LOSSES, DatabaseQuarantine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.databases import PostgresServer

pytestmark = pytest.mark.anyio
SHA, OTHER = "a" * 64, "b" * 64


def refused(quarantine: DatabaseQuarantine, sha256: str = SHA) -> bool:
    try:
        quarantine.require_free(sha256)
    except IronleafError:
        return True
    return False


def make_entry(clock: ManualClock, backend: str = "reader-1") -> HealingEntry:
    return HealingEntry(
        at=clock.now(),
        backend=backend,
        action=HealingAction.MODEL_SWITCHED,
        cause="the model was gone",
        guard_rail="reads the canary page",
        outcome=HealingOutcome.DONE,
        undo="restart",
        facts={"from": "a", "to": "模型"},
    )


def count(database: Database, table) -> int:
    return database.transact(
        lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()
    )


def list_records(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir() if ".jsonl" in path.name}


async def test_one_loss_on_each_of_two_replicas_is_two(database: Database) -> None:
    clock = ManualClock()
    ours, theirs = DatabaseQuarantine(database, clock), DatabaseQuarantine(database, clock)
    ours.record(SHA, LossReason.CRASH)
    await ours.exchange.trade_now()
    clock.advance(1.0)
    theirs.record(SHA, LossReason.MEMORY)
    assert not refused(theirs)
    await theirs.exchange.trade_now()
    assert refused(theirs)
    await ours.exchange.trade_now()
    assert refused(ours)


async def test_a_file_released_by_hand_in_the_database_is_free_in_a_running_service(database: Database) -> None:
    quarantine = DatabaseQuarantine(database, ManualClock())
    quarantine.record(SHA, LossReason.CRASH)
    quarantine.record(SHA, LossReason.CRASH)
    await quarantine.exchange.trade_now()
    assert refused(quarantine)
    database.transact(lambda connection: connection.execute(text("delete from quarantine_losses")))
    await quarantine.exchange.trade_now()
    assert not refused(quarantine)


async def test_old_losses_leave_the_table(database: Database) -> None:
    clock = ManualClock()
    quarantine = DatabaseQuarantine(database, clock, expiry_s=60.0, entries_max=5)
    for _ in range(20):
        quarantine.record(SHA, LossReason.CRASH)
    await quarantine.exchange.trade_now()
    assert count(database, LOSSES) == 5
    clock.advance(61.0)
    quarantine.record(OTHER, LossReason.CRASH)
    await quarantine.exchange.trade_now()
    assert count(database, LOSSES) == 1


async def test_old_actions_leave_the_table(database: Database) -> None:
    clock = ManualClock()
    ledger = DatabaseLedger(database, clock, rows_max=5)
    for _ in range(20):
        clock.advance(1.0)
        ledger.record(make_entry(clock))
    await ledger.exchange.trade_now()
    assert count(database, ENTRIES) == 5
    assert ledger.read(1)[0].at == clock.now()


async def test_every_replicas_actions_are_read(database: Database) -> None:
    clock = ManualClock()
    ours, theirs = DatabaseLedger(database, clock), DatabaseLedger(database, clock)
    ours.record(make_entry(clock, "one"))
    await ours.exchange.trade_now()
    clock.advance(1.0)
    theirs.record(make_entry(clock, "two"))
    assert [entry.backend for entry in theirs.read(9)] == ["two"]
    await theirs.exchange.trade_now()
    await ours.exchange.trade_now()
    assert [entry.backend for entry in ours.read(9)] == ["two", "one"] == [entry.backend for entry in theirs.read(9)]
    assert ours.read(1)[0].facts["to"] == "模型"


async def test_what_files_hold_is_taken_over_once(database: Database, tmp_path: Path) -> None:
    clock = ManualClock()
    files, lines = FileQuarantine(tmp_path, clock), FileLedger(tmp_path, bytes_max=1 << 20)
    files.record(SHA, LossReason.CRASH)
    clock.advance(1.0)
    files.record(SHA, LossReason.CRASH)
    lines.record(make_entry(clock))
    for _ in range(2):  # the second time there is nothing left to take
        quarantine = DatabaseQuarantine(database, clock, inherits=tmp_path)
        ledger = DatabaseLedger(database, clock, inherits=tmp_path)
        await quarantine.exchange.trade_now()
        await ledger.exchange.trade_now()
        assert refused(quarantine)
        assert ledger.read(9) == (make_entry(clock),)
        assert (count(database, LOSSES), count(database, ENTRIES)) == (2, 1)
    assert list_records(tmp_path) == {"quarantine.jsonl.taken-over", "healing.jsonl.taken-over"}


async def test_writing_again_after_a_lost_answer_changes_nothing(database: Database) -> None:
    clock = ManualClock()
    ledger = DatabaseLedger(database, clock)
    for _ in range(2):
        ledger.exchange.put(make_entry(clock))
        await ledger.exchange.trade_now()
    assert count(database, ENTRIES) == 1


@pytest.mark.slow
async def test_a_server_that_is_stopped_loses_nothing_of_what_came_meanwhile(postgres_server: PostgresServer) -> None:
    postgres_server.execute("create database stopped")
    database = Database(DatabaseSettings(url=postgres_server.url("stopped"), connect_s=1.0), clock=ManualClock())
    database.migrate()
    quarantine = DatabaseQuarantine(database, ManualClock())
    quarantine.record(SHA, LossReason.CRASH)
    assert await quarantine.exchange.trade_now()
    postgres_server.stop()
    try:
        quarantine.record(SHA, LossReason.CRASH)
        assert not await quarantine.exchange.trade_now()
        assert refused(quarantine)
        assert database.trouble is not None
    finally:
        postgres_server.start()
    assert await quarantine.exchange.trade_now()
    assert count(database, LOSSES) == 2
    assert database.trouble is None
    await database.aclose()
    postgres_server.execute("drop database stopped with (force)")
