"""What the application adds to alerting: channels from settings, facts on cards, runbooks, fingerprints of settings."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.fixtures.alerts import START, make_signal

from ironleaf.application.alerting import (
    ACTIONS,
    CardFacts,
    build_alerting,
    build_channels,
    fingerprint_settings,
    make_redaction,
    make_routes,
)
from ironleaf.application.catalogue import build_catalogue
from ironleaf.application.runbooks import CHINESE_HEADING, find_runbook
from ironleaf.application.settings import Settings, SettingsRefused, list_secrets, load_settings
from ironleaf.faults import ManualClock
from ironleaf.foundation.alerting.advice import RULE_ADVICE
from ironleaf.foundation.alerting.blast import BlastRadius
from ironleaf.foundation.alerting.board import Board
from ironleaf.foundation.alerting.card import Change, make_card
from ironleaf.foundation.alerting.incidents import Incident, NoticeKind
from ironleaf.foundation.alerting.rules import ALL_RULES
from ironleaf.foundation.alerting.templates import render
from ironleaf.foundation.errors import Kind, Level
from ironleaf.foundation.monitoring import ErrorEvent, Measured, Outcome, WorkMeasured
from ironleaf.foundation.observability import Redactor
from ironleaf.services.engines.ledger import HealingAction, HealingEntry, HealingOutcome

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
HOOK = "https://hooks.example.com/robot/send?token=abcdefghijklmnop1234"
CHAT = {"name": "chat", "url": "json://user:a-long-password-1@127.0.0.1/path", "language": "zh"}
HOOKED = {"name": "hook", "kind": "webhook", "url": HOOK, "secret": "a-secret-of-enough-characters", "backup": True}


def load(*channels: dict[str, Any], environ: dict[str, str] | None = None, **more: Any) -> Settings:
    return load_settings(environ=environ or {}, overrides={"alerts.channels": list(channels), **more})


def make_incident(
    component: str = "backend:reader", cause: str = "model-unavailable", rule: str = "error-onset"
) -> Incident:
    board = Board()
    board.hear(make_signal(component, cause, rule), "a#1")
    (incident,) = board.incidents.values()
    return incident


# --- runbooks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ALL_RULES)
def test_each_rule_has_a_runbook_in_both_languages_and_an_advice(rule: str) -> None:
    text = (RUNBOOKS / f"{rule}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {rule}\n")
    for heading in ("## Meaning", "## Impact", "## Check", "## Mend", CHINESE_HEADING):
        assert f"\n{heading}\n" in text, heading
    for word in ("**含义**", "**影响**", "**检查**", "**修复**"):
        assert word in text, word
    runbook = find_runbook(rule)
    assert runbook is not None
    assert f"<h1>{rule}</h1>" in runbook.en
    assert "<h2>Check</h2><ul><li>" in runbook.en
    assert ALL_RULES[rule].sentence.zh in runbook.zh
    assert RULE_ADVICE[rule].en
    assert RULE_ADVICE[rule].zh


def test_there_is_no_runbook_of_a_rule_that_does_not_exist() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(ALL_RULES)
    assert find_runbook("../settings") is None


def test_a_runbook_is_found_in_the_package_too() -> None:
    assert RUNBOOKS.resolve().name == "runbooks"
    assert RUNBOOKS.resolve().parent.name == "application"


# --- channels ---------------------------------------------------------------------------------------------------------


def test_channels_come_from_the_settings_after_the_log() -> None:
    alerts = load(CHAT, HOOKED).alerts
    assert [each.name for each in build_channels(alerts, ManualClock())] == ["log", "chat", "hook"]
    assert [(each.channel, each.backup) for each in make_routes(alerts)] == [
        ("log", False),
        ("chat", False),
        ("hook", True),
    ]


def test_an_address_may_stand_in_the_environment_and_is_a_secret_there_too() -> None:
    channel = {"name": "hook", "kind": "webhook", "url_env": "HOOK_URL", "secret_env": "HOOK_SECRET"}
    settings = load(channel, environ={"HOOK_URL": HOOK, "HOOK_SECRET": "a-secret-of-enough-characters"})
    secrets = list_secrets(settings)
    assert {HOOK, "a-secret-of-enough-characters", "abcdefghijklmnop1234"} <= set(secrets)
    assert HOOK not in repr(settings)
    with pytest.raises(SettingsRefused) as refused:
        load(channel, environ={"HOOK_URL": HOOK})
    assert refused.value.lines[0].startswith("alerts.channels.0.secret_env")
    with pytest.raises(SettingsRefused) as refused:
        load(channel, environ={"HOOK_URL": HOOK, "HOOK_SECRET": "short"})
    assert "16 characters" in refused.value.lines[0]


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ({**CHAT, "name": "log"}, "name"),
        ({**CHAT, "name": "Chat"}, "name"),
        ({**CHAT, "url_env": "X"}, "url"),
        ({**CHAT, "secret": "a-secret-of-enough-characters"}, "secret"),
        ({**HOOKED, "secret": ""}, "secret"),
        ({**HOOKED, "secret": "short"}, "secret"),
        ({**CHAT, "url": "", "url_env": "IRONLEAF_X"}, "url_env"),
        ({**CHAT, "language": "fr"}, "language"),
    ],
)
def test_a_wrong_channel_is_refused_by_name_and_not_shown(channel: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        load(channel)
    text = "\n".join(refused.value.lines)
    assert f".{name} " in text
    assert "a-long-password-1" not in text
    assert "abcdefghijklmnop1234" not in text


@pytest.mark.parametrize("url", ["nonsense://x", "feishu://"])
def test_an_address_that_apprise_does_not_know_is_refused_by_its_place(url: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        build_channels(load(CHAT, {"name": "other", "url": url}).alerts, ManualClock())
    assert refused.value.lines == (
        "alerts.channels.1.url (IRONLEAF_ALERTS__CHANNELS): must be an address that Apprise knows",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("alerts.public_url", "ftp://x"), ("alerts.group_wait_s", 60), ("alerts.grace_s", 0), ("alerts.replica", "a#b")],
)
def test_a_wrong_setting_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(SettingsRefused) as refused:
        load_settings(environ={}, overrides={name: value})
    assert refused.value.lines[0].startswith(name)


def test_two_channels_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsRefused):
        load(CHAT, CHAT)


# --- cards ------------------------------------------------------------------------------------------------------------


def meet(
    blast: BlastRadius,
    component: str,
    reason: str,
    request_id: str,
    *,
    at_s: float = 0.0,
    engine: str = "vl",
    route: str = "/v1/convert",
) -> None:
    blast.note(
        ErrorEvent(
            at=START + timedelta(seconds=at_s),
            code=50356,
            reason=reason,
            kind=Kind.UNAVAILABLE,
            level=Level.L3,
            component=component,
            outcome=Outcome.DEGRADED,
            engine=engine,
            route=route,
            request_id=request_id,
        )
    )


def test_the_blast_radius_counts_requests_once_and_pages_each_time() -> None:
    blast = BlastRadius()
    for number in range(10):
        for _ in range(3):
            meet(blast, "backend:reader", "model-unavailable", f"r{number}")
        meet(blast, "service", "conversion-failed", f"r{number}")
        meet(blast, "disk", "spool-full", f"r{number}")
        blast.note_requests(1, START.timestamp())
    blast.note_requests(1, START.timestamp())
    found = blast.look("backend:reader", "model-unavailable", START)
    assert (found.requests, found.pages, found.routes) == (10, 30, ("/v1/convert",))
    assert found.requests_share == pytest.approx(10 / 11)
    assert blast.look("backend:reader", "model-unavailable", START + timedelta(seconds=60)).requests == 0
    assert blast.look("memory", "full", START).requests == 10


def test_a_request_that_fails_as_a_whole_has_no_page() -> None:
    blast = BlastRadius()
    meet(blast, "database", "database-unavailable", "r", engine="", route="-")
    found = blast.look("database", "database-unavailable", START)
    assert (found.requests, found.pages, found.routes) == (1, 0, ())


def test_the_blast_radius_is_bounded() -> None:
    blast = BlastRadius()
    for number in range(5_000):
        meet(blast, f"backend:{number % 1_000}", "model-unavailable", f"r{number}", at_s=number)
    assert len(blast._buckets) == 360


def test_a_card_speaks_with_the_catalogue_where_it_knows_the_cause_and_else_with_the_rule() -> None:
    catalogue = build_catalogue()
    facts = CardFacts(catalogue, BlastRadius(), (("reader", "down"),), Change(at=START, sections=("engines.vl",)))
    known = facts(make_incident())
    entry = catalogue.find("model-unavailable")
    assert entry is not None
    assert (known.summary, known.advice) == (entry.message, entry.operator_advice)
    assert known.runbook == "/runbooks/error-onset"
    unknown = facts(make_incident("traffic", "silent", "no-traffic"))
    assert (unknown.summary, unknown.advice) == (ALL_RULES["no-traffic"].sentence, RULE_ADVICE["no-traffic"])
    full = facts(make_incident("disk", "spool-full", "disk-filling"))
    room = catalogue.find("spool-full")
    assert room is not None
    assert (full.summary, full.advice) == (ALL_RULES["disk-filling"].sentence, room.operator_advice)
    assert facts(make_incident(rule="of-a-later-version")).runbook == "/runbooks/of-a-later-version"
    assert make_card(make_incident(), known, ())["ladder"] == [{"engine": "reader", "status": "down"}]


def test_a_surge_says_that_callers_are_refused_and_with_which_words() -> None:
    board = Board()
    board.hear(make_signal("service", "unauthenticated", "caller-surge"), "a#1")
    (incident,) = board.incidents.values()
    summary = CardFacts(build_catalogue(), BlastRadius())(incident).summary
    assert summary.en == (
        "Callers run into the same limit or refusal far more often than usual: A valid key is needed for this."
    )
    assert summary.zh == "调用方触发同一限制或被拒绝的次数远多于平时：需要有效的密钥才能访问。"


def test_a_card_says_what_the_ledger_says_of_its_backend_since_it_began() -> None:
    def entry(at_s: float, action: HealingAction, outcome: HealingOutcome, backend: str = "reader") -> HealingEntry:
        at = START + timedelta(seconds=at_s)
        return HealingEntry(at=at, backend=backend, action=action, cause="c", guard_rail="g", outcome=outcome, undo="u")

    entries = (
        entry(90, HealingAction.MODEL_RETURNED, HealingOutcome.DONE),
        entry(60, HealingAction.MODEL_RELAUNCHED, HealingOutcome.HELD_BACK),
        entry(50, HealingAction.MODEL_RELAUNCHED, HealingOutcome.DONE, backend="other"),
        entry(30, HealingAction.MODEL_RELAUNCHED, HealingOutcome.FAILED),
        entry(-10, HealingAction.BREAKER_RESET, HealingOutcome.DONE),
    )
    facts = CardFacts(build_catalogue(), BlastRadius(), ledger=lambda: entries)
    assert [(each.action, each.done) for each in facts(make_incident()).mendings] == [
        ("model_relaunched", False),
        ("model_returned", True),
    ]
    assert facts(make_incident("traffic", "silent", "no-traffic")).mendings == ()


def test_every_action_of_the_ledger_has_words() -> None:
    assert set(ACTIONS) == set(HealingAction)


def test_no_secret_leaves_in_a_message() -> None:
    redact = make_redaction(Redactor(secrets=list_secrets(load(CHAT, HOOKED))))
    incident = make_incident(f"backend:{HOOK}", "a-long-password-1")
    message = redact(render(incident, NoticeKind.OPENED, delivery_id="x", language="en"))
    said = f"{message.title} {message.body} {message.data}"
    assert "abcdefghijklmnop1234" not in said
    assert "a-long-password-1" not in said
    assert incident.id in said


def test_what_leaves_is_not_maimed_by_the_redaction() -> None:
    redact = make_redaction(Redactor())
    facts = CardFacts(build_catalogue(), BlastRadius(), (("reader", "down"),))
    incident = make_incident()
    card = make_card(incident, facts(incident), ())
    told = render(Incident(**{**_slots(incident), "card": card}), NoticeKind.OPENED, delivery_id="x", language="zh")
    assert redact(told).body == told.body
    assert redact(told).data == told.data


def _slots(incident: Incident) -> dict[str, Any]:
    return {name: getattr(incident, name) for name in incident.__dataclass_fields__}


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_changed_setting_shows_in_its_section_only_and_no_value_can_be_read() -> None:
    one = dict(fingerprint_settings(load(CHAT)))
    other = dict(fingerprint_settings(load({**CHAT, "url": "json://elsewhere"}, **{"server.port": 8099})))
    assert {name for name in one if one[name] != other[name]} == {"alerts", "server"}
    assert all(len(value) == 8 for value in one.values())
    assert "engines.vl.healing" in one


@pytest.mark.anyio
async def test_an_alerting_is_put_together_and_counts_events() -> None:
    async def look() -> tuple[tuple[str, str], ...]:
        return (("embedded", "ready"),)

    clock = ManualClock()
    alerting = build_alerting(
        load(CHAT), database=None, catalogue=build_catalogue(), ladder=look, clock=clock, random=Random(1)
    )
    alerting.hear_event(WorkMeasured(at=START, measured=Measured.ROUTE, name="/v1/convert", duration_s=1.0))
    alerting.hear_event(WorkMeasured(at=START, measured=Measured.STAGE, name="open", duration_s=1.0))
    assert alerting._facts.blast._buckets[-1].requests == 1
    await alerting.desk.tick()
    assert not alerting.desk.dropped
