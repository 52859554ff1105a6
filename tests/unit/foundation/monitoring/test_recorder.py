"""What is heard is in the database within the second, once, whatever happens to the database on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select
from tests.fixtures.detection import MONDAY, Stage

from ironleaf.faults import ManualClock
from ironleaf.foundation.database import Database, DatabaseSettings
from ironleaf.foundation.database.errors import Trouble, make_unavailable
from ironleaf.foundation.errors import Kind, Level
from ironleaf.foundation.monitoring.causes import CAUSES_MAX
from ironleaf.foundation.monitoring.detection.silence import Silence
from ironleaf.foundation.monitoring.events import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.monitoring.recorder import AWAY_WAIT_S_MAX, DROP_EVERY_S, STEADY_S, WRITE_EVERY_S, Recorder
from ironleaf.foundation.monitoring.store import (
    WRITERS_MAX,
    add_batch,
    read_causes,
    read_window,
    rollups,
    writers,
)
from ironleaf.foundation.monitoring.tally import OTHER, Dimension, Tally
from ironleaf.foundation.monitoring.windows import ROWS_MAX, Window

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio


def make_error(clock: ManualClock, **changes: Any) -> ErrorEvent:
    event = ErrorEvent(
        at=clock.now(),
        code=50230,
        reason="engine-failed",
        kind=Kind.INTERNAL,
        level=Level.L3,
        component="backend:one",
        outcome=Outcome.DEGRADED,
        fingerprint="0123456789ab",
    )
    return replace(event, **changes)


def make_work(clock: ManualClock, duration_s: float = 0.5) -> WorkMeasured:
    return WorkMeasured(at=clock.now(), measured=Measured.STAGE, name="open", duration_s=duration_s, pages=2)


class Unsteady:
    """A database whose answers can be taken away: before the work is done, or after."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = False
        self.answers_lost = 0
        self.tried = 0

    async def run(self, work: Callable[[Any], Any], *, read_only: bool = False) -> Any:
        self.tried += 1
        if self.away:
            raise make_unavailable(Trouble.UNREACHABLE)
        result = self._database.transact(work, read_only=read_only)
        if self.answers_lost and not read_only:
            self.answers_lost -= 1
            raise make_unavailable(Trouble.TIMEOUT)
        return result


def count_errors(database: Database, clock: ManualClock, window: Window = Window.WEEK) -> int:
    now_s = clock.now().timestamp()
    return database.transact(lambda connection: read_window(connection, window, now_s)).error_count


async def test_everything_is_written_within_the_second(database: Database) -> None:
    clock = ManualClock()
    recorder = Recorder(Unsteady(database), writer="W1", clock=clock)  # type: ignore[arg-type]
    running = asyncio.create_task(recorder.run())
    recorder.hear(make_error(clock))
    recorder.hear(make_work(clock))
    await clock.run_for(1.0)
    running.cancel()
    tally = (await recorder.read_all((Window.MINUTE,)))[Window.MINUTE]
    assert tally.error_count == 1
    assert tally.work[Measured.STAGE, "open"].pages == 2
    assert (await recorder.read_causes())["0123456789ab"].count == 1


async def test_replicas_add_up_and_a_restart_keeps_the_past(database: Database) -> None:
    clock = ManualClock()
    for writer in ("W1", "W2", "W3"):
        recorder = Recorder(Unsteady(database), writer=writer, clock=clock)  # type: ignore[arg-type]
        recorder.hear(make_error(clock))
        recorder.hear(make_work(clock, duration_s=len(writer)))
        assert await recorder.write()
        assert recorder.read(Window.MINUTE).error_count == 1
    total = (await recorder.read_all(tuple(Window)))[Window.DAY]
    assert total.error_count == 3
    assert total.work[Measured.STAGE, "open"].duration.sum_s == 6.0


async def test_a_write_whose_answer_was_lost_counts_once(database: Database) -> None:
    clock = ManualClock()
    unsteady = Unsteady(database)
    recorder = Recorder(unsteady, writer="W1", clock=clock)  # type: ignore[arg-type]
    told = 0
    for lost in (1, 0, 2, 3, 0):
        unsteady.answers_lost = lost
        recorder.hear(make_error(clock))
        told += 1
        while not await recorder.write():
            recorder.hear(make_error(clock))
            told += 1
    assert count_errors(database, clock) == told
    assert database.transact(read_causes)["0123456789ab"].count == told


async def test_while_the_database_is_away_counting_goes_on_and_is_caught_up(database: Database) -> None:
    clock = ManualClock()
    unsteady = Unsteady(database)
    unsteady.away = True
    recorder = Recorder(unsteady, writer="W1", clock=clock)  # type: ignore[arg-type]
    running = asyncio.create_task(recorder.run())
    for _ in range(60):
        recorder.hear(make_error(clock))
        await clock.run_for(10.0)
    assert recorder.read(Window.HOUR).error_count == 60
    assert unsteady.tried <= 600 / AWAY_WAIT_S_MAX + 5
    unsteady.away = False
    await clock.run_for(AWAY_WAIT_S_MAX)
    running.cancel()
    assert count_errors(database, clock) == 60
    assert count_errors(database, clock, Window.FIVE_MINUTES) < 60


async def test_days_without_a_database_cost_bounded_memory(database: Database) -> None:
    clock = ManualClock()
    recorder = Recorder(Unsteady(database), writer="W1", clock=clock)  # type: ignore[arg-type]
    recorder._database.away = True  # type: ignore[attr-defined]
    for _ in range(3_000):
        recorder.hear(make_error(clock))
        clock.advance(300)
        await recorder.write()
    journal = recorder._journal
    assert len(list(journal.history)) <= ROWS_MAX
    batch = journal.next_batch()
    assert batch is not None
    assert sum(1 for _ in batch.rollups) <= ROWS_MAX
    assert sum(1 for _ in journal._waiting.rollups) <= ROWS_MAX


async def test_old_rows_go_and_their_number_is_bounded(database: Database) -> None:
    clock = ManualClock()
    recorder = Recorder(Unsteady(database), writer="W1", clock=clock)  # type: ignore[arg-type]
    clock.advance(STEADY_S)
    for _ in range(400):
        recorder.hear(make_error(clock))
        clock.advance(max(DROP_EVERY_S, 3_600))
        assert await recorder.write()
    rows = database.transact(lambda connection: connection.execute(select(func.count()).select_from(rollups)).scalar())
    assert rows is not None
    assert rows <= 64 + 64 + 100 + 88
    assert count_errors(database, clock) == pytest.approx(168, abs=2)


async def test_processes_that_live_for_a_moment_leave_bounded_rows(database: Database) -> None:
    clock = ManualClock()
    database.transact(
        lambda connection: connection.execute(
            insert(writers),
            [
                {"writer": f"old-{number}", "batch": 1, "seen_at": clock.now() - timedelta(seconds=number)}
                for number in range(WRITERS_MAX + 500)
            ],
        )
    )
    recorder = Recorder(Unsteady(database), writer="W1", clock=clock)  # type: ignore[arg-type]
    recorder.hear(make_error(clock))
    assert await recorder.write()
    count = database.transact(lambda connection: connection.execute(select(func.count()).select_from(writers)).scalar())
    assert count == WRITERS_MAX


async def test_a_clock_that_has_just_jumped_ahead_deletes_nothing(database: Database) -> None:
    clock = ManualClock(wall=datetime(2026, 1, 1, tzinfo=UTC))
    recorder = Recorder(Unsteady(database), writer="W1", clock=clock)  # type: ignore[arg-type]
    recorder.hear(make_error(clock))
    clock.advance(2 * DROP_EVERY_S)
    await recorder.write()
    right = clock._wall
    clock._wall = right + timedelta(days=400)
    clock.advance(1)
    await recorder.write()
    clock._wall = right
    clock.advance(1)
    await recorder.write()
    assert count_errors(database, clock) == 1
    assert recorder.read(Window.WEEK).error_count == 1


async def test_causes_in_the_database_are_bounded_and_none_is_lost(database: Database) -> None:
    clock = ManualClock()
    recorder = Recorder(Unsteady(database), writer="W1", clock=clock)  # type: ignore[arg-type]
    for number in range(CAUSES_MAX + 300):
        recorder.hear(make_error(clock, fingerprint=f"cause{number}"))
        if number % 100 == 0:
            clock.advance(1)
            assert await recorder.write()
    assert await recorder.write()
    causes = await recorder.read_causes()
    assert len(causes) == CAUSES_MAX + 1
    assert causes[OTHER].count == 300
    assert sum(cause.count for cause in causes.values()) == CAUSES_MAX + 300


async def test_a_batch_that_is_there_already_is_not_added(database: Database) -> None:
    clock = ManualClock()
    recorder = Recorder(Unsteady(database), writer="W1", clock=clock)  # type: ignore[arg-type]
    recorder.hear(make_error(clock))
    recorder._journal.cut(clock.now().timestamp())
    batch = recorder._journal.next_batch()
    assert batch is not None
    added = [
        database.transact(lambda connection, name=name: add_batch(connection, name, batch, clock.now()))
        for name in ("W1", "W1", "W2")
    ]
    assert added == [True, False, True]


async def test_an_event_that_cannot_be_counted_is_counted_as_that_and_breaks_nothing() -> None:
    clock = ManualClock()
    recorder = Recorder(Database(DatabaseSettings(url="sqlite:///nowhere"), clock=clock), writer="W", clock=clock)
    recorder.hear("no event")  # type: ignore[arg-type]
    recorder.hear(make_error(clock))
    assert (recorder.failures, recorder.lost) == (1, 1)
    assert recorder.read(Window.MINUTE).error_count == 1


async def test_a_defect_while_writing_is_survived() -> None:
    class Broken:
        async def run(self, *_: object, **__: object) -> None:
            raise ZeroDivisionError

    clock = ManualClock()
    recorder = Recorder(Broken(), writer="W", clock=clock)  # type: ignore[arg-type]
    recorder.hear(make_error(clock))
    assert await recorder.write() is False
    await recorder.aclose()


def test_a_write_comes_early_enough_for_the_promised_second() -> None:
    assert WRITE_EVERY_S < 1.0


def test_levels_and_codes_are_told_apart() -> None:
    tally, clock = Tally(), ManualClock()
    tally.add_error(make_error(clock), 5)
    tally.add_error(make_error(clock, level=Level.L1, code=41501), 7)
    assert tally.errors[Dimension.LEVEL] == {"L3": [1, 5, 5], "L1": [1, 7, 7]}


@pytest.mark.parametrize("hour", [0.5, 1.5, 23.5])
async def test_traffic_is_missed_from_the_start_since_the_same_hour_a_week_ago_is_kept(
    database: Database, hour: float
) -> None:
    clock = ManualClock(wall=MONDAY + timedelta(hours=hour))
    recorder = Recorder(database, writer="before", clock=clock)
    for hours in range(1, 8 * 24):
        for _ in range(20):
            at = clock.now() - timedelta(hours=hours)
            recorder.hear(WorkMeasured(at=at, measured=Measured.ROUTE, name="/v1/convert", duration_s=0.1))
    assert await recorder.write()
    silence = Silence(missed_min=5)
    silence.recall(await Recorder(database, writer="after", clock=clock).read_request_hours())
    stage = Stage(silence, now_s=hour * 3_600)
    stage.feed(1.0, requests=1)
    stage.feed_for(1_800, every_s=60.0)
    assert [signal.rule for signal in stage.said] == ["no-traffic"]
    await database.aclose()
