"""Progress: who holds the ticket sees the newest state, everybody is told of the end, nothing is kept."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from anyio.lowlevel import checkpoint

from ironleaf.application.progress import SEATS_MAX, Progress, ProgressBoard, Stage

pytestmark = pytest.mark.anyio
TICKET = "f" * 32


async def _collect(board: ProgressBoard, ticket: str = TICKET) -> list[Progress]:
    async with aclosing(board.watch(ticket, patience_s=30)) as news:
        return [each async for each in news]


async def test_a_watcher_hears_of_the_newest_state_and_of_the_end() -> None:
    board = ProgressBoard()
    watching = asyncio.create_task(_collect(board))
    await checkpoint()
    with board.follow(TICKET) as report:
        for done in range(3):
            report(Progress(stage=Stage.READING, pages_done=done, pages=3))
        await checkpoint()
        await checkpoint()
    seen = await watching
    assert seen[0] == Progress(stage=Stage.READING, pages_done=2, pages=3)


async def test_a_watcher_who_comes_late_sees_where_it_is() -> None:
    board = ProgressBoard()
    with board.follow(TICKET) as report:
        report(Progress(stage=Stage.OPENING))
        watching = asyncio.create_task(_collect(board))
        await checkpoint()
        await checkpoint()
    assert await watching == [Progress(stage=Stage.OPENING)]


async def test_nothing_is_kept_after_the_end() -> None:
    board = ProgressBoard()
    with board.follow(TICKET):
        pass
    for number in range(SEATS_MAX + 1):
        with board.follow(f"{number:032x}") as report:
            report(Progress(stage=Stage.WAITING))
    assert board._seats == {}


async def test_beyond_the_limit_nobody_can_watch_and_work_goes_on() -> None:
    board = ProgressBoard()
    watching = [asyncio.create_task(_collect(board, f"{number:032x}")) for number in range(SEATS_MAX)]
    await checkpoint()
    assert await _collect(board) == []
    with board.follow(TICKET) as report:
        report(Progress(stage=Stage.WAITING))
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    assert board._seats == {}


async def test_without_a_ticket_nothing_is_told() -> None:
    board = ProgressBoard()
    with board.follow(None) as report:
        report(Progress(stage=Stage.WAITING))
    assert board._seats == {}


async def test_a_failure_ends_the_watching_too() -> None:
    board = ProgressBoard()
    watching = asyncio.create_task(_collect(board))
    await checkpoint()
    with pytest.raises(RuntimeError), board.follow(TICKET):
        raise RuntimeError
    assert await watching == []
