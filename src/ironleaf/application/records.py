"""Where what outlives the process is kept: in the database for a service, in files for a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ironleaf.application.settings import Settings
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.database import Database
from ironleaf.foundation.database.exchange import Exchange
from ironleaf.services.engines.ledger import FileLedger, HealingEntry, HealingLedger
from ironleaf.services.files.quarantine import FileQuarantine, Quarantine

OnHealing = Callable[[HealingEntry], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What outlives the process."""

    quarantine: Quarantine
    """``release(sha256)`` lets a file in again."""
    ledger: HealingLedger
    exchanges: tuple[Exchange[Any, Any], ...] = ()


def build_records(
    settings: Settings, database: Database, clock: Clock, on_healing: OnHealing, *, in_database: bool
) -> Records:
    """Return the stores, in the database or in files; ``on_healing`` hears of each new entry of the ledger."""
    if in_database:
        return _in_database(settings, database, clock, on_healing)
    return _in_files(settings, clock, on_healing)


def _in_files(settings: Settings, clock: Clock, on_healing: OnHealing) -> Records:
    healing = settings.engines.vl.healing
    return Records(
        quarantine=open_file_quarantine(settings, clock),
        ledger=FileLedger(healing.ledger_directory, bytes_max=healing.ledger_bytes_max, on_entry=on_healing),
    )


def open_file_quarantine(settings: Settings, clock: Clock) -> FileQuarantine:
    """Return the quarantine of this user's commands."""
    held = settings.files.quarantine
    return FileQuarantine(held.directory, clock, losses_to_refuse=held.losses_to_refuse, expiry_s=held.expiry_s)


def _in_database(settings: Settings, database: Database, clock: Clock, on_healing: OnHealing) -> Records:
    """Return the stores in the database; what files hold from earlier is taken over."""
    from ironleaf.services.engines.ledger_store import DatabaseLedger  # noqa: PLC0415  (loads SQLAlchemy)
    from ironleaf.services.files.quarantine_store import DatabaseQuarantine  # noqa: PLC0415

    held, healing = settings.files.quarantine, settings.engines.vl.healing
    quarantine = DatabaseQuarantine(
        database, clock, inherits=held.directory, losses_to_refuse=held.losses_to_refuse, expiry_s=held.expiry_s
    )
    ledger = DatabaseLedger(database, clock, inherits=healing.ledger_directory, on_entry=on_healing)
    return Records(quarantine=quarantine, ledger=ledger, exchanges=(quarantine.exchange, ledger.exchange))
