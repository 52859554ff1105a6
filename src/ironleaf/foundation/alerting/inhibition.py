"""What depends on what, as data: a trouble that another one explains is kept quiet while that one lasts.

``DEPENDENCES`` go from the deep to the shallow; no trouble can mute what mutes
it: a test walks through all known troubles.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.detection import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from ironleaf.foundation.alerting.incidents import Incident

REMEMBERED_MAX: Final = 20_000
"""Pairs of troubles whose verdict is kept: a hundred live incidents make ten thousand, asked for at every turn."""
ANY: Final = ("*",)
GONE: Final = (
    *("model-unavailable", "model-down", "model-access-refused", "model-quota-exhausted", "model-unreachable"),
    *("model-out-of-memory", "model-failed", "blind"),
)
"""A model server does not read at all; the most telling first."""
LIMPS: Final = (
    *("model-timeout", "model-answer-unusable", "model-request-refused", "model-busy", "upstream-failed"),
    *("engine-failed", "engine-timeout", "engine-busy"),
)
"""It reads badly, late, or not every page."""
SYMPTOMS: Final = ("circuit-open", "slow", "slow-*", "degraded", "engine-unavailable")
"""What shows of both."""
OVERFLOWS: Final = ("service-busy", "deadline-exceeded", "timeout", "slow", "slow-*", "engine-busy", "engine-timeout")
FELT: Final = (*GONE, *LIMPS, *SYMPTOMS, *OVERFLOWS, "conversion-failed", "failed-requests", "silent")
"""How a trouble behind the doors is felt at them."""
ENGINES: Final = ("backend:*", "embedded")
FRONT: Final = ("service", "traffic")
"""What callers meet."""

SYNONYMS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("backend:*", "model_missing"): "model-unavailable",
        ("backend:*", "unreachable"): "model-unreachable",
        ("backend:*", "key_refused"): "model-access-refused",
        ("backend:*", "unpaid"): "model-quota-exhausted",
        ("backend:*", "nonsense"): "model-answer-unusable",
        ("backend:*", "too_slow"): "model-timeout",
        ("backend:*", "fails"): "model-failed",
        ("database", "unhealthy"): "database-unavailable",
        ("database", "degraded"): "database-unavailable",
    }
)
"""Probes have words of their own for what errors call otherwise; the error's word is kept, and with it its advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Some components with some causes; `*` stands for any."""

    components: tuple[str, ...]
    causes: tuple[str, ...] = ANY

    def fits(self, component: str, cause: str) -> bool:
        """Tell whether a trouble is one of these."""
        return any(fnmatchcase(component, each) for each in self.components) and any(
            fnmatchcase(cause, each) for each in self.causes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """While ``parent`` lasts, ``child`` is explained by it."""

    parent: Trouble
    child: Trouble
    same_component: bool = False
    """Only where both are of one component."""

    def explains(self, parent: tuple[str, str], child: tuple[str, str]) -> bool:
        """Tell whether the parent, as (component, cause), explains the child."""
        if self.same_component and parent[0] != child[0]:
            return False
        return self.parent.fits(*parent) and self.child.fits(*child)


_WORN: Final = ("unhealthy", "degraded", "failed-requests", "conversion-failed")

DEPENDENCES: Final[tuple[Dependence, ...]] = (
    # A full disk stops spools, the database file and the logs.
    Dependence(
        parent=Trouble(components=("disk",)),
        child=Trouble(
            components=("database", "service", "queue"),
            causes=("spool-full", "storage-failed", "database-*", "unhealthy"),
        ),
    ),
    Dependence(parent=Trouble(components=("disk",)), child=Trouble(components=FRONT, causes=FELT)),
    # Where memory ends, workers are killed, and what is left is slow.
    Dependence(
        parent=Trouble(components=("memory",)),
        child=Trouble(
            components=("service", "embedded", "model"),
            causes=(
                "decoder*",
                "engine-*",
                "unhealthy",
                "degraded",
                *OVERFLOWS,
                "failed-requests",
                "conversion-failed",
            ),
        ),
    ),
    Dependence(parent=Trouble(components=("memory",)), child=Trouble(components=("queue",))),
    # Without the database: whoever stands on it, under whatever name the failure travels.
    Dependence(
        parent=Trouble(components=("database",)),
        child=Trouble(components=("service", "alerting", "queue"), causes=("database-*", "keys-*", "storage-failed")),
    ),
    Dependence(parent=Trouble(components=("database",)), child=Trouble(components=FRONT, causes=("failed-requests",))),
    # What fails at an engine shows at that engine in several ways.
    Dependence(
        parent=Trouble(components=ENGINES, causes=(*GONE, *LIMPS)),
        child=Trouble(components=ENGINES, causes=SYMPTOMS),
        same_component=True,
    ),
    # A slow backend is what makes all backends together slow.
    Dependence(
        parent=Trouble(components=("backend:*",), causes=(*GONE, *LIMPS, *SYMPTOMS)),
        child=Trouble(components=("vl",)),
    ),
    # A backend that fails or is passed over is felt at every door, and loads the engines below it.
    Dependence(
        parent=Trouble(components=("backend:*",), causes=(*GONE, *LIMPS, *SYMPTOMS)),
        child=Trouble(components=FRONT, causes=FELT),
    ),
    Dependence(
        parent=Trouble(components=("backend:*",), causes=(*GONE, *LIMPS, *SYMPTOMS)),
        child=Trouble(components=("model", "queue")),
    ),
    Dependence(
        parent=Trouble(components=("backend:*",), causes=(*GONE, *LIMPS, "circuit-open")),
        child=Trouble(components=("embedded",), causes=OVERFLOWS),
    ),
    Dependence(parent=Trouble(components=("embedded",)), child=Trouble(components=("model", "queue"))),
    Dependence(parent=Trouble(components=("embedded",)), child=Trouble(components=FRONT, causes=FELT)),
    Dependence(parent=Trouble(components=("model",)), child=Trouble(components=FRONT, causes=FELT)),
    Dependence(parent=Trouble(components=("model",)), child=Trouble(components=("queue",))),
    # Decoders that do not start fill the queue before them; a queue that is full slows every door.
    Dependence(
        parent=Trouble(components=("service",), causes=("unhealthy", "decoders-unavailable")),
        child=Trouble(components=("queue",)),
    ),
    Dependence(parent=Trouble(components=("queue",)), child=Trouble(components=FRONT, causes=FELT)),
    # The service's own failures use up its error budget, and callers stay away.
    Dependence(
        parent=Trouble(
            components=("service",),
            causes=("internal-error", "decoder*", "spool-full", "storage-failed", "unhealthy", "database-*"),
        ),
        child=Trouble(components=FRONT, causes=("failed-requests", "silent", "conversion-failed", "timeout")),
    ),
)
SAME_ROOT: Final = (
    Trouble(components=ENGINES, causes=(*GONE, *LIMPS)),
    Trouble(components=("service",), causes=("decoder*", "unhealthy")),
    Trouble(components=("database",)),
)
"""Several names of one root, at one component: whichever was told first stands for all of them."""
_RANKS: Final = {cause: rank for rank, cause in enumerate((*GONE, *LIMPS))}


def name_cause(component: str, cause: str) -> str:
    """Return the name under which a cause is kept."""
    for (pattern, word), name in SYNONYMS.items():
        if word == cause and fnmatchcase(component, pattern):
            return name
    return cause


@lru_cache(REMEMBERED_MAX)
def explains(parent: tuple[str, str], child: tuple[str, str]) -> bool:
    """Tell whether one trouble, as (component, cause), explains another by what it is."""
    return parent != child and any(each.explains(parent, child) for each in DEPENDENCES)


@lru_cache(REMEMBERED_MAX)
def are_one(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Tell whether two troubles are names of one root."""
    return one != other and one[0] == other[0] and any(each.fits(*one) and each.fits(*other) for each in SAME_ROOT)


def waits_s(rule: str) -> float:
    """Return how long a rule stands by itself before people are told."""
    return RULES[rule].waits_s if rule in RULES else 0.0


def find_parent(child: Incident, others: Iterable[Incident]) -> Incident | None:
    """Return the incident that explains ``child``: the oldest of those that do."""
    here = (child.component, child.cause)
    parents: list[Incident] = []
    for each in others:
        there = (each.component, each.cause)
        if are_one(there, here):
            if each.live and _order(each) < _order(child):
                parents.append(each)
        elif explains(there, here):
            parents.append(each)
    return min(parents, key=lambda each: (each.opened_at, each.id), default=None)


def _order(incident: Incident) -> tuple[int, datetime | int, datetime, str]:
    """Return by what one of several names of a root is chosen.

    Told first; else what is more than a first sign, then the most telling, then the oldest.
    """
    if incident.announced_at is not None:
        return (0, incident.announced_at, incident.opened_at, incident.id)
    first_sign = waits_s(incident.rules[0]) > 0.0
    return (2 if first_sign else 1, _RANKS.get(incident.cause, len(_RANKS)), incident.opened_at, incident.id)
