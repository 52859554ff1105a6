"""A caller who leaves takes the work at the model server along, through the real door."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.served_house import serve
from tests.fixtures.service import EXAMPLES

from ironleaf.faults import FaultyModelServer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

CUT_WITHIN_S = 1.0
BOUNDARY = "boundary"


def make_request(engine: str) -> bytes:
    picture = (EXAMPLES / "chinese.png").read_bytes()
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
