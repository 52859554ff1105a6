"""Silences: for a stated time, and never longer than a week, nobody is told of what fits."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ironleaf.foundation.alerting.incidents import Incident

SILENCE_S_MAX: Final = 7 * 24 * 3_600
"""A week: what is to be quiet for longer is to be mended, or its rule changed."""
SILENCE_S_MIN: Final = 60
SILENCES_MAX: Final = 100
"""In force at once; each is looked at for each incident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Keeps people from being told. What it silences is still an incident, and is told once the silence ends."""

    id: str
    rule: str
    """Exact, or with `*`; `*` alone fits all. The same for the next two."""
    component: str
    cause: str
    starts_at: datetime
    ends_at: datetime
    by: str
    why: str

    def holds(self, now: datetime) -> bool:
        """Tell whether it is in force."""
        return self.starts_at <= now < self.ends_at

    def fits(self, incident: Incident) -> bool:
        """Tell whether it is about this incident: all three must fit."""
        return (
            any(fnmatchcase(rule, self.rule) for rule in incident.rules)
            and fnmatchcase(incident.component, self.component)
            and fnmatchcase(incident.cause, self.cause)
        )


def find_silence(incident: Incident, silences: Iterable[Silence], now: datetime) -> Silence | None:
    """Return the silence that covers ``incident`` longest."""
    fitting = [each for each in silences if each.holds(now) and each.fits(incident)]
    return max(fitting, key=lambda each: each.ends_at, default=None)
