"""The root-cause card: what a person woken at night must know first. Closed lists, aliases, numbers, times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ironleaf.foundation.alerting.incidents import Incident
    from ironleaf.foundation.errors import Text

ROUTES_MAX: Final = 5
SYMPTOMS_MAX: Final = 20
EVIDENCE_SHOWN_MAX: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Blast:
    """Whom it hits, on this replica, since it began."""

    requests: int = 0
    """That met it, failed or degraded or healed."""
    requests_share: float | None = None
    """Of all requests in that time; None: unknown."""
    pages: int = 0
    """Pages that failed or were read by a lower rung."""
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The last time the settings changed: when, and in which sections. Never a value."""

    at: datetime
    sections: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the application knows about an incident."""

    summary: Text
    """What is wrong, in a sentence."""
    advice: Text
    """What to do."""
    runbook: str
    """The path of its page."""
    blast: Blast = field(default_factory=Blast)
    ladder: tuple[tuple[str, str], ...] = ()
    """Each engine with its standing."""
    change: Change | None = None


class FactSource(Protocol):
    """Looks facts up in memory: quickly, without I/O, and without raising."""

    def __call__(self, incident: Incident) -> Facts: ...


def make_card(incident: Incident, facts: Facts, symptoms: Sequence[Incident]) -> dict[str, Any]:
    """Return the card of an incident, as JSON data. What is not known is left out."""
    blast = facts.blast
    card: dict[str, Any] = {
        "summary": {"en": facts.summary.en, "zh": facts.summary.zh},
        "since": incident.since.isoformat(),
        "new_fingerprint": incident.new_fingerprint,
        "fingerprint": incident.fingerprint,
        "blast": {
            "requests": blast.requests,
            "requests_share": blast.requests_share,
            "pages": blast.pages,
            "routes": list(blast.routes[:ROUTES_MAX]),
        },
        "symptoms": [each.key for each in symptoms[:SYMPTOMS_MAX]],
        "ladder": [{"engine": name, "status": status} for name, status in facts.ladder],
        "last_change": None,
        "advice": {"en": facts.advice.en, "zh": facts.advice.zh},
        "runbook": facts.runbook,
        "evidence": dict(list(incident.evidence.items())[:EVIDENCE_SHOWN_MAX]),
    }
    if facts.change is not None:
        card["last_change"] = {"at": facts.change.at.isoformat(), "sections": list(facts.change.sections)}
    return card
