"""What is said at once, and what is said when the error budget burns."""

from __future__ import annotations

from tests.fixtures.detection import Stage, fail

from ironleaf.foundation.errors import AlertRule, Level
from ironleaf.foundation.monitoring import SignalState, Urgency
from ironleaf.foundation.monitoring.detection.burn import AFTER_BURN_S, Burn
from ironleaf.foundation.monitoring.detection.tick import BackendFigures
from ironleaf.foundation.monitoring.detection.urgent import Urgent

ON, OFF = SignalState.FIRING, SignalState.CLEAR
FULL = fail("spool-full", component="disk", alert=AlertRule.AT_ONCE, level=Level.L4)
REFUSED = fail("model-access-refused", alert=AlertRule.AT_ONCE, level=Level.L4)


def test_level_four_is_said_with_the_first_failure_and_once() -> None:
    stage = Stage(Urgent())
    (signal,) = stage.feed(failures=(FULL,))
    assert (signal.rule, signal.component, signal.cause, signal.urgency) == (
        "needs-a-person",
        "disk",
        "spool-full",
        Urgency.PAGE,
    )
    assert stage.feed_for(100, failures=(FULL,)) == []


def test_failures_of_other_rules_are_not_said_at_once() -> None:
    stage = Stage(Urgent())
    assert stage.feed(failures=(fail(), fail(alert=AlertRule.SURGE, level=Level.L2))) == []


def test_it_ends_when_work_goes_well_again() -> None:
    stage = Stage(Urgent())
    stage.feed(requests=1, failures=(FULL,))
    stage.feed_for(100, every_s=2.0, requests=1)
    assert stage.states == [ON, OFF]


def test_a_backend_that_is_seen_to_read_needs_no_callers_to_be_well() -> None:
    stage = Stage(Urgent())
    stage.feed(failures=(REFUSED,))
    stage.feed_for(600, every_s=60, backends=(BackendFigures(alias="alpha", trouble="key_refused"),))
    assert stage.states == [ON]
    stage.feed(60, failures=(REFUSED,), backends=(BackendFigures(alias="alpha", reads=True),))
    stage.feed_for(69, backends=(BackendFigures(alias="alpha", reads=True), BackendFigures(alias="beta")))
    assert stage.states == [ON]
    stage.feed(1, backends=(BackendFigures(alias="alpha", reads=True),))
    assert stage.states == [ON, OFF]


def test_it_does_not_end_by_silence_while_the_backend_is_not_asked() -> None:
    stage = Stage(Urgent())
    stage.feed(failures=(REFUSED,))
    stage.feed_for(7200, every_s=60, backends=(BackendFigures(alias="alpha", trouble="key_refused"),))
    assert stage.states == [ON]
    stage.feed(60, backends=(BackendFigures(alias="alpha"),))
    assert stage.states == [ON, OFF]


def test_one_failure_at_night_burns_no_budget() -> None:
    stage = Stage(Burn())
    for _ in range(9):
        stage.feed(60, requests=1, failed_requests=1)
    assert stage.said == []


def test_an_outage_burns_the_budget_and_pages() -> None:
    stage = Stage(Burn())
    stage.feed_for(6 * 3600, every_s=10, requests=1)
    stage.feed_for(600, every_s=10, requests=1, failed_requests=1)
    burning = [signal for signal in stage.said if signal.rule == "budget-burn"]
    (signal,) = burning
    assert (signal.component, signal.cause, signal.urgency) == ("service", "failed-requests", Urgency.PAGE)
    # 7.2 % of an hour's 360 requests is the 26th failure.
    assert (signal.evidence["window_s"], signal.evidence["failed_count"]) == (3600, 26)
    assert 14.4 <= signal.evidence["burn_rate"] < 15


def test_it_ends_when_the_short_windows_are_calm() -> None:
    stage = Stage(Burn())
    stage.feed_for(3600, every_s=10, requests=1)
    stage.feed_for(600, every_s=10, requests=1, failed_requests=1)
    stage.feed_for(3600, every_s=10, requests=1)
    assert [signal.state for signal in stage.said if signal.rule == "budget-burn"] == [ON, OFF]


def test_a_slow_leak_is_a_ticket_and_no_page() -> None:
    stage = Stage(Burn())
    for _ in range(300):
        stage.feed_for(99 * 20, every_s=20 * 9, requests=9)
        stage.feed(20, requests=1, failed_requests=1)
    assert {signal.rule: signal.urgency for signal in stage.said} == {"budget-leak": Urgency.TICKET}
    assert len(stage.said) == 1


def test_what_burned_fast_is_no_leak_afterwards_and_what_goes_on_is() -> None:
    stage = Stage(Burn())
    stage.feed_for(600, every_s=10, requests=1, failed_requests=1)
    stage.feed_for(AFTER_BURN_S, every_s=60, requests=1)
    assert {signal.rule for signal in stage.said} == {"budget-burn"}
    for _ in range(300):
        stage.feed_for(99 * 20, every_s=20 * 9, requests=9)
        stage.feed(20, requests=1, failed_requests=1)
    assert [signal.rule for signal in stage.said] == ["budget-burn", "budget-burn", "budget-leak"]


def test_the_objective_is_a_setting() -> None:
    strict, lax = Stage(Burn()), Stage(Burn(availability_target=0.9))
    for stage in (strict, lax):
        stage.feed_for(7200, every_s=10, requests=10, failed_requests=1)
    assert "budget-burn" in {signal.rule for signal in strict.said}
    assert "budget-burn" not in {signal.rule for signal in lax.said}


def test_few_failures_can_be_allowed() -> None:
    stage = Stage(Burn(failures_min=100))
    stage.feed_for(50 * 30, every_s=30, requests=1, failed_requests=1)
    assert stage.said == []


def test_a_few_broken_files_in_a_quiet_night_burn_nothing() -> None:
    stage = Stage(Burn())
    stage.feed_for(19 * 60, every_s=60, requests=1, failed_requests=1)
    assert stage.said == []
    stage.feed(60, requests=1, failed_requests=1)
    assert {signal.rule for signal in stage.said} == {"budget-burn"}
