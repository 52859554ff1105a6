"""The one way to the database: what is kept, what is not, and how its failures leave."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, ForeignKey, MetaData, String, Table, insert, select, text

from ironleaf.faults import ManualClock
from ironleaf.foundation.database import (
    Database,
    DatabaseConflict,
    DatabaseSettings,
    DatabaseUnavailable,
    Trouble,
    UtcDateTime,
)

pytestmark = pytest.mark.anyio

SCRATCH = MetaData()
NOTES = Table("notes", SCRATCH, Column("name", String(20), primary_key=True), Column("at", UtcDateTime))
REPLIES = Table("replies", SCRATCH, Column("name", String(20), ForeignKey("notes.name"), primary_key=True))


@pytest.fixture
def notes(database: Database) -> Database:
    database.alter(SCRATCH.create_all)
    return database


def add(name: str, at: datetime | None = None):
    def work(connection) -> str:
        connection.execute(insert(NOTES).values(name=name, at=at))
        return name

    return work


def names(connection) -> list[str]:
    return list(connection.execute(select(NOTES.c.name).order_by(NOTES.c.name)).scalars())


def test_a_transaction_returns_what_its_work_returns_and_keeps_it(notes: Database) -> None:
    assert notes.transact(add("one")) == "one"
    assert notes.transact(names) == ["one"]
    assert notes.transact(names, read_only=True) == ["one"]


def test_work_that_raises_leaves_nothing_and_its_own_error(notes: Database) -> None:
    def work(connection) -> None:
        add("one")(connection)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        notes.transact(work)
    assert notes.transact(names) == []


def test_a_broken_constraint_is_a_conflict_without_the_drivers_words(notes: Database) -> None:
    notes.transact(add("secret-7"))
    with pytest.raises(DatabaseConflict) as caught:
        notes.transact(add("secret-7"))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "secret-7" not in repr(caught.value.context)
    assert notes.transact(names) == ["secret-7"]


def test_keys_to_other_tables_are_minded(notes: Database) -> None:
    with pytest.raises(DatabaseConflict):
        notes.transact(lambda connection: connection.execute(insert(REPLIES).values(name="nobody")))


def test_a_missing_table_is_the_schemas_trouble(notes: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        notes.transact(lambda connection: connection.execute(text("select * from absent")))
    assert caught.value.trouble is Trouble.SCHEMA
    assert notes.trouble is Trouble.SCHEMA
    notes.transact(add("one"))
    assert notes.trouble is None


def test_a_wrong_statement_is_told_from_a_passing_trouble(notes: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        notes.transact(lambda connection: connection.execute(text("choose 1")))
    assert caught.value.trouble is Trouble.STATEMENT


def test_moments_are_utc_in_and_out(notes: Database) -> None:
    at = datetime(2026, 3, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    notes.transact(add("one", at))
    read = notes.transact(lambda connection: connection.execute(select(NOTES.c.at)).scalar_one())
    assert read == at
    assert read.tzinfo is UTC
    earlier = select(NOTES.c.name).where(NOTES.c.at > at - timedelta(microseconds=1))
    assert notes.transact(lambda connection: connection.execute(earlier).scalars().all()) == ["one"]


def test_a_moment_without_its_zone_is_a_defect(notes: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        notes.transact(add("one", datetime(2026, 3, 1)))  # noqa: DTZ001
    assert caught.value.trouble is Trouble.STATEMENT


async def test_work_runs_beside_the_event_loop(notes: Database) -> None:
    seen = await notes.run(lambda _connection: threading.current_thread())
    assert seen is not threading.current_thread()
    await asyncio.gather(*(notes.run(add(f"n{number}")) for number in range(20)))
    assert len(await notes.run(names, read_only=True)) == 20


async def test_what_is_closed_takes_no_more(notes: Database) -> None:
    await notes.run(names)
    await notes.aclose()
    await notes.aclose()
    with pytest.raises(DatabaseUnavailable) as caught:
        await notes.run(names)
    assert caught.value.trouble is Trouble.CLOSED
    with pytest.raises(DatabaseUnavailable):
        notes.transact(names)


async def test_a_caller_waits_no_longer_than_said_and_no_more_wait_than_may(tmp_path) -> None:
    settings = DatabaseSettings(url=f"sqlite:///{tmp_path}/a.db", threads=1, queue_max=1, wait_s=0.05)
    database = Database(settings, clock=ManualClock())
    held = threading.Event()
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.run(lambda _connection: held.wait(20))
    assert caught.value.trouble is Trouble.TIMEOUT
    waiting = asyncio.create_task(database.run(lambda _connection: 1))
    await ManualClock().settle()
    with pytest.raises(DatabaseUnavailable) as caught:
        await database.run(lambda _connection: 1)
    assert caught.value.trouble is Trouble.OVERLOADED
    held.set()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await database.run(lambda _connection: 2) == 2
    await database.aclose()
