"""All detectors together: what stands, what ended while nobody looked, and who may fail."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.detection import MONDAY, Stage, fail

from ironleaf.foundation.errors import AlertRule, Level
from ironleaf.foundation.monitoring import Identity, SignalState
from ironleaf.foundation.monitoring.detection import RULES
from ironleaf.foundation.monitoring.detection.panel import Panel
from ironleaf.foundation.monitoring.detection.settings import RANGES, DetectionSettings
from ironleaf.foundation.monitoring.detection.standard import make_standard_panel
from ironleaf.foundation.monitoring.detection.tick import BackendFigures, Tick
from ironleaf.foundation.monitoring.detection.urgent import Urgent

if TYPE_CHECKING:
    from ironleaf.foundation.monitoring import Signal

FULL = fail("spool-full", component="disk", alert=AlertRule.AT_ONCE, level=Level.L4)
DISK = Identity("needs-a-person", "disk", "spool-full")


class Broken:
    def feed(self, tick: Tick) -> list[Signal]:
        raise RuntimeError("secret")

    def forget(self, identity: Identity) -> None:
        raise RuntimeError("secret")


def test_what_stands_is_remembered_until_it_ends() -> None:
    panel = Panel({"urgent": Urgent()})
    stage = Stage(panel)
    stage.feed(failures=(FULL,))
    assert [signal.identity for signal in panel.standing] == [DISK]
    stage.feed_for(3600, every_s=60)
    assert panel.standing == ()
    assert stage.states == [SignalState.FIRING, SignalState.CLEAR]


def test_a_detector_that_fails_is_named_once_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(Panel({"broken": Broken(), "urgent": Urgent()}))
    stage.feed_for(5, failures=(FULL,))
    assert len(stage.said) == 1
    assert [record.getMessage() for record in caplog.records] == ["the detector broken failed: RuntimeError"]


def test_what_a_person_says_is_over_does_not_stand_and_is_decided_anew(caplog: pytest.LogCaptureFixture) -> None:
    panel = Panel({"broken": Broken(), "urgent": Urgent()})
    stage = Stage(panel)
    stage.feed(failures=(FULL,))
    panel.forget((DISK, Identity("no-more", "disk", "spool-full")))
    assert panel.standing == ()
    stage.feed_for(5)
    stage.feed(failures=(FULL,))
    assert [signal.identity for signal in panel.standing] == [DISK]
    assert stage.states == [SignalState.FIRING] * 2
    assert "secret" not in caplog.text


def test_a_rule_that_is_off_says_nothing() -> None:
    stage = Stage(Panel({"urgent": Urgent()}, off=("needs-a-person",)))
    stage.feed_for(5, failures=(FULL,))
    assert stage.said == []


@pytest.mark.parametrize("rule", [name for name, rule in RULES.items() if rule.seen_well_s is not None])
def test_after_a_start_a_backend_that_reads_ends_what_was_said_of_it_before(rule: str) -> None:
    panel = Panel({})
    stage = Stage(panel)
    here, elsewhere = Identity(rule, "backend:alpha", "model-failed"), Identity(rule, "backend:beta", "model-failed")
    well_s = int(RULES[rule].seen_well_s or 0)
    stage.feed_for(well_s, backends=(BackendFigures(alias="alpha", reads=True), BackendFigures(alias="beta")))
    assert panel.find_absent([here, elsewhere]) == ()
    stage.feed(1.0, backends=(BackendFigures(alias="alpha", reads=True), BackendFigures(alias="beta")))
    assert [each.component for each in panel.find_absent([here, elsewhere])] == ["backend:alpha"]
    stage.feed(1.0, backends=(BackendFigures(alias="alpha"),))
    assert panel.find_absent([here]) == (), "what fails again must be well anew"


def test_after_a_start_what_still_holds_is_said_again_and_what_ended_is_found_absent() -> None:
    before = Stage(Panel({"urgent": Urgent()}))
    before.feed(failures=(FULL,))
    panel = Panel({"urgent": Urgent()})
    after = Stage(panel, now_s=5.0)
    gone = Identity("needs-a-person", "backend:alpha", "model-access-refused")
    assert panel.find_absent((DISK, gone)) == ()
    after.feed(failures=(FULL,))
    assert after.said[0].identity == before.said[0].identity == DISK
    assert panel.find_absent((DISK, gone)) == (), "too early to know"
    after.feed_for(RULES["needs-a-person"].settles_s + 60, every_s=60, failures=(FULL,))
    (signal,) = panel.find_absent((DISK, gone))
    assert (signal.identity, signal.state) == (gone, SignalState.CLEAR)
    assert signal.at == MONDAY + timedelta(seconds=after.now_s)


def test_after_a_start_a_disk_with_room_again_ends_what_was_said_of_it_and_a_trend_takes_longer() -> None:
    panel = Panel({})
    stage = Stage(panel)
    full, filling = Identity("disk-filling", "disk", "spool-full"), Identity("disk-filling", "disk", "spool-filling")
    stage.feed_for(119)
    assert panel.find_absent((full, filling)) == ()
    stage.feed_for(3)
    assert [each.identity for each in panel.find_absent((full, filling))] == [full]
    stage.feed_for(7200, every_s=60)
    assert len(panel.find_absent((full, filling))) == 2


def test_rules_that_exist_no_longer_have_ended() -> None:
    panel = Panel({})
    panel.feed(Tick(now_s=1.0, at=MONDAY))
    assert len(panel.find_absent((Identity("a-rule-of-old", "service", "x"),))) == 1


def test_the_house_looks_for_every_rule() -> None:
    stage = Stage(make_standard_panel(DetectionSettings()).panel)
    stage.feed(failures=(FULL,))
    assert stage.states == [SignalState.FIRING]


@pytest.mark.parametrize("name", RANGES)
def test_settings_without_sense_are_refused_by_name(name: str) -> None:
    least, most = RANGES[name]
    for value in (least, most):
        DetectionSettings(**{name: value})  # type: ignore[arg-type]
    for value in (least * 0.99 - 0.001, most * 1.01, float("nan")):
        with pytest.raises(ValueError, match=f"^{name}: must be"):
            DetectionSettings(**{name: value})  # type: ignore[arg-type]


def test_only_rules_can_be_off() -> None:
    DetectionSettings(rules_off=("new-error",))
    with pytest.raises(ValueError, match=r"^rules_off: must be names of rules"):
        DetectionSettings(rules_off=("newerror",))
