"""With the database, the listeners and the metrics all failing, conversions still succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ironleaf.application.bootstrap import build_house
from ironleaf.application.conversions import Asker
from ironleaf.application.metrics import HouseCollector, make_registry, render
from ironleaf.application.options import ConvertOptions
from ironleaf.application.settings import load_settings
from ironleaf.document import DocumentStatus
from ironleaf.foundation.monitoring import Window

if TYPE_CHECKING:
    from pathlib import Path

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
        monkeypatch.setattr("ironleaf.application.watching.Watching._tell", fail)
        monkeypatch.setattr("ironleaf.foundation.monitoring.journal.Journal.cut", fail)
    await house.start(look_at_once=False)
    try:
        path = tmp_path / "page.txt"
        path.write_text("Every word of this page is there.")
        asker = Asker(language="en", request_id="01JDA2B3C4D5E6F7G8H9J0K1M2")
        document = await house.conversions.convert_path(path, ConvertOptions(), asker)
        assert document.status is DocumentStatus.SUCCEEDED
        assert house.watching.failures > 0
        assert await house.recorder.write() is False
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
