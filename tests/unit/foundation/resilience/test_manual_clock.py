from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ironleaf.faults.clock import WALL_START, ManualClock


def test_both_times_move_together() -> None:
    clock = ManualClock(100.0, wall=datetime(2026, 5, 1, tzinfo=UTC))
    clock.advance(2.5)
    assert clock.monotonic() == 102.5
    assert clock.now() == datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=2.5)
    assert ManualClock().now() == WALL_START


@pytest.mark.anyio
async def test_sleepers_wake_in_the_order_of_their_times_then_of_arrival() -> None:
    clock = ManualClock()
    woken: list[str] = []

    async def sleeper(name: str, duration_s: float) -> None:
        await clock.sleep(duration_s)
        woken.append(name)

    tasks = [asyncio.create_task(sleeper(*each)) for each in (("late", 3.0), ("first", 1.0), ("second", 1.0))]
    await clock.settle()
    assert clock.sleepers == 3
    clock.advance(0.999)
    await clock.settle()
    assert woken == []
    clock.advance(5.0)
    await asyncio.gather(*tasks)
    assert woken == ["first", "second", "late"]
    assert clock.sleepers == 0


@pytest.mark.anyio
async def test_run_for_serves_sleeps_begun_on_the_way_at_their_own_time() -> None:
    clock = ManualClock()
    seen: list[float] = []

    async def ticker() -> None:
        for _ in range(5):
            await clock.sleep(2.0)
            seen.append(clock.monotonic())

    task = asyncio.create_task(ticker())
    await clock.run_for(7.0)
    assert seen == [2.0, 4.0, 6.0]
    assert clock.monotonic() == 7.0
    await clock.run_for(3.0)
    await task
    assert seen == [2.0, 4.0, 6.0, 8.0, 10.0]


@pytest.mark.anyio
async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(1.0))
    await clock.settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.sleepers == 0
    await clock.run_for(2.0)
    assert clock.monotonic() == 2.0


@pytest.mark.anyio
async def test_no_duration_costs_one_turn_and_no_time() -> None:
    clock = ManualClock(7.0)
    await clock.sleep(0.0)
    assert clock.monotonic() == 7.0


@pytest.mark.anyio
async def test_time_does_not_run_backwards() -> None:
    clock = ManualClock()
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(-0.1)
    with pytest.raises(ValueError, match="backwards"):
        await clock.run_for(-0.1)
