"""From the house's figures and events to signals, on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from ironleaf.application.catalogue import build_catalogue
from ironleaf.application.detection import Detection
from ironleaf.application.figures import DiskPlace, HouseFigures, read_disks
from ironleaf.faults import ManualClock
from ironleaf.foundation.errors import Kind, Level
from ironleaf.foundation.health import HealthBoard, HealthStatus, ProbeResult
from ironleaf.foundation.monitoring import ErrorEvent, Measured, Outcome, Signal, WorkMeasured
from ironleaf.foundation.monitoring.detection import DetectionSettings, QueueFigures

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

pytestmark = pytest.mark.anyio


@dataclass
class Part:
    name: str = "database"
    status: HealthStatus = HealthStatus.HEALTHY

    async def check(self) -> ProbeResult:
        return ProbeResult(status=self.status)


@dataclass
class Scene:
    clock: ManualClock
    detection: Detection
    part: Part
    said: list[Signal] = field(default_factory=list)

    def meet(self, reason: str, level: Level, *, component: str = "backend:alpha") -> None:
        event = ErrorEvent(
            at=self.clock.now(),
            code=50250,
            reason=reason,
            kind=Kind.UNAVAILABLE,
            level=level,
            component=component,
            outcome=Outcome.FAILED,
        )
        self.detection.hear(event)
        self.detection.hear(
            WorkMeasured(at=self.clock.now(), measured=Measured.BACKEND, name="alpha", duration_s=1.0, ok=False)
        )

    @property
    def causes(self) -> list[tuple[str, str, str]]:
        return [(signal.rule, signal.cause, signal.state.value) for signal in self.said]


def build(
    *places: DiskPlace,
    say: Callable[[Signal], None] | None = None,
    queue: Callable[[], QueueFigures] | None = None,
    part: str = "database",
) -> Scene:
    clock, looked_at, said = ManualClock(), Part(part), list[Signal]()
    figures = HouseFigures(
        queues=() if queue is None else (queue,), watches=(), places=places, board=HealthBoard((looked_at,), clock)
    )
    detection = Detection(
        DetectionSettings(), figures=figures, catalogue=build_catalogue(), say=say or said.append, clock=clock
    )
    return Scene(clock, detection, looked_at, said)


@asynccontextmanager
async def running(scene: Scene) -> AsyncGenerator[None]:
    task = asyncio.create_task(scene.detection.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_outage_is_told_within_a_second_of_the_failure_that_proves_it() -> None:
    scene = build()
    async with running(scene):
        for _ in range(4):
            assert scene.said == []
            scene.meet("model-failed", Level.L3)
            await scene.clock.run_for(9.9)
    assert ("error-onset", "model-failed", "firing") in scene.causes
    onset = scene.said[0]
    assert (onset.at - onset.since).total_seconds() <= 30


@pytest.mark.parametrize(
    ("reason", "level", "rule"),
    [
        ("spool-full", Level.L4, "needs-a-person"),
        ("internal-error", Level.L3, "error-onset"),
        ("circuit-open", Level.L3, None),
        ("no-entry-of-ours", Level.L3, "error-onset"),
        ("file-too-large", Level.L1, None),
        ("not-found", Level.L1, None),
    ],
)
async def test_the_catalogue_says_which_rule_applies(reason: str, level: Level, rule: str | None) -> None:
    scene = build()
    for _ in range(6):
        scene.meet(reason, level)
        scene.detection.tick()
        scene.clock.advance(1)
    assert [signal.rule for signal in scene.said] == ([rule] if rule else [])


async def test_a_component_that_falls_ill_is_told_and_its_recovery_too() -> None:
    scene = build()
    async with running(scene):
        await scene.clock.run_for(30)
        scene.part.status = HealthStatus.UNHEALTHY
        await scene.clock.run_for(30)
        scene.part.status = HealthStatus.HEALTHY
        await scene.clock.run_for(90)
    assert scene.causes == [
        ("component-unhealthy", "unhealthy", "firing"),
        ("component-unhealthy", "unhealthy", "clear"),
    ]


async def test_a_listener_or_a_figure_that_fails_is_named_once_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> QueueFigures:
        raise RuntimeError("secret")

    deaf, blind = build(say=fail), build(queue=fail)  # type: ignore[arg-type]
    for scene in (deaf, blind):
        async with running(scene):
            for _ in range(5):
                scene.meet("spool-full", Level.L4)
                await scene.clock.run_for(1)
    assert [record.getMessage() for record in caplog.records] == [
        "detection failed to say: RuntimeError",
        "detection failed to tick: RuntimeError",
    ]
    assert "secret" not in caplog.text


async def test_events_that_are_none_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    scene = build()
    scene.detection.hear(None)  # type: ignore[arg-type]
    scene.meet("spool-full", Level.L4)
    scene.detection.tick()
    assert len(scene.said) == 1
    assert "detection failed to hear: AttributeError" in caplog.text


def test_a_disk_is_looked_at_once_and_where_a_directory_is_missing_its_parent_tells(tmp_path: Path) -> None:
    places = [DiskPlace(name=name, directory=tmp_path / name, reserve_bytes=7) for name in ("spool", "state")]
    (figures,) = read_disks(places)
    assert (figures.name, figures.reserve_bytes) == ("spool", 7)
    assert figures.free_bytes > 0


async def test_a_disk_is_told_of_by_its_own_rule_and_not_as_a_component_too() -> None:
    scene = build(part="disk")
    scene.part.status = HealthStatus.UNHEALTHY
    async with running(scene):
        await scene.clock.run_for(60)
    assert scene.said == []


async def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    scene = build(DiskPlace(name="spool", directory=tmp_path, reserve_bytes=2**60))
    async with running(scene):
        for _ in range(60):
            await scene.clock.run_for(1)
            await asyncio.to_thread(lambda: None)
    assert ("disk-filling", "spool-full", "firing") in scene.causes


async def test_what_is_kept_of_the_past_can_be_recalled() -> None:
    scene = build()
    scene.detection.recall(request_hours={}, fingerprints=["old"])
    event = ErrorEvent(
        at=scene.clock.now(),
        code=50030,
        reason="internal-error",
        kind=Kind.INTERNAL,
        level=Level.L3,
        component="service",
        outcome=Outcome.FAILED,
        fingerprint="old",
    )
    scene.detection.hear(event)
    scene.detection.tick()
    assert scene.said == []
    assert scene.detection.find_absent([]) == ()
