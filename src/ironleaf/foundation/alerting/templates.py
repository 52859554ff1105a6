"""What a channel is given: a title, a text and JSON data, in English or Chinese, bounded in length.

The same card in every form. A text that is too long loses its last lines
first: they stand in the order of their use at night.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ironleaf.foundation.alerting.evidence import say_duration, say_fact
from ironleaf.foundation.alerting.incidents import NoticeKind
from ironleaf.foundation.alerting.rules import ALL_RULES
from ironleaf.foundation.errors import Text
from ironleaf.foundation.monitoring import Urgency

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ironleaf.foundation.alerting.incidents import Incident
    from ironleaf.foundation.errors import Language

TITLE_CHARACTERS_MAX: Final = 120
BODY_BYTES_MAX: Final = 1_800
"""The narrowest of the channels (WeCom) takes 2,048 bytes, title included."""
_TITLE_BYTES: Final = 240

Line = Callable[[str, str], str]
"""Of a label's name and a value, the line that says both."""

_URGENCIES: Final = {
    Urgency.PAGE: Text("act now", "立即处理"),
    Urgency.TICKET: Text("in working hours", "工作时间处理"),
}
_RESOLVED: Final = Text("over", "已恢复")
_CLOSED_BY_HAND: Final = Text("closed by hand", "已人工关闭")
_TEST: Final = Text("test", "测试")
_TEST_BODY: Final = Text(
    "This is a test of the alert channel. Nothing is wrong.", "这是告警通道的测试消息，没有发生任何故障。"
)
_LABELS: Final[dict[str, Text]] = {
    "component": Text("Where", "位置"),
    "cause": Text("Cause", "根因"),
    "since": Text("Since", "开始时间"),
    "again": Text("Again", "再次发生"),
    "was": Text("The alert said", "当时的告警"),
    "blast": Text("Hits", "影响范围"),
    "healing": Text("Mended by", "恢复方式"),
    "symptoms": Text("Also seen", "伴随现象"),
    "ladder": Text("Engines now", "当前引擎状态"),
    "change": Text("Last change of settings", "最近一次配置变更"),
    "new": Text("Fingerprint", "错误指纹"),
    "evidence": Text("Measured", "测量值"),
    "advice": Text("Do", "处理建议"),
    "runbook": Text("Runbook", "处理手册"),
    "incident": Text("Incident", "事件编号"),
}
_NEW: Final = Text("never seen before", "首次出现")
_OVER: Final = Text(
    "It is over: it began at {begin} and ended at {end}, after {duration}{returns}.",
    "故障已恢复：始于 {begin}，止于 {end}，历时 {duration}{returns}。",
)
_CLOSED: Final = Text(
    "A person closed it at {end}; it began at {begin}, {duration} before{returns}. If it goes on, you will be told.",
    "已于 {end} 由人工关闭；故障始于 {begin}，关闭前已持续 {duration}{returns}。如果故障仍在继续，会再次通知。",
)
_RETURNED_ONCE: Final = Text(", and came back once meanwhile", "，期间复发 1 次")
_RETURNED: Final = Text(", and came back {number} times meanwhile", "，期间复发 {number} 次")
_AGAIN: Final = Text(
    "a person closed this as incident {id}, and it still happens", "此前的事件 {id} 已由人工关闭，但故障仍在发生"
)
_BY_ITSELF: Final = Text("nothing was done here; it went by itself", "本服务未采取措施，故障已自行消失")
_IN_VAIN: Final = Text("in vain", "未成功")
_REQUEST: Final = Text("1 request", "1 个请求")
_REQUESTS: Final = Text("{number} requests", "{number} 个请求")
_SHARE: Final = Text("{number} % of all", "占全部请求的 {number} %")
_PAGE: Final = Text("1 page", "1 页")
_PAGES: Final = Text("{number} pages", "{number} 页")
_COMMA: Final = Text(", ", "，")
_AND: Final = Text(", ", "、")
"""Between things of a list."""
_STANDINGS: Final = {
    "ready": Text("ready", "就绪"),
    "degraded": Text("degraded", "降级"),
    "down": Text("down", "不可用"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent."""

    id: str
    """The delivery's: a repeat has the same."""
    kind: NoticeKind
    urgency: Urgency
    title: str
    body: str
    """Plain text, at most ``BODY_BYTES_MAX`` in UTF-8."""
    data: Mapping[str, Any]
    """For programs."""


def render(
    incident: Incident, kind: NoticeKind, *, delivery_id: str, language: Language, public_url: str = ""
) -> Message:
    """Return the message about ``incident``. ``public_url`` makes the runbook's path a link."""
    over = _CLOSED_BY_HAND if incident.resolved_by else _RESOLVED
    word = _URGENCIES[incident.urgency] if kind is NoticeKind.OPENED else over
    title = f"Ironleaf · {word.in_language(language)} · {incident.component} · {incident.cause}"[:TITLE_CHARACTERS_MAX]
    body = _bound(_lines(incident, kind, language, public_url))
    data = export(incident, kind, delivery_id=delivery_id, language=language, public_url=public_url)
    return Message(
        id=delivery_id,
        kind=kind,
        urgency=incident.urgency,
        title=title,
        body=body,
        data={**data, "title": title, "text": body},
    )


def render_test(*, delivery_id: str, language: Language, now: datetime) -> Message:
    """Return a message that only says that it is one."""
    body = _TEST_BODY.in_language(language)
    data = {"id": delivery_id, "kind": NoticeKind.TEST.value, "sent_at": now.isoformat(), "message": body}
    return Message(
        id=delivery_id,
        kind=NoticeKind.TEST,
        urgency=Urgency.TICKET,
        title=f"Ironleaf · {_TEST.in_language(language)}",
        body=body,
        data=data,
    )


def export(
    incident: Incident, kind: NoticeKind, *, delivery_id: str, language: Language, public_url: str = ""
) -> dict[str, Any]:
    """Return a notice as JSON data; the fields are listed in docs/reference/incidents.md."""
    card = dict(incident.card)
    for name in ("summary", "advice"):
        if name in card:
            card[name] = card[name][language]
    if "healing" in card:
        card["healing"] = [{**each, "words": each["words"][language]} for each in card["healing"]]
    if "runbook" in card:
        card["runbook"] = f"{public_url}{card['runbook']}"
    return {
        "id": delivery_id,
        "kind": kind.value,
        "incident": {
            "id": incident.id,
            "component": incident.component,
            "cause": incident.cause,
            "rules": list(incident.rules),
            "urgency": incident.urgency.value,
            "state": incident.state.value,
            "since": incident.since.isoformat(),
            "opened_at": incident.opened_at.isoformat(),
            "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
            "resolved_by_hand": bool(incident.resolved_by),
            "reopens": incident.reopens or None,
            "duration_s": _duration_s(incident),
            "returns": incident.returns,
        },
        "card": card,
    }


def _lines(incident: Incident, kind: NoticeKind, language: Language, public_url: str) -> Iterator[str]:
    def line(name: str, value: str) -> str:
        return f"{_LABELS[name].in_language(language)}{'：' if language == 'zh' else ': '}{value}"

    if kind is NoticeKind.RESOLVED:
        yield from _ending(incident, line, language)
    else:
        yield from _beginning(incident, line, language, public_url)
    yield line("incident", incident.id)


def _beginning(incident: Incident, line: Line, language: Language, public_url: str) -> Iterator[str]:
    card = incident.card
    if summary := _say_summary(incident, language):
        yield summary
    if incident.reopens:
        yield line("again", _AGAIN.in_language(language).format(id=incident.reopens))
    yield line("component", incident.component)
    yield line("cause", f"{incident.cause} ({incident.rules[0]})")
    yield line("since", _say_time(incident.since))
    if blast := _say_blast(card.get("blast", {}), language):
        yield line("blast", blast)
    if "advice" in card:
        yield line("advice", card["advice"][language])
    if "runbook" in card:
        yield line("runbook", f"{public_url}{card['runbook']}")
    yield from _details(incident, line, language)


def _ending(incident: Incident, line: Line, language: Language) -> Iterator[str]:
    """Yield that it is over, since when to when, what mended it; then what was wrong, which was said in the present."""
    card = incident.card
    yield _say_end(incident, language)
    if healing := _say_healing(incident, language):
        yield line("healing", healing)
    if summary := _say_summary(incident, language):
        yield line("was", summary)
    yield line("component", incident.component)
    yield line("cause", f"{incident.cause} ({incident.rules[0]})")
    if blast := _say_blast(card.get("blast", {}), language):
        yield line("blast", blast)
    if symptoms := card.get("symptoms"):
        yield line("symptoms", _AND.in_language(language).join(symptoms))


def _details(incident: Incident, line: Line, language: Language) -> Iterator[str]:
    card, and_ = incident.card, _AND.in_language(language)
    if change := card.get("last_change"):
        yield line("change", f"{_say_time(datetime.fromisoformat(change['at']))} ({', '.join(change['sections'])})")
    if incident.new_fingerprint:
        yield line("new", f"{incident.fingerprint[:40]}{_COMMA.in_language(language)}{_NEW.in_language(language)}")
    if ladder := card.get("ladder"):
        yield line("ladder", and_.join(_say_standing(each, language) for each in ladder))
    if symptoms := card.get("symptoms"):
        yield line("symptoms", and_.join(symptoms))
    if evidence := card.get("evidence"):
        yield line(
            "evidence",
            _COMMA.in_language(language).join(say_fact(name, value, language) for name, value in evidence.items()),
        )


def _say_summary(incident: Incident, language: Language) -> str:
    """Return what is wrong, in a sentence; before it is told, that of its rule."""
    if "summary" in incident.card:
        return incident.card["summary"][language]
    rule = ALL_RULES.get(incident.rules[0])
    return rule.sentence.in_language(language) if rule else ""


def _say_blast(blast: Mapping[str, Any], language: Language) -> str:
    parts: list[str] = []
    if blast.get("requests"):
        parts.append(_say_count(blast["requests"], _REQUEST, _REQUESTS, language))
        if blast.get("requests_share") is not None:
            share = f"{100 * float(blast['requests_share']):.0f}"
            parts.append(_SHARE.in_language(language).format(number=share))
    if blast.get("pages"):
        parts.append(_say_count(blast["pages"], _PAGE, _PAGES, language))
    parts += blast.get("routes", [])
    return _COMMA.in_language(language).join(parts)


def _say_count(number: int, one: Text, many: Text, language: Language) -> str:
    return (one if number == 1 else many).in_language(language).format(number=number)


def _say_standing(line: Mapping[str, str], language: Language) -> str:
    status = line["status"]
    word = _STANDINGS[status].in_language(language) if status in _STANDINGS else status
    return f"{line['engine']} {word}"


def _say_end(incident: Incident, language: Language) -> str:
    returned = _RETURNED_ONCE if incident.returns == 1 else _RETURNED
    return (
        (_CLOSED if incident.resolved_by else _OVER)
        .in_language(language)
        .format(
            begin=_say_time(incident.since),
            end=_say_time(incident.resolved_at or incident.since),
            duration=say_duration(_duration_s(incident) or 0, language),
            returns=returned.in_language(language).format(number=incident.returns) if incident.returns else "",
        )
    )


def _say_healing(incident: Incident, language: Language) -> str:
    """Return what was done about it, in the order in which it was done; empty if a person alone knows."""
    parts: list[str] = []
    for each in incident.card.get("healing", ()):
        said = f"{each['words'][language]} ({datetime.fromisoformat(each['at']).astimezone(UTC):%H:%M:%S} UTC)"
        parts.append(said if each["done"] else f"{said}: {_IN_VAIN.in_language(language)}")
    said = ("；" if language == "zh" else "; ").join(parts)
    return said if parts or incident.resolved_by else _BY_ITSELF.in_language(language)


def _duration_s(incident: Incident) -> int | None:
    if incident.resolved_at is None:
        return None
    return max(0, round((incident.resolved_at - incident.since).total_seconds()))


def _say_time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _bound(lines: Iterator[str]) -> str:
    """Return the lines that fit, the incident's number always among them."""
    *said, number = lines
    room = BODY_BYTES_MAX - _TITLE_BYTES - len(number.encode()) - 1
    kept: list[str] = []
    for each in said:
        room -= len(each.encode()) + 1
        if room < 0:
            kept.append("…")
            break
        kept.append(each)
    return "\n".join((*kept, number))
