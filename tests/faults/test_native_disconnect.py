"""Callers who leave, and callers who dawdle, through the real door: workers are freed, spools emptied."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.faults.test_disconnect import make_request
from tests.fixtures.served_house import serve

from ironleaf.faults import FaultyModelServer
from ironleaf.foundation.processes import ReplacementReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FREE_WITHIN_S = 4.0
"""The promise is two seconds; a test machine may be busy. The figure is in benchmarks/callers.py."""


async def until(holds: Callable[[], bool], within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.wait({asyncio.ensure_future(asyncio.to_thread(lambda: None))}, timeout=0.01)


def list_files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and path.suffix != ".lock"]


async def test_a_caller_who_leaves_frees_the_native_worker(tmp_path: Path) -> None:
    async with FaultyModelServer() as upstream, serve(tmp_path, upstream) as (port, house):
        recognisers = house.pools[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(make_request("embedded"))
        await writer.drain()
        await until(lambda: recognisers.status().busy == 1, 30)
        writer.close()
        await until(lambda: recognisers.status().replaced.get(ReplacementReason.CANCELLED) == 1, FREE_WITHIN_S)
        assert recognisers.status().busy == 0
        await until(lambda: not list_files(tmp_path / "spool"), FREE_WITHIN_S)


async def test_an_upload_that_stalls_is_told_so_and_leaves_nothing(tmp_path: Path) -> None:
    settings = {"files.limits.upload_stall_s_max": 0.3}
    async with FaultyModelServer() as upstream, serve(tmp_path, upstream, **settings) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(make_request("embedded")[:2_000])
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"upload-stalled"' in answer
        assert not list_files(tmp_path / "spool")
