"""Detectors that learn what is usual: surges, slowness, silence, new errors."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest
from tests.fixtures.detection import MONDAY, Stage, fail

from ironleaf.foundation.errors import AlertRule, Level
from ironleaf.foundation.health import HealthStatus
from ironleaf.foundation.monitoring import SignalState
from ironleaf.foundation.monitoring.detection.novelty import KNOWN_MAX, STANDING_MAX, Novelty
from ironleaf.foundation.monitoring.detection.silence import Silence
from ironleaf.foundation.monitoring.detection.slowness import HISTORY_MIN, Slowness, find_percentile
from ironleaf.foundation.monitoring.detection.surge import Surge
from ironleaf.foundation.monitoring.detection.tick import PROBED, BackendFigures, Failures, Sight

ON, OFF = SignalState.FIRING, SignalState.CLEAR


def refuse(count: int) -> tuple[Failures, ...]:
    return (fail("file-too-large", count, component="service", alert=AlertRule.SURGE, level=Level.L1),)


def test_refusals_that_jump_for_minutes_are_a_surge_and_its_end_is_said() -> None:
    stage = Stage(Surge())
    stage.feed_for(180 * 60, every_s=60, requests=60, failures=refuse(1))
    stage.feed_for(300, every_s=60, requests=90, failures=refuse(30))
    assert stage.said == [], "five minutes may be one caller with a pile of files"
    stage.feed_for(300, every_s=60, requests=90, failures=refuse(30))
    (signal,) = stage.said
    assert (signal.rule, signal.component, signal.cause) == ("caller-surge", "service", "file-too-large")
    assert signal.evidence["count_per_minute"] == 30
    assert 1 <= signal.evidence["usual_per_minute"] < 4
    stage.feed_for(17 * 60, every_s=60, requests=60, failures=refuse(1))
    assert stage.states == [ON, OFF]


def test_one_pile_of_wrong_files_is_no_surge() -> None:
    stage = Stage(Surge())
    stage.feed_for(180 * 60, every_s=60, requests=60)
    for _ in range(20):
        stage.feed_for(180, every_s=60, requests=100, failures=refuse(100))
        stage.feed_for(3600, every_s=60, requests=60)
    assert stage.said == []


def test_morning_is_no_surge() -> None:
    stage = Stage(Surge())
    for _ in range(3):
        for _ in range(30):
            stage.feed_for(19 * 60, every_s=60, requests=5)
            stage.feed(60, requests=5, failures=refuse(1))
        stage.feed_for(10 * 3600, every_s=60, requests=600, failures=refuse(6))
    assert stage.said == []


def test_what_is_usual_after_a_start_is_learned_first() -> None:
    stage = Stage(Surge())
    stage.feed_for(24 * 3600, every_s=60, requests=300, failures=refuse(20))
    assert stage.said == []


def test_a_surge_of_what_was_never_seen_needs_no_learning_of_its_own() -> None:
    stage = Stage(Surge())
    stage.feed_for(180 * 60, every_s=60, requests=60)
    stage.feed_for(600, every_s=60, requests=60, failures=refuse(30))
    assert stage.states == [ON]


def test_other_rules_are_no_surges() -> None:
    stage = Stage(Surge())
    stage.feed_for(180 * 60, every_s=60, requests=60)
    stage.feed_for(1200, every_s=60, requests=60, failures=(fail(count=30),))
    assert stage.said == []


def run_engine(stage: Stage, windows: int, *, times: float = 1.0, seed: int = 1) -> None:
    rng = random.Random(seed)
    for _ in range(windows):
        for _ in range(6):
            paces = tuple(times * math.exp(rng.gauss(0.0, 0.4)) for _ in range(12))
            stage.feed(51, paces={("embedded", "slow"): paces})


def test_three_times_slower_is_said_after_three_windows_and_its_end_after_two() -> None:
    stage = Stage(Slowness())
    run_engine(stage, HISTORY_MIN)
    run_engine(stage, 2, times=4.0)
    assert stage.said == []
    run_engine(stage, 2, times=4.0)
    (signal,) = stage.said
    assert (signal.rule, signal.component, signal.cause) == ("slow-down", "embedded", "slow")
    assert signal.evidence["p95_s_per_unit"] > 2 * signal.evidence["usual_p95_s_per_unit"]
    run_engine(stage, 4)
    assert stage.states == [ON, OFF]


def test_nothing_is_slow_before_something_is_usual() -> None:
    stage = Stage(Slowness())
    run_engine(stage, HISTORY_MIN - 20)
    run_engine(stage, 10, times=10.0)
    assert stage.said == []


def test_what_lasts_becomes_usual() -> None:
    stage = Stage(Slowness())
    run_engine(stage, HISTORY_MIN)
    run_engine(stage, 2 * HISTORY_MIN, times=4.0)
    assert stage.states == [ON, OFF]


def test_a_percentile_is_a_sample() -> None:
    assert find_percentile(list(range(100))) == 95
    assert find_percentile([7.0]) == 7.0


def live_a_week(stage: Stage, *, per_hour: int = 240) -> None:
    for hour in range(8 * 24):
        busy = 8 <= hour % 24 < 18
        for _ in range(12):
            stage.feed(300, requests=per_hour // 12 if busy else 0)


def test_traffic_that_stops_in_a_busy_hour_is_missed_and_its_return_is_said() -> None:
    stage = Stage(Silence(), now_s=0.0)
    live_a_week(stage)
    stage.feed_for(10 * 3600, every_s=300, requests=0)  # the night and two busy hours, in which nothing begins
    assert stage.said == [], "a day that does not begin may be a holiday"
    stage.feed(60, requests=5)
    stage.feed_for(1800, every_s=60)
    (signal,) = stage.said
    assert (signal.rule, signal.component, signal.cause) == ("no-traffic", "traffic", "silent")
    assert signal.evidence["missed_requests"] >= 60
    stage.feed(60, requests=1)
    assert stage.states == [ON, OFF]


def test_nothing_is_missed_before_a_week_is_known_and_the_past_can_be_recalled() -> None:
    young, told = Stage(Silence(), now_s=0.0), Silence()
    told.recall({MONDAY - timedelta(hours=hours): 240 for hours in range(1, 200)})
    reminded = Stage(told, now_s=0.0)
    for stage in (young, reminded):
        stage.feed_for(1800, every_s=60, requests=4)
        stage.feed_for(1800, every_s=60)
    assert young.said == []
    assert reminded.states == [ON]


def test_the_evening_is_not_missed() -> None:
    stage = Stage(Silence(), now_s=0.0)
    for _ in range(3):
        live_a_week(stage)
    assert stage.said == []


def sight(fingerprint: str, cause: str = "internal-error", component: str = "service") -> tuple[Sight, ...]:
    return (Sight(component=component, cause=cause, fingerprint=fingerprint),)


def test_a_fingerprint_is_new_once() -> None:
    stage = Stage(Novelty(known=("old",)))
    stage.feed(sights=sight("old"))
    assert stage.said == []
    (signal,) = stage.feed(sights=sight("young"))
    assert (signal.rule, signal.component, signal.cause) == ("new-error", "service", "internal-error")
    assert (signal.fingerprint, signal.new_fingerprint) == ("young", True)
    assert stage.feed_for(7000, every_s=100, sights=sight("young")) == []
    stage.feed_for(3700, every_s=100)
    assert stage.states == [ON, OFF]
    assert stage.feed_for(100, sights=sight("young")) == []


def test_what_was_new_at_a_backend_is_over_once_the_backend_is_seen_to_read() -> None:
    stage = Stage(Novelty())
    stage.feed(sights=sight("young", component="backend:alpha"))
    stage.feed_for(600, every_s=60, backends=(BackendFigures(alias="alpha"), BackendFigures(alias="beta", reads=True)))
    assert stage.states == [ON], "not known to fail is not known to work"
    stage.feed(60, sights=sight("young", component="backend:alpha"))
    stage.feed_for(69, backends=(BackendFigures(alias="alpha", reads=True),))
    assert stage.states == [ON]
    stage.feed(1, backends=(BackendFigures(alias="alpha", reads=True),))
    assert stage.states == [ON, OFF]


@pytest.mark.parametrize("part", sorted(PROBED))
def test_a_hiccup_is_over_once_the_health_report_finds_the_part_well(part: str) -> None:
    stage = Stage(Novelty())
    stage.feed(sights=sight("young", component=part))
    stage.feed_for(600, every_s=60, health={part: HealthStatus.DEGRADED, "service": HealthStatus.HEALTHY})
    assert stage.states == [ON]
    stage.feed(60, health={part: HealthStatus.HEALTHY})
    assert stage.states == [ON, OFF]


def test_a_healthy_report_says_nothing_of_the_service_itself() -> None:
    stage = Stage(Novelty())
    stage.feed(sights=sight("young"))
    stage.feed_for(3500, every_s=100, health={"service": HealthStatus.HEALTHY})
    assert stage.states == [ON]


def test_a_second_new_one_of_the_same_cause_is_news() -> None:
    stage = Stage(Novelty())
    stage.feed(sights=(*sight("one"), *sight("two")))
    assert [signal.fingerprint for signal in stage.said] == ["one", "two"]
    assert len({signal.identity for signal in stage.said}) == 1


def test_a_release_that_breaks_everything_is_said_ten_times_and_not_more() -> None:
    stage = Stage(Novelty())
    for number in range(40):
        stage.feed(sights=sight(f"f{number}", cause=f"cause-{number}"))
    assert len(stage.said) == STANDING_MAX == 10


def test_fingerprints_not_seen_for_longest_are_forgotten() -> None:
    stage = Stage(Novelty(known=("oldest", *(str(number) for number in range(KNOWN_MAX)))))
    assert stage.feed(sights=sight("0")) == []
    assert len(stage.feed(sights=sight("oldest"))) == 1
