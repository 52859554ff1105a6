"""What the probes say of disks; those of the database are tried in `tests/faults/test_database_away.py`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import Mock

import pytest

from ironleaf.application import probes
from ironleaf.application.figures import DiskPlace, list_places
from ironleaf.application.probes import DiskProbe
from ironleaf.application.settings import Settings
from ironleaf.foundation.health import HealthStatus
from ironleaf.foundation.monitoring.detection import DiskFigures

pytestmark = pytest.mark.anyio
PLACES = (DiskPlace(name="spool", directory=Path("/"), reserve_bytes=1),)


@pytest.mark.parametrize(
    ("spool", "state", "status"),
    [
        (512, 256, HealthStatus.HEALTHY),
        (512, 255, HealthStatus.DEGRADED),
        (511, 256, HealthStatus.UNHEALTHY),
        (0, 0, HealthStatus.UNHEALTHY),
    ],
)
async def test_no_room_for_uploads_is_unhealthy_and_no_room_for_records_degraded(
    spool: int, state: int, status: HealthStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    mebibyte = 1024**2
    disks = (
        DiskFigures(name="spool", free_bytes=spool * mebibyte, reserve_bytes=512 * mebibyte),
        DiskFigures(name="state", free_bytes=state * mebibyte, reserve_bytes=256 * mebibyte),
    )
    monkeypatch.setattr(probes, "read_disks", Mock(return_value=disks))
    result = await DiskProbe(PLACES).check()
    assert result.status is status
    assert result.detail == f"spool: {spool} MiB free, 512 MiB in reserve; state: {state} MiB free, 256 MiB in reserve"
    assert result.detail_in("zh") == f"spool：剩余 {spool} MiB，需预留 512 MiB；state：剩余 {state} MiB，需预留 256 MiB"


async def test_a_disk_that_does_not_answer_is_asked_by_one_thread_only(monkeypatch: pytest.MonkeyPatch) -> None:
    release, asked = Event(), list[Any]()

    def hang(places: Any) -> tuple[DiskFigures, ...]:
        asked.append(places)
        release.wait(20)
        return ()

    monkeypatch.setattr(probes, "read_disks", hang)
    monkeypatch.setattr(probes, "ANSWER_S", 0.01)
    probe = DiskProbe(PLACES)
    for _ in range(3):
        assert (await probe.check()).status is HealthStatus.DEGRADED
    assert len(asked) == 1
    monkeypatch.setattr(probes, "ANSWER_S", 20)
    release.set()
    assert (await probe.check()).status is HealthStatus.HEALTHY


def test_every_directory_that_is_written_to_is_looked_after(tmp_path: Path) -> None:
    plain = Settings()
    settings = replace(
        plain,
        database=replace(plain.database, url=f"sqlite:///{tmp_path}/records/a.db"),
        logs=replace(plain.logs, directory=tmp_path / "logs"),
    )
    places = {each.name: each.directory for each in list_places(settings)}
    assert places["database"] == tmp_path / "records"
    assert places["logs"] == tmp_path / "logs"
    assert set(places) == {"spool", "state", "database", "logs"}


def test_what_is_not_written_here_needs_no_room_here() -> None:
    plain = Settings()
    settings = replace(
        plain,
        database=replace(plain.database, url="postgresql://a:b@db.internal/c"),
        logs=replace(plain.logs, file=False),
    )
    assert [each.name for each in list_places(settings)] == ["spool", "state"]
