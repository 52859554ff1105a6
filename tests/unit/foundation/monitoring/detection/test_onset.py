"""An outage is seen after a handful of calls, said once, and said to be over once."""

from __future__ import annotations

import pytest
from tests.fixtures.detection import Stage, fail

from ironleaf.foundation.errors import AlertRule, Level
from ironleaf.foundation.monitoring import SignalState, Urgency
from ironleaf.foundation.monitoring.detection.onset import Onset
from ironleaf.foundation.monitoring.detection.tick import BackendFigures

BACKEND = "backend:alpha"


def work(stage: Stage, calls: int, *, every_s: float = 10.0) -> None:
    stage.feed_for(calls * every_s, every_s=every_s, attempts={BACKEND: 1})


def break_down(stage: Stage, calls: int, cause: str = "model-failed", *, every_s: float = 10.0) -> None:
    stage.feed_for(calls * every_s, every_s=every_s, attempts={BACKEND: 1}, failures=(fail(cause),))


def test_a_total_outage_is_said_with_the_fourth_failure_and_once() -> None:
    stage = Stage(Onset())
    work(stage, 60)
    break_down(stage, 3)
    assert stage.said == []
    break_down(stage, 1)
    (signal,) = stage.said
    assert (signal.rule, signal.component, signal.cause) == ("error-onset", BACKEND, "model-failed")
    assert (signal.state, signal.urgency) == (SignalState.FIRING, Urgency.PAGE)
    assert (signal.at - signal.since).total_seconds() == 30, "it began with the first failure"
    assert signal.evidence["failed_count"] == 4
    break_down(stage, 500)
    assert len(stage.said) == 1


def test_it_is_over_after_enough_clean_calls_and_not_after_a_few() -> None:
    stage = Stage(Onset())
    break_down(stage, 5)
    work(stage, 30)
    assert stage.states == [SignalState.FIRING]
    work(stage, 10)
    assert stage.states == [SignalState.FIRING, SignalState.CLEAR]
    assert stage.said[0].identity == stage.said[1].identity
    assert stage.said[0].since == stage.said[1].since
    work(stage, 100)
    assert len(stage.said) == 2


def test_clean_calls_within_one_second_do_not_prove_the_end() -> None:
    stage = Stage(Onset())
    break_down(stage, 5)
    stage.feed(1.0, attempts={BACKEND: 500})
    assert stage.states == [SignalState.FIRING]
    stage.feed_for(60, attempts={BACKEND: 1})
    assert stage.states == [SignalState.FIRING, SignalState.CLEAR]


def test_it_can_begin_again() -> None:
    stage = Stage(Onset())
    for _ in range(3):
        break_down(stage, 5)
        work(stage, 50)
    assert stage.states == [SignalState.FIRING, SignalState.CLEAR] * 3


def test_fifty_sick_pages_of_one_file_are_one_failure() -> None:
    stage = Stage(Onset())
    work(stage, 60)
    for file in range(3):
        stage.feed(5.0, attempts={BACKEND: 50}, failures=(fail(count=50, fresh=1),))
        stage.feed(5.0, attempts={BACKEND: 50}, failures=(fail(count=50, fresh=0),))
        assert stage.said == [], f"file {file}"
    stage.feed(5.0, attempts={BACKEND: 50}, failures=(fail(count=50, fresh=1),))
    assert len(stage.said) == 1, "the fourth file is no accident"


def test_a_file_that_is_sent_again_is_no_outage_and_other_files_are() -> None:
    stage = Stage(Onset())
    work(stage, 60)
    stage.feed(5.0, attempts={BACKEND: 1}, failures=(fail(),))
    for _ in range(20):
        stage.feed(5.0, attempts={BACKEND: 1}, failures=(fail(files=0),))
    assert stage.said == []
    break_down(stage, 3)
    assert len(stage.said) == 1, "with the fourth file"


def test_it_is_not_over_while_the_files_of_its_first_hour_still_fail() -> None:
    stage = Stage(Onset())
    break_down(stage, 5)
    stage.feed_for(7200, every_s=10.0, attempts={BACKEND: 1}, failures=(fail(files=0),))
    assert stage.states == [SignalState.FIRING]


def test_a_fiftieth_of_the_calls_may_fail_for_ever() -> None:
    stage = Stage(Onset())
    for _ in range(200):
        work(stage, 49)
        break_down(stage, 1)
    assert stage.said == []


def test_the_operator_says_what_is_healthy() -> None:
    stages = Stage(Onset()), Stage(Onset(healthy_share=0.1))
    for stage in stages:
        for _ in range(30):
            work(stage, 6)
            break_down(stage, 1)
    assert [bool(stage.said) for stage in stages] == [True, False]


def test_a_new_trouble_is_not_hidden_by_an_old_one() -> None:
    stage = Stage(Onset())
    break_down(stage, 20, "model-timeout")
    break_down(stage, 20, "model-failed")
    assert [(signal.cause, signal.state) for signal in stage.said] == [
        ("model-timeout", SignalState.FIRING),
        ("model-failed", SignalState.FIRING),
    ]


def test_an_outage_with_two_faces_is_one() -> None:
    stage = Stage(Onset())
    for _ in range(10):
        break_down(stage, 1, "model-timeout")
        break_down(stage, 1, "model-failed")
    (signal,) = stage.said
    assert signal.cause == "model-failed"
    assert signal.evidence["causes"] == "model-failed, model-timeout"


def test_parts_are_judged_apart() -> None:
    stage = Stage(Onset())
    for _ in range(3):
        for name in ("backend:alpha", "backend:beta"):
            stage.feed(5.0, attempts={name: 1}, failures=(fail(component=name),))
    assert stage.said == []


@pytest.mark.parametrize("alert", [AlertRule.NEVER, AlertRule.SURGE, AlertRule.AT_ONCE])
def test_other_rules_are_other_detectors_business(alert: AlertRule) -> None:
    stage = Stage(Onset())
    stage.feed_for(100, attempts={BACKEND: 1}, failures=(fail(alert=alert, level=Level.L2),))
    assert stage.said == []


def test_where_nobody_counts_the_work_requests_are_the_occasions() -> None:
    healthy, sick = Stage(Onset()), Stage(Onset())
    for _ in range(10):
        healthy.feed(60.0, requests=100, failures=(fail("database-unavailable", component="database"),))
        sick.feed(60.0, requests=1, failures=(fail("database-unavailable", component="database"),))
    assert healthy.said == []
    assert len(sick.said) == 1


def test_requests_that_go_well_speak_for_a_part_whose_work_nobody_counts() -> None:
    """Second by second: a database that fails one request in a hundred is no outage, and one that is back is back."""
    failure = {"requests": 1, "failures": (fail("database-unavailable", component="database"),)}
    stage = Stage(Onset())
    for _ in range(20):
        stage.feed_for(99, requests=1)
        stage.feed(**failure)
    assert stage.said == []
    stage.feed_for(10, **failure)
    assert stage.states == [SignalState.FIRING]
    stage.feed_for(120, requests=1)
    assert stage.states == [SignalState.FIRING, SignalState.CLEAR]


def test_requests_do_not_speak_for_a_backend() -> None:
    stage = Stage(Onset())
    break_down(stage, 5)
    stage.feed_for(600, requests=1)
    assert stage.states == [SignalState.FIRING]


def test_half_a_quiet_hour_ends_it_but_not_while_the_breaker_is_open() -> None:
    stage = Stage(Onset())
    break_down(stage, 5)
    resting = (BackendFigures(alias="alpha", trouble="fails"),)
    stage.feed_for(7200, every_s=60.0, backends=resting)
    assert stage.states == [SignalState.FIRING]
    stage.feed(60.0, backends=(BackendFigures(alias="alpha"),))
    assert stage.states == [SignalState.FIRING, SignalState.CLEAR]


def test_five_quiet_minutes_end_it_where_the_backend_is_seen_to_read() -> None:
    stage = Stage(Onset())
    break_down(stage, 5)
    stage.feed_for(299, backends=(BackendFigures(alias="alpha", reads=True),))
    assert stage.states == [SignalState.FIRING]
    stage.feed(1.0, backends=(BackendFigures(alias="alpha", reads=True),))
    assert stage.states == [SignalState.FIRING, SignalState.CLEAR]


def test_where_calls_are_many_more_of_them_are_asked_for() -> None:
    stage = Stage(Onset())
    stage.feed_for(1800, attempts={BACKEND: 10})
    stage.feed(1.0, attempts={BACKEND: 4}, failures=(fail(count=4),))
    assert stage.said == []
    stage.feed(1.0, attempts={BACKEND: 10}, failures=(fail(count=10),))
    assert len(stage.said) == 1
