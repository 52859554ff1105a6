"""What the doctor looks at in the database: whether it answers, takes a row, is of our version, and has room."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

from ironleaf.application.doctor_checks import Check, Verdict
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.database import Database, DatabaseConflict, DatabaseSettings, DatabaseUnavailable, Trouble
from ironleaf.foundation.database.address import SqliteAddress, parse_address

SUBJECT: Final = "database"
FREE_BYTES_MIN: Final = 128 * 1024**2
"""Room for the write-ahead log at its usual bound of 64 MiB, and as much again for the tables."""
MEBIBYTE: Final = 1024**2


async def examine_database(settings: DatabaseSettings, *, clock: Clock) -> AsyncIterator[Check]:
    """Yield each check as it ends. Nothing is made or migrated: the service does that when it starts."""
    from ironleaf.foundation.database import looking  # noqa: PLC0415  (loads SQLAlchemy)

    address = parse_address(settings.url)
    database = Database(settings, clock=clock)
    if isinstance(address, SqliteAddress) and not database.begun:
        yield Check(subject=SUBJECT, step="reachable", verdict=Verdict.SKIPPED, finding="not made yet")
        yield await asyncio.to_thread(_check_place, address.path)
        yield await asyncio.to_thread(_check_room, address.path)
        return
    try:
        trouble = await _try(database, looking.answer, read_only=True)
        yield _judge("reachable", trouble, database.dialect)
        if trouble:
            return
        look = await database.run(looking.look, read_only=True)
        yield _judge_schema(current=look.current, newer=look.newer)
        trouble = await _try(database, looking.touch if look.current else looking.try_table)
        yield _judge("writable", trouble)
        if not look.write_ahead:
            yield Check(subject=SUBJECT, step="write_ahead", verdict=Verdict.WARNING)
    except DatabaseUnavailable as failure:  # it went away while we looked
        yield _judge("reachable", failure.trouble.value)
    finally:
        await database.aclose()
    if isinstance(address, SqliteAddress):
        yield await asyncio.to_thread(_check_room, address.path)


async def _try(database: Database, work: Callable[[Any], None], *, read_only: bool = False) -> str:
    """Return what kept ``work`` from being done: a word from a closed list, or nothing."""
    try:
        await database.run(work, read_only=read_only)
    except DatabaseUnavailable as failure:
        return failure.trouble.value
    except DatabaseConflict as failure:
        return failure.entry.reason
    return ""


def _judge(step: str, trouble: str, found: str = "") -> Check:
    verdict = Verdict.FAILED if trouble else Verdict.OK
    return Check(subject=SUBJECT, step=step, verdict=verdict, finding=trouble or found)


def _judge_schema(*, current: bool, newer: bool) -> Check:
    if newer:
        return Check(subject=SUBJECT, step="schema", verdict=Verdict.FAILED, finding="newer")
    verdict = Verdict.OK if current else Verdict.WARNING
    return Check(subject=SUBJECT, step="schema", verdict=verdict, finding="" if current else "older")


def _check_place(path: Path) -> Check:
    """Tell whether the service may make the file, and the directories that it lacks, without doing so."""
    return _judge("writable", "" if os.access(_find_directory(path), os.W_OK | os.X_OK) else Trouble.READ_ONLY.value)


def _check_room(path: Path) -> Check:
    free = shutil.disk_usage(_find_directory(path)).free
    verdict = Verdict.OK if free >= FREE_BYTES_MIN else Verdict.FAILED
    return Check(subject=SUBJECT, step="room", verdict=verdict, finding=f"{free // MEBIBYTE} MiB")


def _find_directory(path: Path) -> Path:
    """Return the innermost directory of a path that is there."""
    return next(parent for parent in path.absolute().parents if parent.exists())
