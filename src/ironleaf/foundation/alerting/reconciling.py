"""Bringing two boards together: what one replica went through alone, and what the others did meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ironleaf.foundation.alerting.incidents import Incident, hold
from ironleaf.foundation.monitoring import Urgency

if TYPE_CHECKING:
    from datetime import datetime

    from ironleaf.foundation.alerting.board import Board


def reconcile(board: Board, away: Board, replica: str) -> dict[str, str]:
    """Bring into ``board`` what ``away`` went through while the store could not be reached; return ids that changed.

    The claims of ``replica`` are those of ``away``. An incident of the same
    cause joins the one that is there: what one of them has told is told.
    """
    for name in [name for name in board.claims if name[1] == replica]:
        del board.claims[name]
    board.claims |= {name: claim for name, claim in away.claims.items() if name[1] == replica}
    board.silences |= {name: each for name, each in away.silences.items() if name not in board.silences}
    board.replicas |= {name: at for name, at in away.replicas.items() if name == replica}
    held = {name[0] for name in board.claims}
    renamed: dict[str, str] = {}
    for theirs in away.incidents.values():
        ours = _find_same(board, theirs)
        if ours is None:
            board.incidents[theirs.id] = theirs
        else:
            renamed[theirs.id] = ours.id
            board.incidents[ours.id] = _join(ours, theirs, held=theirs.key in held)
    board.steps += [replace(step, incident_id=renamed.get(step.incident_id, step.incident_id)) for step in away.steps]
    return {old: new for old, new in renamed.items() if old != new}


def _find_same(board: Board, theirs: Incident) -> Incident | None:
    """Return the incident that ``theirs`` is: the live one of its cause, itself, or one whose time touches its own."""
    same = [each for each in board.incidents.values() if each.key == theirs.key]
    live = next((each for each in same if each.live), None)
    if theirs.live and live is not None:
        return live
    if theirs.id in board.incidents:
        return board.incidents[theirs.id]
    return live or next((each for each in same if (each.closed_at or each.opened_at) >= theirs.opened_at), None)


def _join(ours: Incident, theirs: Incident, *, held: bool) -> Incident:
    """Return one incident for both. It holds if anyone still says so."""
    if not ours.live and not (held and theirs.live):
        return ours
    joined = replace(
        ours,
        rules=(*ours.rules, *(rule for rule in theirs.rules if rule not in ours.rules)),
        urgency=_more_urgent(ours.urgency, theirs.urgency) or ours.urgency,
        since=min(ours.since, theirs.since),
        due_at=_first(ours.due_at, theirs.due_at),
        announced_at=_first(ours.announced_at, theirs.announced_at),
        told_as=_more_urgent(ours.told_as, theirs.told_as),
        acknowledged_at=_first(ours.acknowledged_at, theirs.acknowledged_at),
        acknowledged_by=ours.acknowledged_by or theirs.acknowledged_by,
        returns=max(ours.returns, theirs.returns),
        grace_s=max(ours.grace_s, theirs.grace_s),
        card=ours.card or theirs.card,
    )
    if held:
        return hold(joined)
    if theirs.holds or not ours.live:
        return joined
    return replace(
        joined,
        state=theirs.state,
        resolved_at=theirs.resolved_at,
        resolved_by=theirs.resolved_by,
        closed_at=theirs.closed_at,
        end_owed=theirs.end_owed,
    )


def _more_urgent(one: Urgency | None, other: Urgency | None) -> Urgency | None:
    return Urgency.PAGE if Urgency.PAGE in {one, other} else one or other


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)
