"""A caller who leaves takes the work at the model server along, through the real door."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.served_house import serve
from tests.fixtures.service import EXAMPLES

from ironleaf.faults import FaultyModelServer
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.resilience import BreakerState
from ironleaf.foundation.resilience.breaker_state import ResultKind

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from ironleaf.application.bootstrap import House

pytestmark = pytest.mark.anyio

CUT_WITHIN_S = 1.0
BOUNDARY = "boundary"


def make_request(engine: str, file: str = "chinese.png") -> bytes:
    picture = (EXAMPLES / file).read_bytes()
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="engine"\r\n\r\n{engine}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    ).encode()
    body += picture + f"\r\n--{BOUNDARY}--\r\n".encode()
    head = (
        "POST /v1/convert HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["silent-before-headers", "silent-after-headers", "slow-drip"])
@pytest.mark.parametrize("engine", ["vl", "auto"])
async def test_the_upstream_call_is_cut_within_a_second(fault: str, engine: str, tmp_path: Path) -> None:
    settings = {"engines.vl.canary": False}  # the watch's own call would be silent too
    async with FaultyModelServer(fault) as upstream, serve(tmp_path, upstream, **settings) as (port, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(make_request(engine))
        await writer.drain()
        await asyncio.wait_for(upstream.wait_for_call(), 30)
        assert upstream.cut_count == 0
        writer.close()
        await asyncio.wait_for(upstream.wait_for_cut(), CUT_WITHIN_S)
        assert upstream.hits == 1, "nobody asks again for a caller who left"
    assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]


@asynccontextmanager
async def silent_house(directory: Path) -> AsyncGenerator[tuple[FaultyModelServer, int, House]]:
    settings = {"engines.vl.canary": False, "engines.vl.concurrency.start": 2}
    async with FaultyModelServer("silent-before-headers") as upstream, serve(directory, upstream, **settings) as served:
        yield upstream, *served


async def call(port: int, file: str = "chinese.png") -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(make_request("vl", file))
    await writer.drain()
    return writer


async def until(holds: Callable[[], bool], within_s: float = 30.0) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await SystemClock().sleep(0.005)


def assert_nobody_is_blamed(house: House) -> None:
    (report,) = house.desk.report()
    assert (report.calls.running, report.calls.queued) == (0, 0), "every permit has come back"
    assert report.breaker.state is BreakerState.CLOSED
    assert {kind for kind, count in report.breaker.results.items() if count} == {ResultKind.NEUTRAL}


@pytest.mark.slow
async def test_closing_ones_own_half_of_the_connection_is_leaving(tmp_path: Path) -> None:
    async with silent_house(tmp_path) as (upstream, port, house):
        writer = await call(port)
        await until(lambda: upstream.hits == 1)
        writer.write_eof()
        await until(lambda: upstream.cut_count == 1, CUT_WITHIN_S)
        await until(lambda: house.desk.report()[0].calls.running == 0)
        writer.close()
        assert_nobody_is_blamed(house)


@pytest.mark.slow
async def test_all_pages_of_one_document_are_cut_together(tmp_path: Path) -> None:
    async with silent_house(tmp_path) as (upstream, port, house):
        writer = await call(port, "scanned.pdf")
        await until(lambda: upstream.hits == 2)
        writer.close()
        await until(lambda: upstream.cut_count == 2, CUT_WITHIN_S)
        await until(lambda: house.desk.report()[0].calls.running == 0)
        assert_nobody_is_blamed(house)


@pytest.mark.slow
async def test_who_leaves_the_queue_takes_no_permit_and_costs_those_at_work_nothing(tmp_path: Path) -> None:
    async with silent_house(tmp_path) as (upstream, port, house):
        at_work = [await call(port) for _ in range(2)]
        await until(lambda: upstream.hits == 2)
        waiting = [await call(port) for _ in range(3)]
        await until(lambda: house.desk.report()[0].calls.queued == 3)
        for writer in waiting:
            writer.close()
        await until(lambda: house.desk.report()[0].calls.queued == 0, CUT_WITHIN_S)
        assert (house.desk.report()[0].calls.running, upstream.cut_count) == (2, 0)
        for writer in at_work:
            writer.close()
        await until(lambda: upstream.cut_count == 2, CUT_WITHIN_S)
        await until(lambda: house.desk.report()[0].calls.running == 0)
        assert upstream.hits == 2, "nobody was asked for who had left"
        assert_nobody_is_blamed(house)
