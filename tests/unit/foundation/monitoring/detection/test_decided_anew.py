"""Promise: what a person calls over is over for each detector; what goes on is said again, on new evidence alone."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.fixtures.detection import MONDAY, Stage, fail

from ironleaf.foundation.alerting.evidence import NAMES
from ironleaf.foundation.errors import AlertRule, Level
from ironleaf.foundation.health import HealthStatus
from ironleaf.foundation.monitoring import Identity, SignalState
from ironleaf.foundation.monitoring.detection import RULES
from ironleaf.foundation.monitoring.detection.backends import Backends
from ironleaf.foundation.monitoring.detection.burn import Burn
from ironleaf.foundation.monitoring.detection.components import Components
from ironleaf.foundation.monitoring.detection.disks import Disks
from ironleaf.foundation.monitoring.detection.memory import Memory
from ironleaf.foundation.monitoring.detection.novelty import Novelty
from ironleaf.foundation.monitoring.detection.onset import Onset
from ironleaf.foundation.monitoring.detection.queues import Queues
from ironleaf.foundation.monitoring.detection.silence import Silence
from ironleaf.foundation.monitoring.detection.slowness import HISTORY_MIN, Slowness
from ironleaf.foundation.monitoring.detection.surge import Surge
from ironleaf.foundation.monitoring.detection.tick import (
    BackendFigures,
    DiskFigures,
    MemoryFigures,
    QueueFigures,
    Sight,
)
from ironleaf.foundation.monitoring.detection.urgent import Urgent

if TYPE_CHECKING:
    from collections.abc import Callable

    from ironleaf.foundation.monitoring.detection.base import Detector

ON, OFF = SignalState.FIRING, SignalState.CLEAR
WEEK = {MONDAY - timedelta(hours=hours): 240 for hours in range(1, 200)}


def nothing(_stage: Stage) -> None:
    """No past is needed."""


def serve_hours(stage: Stage) -> None:
    stage.feed_for(3 * 3_600, every_s=60, requests=60)


def serve_quietly(stage: Stage) -> None:
    stage.feed_for(3 * 3_600, every_s=60, requests=1)


def know_a_week(stage: Stage) -> None:
    assert isinstance(stage.detector, Silence)
    stage.detector.recall(WEEK)
    stage.feed_for(600, every_s=60, requests=4)


def work_a_day(stage: Stage) -> None:
    rng = random.Random(1)
    for _ in range(HISTORY_MIN):
        paces = tuple(math.exp(rng.gauss(0.0, 0.4)) for _ in range(72))
        stage.feed(301, paces={("embedded", "slow"): paces})


@dataclass(frozen=True, kw_only=True)
class Case:
    """How a rule is brought to speak."""

    rule: str
    make: Callable[[], Detector]
    bad: dict[str, Any]
    """What a tick shows while it lasts."""
    least_s: float
    """It is not said again before."""
    most_s: float
    """It is said by then, at first and again."""
    past: Callable[[Stage], None] = nothing
    every_s: float = 1.0
    good: dict[str, Any] = field(default_factory=dict)
    """What a tick shows when the person was right."""


GIB = 1024**3
CASES = (
    Case(
        rule="error-onset",
        make=Onset,
        least_s=1,
        most_s=60,
        bad={"failures": (fail(),), "attempts": {"backend:alpha": 1}},
    ),
    Case(
        rule="needs-a-person",
        make=Urgent,
        least_s=1,
        most_s=1,
        bad={"failures": (fail(alert=AlertRule.AT_ONCE, level=Level.L4),)},
    ),
    Case(
        rule="new-error",
        make=Novelty,
        least_s=1,
        most_s=1,
        bad={"sights": (Sight(component="service", cause="internal-error", fingerprint="f"),)},
    ),
    Case(
        rule="budget-burn",
        make=Burn,
        past=serve_quietly,
        every_s=60,
        least_s=120,
        most_s=1_200,
        bad={"requests": 5, "failed_requests": 5},
        good={"requests": 5},
    ),
    Case(
        rule="backend-down",
        make=Backends,
        least_s=10,
        most_s=11,
        bad={"backends": (BackendFigures(alias="alpha", trouble="model_missing", definite=True),)},
        good={"backends": (BackendFigures(alias="alpha", reads=True),)},
    ),
    Case(
        rule="component-unhealthy",
        make=Components,
        least_s=10,
        most_s=11,
        bad={"health": {"database": HealthStatus.UNHEALTHY}},
        good={"health": {"database": HealthStatus.HEALTHY}},
    ),
    Case(
        rule="disk-filling",
        make=Disks,
        least_s=30,
        most_s=31,
        bad={"disks": (DiskFigures(name="spool", free_bytes=GIB, reserve_bytes=GIB),)},
        good={"disks": (DiskFigures(name="spool", free_bytes=9 * GIB, reserve_bytes=GIB),)},
    ),
    Case(
        rule="memory-pressure",
        make=Memory,
        least_s=60,
        most_s=61,
        bad={"memory": MemoryFigures(used_bytes=99, limit_bytes=100, tree_bytes=1)},
        good={"memory": MemoryFigures(used_bytes=9, limit_bytes=100, tree_bytes=1)},
    ),
    Case(
        rule="queue-growth",
        make=Queues,
        every_s=10,
        least_s=300,
        most_s=480,
        bad={"queues": (QueueFigures(name="conversions", waiting=10, waiting_max=10),)},
        good={"queues": (QueueFigures(name="conversions", waiting=0, waiting_max=10),)},
    ),
    Case(
        rule="caller-surge",
        make=Surge,
        past=serve_hours,
        every_s=60,
        least_s=300,
        most_s=900,
        bad={"requests": 60, "failures": (fail("page-too-large", 30, component="service", alert=AlertRule.SURGE),)},
        good={"requests": 60},
    ),
    Case(
        rule="slow-down",
        make=Slowness,
        past=work_a_day,
        every_s=301,
        least_s=602,
        most_s=1_204,
        bad={"paces": {("embedded", "slow"): (9.0,) * 72}},
        good={"paces": {("embedded", "slow"): (1.0,) * 72}},
    ),
    Case(
        rule="no-traffic",
        make=Silence,
        past=know_a_week,
        every_s=60,
        least_s=600,
        most_s=1_800,
        bad={},
        good={"requests": 4},
    ),
)


def begin(case: Case) -> tuple[Stage, Identity]:
    stage = Stage(case.make(), now_s=0.0)
    case.past(stage)
    stage.feed_for(case.most_s, every_s=case.every_s, **case.bad)
    assert stage.states == [ON]
    assert stage.said[0].rule == case.rule
    return stage, stage.said[0].identity


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_what_goes_on_is_said_again_and_not_before_it_is_seen_anew(case: Case) -> None:
    stage, identity = begin(case)
    stage.detector.forget(identity)
    before_s, told_s = stage.now_s, None
    while told_s is None and stage.now_s - before_s <= case.most_s + case.every_s:
        if stage.feed(case.every_s, **case.bad):
            told_s = stage.now_s - before_s
    assert told_s is not None
    assert told_s >= case.least_s
    assert stage.states == [ON, ON]
    assert stage.said[1].identity == identity


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_what_is_over_says_nothing_more(case: Case) -> None:
    stage, identity = begin(case)
    stage.detector.forget(identity)
    stage.feed_for(case.most_s, every_s=case.every_s, **case.good)
    assert stage.states == [ON], "its end was told when the person said so"


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_what_nobody_closed_stands(case: Case) -> None:
    stage, identity = begin(case)
    for other in (identity._replace(cause="another"), identity._replace(rule="another")):
        stage.detector.forget(other)
    stage.feed_for(case.most_s, every_s=case.every_s, **case.bad)
    assert stage.states == [ON]


@pytest.mark.parametrize("case", CASES, ids=[case.rule for case in CASES])
def test_what_was_measured_has_words(case: Case) -> None:
    stage, _ = begin(case)
    assert set(stage.said[0].evidence) <= NAMES.keys()


def test_every_rule_is_tried() -> None:
    alike = {"budget-leak", "component-degraded"}
    assert {case.rule for case in CASES} | alike == set(RULES)
