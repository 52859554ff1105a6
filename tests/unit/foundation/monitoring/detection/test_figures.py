"""Detectors of figures: queues, disks, memory, health, backends."""

from __future__ import annotations

import pytest
from tests.fixtures.detection import Stage

from ironleaf.foundation.health import HealthStatus
from ironleaf.foundation.monitoring import SignalState, Urgency
from ironleaf.foundation.monitoring.detection.backends import Backends
from ironleaf.foundation.monitoring.detection.components import Components
from ironleaf.foundation.monitoring.detection.disks import Disks
from ironleaf.foundation.monitoring.detection.memory import Memory
from ironleaf.foundation.monitoring.detection.queues import Queues
from ironleaf.foundation.monitoring.detection.tick import BackendFigures, DiskFigures, MemoryFigures, QueueFigures

ON, OFF = SignalState.FIRING, SignalState.CLEAR
GIB = 1024**3


def queue(waiting: int) -> dict[str, tuple[QueueFigures, ...]]:
    return {"queues": (QueueFigures(name="conversions", waiting=waiting, waiting_max=64),)}


def disk(free_gib: float) -> dict[str, tuple[DiskFigures, ...]]:
    return {"disks": (DiskFigures(name="spool", free_bytes=int(free_gib * GIB), reserve_bytes=GIB // 2),)}


def memory(used_share: float) -> dict[str, MemoryFigures]:
    return {"memory": MemoryFigures(used_bytes=int(used_share * GIB), limit_bytes=GIB, tree_bytes=GIB // 2)}


def test_a_queue_that_stays_full_is_said_and_its_end_too() -> None:
    stage = Stage(Queues())
    stage.feed_for(600, **queue(60))
    (signal,) = stage.said
    assert (signal.rule, signal.component, signal.cause) == ("queue-growth", "queue", "conversions")
    assert signal.evidence == {"waiting": 60, "waiting_max": 64}
    assert (signal.at - signal.since).total_seconds() == 360, "it began with the minutes that were looked at"
    stage.feed_for(900, **queue(2))
    assert stage.states == [ON, OFF]


def test_a_batch_that_drains_is_no_growth() -> None:
    stage = Stage(Queues())
    for _ in range(5):
        stage.feed_for(300, **queue(0))
        for waiting in range(64, 0, -1):
            stage.feed_for(8, **queue(waiting))
    assert stage.said == []


def test_a_queue_that_soon_will_be_full_is_said_before_it_is() -> None:
    stage = Stage(Queues())
    for waiting in range(0, 64, 4):
        stage.feed_for(60, **queue(waiting))
        if stage.said:
            break
    (signal,) = stage.said
    assert signal.evidence["waiting"] < 50
    assert 0 < signal.evidence["full_in_s"] <= 300


def test_a_queue_without_places_is_none() -> None:
    stage = Stage(Queues())
    stage.feed_for(1200, queues=(QueueFigures(name="conversions", waiting=0, waiting_max=0),))
    assert stage.said == []


def test_a_disk_that_is_nearly_full_pages() -> None:
    stage = Stage(Disks())
    stage.feed_for(60, every_s=10, **disk(0.9))
    (signal,) = stage.said
    assert (signal.component, signal.cause, signal.urgency) == ("disk", "spool-full", Urgency.PAGE)
    stage.feed_for(1200, every_s=10, **disk(1.2))
    assert stage.states == [ON], "between the thresholds nothing changes"
    stage.feed_for(1200, every_s=10, **disk(50))
    assert stage.states == [ON, OFF]


def test_a_disk_that_fills_within_hours_is_a_ticket_and_within_one_a_page() -> None:
    stage = Stage(Disks())
    free_gib = 100.0
    while free_gib > 5:
        stage.feed(60, **disk(free_gib))
        free_gib -= 0.4
    assert [(signal.cause, signal.urgency) for signal in stage.said] == [
        ("spool-filling", Urgency.TICKET),
        ("spool-filling", Urgency.PAGE),
    ]
    ticket, page = stage.said
    assert 3600 < ticket.evidence["full_in_s"] <= 4 * 3600
    assert page.evidence["full_in_s"] < 3600


def test_files_that_come_and_go_are_no_trend() -> None:
    stage = Stage(Disks())
    for _ in range(30):
        for step in range(20):
            stage.feed(30, **disk(20 - step * 0.5))
    assert stage.said == []


def test_memory_that_stays_full_pages_and_a_peak_does_not() -> None:
    stage = Stage(Memory())
    for _ in range(20):
        stage.feed_for(45, **memory(0.97))
        stage.feed_for(45, **memory(0.6))
    assert stage.said == []
    stage.feed_for(70, **memory(0.97))
    (signal,) = stage.said
    assert (signal.rule, signal.component, signal.cause) == ("memory-pressure", "memory", "full")
    assert signal.evidence["used_share"] == 0.97
    stage.feed_for(600, **memory(0.88))
    assert stage.states == [ON]
    stage.feed_for(130, **memory(0.5))
    assert stage.states == [ON, OFF]


def test_memory_without_a_limit_is_not_judged() -> None:
    stage = Stage(Memory())
    stage.feed_for(100)
    stage.feed_for(100, memory=MemoryFigures(used_bytes=5, limit_bytes=0, tree_bytes=5))
    assert stage.said == []


@pytest.mark.parametrize(
    ("status", "rule", "blip_s", "hold_s"),
    [
        (HealthStatus.UNHEALTHY, "component-unhealthy", 8, 12),
        (HealthStatus.DEGRADED, "component-degraded", 100, 140),
    ],
)
def test_a_component_that_is_not_well_is_said_when_it_lasts(
    status: HealthStatus, rule: str, blip_s: int, hold_s: int
) -> None:
    stage = Stage(Components())
    stage.feed_for(blip_s, health={"database": status})
    stage.feed_for(60, health={"database": HealthStatus.HEALTHY})
    assert stage.said == []
    stage.feed_for(hold_s, health={"database": status})
    (signal,) = stage.said
    assert (signal.rule, signal.component, signal.cause) == (rule, "database", status.value)
    stage.feed_for(62, health={"database": HealthStatus.HEALTHY})
    assert stage.states == [ON, OFF]


def test_a_tick_without_health_changes_nothing() -> None:
    stage = Stage(Components())
    stage.feed_for(20, health={"model": HealthStatus.UNHEALTHY})
    stage.feed_for(500)
    assert stage.states == [ON]


def test_from_degraded_to_unhealthy_is_said_as_both() -> None:
    stage = Stage(Components())
    stage.feed_for(130, health={"model": HealthStatus.DEGRADED})
    stage.feed_for(30, health={"model": HealthStatus.UNHEALTHY})
    stage.feed_for(100, health={"model": HealthStatus.HEALTHY})
    assert [(signal.cause, signal.state) for signal in stage.said] == [
        ("degraded", ON),
        ("unhealthy", ON),
        ("unhealthy", OFF),
        ("degraded", OFF),
    ]


def backend(trouble: str = "", *, definite: bool = False) -> dict[str, tuple[BackendFigures, ...]]:
    return {"backends": (BackendFigures(alias="alpha", trouble=trouble, definite=definite),)}


def test_a_breaker_that_opened_in_vain_wakes_nobody() -> None:
    stage = Stage(Backends())
    stage.feed_for(6, **backend("fails"))
    stage.feed_for(600, **backend())
    stage.feed_for(16, **backend("fails"))
    stage.feed_for(600, **backend())
    assert stage.said == []


def test_trouble_that_lasts_is_said_and_a_change_of_it_is_news() -> None:
    stage = Stage(Backends())
    stage.feed_for(32, **backend("fails"))
    stage.feed_for(20, **backend("model_missing", definite=True))
    first, second = stage.said
    assert (first.component, first.cause, first.evidence) == ("backend:alpha", "fails", {"finding": "fails"})
    assert second.identity == first.identity
    assert second.since == first.since
    assert second.evidence == {"finding": "model_missing"}
    stage.feed_for(29, **backend())
    assert stage.states == [ON, ON]
    stage.feed_for(2, **backend())
    assert stage.states == [ON, ON, OFF]


def test_an_opened_breaker_that_fails_its_probe_needs_no_more_proof() -> None:
    stage = Stage(Backends())
    stage.feed(backends=(BackendFigures(alias="alpha", trouble="fails", proven=True),))
    assert stage.states == [ON]


def test_definite_trouble_is_believed_sooner_but_not_before_it_can_be_mended() -> None:
    stage = Stage(Backends())
    stage.feed_for(9, **backend("model_missing", definite=True))
    assert stage.said == []
    stage.feed_for(3, **backend("model_missing", definite=True))
    assert stage.said[0].cause == "model_missing"
