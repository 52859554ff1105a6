"""What is to be told, to whom, and how often it was tried: the outbox, as values and rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring import Urgency

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from ironleaf.foundation.alerting.incidents import Incident, NoticeKind

SEND_S: Final = 15.0
"""One try, name look-up to answer. Twice what Apprise's own socket limits add up to."""
LEASE_S: Final = 45.0
"""Who has taken a delivery and not said what came of it by then is dead: three times one try."""
BASE_S: Final = 5.0
CAP_S: Final = 600.0
ATTEMPTS_MAX: Final = 12
"""With waits that grow from 5 s to 10 min, about an hour."""
AGE_S_MAX: Final = 6 * 3_600.0
"""A page about this morning helps nobody in the evening."""
FALL_BACK_ATTEMPTS: Final = 2
"""Failed tries after which the second channel is told too."""


class DeliveryState(StrEnum):
    """What became of it."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"
    """Given up: it used up its tries or its age. Kept for a person to see."""


class Finding(StrEnum):
    """What came of one try. A closed list: no answer of a stranger's server is kept."""

    SENT = "sent"
    REFUSED = "refused"
    """The channel answered, and did not take it."""
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    ADDRESS_NOT_ALLOWED = "address-not-allowed"
    """The name leads to a private address, and the channel may not go there."""
    REDIRECTED = "redirected"
    CROWDED = "crowded"
    """Too many sends hang already."""
    BROKEN = "broken"
    """The channel itself failed: see the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which notices a channel gets."""

    channel: str
    ticket: bool = True
    """Also what can wait for working hours."""
    backup: bool = False
    """Only what another channel failed to deliver, and troubles of the alerting itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notice for one channel. There is at most one for each incident, kind and channel, whoever asks for it."""

    incident_id: str
    kind: NoticeKind
    channel: str
    created_at: datetime
    next_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    finding: str = ""
    """Of the last try."""
    ended_at: datetime | None = None

    @property
    def id(self) -> str:
        """What a receiver can tell repeats by."""
        return f"{self.incident_id}:{self.kind.value}:{self.channel}"


def choose_channels(incident: Incident, routes: tuple[Route, ...]) -> tuple[str, ...]:
    """Return who hears of ``incident``: of a sick channel, all the others."""
    sick = incident.evidence.get("channel") if incident.component == "alerting" else None
    return tuple(
        route.channel
        for route in routes
        if route.channel != sick
        and (not route.backup or incident.component == "alerting")
        and (route.ticket or incident.urgency is Urgency.PAGE)
    )


def choose_backups(routes: tuple[Route, ...], failed: str) -> tuple[str, ...]:
    """Return who takes over what ``failed`` does not deliver."""
    return tuple(route.channel for route in routes if route.backup and route.channel != failed)


def settle(delivery: Delivery, finding: Finding, now: datetime, random: Random) -> Delivery:
    """Return the delivery after a try: sent, to be tried again later, or dead."""
    tried = replace(delivery, attempts=delivery.attempts + 1, finding=finding.value)
    if finding is Finding.SENT:
        return replace(tried, state=DeliveryState.SENT, ended_at=now)
    next_at = now + timedelta(seconds=wait_s(tried.attempts, random))
    if tried.attempts >= ATTEMPTS_MAX or (next_at - delivery.created_at).total_seconds() > AGE_S_MAX:
        return replace(tried, state=DeliveryState.DEAD, ended_at=now)
    return replace(tried, next_at=next_at)


def wait_s(attempts: int, random: Random) -> float:
    """Return the wait after ``attempts`` failed tries: half of it grows, half is chance."""
    ceiling = min(CAP_S, BASE_S * 2.0 ** (attempts - 1))
    return ceiling / 2 + random.random() * ceiling / 2
