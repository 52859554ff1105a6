"""What people read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.alerts import START, make_signal, tell_facts

from ironleaf.foundation.alerting import codec
from ironleaf.foundation.alerting.board import Board
from ironleaf.foundation.alerting.card import Blast, Change, Facts, Mending, close_card, make_card
from ironleaf.foundation.alerting.incidents import Incident, IncidentState, NoticeKind
from ironleaf.foundation.alerting.templates import BODY_BYTES_MAX, render, render_test
from ironleaf.foundation.errors import Text
from ironleaf.foundation.errors.entry import LANGUAGES

if TYPE_CHECKING:
    from ironleaf.foundation.errors import Language


def make_incident(**evidence: float | str) -> Incident:
    board = Board()
    board.hear(make_signal(at_s=30, since=START, fingerprint="f" * 16, new_fingerprint=True, evidence=evidence), "a#1")
    board.hear(make_signal("service", "failed-requests", "budget-burn"), "a#1")
    incident, symptom = board.incidents.values()
    incident = replace(incident, evidence=evidence)  # however long
    facts = replace(
        tell_facts(incident),
        blast=Blast(requests=500, requests_share=0.83, pages=812, routes=("/v1/convert",)),
        ladder=(("text_layer", "ready"), ("reader", "down"), ("embedded", "ready")),
        change=Change(at=START, sections=("engines.vl",)),
    )
    return replace(incident, card=make_card(incident, facts, (symptom,)))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("act now", "Do: Mend it.", "500 requests, 83 % of all, 812 pages", "never seen before", "reader down")),
        (
            "zh",
            ("立即处理", "处理建议：请修复。", "500 个请求，占全部请求的 83 %，812 页", "，首次出现", "reader 不可用"),
        ),
    ],
)
def test_the_card_stands_in_the_text(language: Language, words: tuple[str, ...]) -> None:
    incident = make_incident(failed_share=0.8)
    message = render(
        incident, NoticeKind.OPENED, delivery_id="x", language=language, public_url="https://text.example.com"
    )
    for word in (
        *words,
        "https://text.example.com/runbooks/error-onset",
        "service/failed-requests",
        "failed_share 0.8",
        incident.id,
    ):
        assert word in f"{message.title}\n{message.body}", word
    assert message.data["card"]["advice"] == ("Mend it." if language == "en" else "请修复。")
    assert message.data["card"]["last_change"] == {"at": START.isoformat(), "sections": ["engines.vl"]}


def test_the_end_says_how_long_it_lasted() -> None:
    at = START + timedelta(seconds=3_725)
    incident = replace(make_incident(), resolved_at=at, state=IncidentState.RESOLVED, returns=2, resolved_by="Wei")
    message = render(incident, NoticeKind.RESOLVED, delivery_id="x", language="en")
    assert "closed by hand" in message.title
    first, *rest = message.body.splitlines()
    assert first.startswith("A person closed it at ")
    assert "1 h 2 min 5 s before, and came back 2 times meanwhile. If it goes on, you will be told." in first
    assert not [line for line in rest if line.startswith(("Mended by:", "Do:"))], "only that person knows"
    assert message.data["incident"]["duration_s"] == 3_725


@pytest.mark.parametrize(
    ("language", "title", "first", "third"),
    [
        (
            "en",
            "Ironleaf · over · backend:reader · model-unavailable",
            "It is over: it began at {begin} UTC and ended at {end} UTC, after 3 min 30 s.",
            "The alert said: model-unavailable happened.",
        ),
        (
            "zh",
            "Ironleaf · 已恢复 · backend:reader · model-unavailable",
            "故障已恢复：始于 {begin} UTC，止于 {end} UTC，历时 3 分钟 30 秒。",
            "当时的告警：发生了 model-unavailable。",
        ),
    ],
)
def test_the_end_says_first_that_it_is_over(language: Language, title: str, first: str, third: str) -> None:
    begin, end = START, START + timedelta(seconds=210)
    ended = replace(make_incident(), since=begin, resolved_at=end, state=IncidentState.RESOLVED)
    message = render(ended, NoticeKind.RESOLVED, delivery_id="x", language=language)
    lines = message.body.splitlines()
    assert (message.data["title"], message.data["text"]) == (message.title, message.body)
    assert message.title == title
    assert lines[0] == first.format(begin=f"{begin:%Y-%m-%d %H:%M:%S}", end=f"{end:%Y-%m-%d %H:%M:%S}")
    assert lines[2] == third


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Again: a person closed this as incident OLD, and it still happens"),
        ("zh", "再次发生：此前的事件 OLD 已由人工关闭，但故障仍在发生"),
    ],
)
def test_what_goes_on_after_a_person_closed_it_says_so(language: Language, words: str) -> None:
    message = render(replace(make_incident(), reopens="OLD"), NoticeKind.OPENED, delivery_id="x", language=language)
    assert words in message.body.splitlines()
    assert message.data["incident"]["reopens"] == "OLD"


@pytest.mark.parametrize(
    ("language", "mended", "itself"),
    [
        (
            "en",
            "Mended by: launched (00:01:40 UTC): in vain; back (00:03:20 UTC)",
            "nothing was done here; it went by itself",
        ),
        ("zh", "恢复方式：重启 (00:01:40 UTC): 未成功；恢复 (00:03:20 UTC)", "本服务未采取措施，故障已自行消失"),
    ],
)
def test_the_end_says_what_healed_it_and_how_far_it_reached(language: Language, mended: str, itself: str) -> None:
    opened = make_incident()
    facts = Facts(
        summary=Text("It happened.", "发生了。"),
        advice=Text("Mend it.", "请修复。"),
        runbook="/runbooks/error-onset",
        blast=Blast(requests=900, requests_share=0.5, pages=100, routes=("/v1/inspect",)),
        mendings=(
            Mending(at=START + timedelta(seconds=100), action="a", words=Text("launched", "重启"), done=False),
            Mending(at=START + timedelta(seconds=200), action="b", words=Text("back", "恢复"), done=True),
        ),
    )
    card = close_card(opened.card, make_card(opened, facts, ()))
    assert card["blast"] == {
        "requests": 900,
        "requests_share": 0.5,
        "pages": 812,
        "routes": ["/v1/convert", "/v1/inspect"],
    }
    assert card["symptoms"] == ["service/failed-requests"]
    ended = replace(opened, resolved_at=START + timedelta(seconds=210), state=IncidentState.RESOLVED)
    message = render(replace(ended, card=card), NoticeKind.RESOLVED, delivery_id="x", language=language)
    assert mended in message.body
    assert message.data["card"]["healing"][1]["done"] is True
    assert message.data["card"]["healing"][1]["words"] == ("back" if language == "en" else "恢复")
    assert itself in render(ended, NoticeKind.RESOLVED, delivery_id="x", language=language).body


def test_bytes_are_said_as_people_say_them() -> None:
    message = render(make_incident(free_bytes=63_687_127_040), NoticeKind.OPENED, delivery_id="x", language="en")
    assert "Measured: free 59.3 GiB" in message.body
    assert message.data["card"]["evidence"] == {"free_bytes": 63_687_127_040}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Measured: found key refused, within 1 h, used 97 %, failures 26, burn 3"),
        ("zh", "测量值：检查结果 密钥被拒，统计窗口 1 小时，已使用 97 %，失败次数 26，burn 3"),
    ],
)
def test_what_was_measured_is_said_in_words(language: Language, words: str) -> None:
    incident = make_incident(finding="key_refused", window_s=3_600.0, used_share=0.97, failed_count=26, burn=3)
    message = render(incident, NoticeKind.OPENED, delivery_id="x", language=language)
    assert words in message.body
    assert message.data["card"]["evidence"]["finding"] == "key_refused"


def test_one_is_one_and_time_has_units_in_both_languages() -> None:
    facts = replace(tell_facts(make_incident()), blast=Blast(requests=1, requests_share=0.5, pages=1))
    incident = replace(make_incident(), resolved_at=START + timedelta(seconds=3_725), state=IncidentState.RESOLVED)
    incident = replace(incident, card=make_card(incident, facts, ()))
    english, chinese = (
        render(incident, NoticeKind.RESOLVED, delivery_id="x", language=language).body for language in LANGUAGES
    )
    assert "Hits: 1 request, 50 % of all, 1 page\n" in english
    assert "，历时 1 小时 2 分钟 5 秒。\n" in chinese
    assert "影响范围：1 个请求，占全部请求的 50 %，1 页\n" in chinese


def test_a_replica_that_did_not_see_the_beginning_takes_its_word_for_it() -> None:
    opened = make_incident()
    seen = make_card(opened, tell_facts(opened), ())
    assert close_card(opened.card, seen)["blast"]["requests"] == 500
    assert close_card({}, seen) == seen


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_is_too_long_and_the_number_is_always_there(language: Language) -> None:
    incident = make_incident(**{f"name_{number}": "长" * 200 for number in range(20)})
    message = render(incident, NoticeKind.OPENED, delivery_id="x", language=language)
    assert len(message.body.encode()) + len(message.title.encode()) <= BODY_BYTES_MAX
    assert message.body.endswith(incident.id)
    assert "…" in message.body


def test_an_incident_without_a_card_can_be_told_too() -> None:
    incident = replace(make_incident(), card={})
    assert "backend:reader" in render(incident, NoticeKind.OPENED, delivery_id="x", language="zh").body
    assert "测试" in render_test(delivery_id="x", language="zh", now=START).title


def test_an_incident_survives_being_written_down() -> None:
    incident = replace(make_incident(free_bytes=1.5, name="disk"), announced_at=START, also_told=("second",))
    assert codec.decode_incident(codec.encode(incident)) == incident
    newer = codec.encode(incident).replace('"cause":', '"not_known_yet":1,"cause":', 1)
    assert codec.decode_incident(newer) == incident


def test_a_sentence_in_the_evidence_reaches_nobody() -> None:
    board = Board()
    evidence = {"finding": "unreachable", "said": "patient record 5523", "free_bytes": 5, "share": 0.5}
    board.hear(make_signal(evidence=evidence), "a#1")
    (incident,) = board.incidents.values()
    assert incident.evidence == {"finding": "unreachable", "said": "<text>", "free_bytes": 5, "share": 0.5}
