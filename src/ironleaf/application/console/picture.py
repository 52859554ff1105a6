"""What the operators' page shows, as one piece of data, drawn from what the house knows at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ironleaf.application.console.ops_words import OPS_SCRIPT
from ironleaf.application.statistics_desk import View
from ironleaf.document import EngineName
from ironleaf.foundation.alerting.incidents import IncidentState
from ironleaf.foundation.alerting.rules import ALL_RULES
from ironleaf.foundation.errors import Text
from ironleaf.foundation.monitoring import Dimension, Urgency, Window
from ironleaf.services.engines.ledger_words import tell_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from ironleaf.application.engine_desk import BackendReport, EngineDesk
    from ironleaf.application.statistics_desk import StatisticsDesk, Timeline
    from ironleaf.foundation.alerting.desk import IncidentDesk
    from ironleaf.foundation.alerting.incidents import Incident
    from ironleaf.foundation.errors import Language
    from ironleaf.foundation.health import HealthBoard

SECONDS_DIGITS: Final = 5
"""Of a point in a chart: no eye sees ten microseconds."""
INCIDENTS_MAX: Final = 20
"""More at once is one disaster; the API lists all."""
HEALING_MAX: Final = 15
DISTRIBUTION_MAX: Final = 8
"""Values of one side that are shown; the API knows all."""
_DIMENSIONS: Final = (Dimension.CODE, Dimension.LEVEL, Dimension.COMPONENT)
_COMMA: Final = Text(", ", "，")
_AND: Final = Text(", ", "、")
"""Between things of a list."""
_OPEN: Final = (IncidentState.OPEN.value, IncidentState.ACKNOWLEDGED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsSources:
    """Who is asked."""

    health: HealthBoard
    engines: EngineDesk
    incidents: IncidentDesk
    statistics: StatisticsDesk
    redact: Callable[[str], str]


async def draw_picture(sources: OpsSources, language: Language) -> dict[str, Any]:
    """Return the picture of this replica by its parts: JSON data, bounded, without keys or page content."""
    timeline = sources.statistics.timeline()
    return {
        "health": await _draw_health(sources, language),
        "engines": await _draw_engines(sources.engines),
        "incidents": await _draw_incidents(sources.incidents, language),
        "errors": await _draw_errors(sources.statistics),
        "performance": await _draw_performance(sources.statistics),
        "series": _draw_series(timeline),
        "healing": _draw_healing(sources.engines, language),
    }


async def _draw_health(sources: OpsSources, language: Language) -> dict[str, Any]:
    report = await sources.health.report()
    components = [
        {"name": name, "status": result.status, "detail": sources.redact(result.detail_in(language))}
        for name, result in report.components.items()
    ]
    return {"status": report.status, "components": components}


async def _draw_engines(desk: EngineDesk) -> list[dict[str, Any]]:
    reports = {report.alias: report for report in desk.report()}
    return [
        {"kind": line.name, "alias": line.alias, "status": line.status, **_draw_backend(reports.get(line.alias))}
        for line in (await desk.ladder()).engines
        if line.name is not EngineName.NATIVE
    ]


def _draw_backend(report: BackendReport | None) -> dict[str, Any]:
    if report is None:
        return {}
    breaker = report.breaker
    return {
        "address": report.address,
        "finding": report.finding,
        "breaker": "breaker_state_open" if breaker.state == "open" else breaker.state,
        "reopens_in_s": round(breaker.retry_after_s),
    }


async def _draw_incidents(desk: IncidentDesk, language: Language) -> list[dict[str, Any]]:
    found = await desk.list_incidents(states=_OPEN, before="", limit=INCIDENTS_MAX)
    shown = [incident for incident in found if not incident.muted_by]
    return [_draw_incident(incident, desk.describe(incident), language) for incident in shown]


def _draw_incident(incident: Incident, card: Mapping[str, Any], language: Language) -> dict[str, Any]:
    summary: Mapping[str, str] = card.get("summary", {})
    return {
        "id": incident.id,
        "state": incident.state,
        "urgency": incident.urgency,
        "silenced": bool(incident.silenced_by),
        "title": summary.get(language) or f"{incident.component}: {incident.cause}",
        "runbook": f"/runbooks/{_choose_rule(incident)}",
        "card": [{"label": _say(name, language), "text": text} for name, text in _tell_card(incident, card, language)],
    }


def _choose_rule(incident: Incident) -> str:
    """Return the most urgent rule that saw it: what woke a person says best what to do."""
    return min(incident.rules, key=lambda rule: rule not in ALL_RULES or ALL_RULES[rule].urgency is not Urgency.PAGE)


def _tell_card(incident: Incident, card: Mapping[str, Any], language: Language) -> list[tuple[str, str]]:
    blast: Mapping[str, Any] = card.get("blast", {})
    change: Mapping[str, Any] = card.get("last_change") or {}
    any_hit = bool(blast.get("requests") or blast.get("pages"))
    comma, and_ = _COMMA.in_language(language), _AND.in_language(language)
    hits = OPS_SCRIPT["hits_text"].in_language(language)
    lines = [
        ("again", _say("again_text", language).format(id=incident.reopens) if incident.reopens else ""),
        ("todo", card.get("advice", {}).get(language, "")),
        ("since", _show_time(incident.since.isoformat())),
        ("what", incident.component),
        ("why", incident.cause),
        (
            "hits",
            comma.join((hits.format(requests=blast["requests"], pages=blast["pages"]), *blast.get("routes", ())))
            if any_hit
            else "",
        ),
        ("new", _say("yes", language) if incident.new_fingerprint else ""),
        ("symptoms", and_.join(card.get("symptoms", ()))),
        ("last_change", f"{_show_time(change['at'])}: {', '.join(change['sections'])}" if change else ""),
        ("now", and_.join(f"{each['engine']} {_say(each['status'], language)}" for each in card.get("ladder", ()))),
    ]
    return [(name, text) for name, text in lines if text]


def _show_time(iso: str) -> str:
    return f"{iso[:10]} {iso[11:19]} UTC"


async def _draw_errors(desk: StatisticsDesk) -> dict[str, Any]:
    found = {side: await desk.errors(Window.HOUR, side, View.REPLICA) for side in _DIMENSIONS}
    return {
        "windows": [
            {"window": each.window, "count": each.count, "per_minute": each.per_minute}
            for each in found[Dimension.CODE].frequency
        ],
        "by": {
            side.value: [
                {"value": each.value, "reason": each.reason, "count": each.count, "share": each.share}
                for each in statistics.distribution[:DISTRIBUTION_MAX]
            ]
            for side, statistics in found.items()
        },
    }


async def _draw_performance(desk: StatisticsDesk) -> list[dict[str, Any]]:
    found = await desk.performance(Window.HOUR, View.REPLICA)
    names = (
        *("measured", "name", "count", "failed", "average_s", "min_s", "max_s", "p50_s", "p95_s", "p99_s"),
        *("queue_average_s", "pages", "pages_per_second"),
    )
    return [{name: getattr(line, name) for name in names} for line in found.work]


def _draw_series(timeline: Timeline) -> dict[str, Any]:
    work = [
        {
            "measured": each.measured,
            "name": each.name,
            "p50": _round(each.p50_s),
            "p95": _round(each.p95_s),
            "p99": _round(each.p99_s),
        }
        for each in timeline.work
    ]
    return {"at": timeline.at, "errors": timeline.errors, "work": work}


def _round(seconds: tuple[float | None, ...]) -> list[float | None]:
    return [None if each is None else round(each, SECONDS_DIGITS) for each in seconds]


def _draw_healing(desk: EngineDesk, language: Language) -> list[dict[str, Any]]:
    return [
        {
            "at": entry.at.isoformat(),
            "backend": entry.backend,
            "action": "breaker_reset_done" if entry.action == "breaker_reset" else entry.action,
            "outcome": entry.outcome,
            "cause": entry.cause,
            "undo": entry.undo,
        }
        for entry in (tell_in(each, language) for each in desk.history(HEALING_MAX))
    ]


def _say(name: str, language: Language) -> str:
    return OPS_SCRIPT[name].in_language(language) if name in OPS_SCRIPT else name
