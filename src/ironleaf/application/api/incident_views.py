"""Incidents, silences and deliveries as operators see them: redacted, without what only the desk needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ironleaf.foundation.alerting.deliveries import Delivery, DeliveryState
from ironleaf.foundation.alerting.incidents import Incident, IncidentState, Step
from ironleaf.foundation.alerting.silences import Silence
from ironleaf.foundation.monitoring import Urgency
from ironleaf.foundation.observability import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLine:
    """One incident."""

    id: str
    component: str
    cause: str
    rules: tuple[str, ...]
    urgency: Urgency
    state: IncidentState
    closed: bool
    since: datetime
    opened_at: datetime
    announced_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str
    resolved_at: datetime | None
    resolved_by: str
    duration_s: int | None
    returns: int
    reopens: str
    """The id of the incident of the same cause that a person closed, and that goes on in this one."""
    muted_by: str
    silenced_by: str
    runbook: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    """Incidents, the newest first."""

    incidents: tuple[IncidentLine, ...]
    next_before: str | None
    """For the next page; none after the last one."""
    database: Literal["here", "away"]
    """While it is away, only what this replica saw within the hour is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """One notice for one channel."""

    incident_id: str
    kind: str
    channel: str
    state: DeliveryState
    attempts: int
    finding: str
    created_at: datetime
    next_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """One line of an incident's history."""

    at: datetime
    act: str
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentStory:
    """One incident with everything that is known of it."""

    incident: IncidentLine
    card: dict[str, Any]
    """The root-cause card; empty before the incident was told."""
    history: tuple[StepLine, ...]
    deliveries: tuple[DeliveryLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceLine:
    """One silence in force."""

    id: str
    rule: str
    component: str
    cause: str
    starts_at: datetime
    ends_at: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silences:
    """The silences in force, those that end first first."""

    silences: tuple[SilenceLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Notices, the newest first."""

    deliveries: tuple[DeliveryLine, ...]


class IncidentViews:
    """Turns what alerting keeps into what an operator is shown, without secrets."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def line(self, incident: Incident) -> IncidentLine:
        ended = incident.resolved_at
        return IncidentLine(
            id=incident.id,
            component=incident.component,
            cause=incident.cause,
            rules=incident.rules,
            urgency=incident.urgency,
            state=incident.state,
            closed=not incident.live,
            since=incident.since,
            opened_at=incident.opened_at,
            announced_at=incident.announced_at,
            acknowledged_at=incident.acknowledged_at,
            acknowledged_by=self._note(incident.acknowledged_by),
            resolved_at=ended,
            resolved_by=self._note(incident.resolved_by),
            duration_s=None if ended is None else max(0, round((ended - incident.since).total_seconds())),
            returns=incident.returns,
            reopens=incident.reopens,
            muted_by=incident.muted_by,
            silenced_by=incident.silenced_by,
            runbook=f"/runbooks/{incident.rules[0]}",
        )

    def story(
        self, incident: Incident, steps: tuple[Step, ...] = (), deliveries: tuple[Delivery, ...] = ()
    ) -> IncidentStory:
        card: Any = self._redactor.redact(dict(incident.card))
        return IncidentStory(
            incident=self.line(incident),
            card=card,
            history=tuple(
                StepLine(at=each.at, act=each.act.value, by=self._note(each.by), why=self._note(each.why))
                for each in steps
            ),
            deliveries=tuple(map(show_delivery, deliveries)),
        )

    def silence(self, silence: Silence) -> SilenceLine:
        return SilenceLine(
            id=silence.id,
            rule=silence.rule,
            component=silence.component,
            cause=silence.cause,
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            by=self._note(silence.by),
            why=self._note(silence.why),
        )

    def _note(self, text: str) -> str:
        return self._redactor.redact_text(text)


def show_delivery(delivery: Delivery) -> DeliveryLine:
    """Return a delivery as operators see it."""
    return DeliveryLine(
        incident_id=delivery.incident_id,
        kind=delivery.kind.value,
        channel=delivery.channel,
        state=delivery.state,
        attempts=delivery.attempts,
        finding=delivery.finding,
        created_at=delivery.created_at,
        next_at=delivery.next_at,
        ended_at=delivery.ended_at,
    )
