"""The root-cause card: what a person woken at night must know first. Closed lists, aliases, numbers, times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ironleaf.foundation.alerting.incidents import Incident
    from ironleaf.foundation.errors import Text

ROUTES_MAX: Final = 5
SYMPTOMS_MAX: Final = 20
EVIDENCE_SHOWN_MAX: Final = 8
MENDINGS_MAX: Final = 5
"""The last ones: what healed it is among them."""


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
class Mending:
    """Something that was done about it without asking anyone, or by hand: an entry of the ledger."""

    at: datetime
    action: str
    """The ledger's word for it."""
    words: Text
    """What was done, in a few words."""
    done: bool
    """Whether it worked."""


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
    mendings: tuple[Mending, ...] = ()
    """What was done about it since it began, the first first."""


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
        "healing": [
            {
                "at": each.at.isoformat(),
                "action": each.action,
                "done": each.done,
                "words": {"en": each.words.en, "zh": each.words.zh},
            }
            for each in facts.mendings[-MENDINGS_MAX:]
        ],
        "evidence": dict(list(incident.evidence.items())[:EVIDENCE_SHOWN_MAX]),
    }
    if facts.change is not None:
        card["last_change"] = {"at": facts.change.at.isoformat(), "sections": list(facts.change.sections)}
    return card


def close_card(opening: Mapping[str, Any], ending: Mapping[str, Any]) -> dict[str, Any]:
    """Return the card of an incident that is over: how it stands now, and whom it hit from beginning to end.

    What a replica remembers is an hour and its own life, so the opening may know more: the larger count is kept.
    """
    if not opening:
        return dict(ending)
    before, after = opening["blast"], ending["blast"]
    larger = before if before["requests"] > after["requests"] else after
    blast = {
        **larger,
        "pages": max(before["pages"], after["pages"]),
        "routes": _join(before["routes"], after["routes"])[:ROUTES_MAX],
    }
    symptoms = _join(opening["symptoms"], ending["symptoms"])[:SYMPTOMS_MAX]
    return {**ending, "blast": blast, "symptoms": symptoms}


def _join(ones: Sequence[str], others: Sequence[str]) -> list[str]:
    return list(dict.fromkeys((*ones, *others)))
