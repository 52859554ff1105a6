"""The state machine of incidents, moved by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.fixtures.alerts import START, make_signal

from ironleaf.foundation.alerting.board import (
    Board,
    IncidentClosed,
    NoSuchIncident,
    NoSuchSilence,
    TooManySilences,
)
from ironleaf.foundation.alerting.incidents import Incident, IncidentState, NoticeKind
from ironleaf.foundation.alerting.reconciling import reconcile
from ironleaf.foundation.alerting.silences import SILENCES_MAX, Silence
from ironleaf.foundation.monitoring import Urgency

BACKEND = "backend:reader"


class Story:
    """A board with a clock and a diary of what was told."""

    def __init__(self, *replicas: str) -> None:
        self.board = Board()
        self.now_s = 0.0
        self.alive = {*replicas} or {"a#1"}
        self.told: list[tuple[str, str]] = []

    def hear(self, *args: str, replica: str = "a#1", **kwargs: object) -> None:
        self.board.hear(make_signal(*args, at_s=self.now_s, **kwargs), replica)  # type: ignore[arg-type]

    def wait(self, seconds: float) -> None:
        """Let time pass, a second at a time."""
        for _ in range(int(seconds)):
            self.now_s += 1
            now = START + timedelta(seconds=self.now_s)
            for replica in self.alive:
                self.board.see_replica(replica, now)
            self.told += [(kind.value, each.key) for kind, each in self.board.move(now)]

    @property
    def now(self):
        return START + timedelta(seconds=self.now_s)

    def only(self) -> Incident:
        (incident,) = self.board.incidents.values()
        return incident


def test_an_incident_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    story = Story()
    story.hear()
    story.wait(4)
    assert story.told == []
    story.wait(1)
    assert story.told == [("opened", "backend:reader/model-unavailable")]
    story.wait(600)
    story.hear(clear=True)
    story.wait(59)
    assert len(story.told) == 1
    story.wait(2)
    assert story.told[1:] == [("resolved", "backend:reader/model-unavailable")]
    assert story.only().closed_at is not None


def test_several_rules_that_see_one_cause_make_one_incident() -> None:
    story = Story()
    story.hear(rule="error-onset")
    story.hear(rule="budget-burn")
    story.hear(rule="backend-down")
    story.wait(10)
    story.hear(rule="error-onset", clear=True)
    story.hear(rule="backend-down", clear=True)
    story.wait(200)
    assert story.only().holds
    story.hear(rule="budget-burn", clear=True)
    story.wait(70)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]
    assert story.only().rules == ("error-onset", "budget-burn", "backend-down")


def test_twelve_symptoms_of_one_cause_are_not_told() -> None:
    story = Story()
    symptoms = [
        ("service", "conversion-failed", "error-onset"),
        ("service", "failed-requests", "budget-burn"),
        ("service", "slow", "slow-down"),
        ("queue", "conversions", "queue-growth"),
        ("queue", "backend:reader", "queue-growth"),
        (BACKEND, "circuit-open", "backend-down"),
        (BACKEND, "slow", "slow-down"),
        (BACKEND, "model-timeout", "error-onset"),
        ("embedded", "slow", "slow-down"),
        ("traffic", "silent", "no-traffic"),
        ("model", "degraded", "component-degraded"),
        ("service", "service-busy", "caller-surge"),
    ]
    for component, cause, rule in symptoms[:6]:  # some are seen before the cause
        story.hear(component, cause, rule)
    story.wait(2)
    story.hear()
    for component, cause, rule in symptoms[6:]:
        story.hear(component, cause, rule)
    story.wait(30)
    assert story.told == [("opened", "backend:reader/model-unavailable")]
    for component, cause, rule in symptoms:
        story.hear(component, cause, rule, clear=True)
    story.hear(clear=True)
    story.wait(1_000)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]


def test_a_symptom_that_looks_back_is_quiet_while_its_windows_are_full_of_the_cause() -> None:
    story = Story()
    story.hear()
    story.hear("service", "failed-requests", "budget-burn")
    story.wait(60)
    story.hear(clear=True)
    story.wait(36 * 60)
    story.hear("service", "failed-requests", "budget-burn", clear=True)
    story.wait(1_000)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]


def test_a_symptom_that_outlives_its_cause_speaks_up() -> None:
    story = Story()
    story.hear()
    story.hear("queue", "conversions", "queue-growth")
    story.wait(60)
    story.hear(clear=True)
    story.wait(119)
    assert ("opened", "queue/conversions") not in story.told
    story.wait(3)
    assert ("opened", "queue/conversions") in story.told
    story.hear("queue", "conversions", "queue-growth", clear=True)
    story.wait(70)
    assert story.told[-1] == ("resolved", "queue/conversions")


def test_a_symptom_that_ended_with_its_cause_is_never_told() -> None:
    story = Story()
    story.hear()
    story.hear("queue", "conversions", "queue-growth")
    story.wait(60)
    story.hear(clear=True)
    story.hear("queue", "conversions", "queue-growth", clear=True)
    story.wait(1_000)
    assert [key for _, key in story.told] == ["backend:reader/model-unavailable"] * 2
    assert not any(each.live for each in story.board.incidents.values())


def test_what_comes_back_within_the_grace_is_the_same_incident_and_waits_longer_each_time() -> None:
    story = Story()
    for _ in range(6):
        story.hear()
        story.wait(10)
        story.hear(clear=True)
        story.wait(50)
    incident = story.only()
    assert (incident.returns, incident.grace_s) == (5, 900.0)
    story.wait(800)
    assert [kind for kind, _ in story.told] == ["opened"]
    story.wait(100)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]


def test_what_comes_back_within_the_hour_is_another_incident_with_a_longer_grace() -> None:
    story = Story()
    story.hear()
    story.wait(10)
    story.hear(clear=True)
    story.wait(100)
    story.hear()
    story.wait(10)
    assert sorted(each.grace_s for each in story.board.incidents.values()) == [60.0, 120.0]
    assert [kind for kind, _ in story.told] == ["opened", "resolved", "opened"]


def test_a_trouble_of_two_seconds_is_told_all_the_same() -> None:
    story = Story()
    story.hear()
    story.wait(2)
    story.hear(clear=True)
    story.wait(100)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]


def test_it_lasts_until_the_last_replica_is_clear() -> None:
    story = Story("a#1", "b#1")
    story.hear(replica="a#1")
    story.hear(replica="b#1")
    story.wait(10)
    story.hear(replica="a#1", clear=True)
    story.wait(300)
    assert story.only().holds
    story.hear(replica="b#1", clear=True)
    story.wait(61)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]


def test_the_word_of_a_replica_that_is_gone_counts_for_a_while_and_no_longer() -> None:
    story = Story("a#1", "b#1")
    story.hear(replica="b#1")
    story.wait(10)
    story.alive.remove("b#1")
    story.wait(1_700)
    assert story.only().holds
    story.wait(200)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]


def test_another_replica_answers_for_one_that_does_not_come_back() -> None:
    story = Story("a#1", "b#1")
    story.wait(1)
    story.hear(replica="b#1")
    story.hear(rule="budget-burn", replica="b#1")
    story.hear(rule="budget-burn", replica="a#1")
    story.alive.remove("b#1")
    story.wait(79)
    story.board.take_over("a#1", story.now)
    assert story.board.find_orphans("a#1") == ()
    story.wait(1)
    story.board.take_over("a#1", story.now)
    story.wait(100)
    assert [each.rule for each in story.board.find_orphans("a#1")] == ["error-onset"], "of the other it speaks itself"
    story.hear(clear=True)
    story.hear(rule="budget-burn", clear=True)
    story.wait(61)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]


def test_nobody_answers_for_a_replica_that_lives_or_was_started_again() -> None:
    story = Story("a#1", "b#1", "c#1")
    story.hear(replica="b#1")
    story.hear(replica="c#1", rule="backend-down")
    story.alive -= {"c#1"}
    story.wait(40)
    story.alive |= {"c#2"}
    story.wait(200)
    story.board.take_over("a#1", story.now)
    assert story.board.find_orphans("a#1") == ()
    assert [each.rule for each in story.board.find_orphans("c#2")] == ["backend-down"]


def test_who_answers_for_another_may_be_gone_too() -> None:
    story = Story("a#1", "b#1")
    story.hear(replica="b#1")
    story.alive.remove("b#1")
    story.wait(100)
    story.board.take_over("a#1", story.now)
    story.alive = {"d#1"}
    story.wait(100)
    story.board.take_over("d#1", story.now)
    assert len(story.board.find_orphans("d#1")) == 1


def test_a_replica_that_was_given_up_is_told_so() -> None:
    story = Story("a#1")
    assert not story.board.see_replica("a#1", story.now)
    assert not story.board.see_replica("a#1", story.now + timedelta(seconds=19))
    assert story.board.see_replica("a#1", story.now + timedelta(seconds=40))


def test_a_replica_that_is_slow_keeps_its_word() -> None:
    story = Story("a#1", "b#1")
    story.hear(replica="b#1")
    story.wait(10)
    story.alive.remove("b#1")
    story.wait(60)
    story.alive.add("b#1")
    story.wait(4_000)
    assert story.only().holds


def test_a_restart_in_the_middle_changes_nothing() -> None:
    story = Story()
    story.hear()
    story.hear(rule="budget-burn")
    story.wait(10)
    story.alive = {"a#2"}
    story.wait(40)
    story.hear(replica="a#2")
    story.wait(10)
    story.hear(replica="a#2", clear=True)
    assert [each.rule for each in story.board.find_orphans("a#2")] == ["budget-burn"]
    story.hear(replica="a#2", rule="budget-burn", clear=True)  # the detectors are asked what has ended
    story.wait(61)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]


def test_what_was_kept_quiet_speaks_only_on_the_word_of_one_that_lives() -> None:
    """The model is mended, the service started again; the symptom's rule looks minutes after the root's."""
    story = Story()
    story.hear(BACKEND, "model-unavailable", "backend-down")
    story.wait(130)
    story.hear("model", "degraded", "component-degraded", urgency=Urgency.TICKET)
    story.wait(60)
    story.alive = {"a#2"}
    story.wait(60)
    story.hear(BACKEND, "model-unavailable", "backend-down", replica="a#2", clear=True)
    story.wait(200)
    opened, resolved = ("opened", f"{BACKEND}/model-unavailable"), ("resolved", f"{BACKEND}/model-unavailable")
    assert story.told == [opened, resolved], "nobody has seen the symptom since the start"

    story.hear("model", "degraded", "component-degraded", urgency=Urgency.TICKET, replica="a#2")
    story.wait(2)
    assert story.told == [opened, resolved, ("opened", "model/degraded")]


def test_a_silence_keeps_quiet_and_its_end_speaks() -> None:
    story = Story()
    story.board.silence(make_silence(ends_s=100), story.now)
    story.hear()
    story.wait(90)
    assert story.told == []
    assert story.only().silenced_by == "s1"
    story.wait(11)
    assert [kind for kind, _ in story.told] == ["opened"]


def test_what_ends_within_a_silence_is_never_told() -> None:
    story = Story()
    story.board.silence(make_silence(ends_s=500), story.now)
    story.hear()
    story.wait(30)
    story.hear(clear=True)
    story.wait(1_000)
    assert story.told == []


def test_a_silence_about_something_else_hides_nothing_and_can_be_ended() -> None:
    story = Story()
    story.board.silence(make_silence(component="backend:other"), story.now)
    story.hear()
    story.wait(6)
    assert len(story.told) == 1
    story.board.expire("s1", story.now)
    with pytest.raises(NoSuchSilence):
        story.board.expire("s1", story.now)


def test_silences_are_bounded_in_number() -> None:
    story = Story()
    for number in range(SILENCES_MAX):
        story.board.silence(make_silence(id=f"s{number}"), story.now)
    with pytest.raises(TooManySilences):
        story.board.silence(make_silence(id="more"), story.now)


def test_a_person_may_take_it_and_may_say_that_it_is_over() -> None:
    story = Story()
    story.hear()
    story.wait(10)
    incident = story.board.acknowledge(story.only().id, by="Wei", now=story.now)
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "Wei")
    assert story.board.acknowledge(incident.id, by="Ann", now=story.now).acknowledged_by == "Wei"
    resolved = story.board.resolve(incident.id, by="Wei", why="mended", now=story.now)
    assert (resolved.state, resolved.live, resolved.resolved_by) == (IncidentState.RESOLVED, False, "Wei")
    story.wait(1)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]
    story.wait(200)
    assert len(story.told) == 2
    with pytest.raises(IncidentClosed):
        story.board.acknowledge(incident.id, by="Wei", now=story.now)
    with pytest.raises(NoSuchIncident):
        story.board.resolve("nothing", by="", why="", now=story.now)


def test_what_a_person_closed_and_goes_on_is_another_incident_after_the_grace() -> None:
    story = Story()
    story.hear()
    story.wait(10)
    first = story.board.resolve(story.only().id, by="Wei", why="mended", now=story.now)
    story.wait(5)
    story.hear()
    story.hear(rule="backend-down")
    story.wait(50)
    assert len(story.told) == 2, "a person who mended something is given the grace to see it work"
    story.wait(10)
    assert [kind for kind, _ in story.told] == ["opened", "resolved", "opened"]
    second = next(each for each in story.board.incidents.values() if each.live)
    assert (second.reopens, second.state, second.acknowledged_by) == (first.id, IncidentState.OPEN, "")
    story.hear(clear=True)
    story.hear(rule="backend-down", clear=True)
    story.wait(121)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"] * 2


def test_what_a_person_closed_a_little_early_is_not_told_again() -> None:
    story = Story()
    story.hear()
    story.wait(10)
    story.board.resolve(story.only().id, by="Wei", why="mended", now=story.now)
    story.wait(5)
    story.hear()
    story.wait(30)
    story.hear(clear=True)
    story.wait(300)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]
    assert not any(each.live for each in story.board.incidents.values())


def test_what_a_person_closes_takes_its_symptoms_along() -> None:
    """They would speak for themselves in the next second, under names that nobody has closed."""
    story = Story()
    story.hear(cause="model-down")
    story.wait(10)
    story.hear(cause="model-timeout")
    story.hear("service", "failed-requests", "budget-burn")
    story.wait(10)
    told = next(each for each in story.board.incidents.values() if each.announced_at)
    story.board.resolve(told.id, by="Wei", why="", now=story.now)
    assert story.board.claims == {}
    story.hear("service", "failed-requests", "budget-burn")
    story.hear(cause="model-down")
    story.wait(59)
    assert len(story.told) == 2
    story.wait(200)
    assert story.told[2:] == [("opened", f"{BACKEND}/model-down")]


def test_only_what_was_said_before_a_person_closed_it_is_dismissed() -> None:
    story = Story()
    story.hear(cause="unreachable", rule="backend-down")
    story.wait(10)
    before = make_signal(BACKEND, "unreachable", "backend-down", at_s=story.now_s)
    assert not story.board.is_dismissed(before)
    story.board.resolve(story.only().id, by="Wei", why="", now=story.now)
    assert story.board.is_dismissed(before)
    assert not story.board.is_dismissed(make_signal(BACKEND, "unreachable", "backend-down", at_s=story.now_s + 1))
    assert not story.board.is_dismissed(make_signal("backend:other", "unreachable", "backend-down", at_s=0))


def test_what_a_person_closed_with_the_database_away_is_closed_there_too() -> None:
    story = Story()
    story.hear()
    story.wait(10)
    away = Board(
        incidents=dict(story.board.incidents), claims=dict(story.board.claims), replicas=dict(story.board.replicas)
    )
    away.resolve(story.only().id, by="Wei", why="", now=story.now)
    reconcile(story.board, away, "a#1")
    story.wait(1)
    assert (story.only().resolved_by, story.only().live) == ("Wei", False)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]


def test_who_only_hears_of_urgent_things_hears_when_one_becomes_urgent() -> None:
    story = Story()
    story.hear(urgency=Urgency.TICKET)
    story.wait(10)
    story.hear(rule="needs-a-person")
    story.wait(10)
    assert [kind for kind, _ in story.told] == ["opened", "opened"], "the outbox drops it where it was told already"
    assert (story.only().urgency, story.only().told_as) == (Urgency.PAGE, Urgency.PAGE)
    assert story.only().rules == ("needs-a-person", "error-onset"), "the page has the runbook of what is urgent"


def test_what_becomes_urgent_while_it_is_silenced_is_told_when_the_silence_ends() -> None:
    story = Story()
    story.hear(urgency=Urgency.TICKET)
    story.wait(10)
    story.board.silence(make_silence(ends_s=60), story.now)
    story.hear(rule="needs-a-person")
    story.wait(49)
    assert len(story.told) == 1
    story.wait(1)
    assert len(story.told) == 2


def test_a_first_sign_waits_for_the_onset_and_is_told_as_what_that_says() -> None:
    story = Story()
    story.hear(rule="new-error", urgency=Urgency.TICKET, fingerprint="f", new_fingerprint=True)
    story.wait(290)
    assert story.told == []
    story.hear(rule="error-onset", evidence={"failed_count": 7.0})
    story.wait(4)
    assert story.told == []
    story.wait(1)
    assert story.told == [("opened", "backend:reader/model-unavailable")]
    told = story.only()
    assert (told.urgency, told.rules, told.evidence) == (
        Urgency.PAGE,
        ("error-onset", "new-error"),
        {"failed_count": 7.0},
    )
    assert told.new_fingerprint
    story.wait(3_000)
    assert len(story.told) == 1


def test_a_first_sign_that_nothing_follows_is_told_after_ten_minutes_and_not_if_it_went_before() -> None:
    alone, gone = Story(), Story()
    for story in (alone, gone):
        story.hear(rule="new-error", urgency=Urgency.TICKET)
    gone.wait(70)
    gone.hear(rule="new-error", clear=True)
    for story in (alone, gone):
        story.wait(600)
    assert [kind for kind, _ in alone.told] == ["opened"]
    assert gone.told == []


def test_a_first_sign_is_over_with_the_outage_that_it_was_the_sign_of() -> None:
    """By itself it stands for an hour: a database that came back stayed down for that hour on paper."""
    story = Story("a#1", "b#1")
    story.hear("database", "database-unavailable", "new-error", urgency=Urgency.TICKET)
    story.hear("database", "database-unavailable", "new-error", replica="b#1", urgency=Urgency.TICKET)
    story.hear("database", "database-unavailable", "error-onset")
    story.wait(20)
    story.hear("database", "database-unavailable", "error-onset", clear=True)
    story.wait(61)
    assert [kind for kind, _ in story.told] == ["opened", "resolved"]
    assert story.board.claims == {}


def test_of_two_names_of_one_root_the_sure_one_is_told_at_its_own_time() -> None:
    story = Story()
    story.hear(BACKEND, "model-unavailable", "new-error", urgency=Urgency.TICKET)
    story.wait(20)
    story.hear(BACKEND, "model-timeout", "error-onset")
    story.wait(5)
    assert story.told == [("opened", "backend:reader/model-timeout")]
    story.wait(1_000)
    assert len(story.told) == 1


def test_what_a_person_silenced_makes_nothing_urgent() -> None:
    story = Story()
    story.board.silence(make_silence(component="service"), story.now)
    story.hear("database", "database-unavailable", "component-degraded", urgency=Urgency.TICKET)
    story.hear("service", "failed-requests", "budget-burn")
    story.wait(20)
    assert story.told == [("opened", "database/database-unavailable")]
    assert next(iter(story.board.incidents.values())).urgency is Urgency.TICKET


def test_what_keeps_a_page_quiet_is_a_page_itself() -> None:
    story = Story()
    story.hear("database", "database-unavailable", "component-degraded", urgency=Urgency.TICKET)
    story.wait(10)
    story.hear("service", "failed-requests", "budget-burn")
    story.wait(10)
    assert story.told == [("opened", "database/database-unavailable")] * 2
    parent, child = story.board.incidents.values()
    assert (parent.told_as, child.announced_at, child.muted_by) == (Urgency.PAGE, None, parent.id)
    story.hear("service", "failed-requests", "budget-burn", clear=True)
    story.wait(10)
    assert len(story.told) == 2


def test_memory_and_database_come_together_again_without_a_second_alert() -> None:
    shared, away = Story("a#1", "b#1"), Story("a#1")
    shared.hear(replica="b#1")
    shared.wait(10)
    away.hear(replica="a#1")
    away.wait(10)
    renamed = reconcile(shared.board, away.board, "a#1")
    assert renamed == {away.only().id: shared.only().id}
    shared.wait(100)
    assert [kind for kind, _ in shared.told] == ["opened"]
    for replica in ("a#1", "b#1"):
        assert shared.only().holds
        shared.hear(replica=replica, clear=True)
    shared.wait(61)
    assert [kind for kind, _ in shared.told] == ["opened", "resolved"]


def test_what_began_and_ended_while_the_database_was_away_is_kept_as_it_was_told() -> None:
    shared, away = Story(), Story()
    away.hear()
    away.wait(10)
    away.hear(clear=True)
    away.wait(70)
    assert [kind for kind, _ in away.told] == ["opened", "resolved"]
    shared.now_s = away.now_s
    reconcile(shared.board, away.board, "a#1")
    shared.wait(300)
    assert shared.told == []
    assert shared.only().closed_at == away.only().closed_at


def test_what_ended_while_the_database_was_away_ends_there_too_unless_another_replica_says_no() -> None:
    for others, told in ((False, []), (True, [])):
        shared = Story("a#1", "b#1")
        shared.hear(replica="a#1")
        if others:
            shared.hear(replica="b#1")
        shared.wait(10)
        away = Story("a#1")
        away.now_s = shared.now_s
        away.board = Board(incidents=dict(shared.board.incidents), claims=dict(shared.board.claims))
        away.board.claims.pop(("backend:reader/model-unavailable", "b#1", "error-onset"), None)
        away.hear(clear=True)
        away.wait(61)
        shared.now_s = away.now_s
        shared.told.clear()
        reconcile(shared.board, away.board, "a#1")
        shared.wait(5)
        assert shared.told == told
        assert shared.only().holds is others


def test_a_flood_of_different_troubles_is_bounded() -> None:
    story = Story()
    for number in range(250):
        story.hear(f"backend:{number}")
    assert (len(story.board.incidents), story.board.overflowed) == (100, 150)
    assert len(story.board.claims) == 100


def make_silence(*, id: str = "s1", ends_s: float = 1_000, component: str = "*") -> Silence:  # noqa: A002
    return Silence(
        id=id,
        rule="*",
        component=component,
        cause="*",
        starts_at=START,
        ends_at=START + timedelta(seconds=ends_s),
        by="Wei",
        why="moving house",
    )


def test_an_incident_knows_its_kind_of_notice() -> None:
    story = Story()
    story.hear()
    now = START + timedelta(seconds=9)
    story.board.see_replica("a#1", now)
    ((kind, incident),) = story.board.move(now)
    assert (kind, incident.announced_at) == (NoticeKind.OPENED, now)
