"""What the kit writes to the log of an application that has set up no logs of its own."""

from __future__ import annotations

import logging

import httpx
import pytest
from fastapi import FastAPI

from ironleaf.foundation.errors import SystemFault
from ironleaf.foundation.errors.protocol import INTERNAL_ERROR
from ironleaf.web import install

pytestmark = pytest.mark.anyio

KEY = "sk-canary-4f1d88e02b7c"
DSN = "canary-postgres://u:p@10.0.0.7/db"


class Talkative(Exception):
    """Whatever it is asked, it says a secret."""

    def __str__(self) -> str:
        return f"password={DSN} \ud800 {f'{KEY} ' * 100_000}"

    __repr__ = __str__


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI(telemetry={"auto_configure": False})

    @app.get("/boom")
    def fail() -> None:  # pyright: ignore[reportUnusedFunction]
        error = Talkative()
        error.add_note(KEY)
        raise SystemFault(INTERNAL_ERROR, context={"api_key": KEY, "dsn": DSN}) from error

    install(app)
    return app


async def ask(app: FastAPI) -> str:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return (await client.get("/boom")).headers["x-request-id"]


async def test_the_log_of_the_kit_is_redacted_whoever_formats_it(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    request_id = await ask(app)
    (record,) = (record for record in caplog.records if record.name == "ironleaf.web")
    written = logging.Formatter("%(message)s %(context)s").format(record)
    assert request_id in written
    assert "Talkative: password=<secret>" in written
    assert "fail:" in written
    assert not [secret for secret in (KEY, "u:p@", "\ud800") if secret in written]
    assert len(written) < 10_000
