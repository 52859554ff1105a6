"""What alerting costs: a signal heard, an event counted, a turn of the board. python benchmarks/alerts.py"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from random import SystemRandom

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.fixtures.alerts import RememberingChannel, make_office, make_signal  # noqa: E402

from ironleaf.faults import ManualClock  # noqa: E402
from ironleaf.foundation.alerting.blast import BlastRadius  # noqa: E402
from ironleaf.foundation.alerting.board import Board, IncidentPolicy  # noqa: E402
from ironleaf.foundation.alerting.desk import IncidentDesk  # noqa: E402
from ironleaf.foundation.alerting.keeper import Keeper  # noqa: E402
from ironleaf.foundation.alerting.store import DatabaseStore  # noqa: E402
from ironleaf.foundation.clock import SystemClock  # noqa: E402
from ironleaf.foundation.database import Database, DatabaseSettings  # noqa: E402
from ironleaf.foundation.errors import Kind, Level  # noqa: E402
from ironleaf.foundation.monitoring import ErrorEvent, Outcome  # noqa: E402

ROUNDS = 20_000
TURNS = 200


def measure_hearing() -> float:
    desk = make_desk(None)
    signal = make_signal()
    began = time.perf_counter()
    for _ in range(ROUNDS):
        desk.hear(signal)
    return (time.perf_counter() - began) / ROUNDS


def measure_counting() -> float:
    blast, now = BlastRadius(), SystemClock().now()
    events = [
        ErrorEvent(
            at=now + timedelta(seconds=number / 100),
            code=50356,
            reason="model-unavailable",
            kind=Kind.UNAVAILABLE,
            level=Level.L3,
            component=f"backend:{number % 4}",
            outcome=Outcome.DEGRADED,
            route="/v1/convert",
            request_id=str(number),
        )
        for number in range(ROUNDS)
    ]
    began = time.perf_counter()
    for event in events:
        blast.note(event)
        blast.note_requests(1, event.at.timestamp())
    return (time.perf_counter() - began) / ROUNDS


def measure_board(incidents: int) -> float:
    board, clock = Board(), ManualClock()
    for number in range(incidents):
        board.hear(make_signal(f"backend:{number}"), "a#1")
    began = time.perf_counter()
    for _ in range(TURNS):
        clock.advance(1)
        board.see_replica("a#1", clock.now())
        board.move(clock.now())
    return (time.perf_counter() - began) / TURNS


async def measure_turns(incidents: int) -> float:
    with tempfile.TemporaryDirectory() as directory:
        database = Database(DatabaseSettings(url=f"sqlite:///{directory}/alerts.db"), clock=SystemClock())
        database.migrate()
        desk = make_desk(DatabaseStore(database, IncidentPolicy()))
        for number in range(incidents):
            desk.hear(make_signal(f"backend:{number}"))
        await desk.tick()
        began = time.perf_counter()
        for _ in range(TURNS):
            await desk.tick()
        taken = (time.perf_counter() - began) / TURNS
        await desk._courier.aclose()  # noqa: SLF001
        await database.aclose()
        return taken


def make_desk(store: DatabaseStore | None) -> IncidentDesk:
    clock = SystemClock()
    keeper = Keeper(store, policy=IncidentPolicy(), clock=clock, replica="a#1")
    return IncidentDesk(keeper, make_office((RememberingChannel(),)), replica="a#1", clock=clock, random=SystemRandom())


def main() -> None:
    print(f"a signal heard            {1e6 * measure_hearing():8.2f} µs")
    print(f"an event and its request  {1e6 * measure_counting():8.2f} µs")
    for incidents in (1, 10, 100):
        print(f"board, {incidents:3} incidents      {1e3 * measure_board(incidents):8.2f} ms a turn")
    for incidents in (0, 1, 10):
        print(f"SQLite, {incidents:3} incidents     {1e3 * asyncio.run(measure_turns(incidents)):8.2f} ms a turn")


if __name__ == "__main__":
    main()
