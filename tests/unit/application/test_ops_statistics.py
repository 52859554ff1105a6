"""The operators' doors to the statistics, and the page for Prometheus."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from rich.cells import cell_len
from tests.fixtures.keys import Gatehouse

from ironleaf.application.access.keys import Scope
from ironleaf.application.api import metrics as metrics_door
from ironleaf.application.api import ops_statistics
from ironleaf.application.catalogue import build_catalogue
from ironleaf.application.cli.statistics import show_errors, show_performance
from ironleaf.application.metrics import HouseCollector, make_registry, render
from ironleaf.application.settings import Settings
from ironleaf.application.statistics_desk import StatisticsDesk, View
from ironleaf.application.watching import Watching
from ironleaf.faults import ManualClock
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database, DatabaseSettings
from ironleaf.foundation.errors import Kind, Level
from ironleaf.foundation.errors.protocol import CLIENT_CLOSED
from ironleaf.foundation.monitoring import Dimension, ErrorEvent, Measured, Outcome, Window, WorkMeasured
from ironleaf.foundation.monitoring.recorder import Recorder
from ironleaf.foundation.resilience import BreakerState, BulkheadSnapshot
from ironleaf.services.engines.errors import ENGINE_FAILED
from ironleaf.web import ErrorSeen, install

if TYPE_CHECKING:
    from pathlib import Path

    from ironleaf.foundation.errors import Entry

pytestmark = pytest.mark.anyio


class Stand:
    """An application with the doors over a recorder that has heard a little."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock()
        self.gate = Gatehouse()
        self.settings = DatabaseSettings(url=f"sqlite:///{directory / 'ironleaf.db'}")
        self.database = Database(self.settings, clock=self.clock)
        self.recorder = Recorder(self.database, writer="W1", clock=self.clock)
        self.watching = Watching(self.clock)
        self.watching.listen(self.recorder.hear)
        catalogue = build_catalogue()
        self.desk = StatisticsDesk(self.recorder, catalogue=catalogue, clock=self.clock)
        self.app = FastAPI()
        self.app.include_router(ops_statistics.make_router(self.desk, guard=self.gate.guard))
        self.collector = HouseCollector(
            recorder=self.recorder,
            watching=self.watching,
            backends=(make_backend(),),  # type: ignore[arg-type]
            pools=(),
            conversions=lambda: BulkheadSnapshot(limit=16, running=2, queued=1, refusals=3),
            clock=self.clock,
        )
        self.registry = make_registry(self.collector)
        self.app.include_router(metrics_door.make_router(self.registry, guard=self.gate.guard))
        install(self.app, catalogue=catalogue, clock=self.clock)

    def tell(self) -> None:
        for _ in range(3):
            self.recorder.hear(
                ErrorEvent(
                    at=self.clock.now(),
                    code=ENGINE_FAILED.code,
                    reason=ENGINE_FAILED.reason,
                    kind=Kind.INTERNAL,
                    level=Level.L3,
                    component="backend:one",
                    outcome=Outcome.DEGRADED,
                    backend="one",
                    engine="vl",
                    fingerprint="0123456789ab",
                )
            )
        self.recorder.hear(
            WorkMeasured(
                at=self.clock.now(), measured=Measured.STAGE, name="recognise", duration_s=2.0, wait_s=0.5, pages=3
            )
        )

    async def get(self, path: str, *, key: str | None = None, client: str = "192.0.2.7") -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(client, 4_000))
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
            return await browser.get(path, headers=headers)


def make_backend() -> Any:
    return SimpleNamespace(
        alias="one",
        breaker=SimpleNamespace(snapshot=lambda: SimpleNamespace(state=BreakerState.OPEN)),
        bulkhead=SimpleNamespace(snapshot=lambda: BulkheadSnapshot(limit=4, running=1, queued=0, refusals=7)),
    )


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


@pytest.mark.parametrize("path", ["/v1/ops/errors", "/v1/ops/performance", "/metrics"])
async def test_nobody_without_a_key_gets_in_from_elsewhere(stand: Stand, path: str) -> None:
    answer = await stand.get(path)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (401, "unauthenticated")


async def test_the_metrics_are_free_on_this_machine(stand: Stand) -> None:
    answer = await stand.get("/metrics", client="127.0.0.1")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_the_desk_answers_for_all_replicas_and_for_this_one(stand: Stand) -> None:
    stand.database.migrate()
    stand.tell()
    assert (await stand.desk.errors(Window.MINUTE, Dimension.CODE, View.ALL)).count == 0
    assert (await stand.desk.errors(Window.MINUTE, Dimension.CODE, View.REPLICA)).count == 3
    await stand.recorder.write()
    found = await stand.desk.errors(Window.DAY, Dimension.CODE, View.ALL)
    (line,) = found.distribution
    assert (line.value, line.reason, line.count, line.share) == (str(ENGINE_FAILED.code), "engine-failed", 3, 1.0)
    assert [each.count for each in found.frequency] == [3] * 5
    assert [(cause.cause, cause.count) for cause in found.causes] == [("0123456789ab", 3)]
    performance = await stand.desk.performance(Window.MINUTE, View.ALL)
    (work,) = performance.work
    assert (work.name, work.count, work.average_s, work.queue_max_s, work.pages) == ("recognise", 1, 2.0, 0.5, 3)
    assert work.pages_per_second == 2.0
    await stand.database.aclose()


@pytest.mark.parametrize("by", list(Dimension))
async def test_every_side_can_be_asked_for(stand: Stand, by: Dimension) -> None:
    stand.tell()
    found = await stand.desk.errors(Window.MINUTE, by, View.REPLICA)
    assert sum(line.count for line in found.distribution) == 3


async def test_the_doors_answer_operators_and_name_what_is_wrong(stand: Stand) -> None:
    stand.tell()
    key, _ = await stand.gate.add(Scope.OPS)
    answer = await stand.get("/v1/ops/errors?window=5m&by=component&view=replica", key=key)
    assert answer.json()["data"]["distribution"][0]["value"] == "backend:one"
    answer = await stand.get("/v1/ops/performance?window=1m&view=replica", key=key)
    assert answer.json()["data"]["work"][0]["pages"] == 3
    wrong = await stand.get("/v1/ops/errors?window=canary", key=key)
    assert wrong.status_code == 422
    assert "canary" not in wrong.text
    away = await stand.get("/v1/ops/errors", key=key)  # never migrated
    assert (away.status_code, away.json()["error"]["reason"]) == (503, "database-unavailable")


def families(stand: Stand) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(render(stand.registry).decode())}


def test_prometheus_reads_the_page_and_finds_the_same_numbers(stand: Stand) -> None:
    stand.tell()
    found = families(stand)
    (errors,) = found["ironleaf_errors"].samples
    assert (errors.name, errors.value, errors.labels) == (
        "ironleaf_errors_total",
        3.0,
        {"error_type": "engine-failed", "level": "L3", "component": "backend:one", "outcome": "degraded"},
    )
    samples = {
        (each.name, each.labels.get("le")): each.value for each in found["ironleaf_stage_duration_seconds"].samples
    }
    assert samples["ironleaf_stage_duration_seconds_bucket", "1.0"] == 0
    assert samples["ironleaf_stage_duration_seconds_bucket", "2.5"] == 1
    assert samples["ironleaf_stage_duration_seconds_bucket", "+Inf"] == 1
    assert samples["ironleaf_stage_duration_seconds_sum", None] == 2.0
    states = {each.labels["state"]: each.value for each in found["ironleaf_breaker_state"].samples}
    assert states["open"] == 1.0
    assert sum(states.values()) == 1.0
    assert found["ironleaf_conversions_queued"].samples[0].value == 1.0
    assert "process_resident_memory_bytes" in found
    assert found["ironleaf_build_info"].samples[0].value == 1.0


def test_names_follow_prometheus_rules(stand: Stand) -> None:
    stand.tell()
    for family in families(stand).values():
        if family.name.startswith("ironleaf_"):
            assert not family.name.endswith(("_total", "_ms", "_milliseconds")), family.name
            assert family.type in {"counter", "gauge", "histogram"}
            assert family.documentation
            if family.type == "counter":
                assert all(each.name.endswith("_total") for each in family.samples)


def test_a_part_that_fails_is_left_out_and_said(stand: Stand) -> None:
    stand.tell()
    stand.collector._backends = (None,)  # type: ignore[assignment]
    found = families(stand)
    assert "ironleaf_breaker_state" not in found
    assert "ironleaf_errors" in found
    assert found["ironleaf_monitoring_lost"].samples[0].value >= 2


async def test_the_last_hour_is_told_minute_by_minute(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    for minute_s in (0.5, 1.5):
        for _ in range(4):
            at = stand.clock.now()
            work = WorkMeasured(at=at, measured=Measured.STAGE, name="recognise", duration_s=minute_s, pages=1)
            stand.recorder.hear(work)
        stand.desk.timeline()  # what is known of a minute must not hide what comes later in it
        stand.recorder.hear(work)
        stand.clock.advance(60.0)
    stand.tell()
    timeline = stand.desk.timeline()
    (reading,) = [each for each in timeline.work if each.name == "recognise"]
    assert len(timeline.at) == len(timeline.errors) == len(reading.p50_s) >= 60
    assert {later - earlier for earlier, later in zip(timeline.at, timeline.at[1:], strict=False)} == {60}
    assert timeline.errors[-1] == sum(timeline.errors) == 3
    assert [each for each in reading.p50_s if each is not None] == pytest.approx([0.5, 1.5, 2.0], rel=0.02)
    assert reading.p95_s[0] is None
    await stand.database.aclose()


def test_a_narrow_terminal_cuts_no_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    stand = Stand(tmp_path)
    stand.clock.advance(SystemClock().now().timestamp() - stand.clock.now().timestamp())
    stand.database.migrate()
    longest = max(build_catalogue(), key=lambda entry: len(entry.reason))
    stand.watching.hear_error(make_seen(longest, "/v1/convert"))

    async def write() -> None:
        await stand.recorder.write()
        await stand.database.aclose()

    asyncio.run(write())
    show_errors(Settings(database=stand.settings), Window.DAY, Dimension.CODE, as_json=False)
    told = capsys.readouterr().out
    assert str(longest.code) in told
    assert "\N{HORIZONTAL ELLIPSIS}" not in told


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize(("language", "kind"), [("en_US.UTF-8", "stage"), ("zh_CN.UTF-8", "阶段")])
def test_a_narrow_terminal_shows_each_kind_of_work_on_a_line(
    columns: int,
    language: str,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LC_ALL", language)
    stand = Stand(tmp_path)
    stand.clock.advance(SystemClock().now().timestamp() - stand.clock.now().timestamp())
    stand.database.migrate()
    stand.tell()

    async def write() -> None:
        await stand.recorder.write()
        await stand.database.aclose()

    asyncio.run(write())
    show_performance(Settings(database=stand.settings), Window.DAY, as_json=False)
    told = capsys.readouterr()
    (line,) = [each for each in told.out.splitlines() if each.startswith(kind)]
    assert line.split()[1:3] == ["recognise", "1"]
    assert max(map(cell_len, told.out.splitlines()[:2])) <= columns


def test_looking_makes_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "elsewhere" / "ironleaf.db"
    settings = Settings(database=DatabaseSettings(url=f"sqlite:///{path}"))
    show_errors(settings, Window.DAY, Dimension.CODE, as_json=False)
    show_performance(settings, Window.DAY, as_json=False)
    assert "24h: 0" in capsys.readouterr().out
    assert not path.parent.exists()


def test_a_page_that_is_closed_is_no_error(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    for route, errors in (("/console/ops/feed", 0), ("/v1/convert", 1)):
        stand.watching.hear_error(make_seen(CLIENT_CLOSED, route))
        assert stand.recorder.read(Window.HOUR).error_count == errors


def make_seen(entry: Entry, route: str) -> ErrorSeen:
    return ErrorSeen(
        request_id="01",
        client_request_id=None,
        entry=entry,
        method="GET",
        route=route,
        status=499,
        exception=None,
    )
