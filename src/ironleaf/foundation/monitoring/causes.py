"""Root causes: errors with the same fingerprint, since when they are known and how often they came. Bounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime  # noqa: TC003 - read at run time, where answers are made of this
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.monitoring.tally import OTHER, name_cause

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ironleaf.foundation.monitoring.events import ErrorEvent

CAUSES_MAX: Final = 500
"""Root causes that are told apart. A house has some hundred; what is rare makes room and is counted as ``other``."""
NEWCOMER_S: Final = 3_600.0
"""A cause that was seen within the hour is not the first to make room: each was rare when it was new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Everything that is remembered of one root cause."""

    cause: str
    """The fingerprint, or the reason where there was no exception; ``other`` for those that made room."""
    code: int
    reason: str
    level: str
    component: str
    """Where it was seen last."""
    count: int
    first_seen: datetime
    last_seen: datetime


Causes = dict[str, Cause]


def note_cause(causes: Causes, event: ErrorEvent) -> None:
    """Count one error with its cause."""
    name = name_cause(event)
    add_cause(
        causes,
        Cause(
            cause=name,
            code=event.code,
            reason=event.reason,
            level=event.level.value,
            component=event.component,
            count=1,
            first_seen=event.at,
            last_seen=event.at,
        ),
    )
    if len(causes) > 2 * CAUSES_MAX:  # seldom, so that what it costs is spread over hundreds of errors
        bound_causes(causes)


def add_cause(causes: Causes, new: Cause) -> None:
    """Add what is known of one cause."""
    old = causes.get(new.cause)
    causes[new.cause] = new if old is None else join_causes(old, new)


def join_causes(one: Cause, two: Cause) -> Cause:
    """Return both together; the later one says where it was seen last."""
    later = one if one.last_seen > two.last_seen else two
    return replace(
        later,
        count=one.count + two.count,
        first_seen=min(one.first_seen, two.first_seen),
        last_seen=max(one.last_seen, two.last_seen),
    )


def merge_causes(causes: Causes, others: Mapping[str, Cause]) -> None:
    """Add everything that ``others`` know."""
    for cause in others.values():
        add_cause(causes, cause)


def choose_leavers(causes: Iterable[Cause], *, kept_max: int = CAUSES_MAX) -> list[Cause]:
    """Return who makes room: the long unseen before the fresh, the rare before the frequent, the old before the new."""
    named = [cause for cause in causes if cause.cause != OTHER]
    over = len(named) - kept_max
    if over <= 0:
        return []
    newest = max(cause.last_seen for cause in named)

    def weigh(cause: Cause) -> tuple[bool, int, datetime]:
        fresh = (newest - cause.last_seen).total_seconds() <= NEWCOMER_S
        return fresh, cause.count, cause.last_seen

    return sorted(named, key=weigh)[:over]


def bound_causes(causes: Causes) -> list[Cause]:
    """Count the rarest as ``other`` until no more than ``CAUSES_MAX`` are told apart; return those that left."""
    leavers = choose_leavers(causes.values())
    for leaver in leavers:
        del causes[leaver.cause]
        add_cause(causes, replace(leaver, cause=OTHER, code=0, reason=OTHER, component=OTHER))
    return leavers
