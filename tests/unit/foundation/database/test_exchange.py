"""A store's traffic: in order, once it is possible, and never at the expense of who hands in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.faults import ManualClock
from ironleaf.foundation.database import DatabaseConflict, DatabaseUnavailable, Trouble
from ironleaf.foundation.database.errors import DATABASE_CONFLICT, make_unavailable
from ironleaf.foundation.database.exchange import BATCH_MAX, LOOK_EVERY_S, WAIT_MAX_S, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.anyio


class ScriptedDatabase:
    """Does the work, or fails as it is told."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.tries = 0
        self.modes: list[bool] = []
        self.held: asyncio.Event | None = None

    async def run(self, work: Callable[[Any], Any], *, read_only: bool = False) -> Any:
        self.tries += 1
        self.modes.append(read_only)
        if self.held is not None:
            await self.held.wait()
        if self.failure is not None:
            raise self.failure
        return work(None)


class Bench:
    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.database = ScriptedDatabase()
        self.written: list[int] = []
        self.seen: list[int] = []
        self.exchange: Exchange[int, int] = Exchange(
            self.database,  # type: ignore[arg-type]
            self.trade,
            self.seen.append,
            clock=self.clock,
            name="the notebook",
            **options,
        )

    def trade(self, connection: Any, batch: Sequence[int]) -> int:
        self.written += batch
        return len(self.written)


async def test_what_is_handed_in_is_written_within_a_second_and_in_order() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.exchange.run())
    await bench.clock.settle()
    for number in range(2 * BATCH_MAX + 1):
        bench.exchange.put(number)
    assert bench.written == []
    await bench.clock.run_for(1.0)
    assert bench.written == list(range(2 * BATCH_MAX + 1))
    assert bench.exchange.items == ()
    running.cancel()


async def test_others_are_looked_at_every_ten_seconds_without_writing() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.exchange.run())
    await bench.clock.run_for(3 * LOOK_EVERY_S)
    assert bench.seen == [0, 0, 0, 0]
    assert bench.database.modes == [False, True, True, True]
    running.cancel()


async def test_while_the_database_is_away_everything_is_kept_and_caught_up(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.database.failure = make_unavailable(Trouble.UNREACHABLE)
    running = asyncio.create_task(bench.exchange.run())
    for number in range(3):
        bench.exchange.put(number)
    await bench.clock.run_for(600.0)
    tries = bench.database.tries
    assert tries <= 600.0 / WAIT_MAX_S + 8  # ever longer pauses
    assert bench.exchange.items == (0, 1, 2)
    bench.database.failure = None
    bench.exchange.put(3)
    await bench.clock.run_for(WAIT_MAX_S)
    assert bench.written == [0, 1, 2, 3]
    assert bench.exchange.dropped == 0
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert "away (unreachable)" in told[0]
    assert "writes again, 0 items lost" in told[1]
    running.cancel()


async def test_the_queue_is_bounded_the_oldest_go_and_are_counted() -> None:
    bench = Bench(items_max=5)
    bench.database.failure = make_unavailable(Trouble.FULL)
    for number in range(8):
        bench.exchange.put(number)
    assert not await bench.exchange.trade_now()
    assert bench.exchange.items == (3, 4, 5, 6, 7)
    assert bench.exchange.dropped == 3


@pytest.mark.parametrize(
    "failure",
    [make_unavailable(Trouble.STATEMENT), DatabaseConflict(DATABASE_CONFLICT), KeyError("a defect")],
    ids=["statement", "conflict", "defect"],
)
async def test_what_can_never_be_written_is_given_up_and_counted(failure: Exception) -> None:
    bench = Bench()
    bench.database.failure = failure
    bench.exchange.put(1)
    bench.exchange.put(2)
    assert await bench.exchange.trade_now()
    assert bench.exchange.dropped == 2
    bench.database.failure = None
    bench.exchange.put(3)
    assert await bench.exchange.trade_now()
    assert bench.written == [3]


async def test_who_is_interrupted_keeps_what_may_not_have_been_written() -> None:
    bench = Bench()
    bench.database.held = asyncio.Event()
    bench.exchange.put(1)
    trading = asyncio.create_task(bench.exchange.trade_now())
    await bench.clock.settle()
    bench.exchange.put(2)
    trading.cancel()
    await asyncio.gather(trading, return_exceptions=True)
    assert bench.exchange.items == (1, 2)
    bench.database.held = None
    await bench.exchange.aclose()
    assert bench.written == [1, 2]


def test_a_trouble_survives_the_pipe_between_processes() -> None:
    rebuilt = make_unavailable(Trouble.FULL).__reduce__()
    kind, arguments = rebuilt[0], rebuilt[1]
    assert callable(kind)
    again = kind(*arguments)  # type: ignore[misc]
    assert isinstance(again, DatabaseUnavailable)
    assert again.trouble is Trouble.FULL
