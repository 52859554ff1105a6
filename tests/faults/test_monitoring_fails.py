"""With the database, the channels, the listeners and the metrics all failing, conversions still succeed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from tests.fixtures.served_house import serve

from ironleaf.application.bootstrap import build_house
from ironleaf.application.conversions import Asker
from ironleaf.application.metrics import HouseCollector, make_registry, render
from ironleaf.application.options import ConvertOptions
from ironleaf.application.settings import load_settings
from ironleaf.document import DocumentStatus
from ironleaf.faults import FaultyModelServer
from ironleaf.foundation.database import Database
from ironleaf.foundation.database.errors import Trouble, make_unavailable
from ironleaf.foundation.monitoring import Signal, SignalState, Urgency, Window

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from ironleaf.foundation.alerting.deliveries import Finding

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError("canary-7f3a")


@pytest.mark.parametrize("deep", [False, True])
async def test_a_conversion_succeeds_while_everything_that_watches_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, deep: bool
) -> None:
    nowhere = tmp_path / "a file"
    nowhere.write_text("no directory")
    settings = load_settings(
        environ={},
        overrides={
            "database.url": f"sqlite:///{nowhere}/ironleaf.db",
            "files.spool_directory": tmp_path / "spool",
            "files.quarantine.directory": tmp_path / "quarantine",
            "engines.vl.healing.ledger_directory": tmp_path / "ledger",
            "workers.recognisers": 1,
            "workers.decoders": 1,
        },
    )
    house = build_house(settings)
    house.watching.listen(fail)
    if deep:
        monkeypatch.setattr("ironleaf.application.watching.Watching._call", fail)
        monkeypatch.setattr("ironleaf.foundation.monitoring.journal.Journal.cut", fail)
    await house.start(look_at_once=False)
    try:
        path = tmp_path / "page.txt"
        path.write_text("Every word of this page is there.")
        asker = Asker(language="en", request_id="01JDA2B3C4D5E6F7G8H9J0K1M2")
        document = await house.conversions.convert_path(path, ConvertOptions(), asker)
        assert document.status is DocumentStatus.SUCCEEDED
        assert await house.recorder.write() is False
        assert house.watching.failures > 0
        if not deep:
            assert house.recorder.read(Window.MINUTE).work
        collector = HouseCollector(
            recorder=house.recorder,
            watching=house.watching,
            backends=(),
            pools=(None,),  # type: ignore[arg-type]
            conversions=fail,  # type: ignore[arg-type]
            clock=house.clock,
        )
        assert b"ironleaf_monitoring_lost_total" in render(make_registry(collector))
    finally:
        await house.aclose()


class Stuck:
    """What never answers: nobody may wait for it."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def __call__(self, *_: object, **__: object) -> None:
        self.reached.set()
        await asyncio.Event().wait()


class BadChannel:
    """A channel that breaks its word: it never ends, or it raises."""

    language: Final = "en"

    def __init__(self, name: str, send: Callable[[object], Awaitable[Finding]]) -> None:
        self.name = name
        self.send = send
        self.aclose = fail_soon


async def be_away(*_: object, **__: object) -> Any:
    raise make_unavailable(Trouble.UNREACHABLE)


async def fail_soon(*_: object, **__: object) -> Any:
    fail()


@pytest.mark.parametrize("database", ["stuck", "failing"])
async def test_requests_are_answered_while_database_channels_and_metrics_are_stuck_or_fail(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were any of them waited for, this would never end: what is stuck is stuck for ever."""
    stuck_database, stuck_channel = Stuck(), Stuck()
    for name in ("run", "migrate_until_done"):
        monkeypatch.setattr(Database, name, stuck_database if database == "stuck" else be_away)
    channels = (BadChannel("stuck", stuck_channel), BadChannel("failing", fail_soon))  # type: ignore[arg-type]
    monkeypatch.setattr("ironleaf.application.alerting.build_channels", lambda *_: channels)
    monkeypatch.setattr(HouseCollector, "collect", fail)
    named = [{"name": channel.name, "url": "json://127.0.0.1"} for channel in channels]
    settings = {"alerts.channels": named, "alerts.group_wait_s": 0.1}
    async with FaultyModelServer() as upstream, serve(tmp_path, upstream, **settings) as (port, house):
        house.watching.listen(fail, to_work=fail)
        house.alerting.desk.hear(make_signal(house.clock.now()))
        house.oversee()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            for _ in range(3):
                page = {"file": ("page.txt", b"Every word of this page is there.")}
                answer = await client.post("/v1/convert", files=page, data={"output_format": "text"})
                assert answer.status_code == 200
                assert answer.json()["data"]["text"].strip() == "Every word of this page is there."
            refused = await client.post("/v1/convert", files={"file": ("x.bin", b"\x7fELF" + bytes(60))})
            assert refused.json()["error"]["reason"] == "executable-not-taken"
            assert (await client.get("/livez")).status_code == 200
            assert (await client.get("/metrics")).status_code == 500
        assert house.watching.failures > 0
        stuck = stuck_database if database == "stuck" else stuck_channel  # a database that is away stops no alert
        await asyncio.wait_for(stuck.reached.wait(), timeout=30)


def make_signal(at: datetime) -> Signal:
    return Signal(
        rule="fault-level-four",
        component="service",
        cause="internal-error",
        state=SignalState.FIRING,
        urgency=Urgency.PAGE,
        at=at,
        since=at,
    )
