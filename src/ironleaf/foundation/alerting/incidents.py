"""What an incident is: one root cause, from the first sign of it to the last, with who said what.

    open ──acknowledge──▶ acknowledged
      ├───────all clear───────┴──▶ resolved ──grace over──▶ closed (and "resolved" is told)
      │  ◀── comes back within the grace: the same incident ──┘
      └───────by hand────────────▶ resolved and closed at once (and told)

The grace damps flapping: it doubles with every return, and a person hears of
one beginning and one end. What a person closed is decided anew by whoever sees
it: if it goes on, that is another incident, told when the grace is over.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ironleaf.foundation.monitoring import Urgency

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ironleaf.foundation.monitoring import Signal

EVIDENCE_MAX: Final = 20
"""Facts kept of a signal: a card shows fewer."""
_EVIDENCE_NAME: Final = re.compile(r"[A-Za-z0-9_.:/*+{}-]{0,100}")
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NAME_CHARACTERS_MAX: Final = 100
"""Of a component, cause or rule: all come from closed lists and aliases, none of which is longer."""


class IncidentState(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """A person has taken it."""
    RESOLVED = "resolved"


class NoticeKind(StrEnum):
    """What people are told of."""

    OPENED = "opened"
    RESOLVED = "resolved"
    TEST = "test"
    """Somebody tries the channels."""


class Act(StrEnum):
    """What may stand in an incident's history."""

    OPENED = "opened"
    RETURNED = "returned"
    """Came back within the grace."""
    ANNOUNCED = "announced"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    """Nobody sees it any more."""
    RESOLVED = "resolved"
    """By hand."""
    MUTED = "muted"
    SILENCED = "silenced"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One replica says that one rule holds. An incident lives as long as one claim does."""

    replica: str
    rule: str
    component: str
    cause: str
    urgency: Urgency
    since: datetime
    orphaned_at: datetime | None = None
    """When its replica was found to be gone."""

    @property
    def key(self) -> str:
        return make_key(self.component, self.cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One root cause and all that is known of it. Names from closed lists, aliases, numbers, times."""

    id: str
    key: str
    """The identity of the root cause: the same on every replica and after every restart."""
    component: str
    cause: str
    rules: tuple[str, ...]
    """Who saw it, first whoever says most: a page before a ticket, what is sure before what is merely new."""
    urgency: Urgency
    state: IncidentState
    since: datetime
    """When it began, as far as can be told."""
    opened_at: datetime
    """When that was decided."""
    due_at: datetime | None = None
    """When people may be told at the earliest: until then a rule that says more may speak, and other symptoms."""
    announced_at: datetime | None = None
    told_as: Urgency | None = None
    """How urgent it was when people were told last."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    resolved_at: datetime | None = None
    resolved_by: str = ""
    """Empty: it went by itself."""
    closed_at: datetime | None = None
    end_owed: bool = False
    """Closed by hand, and nobody has been told so yet."""
    reopens: str = ""
    """The id of the incident of the same cause that a person closed within the hour, and that goes on in this one."""
    returns: int = 0
    grace_s: float = 0.0
    muted_by: str = ""
    """The id of the incident that explains this one."""
    silenced_by: str = ""
    fingerprint: str = ""
    new_fingerprint: bool = False
    also_told: tuple[str, ...] = ()
    """Backup channels that heard of it because another one failed: they hear of its end too."""
    evidence: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    card: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The root-cause card as it was announced; empty before."""

    @property
    def live(self) -> bool:
        """Whether its story is still being written."""
        return self.closed_at is None

    @property
    def holds(self) -> bool:
        """Whether the trouble is there now."""
        return self.resolved_at is None

    @property
    def untold(self) -> bool:
        """Whether there is something to tell: all of it, or, to whoever hears of urgent things only, that it is one."""
        if self.announced_at is None:
            return True
        return self.holds and self.told_as is Urgency.TICKET and self.urgency is Urgency.PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of an incident's history."""

    at: datetime
    incident_id: str
    act: Act
    by: str = ""
    """A person's name as given, a replica, or nothing."""
    why: str = ""


def find_place(replica: str) -> str:
    """Return what stays of a replica's name over its starts: it is ``place#process``."""
    return replica.partition("#")[0]


def hold(incident: Incident) -> Incident:
    """Return the incident as one whose trouble is there now."""
    state = IncidentState.OPEN if incident.acknowledged_at is None else IncidentState.ACKNOWLEDGED
    return replace(incident, state=state, resolved_at=None, resolved_by="", closed_at=None, end_owed=False)


def make_key(component: str, cause: str) -> str:
    """Return the identity of a root cause. Rules, replicas and stacks have no part in it.

    Several rules see one cause, and a stack changes with every release; what
    is broken, and how, does not.
    """
    return f"{component[:NAME_CHARACTERS_MAX]}/{cause[:NAME_CHARACTERS_MAX]}"


def make_id(key: str, at: datetime, replica: str) -> str:
    """Return the id of the incident that ``replica`` opened for ``key`` at that moment: a ULID, sortable as text."""
    mark = int.from_bytes(hashlib.sha256(f"{key}|{at.isoformat()}|{replica}".encode()).digest()[:10])
    number = int(at.timestamp() * 1000) << 80 | mark
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def trim(signal: Signal) -> dict[str, float | str]:
    """Return the evidence of a signal, bounded: numbers and names. A sentence is nobody's name, and stays outside."""
    return {
        name: "<text>" if isinstance(value, str) and not _EVIDENCE_NAME.fullmatch(value) else value
        for name, value in list(signal.evidence.items())[:EVIDENCE_MAX]
    }
