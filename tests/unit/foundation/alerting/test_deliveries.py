"""The rules of the outbox."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.alerts import START, make_signal

from ironleaf.foundation.alerting.board import Board
from ironleaf.foundation.alerting.deliveries import (
    AGE_S_MAX,
    ATTEMPTS_MAX,
    BASE_S,
    CAP_S,
    Delivery,
    DeliveryState,
    Finding,
    Route,
    choose_backups,
    choose_channels,
    settle,
    wait_s,
)
from ironleaf.foundation.alerting.incidents import Incident, NoticeKind
from ironleaf.foundation.alerting.memory import Outbox, rename
from ironleaf.foundation.monitoring import Urgency


def make_delivery(channel: str = "chat", incident_id: str = "one") -> Delivery:
    return Delivery(incident_id=incident_id, kind=NoticeKind.OPENED, channel=channel, created_at=START, next_at=START)


def make_incident(component: str = "service", urgency: Urgency = Urgency.PAGE, **evidence: str) -> Incident:
    board = Board()
    board.hear(make_signal(component, urgency=urgency, evidence=evidence), "a#1")
    (incident,) = board.incidents.values()
    return incident


@given(attempts=st.integers(1, 40), seed=st.integers())
def test_waits_grow_to_their_cap_and_are_never_alike_for_all(attempts: int, seed: int) -> None:
    ceiling = min(CAP_S, BASE_S * 2.0 ** (attempts - 1))
    assert ceiling / 2 <= wait_s(attempts, Random(seed)) <= ceiling


def test_a_delivery_that_always_fails_is_given_up_and_stays_to_be_seen() -> None:
    delivery, now = make_delivery(), START
    for _ in range(ATTEMPTS_MAX):
        assert delivery.state is DeliveryState.PENDING
        now = max(now, delivery.next_at)
        delivery = settle(delivery, Finding.UNREACHABLE, now, Random(1))
    assert (delivery.state, delivery.finding, delivery.ended_at) == (DeliveryState.DEAD, "unreachable", now)
    assert now - START < timedelta(seconds=AGE_S_MAX)


def test_what_waited_too_long_is_given_up_at_its_first_failure() -> None:
    late = START + timedelta(seconds=AGE_S_MAX)
    assert settle(make_delivery(), Finding.TIMEOUT, late, Random(1)).state is DeliveryState.DEAD
    assert settle(make_delivery(), Finding.SENT, late, Random(1)).state is DeliveryState.SENT


def test_who_hears_of_what() -> None:
    routes = (Route(channel="all"), Route(channel="pager", ticket=False), Route(channel="second", backup=True))
    assert choose_channels(make_incident(), routes) == ("all", "pager")
    assert choose_channels(make_incident(urgency=Urgency.TICKET), routes) == ("all",)
    assert choose_channels(make_incident("alerting", channel="all"), routes) == ("pager", "second")
    assert choose_backups(routes, "all") == ("second",)
    assert choose_backups(routes, "second") == ()


def test_an_outbox_in_memory_gives_each_delivery_to_one_only() -> None:
    outbox = Outbox()
    outbox.add((make_delivery(), make_delivery(), make_delivery("mail"), make_delivery("elsewhere")))
    assert [each.channel for each in outbox.take(("chat", "mail"), START, 9)] == ["chat", "mail"]
    assert outbox.take(("chat", "mail"), START, 9) == ()
    assert [each.channel for each in outbox.drain()] == ["elsewhere"]
    later = START + timedelta(seconds=46)
    assert len(outbox.take(("chat", "mail"), later, 1)) == 1
    outbox.record(settle(make_delivery(), Finding.SENT, later, Random(1)))
    assert [each.channel for each in outbox.list(state="sent")] == ["chat"]
    assert [each.incident_id for each in rename(outbox.list(), {"one": "two"})] == ["two", "two"]
