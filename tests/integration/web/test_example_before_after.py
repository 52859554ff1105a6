"""The example application: what it told callers before, and what it tells them with the kit."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import httpx
import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "fastapi_app"
PRIVATE = ("/srv/invoices", "127.0.0.1", "7f3a", "Errno")

pytestmark = pytest.mark.anyio


async def upload(app: Any, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.post("/invoices", files={"file": ("a.jpg", b"abc")}, headers=headers)


async def test_before_it_tells_where_things_are() -> None:
    answer = await upload(runpy.run_path(str(EXAMPLE / "before.py"))["app"])
    assert any(private in answer.text for private in PRIVATE)


async def test_after_it_tells_what_to_do() -> None:
    answer = await upload(runpy.run_path(str(EXAMPLE / "after.py"))["app"], **{"accept-language": "zh"})
    assert answer.status_code == 503
    assert answer.json()["error"]["reason"] == "invoice-reader-down"
    assert answer.headers["retry-after"] == "60"
    assert not any(private in answer.text for private in PRIVATE)
