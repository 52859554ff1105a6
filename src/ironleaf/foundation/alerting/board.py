"""The state machine of all incidents: signals and a person's orders go in, what is to be told comes out. No I/O.

A board is loaded from a store, moved on, and saved again; whoever loads it has
it to himself meanwhile. So it makes no difference how many replicas move it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.alerting.incidents import (
    Act,
    Claim,
    Incident,
    IncidentState,
    NoticeKind,
    Step,
    make_id,
    make_key,
    trim,
)
from ironleaf.foundation.alerting.inhibition import find_parent, name_cause
from ironleaf.foundation.alerting.silences import SILENCES_MAX, Silence, find_silence
from ironleaf.foundation.monitoring import SignalState, Urgency
from ironleaf.foundation.monitoring.detection import RULES

if TYPE_CHECKING:
    from datetime import datetime

    from ironleaf.foundation.monitoring import Signal

LIVE_MAX: Final = 100
"""Incidents open at once; components and causes are closed lists, so more means that something else is wrong."""


class NoSuchIncident(LookupError):
    """There is no incident of this id."""


class IncidentClosed(Exception):
    """Its story is over; nothing more is written into it."""


class NoSuchSilence(LookupError):
    """There is no silence of this id, or it has ended."""


class TooManySilences(Exception):
    """As many are in force as may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPolicy:
    """The times of the state machine."""

    group_wait_s: float = 5.0
    """Between a decision and its alert: symptoms of one cause come within seconds, and the cause not always first."""
    grace_s: float = 60.0
    """How long all must be clear before people are told so; doubles with every return."""
    grace_s_max: float = 900.0
    settling_s: float = 120.0
    """How long a symptom may outlive its cause before it speaks for itself: about what detectors need to clear."""
    replica_s: float = 20.0
    """A replica that has not been seen for so long is gone: four heartbeats."""
    orphan_s: float = 300.0
    """How long the word of a replica that is gone counts at least."""
    orphan_s_max: float = 1_800.0
    """And at most. Between both: as long as the rule needs to see again what still holds (`Rule.settles_s`)."""
    memory_s: float = 3_600.0
    """How long a closed incident is remembered: it explains late symptoms, and hands its grace on."""


@dataclass(slots=True, kw_only=True)
class Board:
    """All that is open, and all that bears on it."""

    policy: IncidentPolicy = field(default_factory=IncidentPolicy)
    incidents: dict[str, Incident] = field(default_factory=dict[str, Incident])
    """By id: the live ones, and those closed within ``policy.memory_s``."""
    claims: dict[tuple[str, str, str], Claim] = field(default_factory=dict[tuple[str, str, str], Claim])
    """By key, replica and rule."""
    silences: dict[str, Silence] = field(default_factory=dict[str, Silence])
    replicas: dict[str, datetime] = field(default_factory=dict[str, "datetime"])
    """When each was last seen."""
    steps: list[Step] = field(default_factory=list[Step])
    """History since it was loaded."""
    raised: set[str] = field(default_factory=set[str])
    """Incidents that became urgent since it was loaded: whoever hears only of such has not heard of them."""
    overflowed: int = 0
    """Signals that found no room."""

    # --- what comes in --------------------------------------------------------------------------------------------

    def see_replica(self, replica: str, now: datetime) -> None:
        """Note that a replica lives. What it said before it was started again is its orphan from now on."""
        first = replica not in self.replicas
        for name, claim in list(self.claims.items()):
            if claim.replica == replica and claim.orphaned_at is not None:  # it was only slow
                self.claims[name] = replace(claim, orphaned_at=None)
            elif first and claim.orphaned_at is None and _is_same_place(claim.replica, replica):
                self.claims[name] = replace(claim, orphaned_at=now)
        self.replicas[replica] = now

    def hear(self, signal: Signal, replica: str) -> None:
        """Take what one replica's detectors say."""
        signal = replace(signal, cause=name_cause(signal.component, signal.cause))
        key = make_key(signal.component, signal.cause)
        if signal.state is SignalState.CLEAR:
            self._clear(key, replica, signal.rule)
            return
        incident = self._find_live(key)
        if incident is None and sum(each.live for each in self.incidents.values()) >= LIVE_MAX:
            self.overflowed += 1
            return
        self._adopt(key, signal.rule)
        self.claims[key, replica, signal.rule] = Claim(
            replica=replica,
            rule=signal.rule,
            component=signal.component,
            cause=signal.cause,
            urgency=signal.urgency,
            since=signal.since,
        )
        if incident is None:
            self._open(key, signal, replica)
        else:
            self._learn(incident, signal)

    def acknowledge(self, incident_id: str, *, by: str, now: datetime) -> Incident:
        """Note that a person has taken it.

        Raises:
            NoSuchIncident: there is none of this id.
            IncidentClosed: it is over.
        """
        incident = self._find(incident_id)
        state = IncidentState.ACKNOWLEDGED if incident.holds else incident.state
        if incident.acknowledged_at is None:
            incident = self._put(replace(incident, state=state, acknowledged_at=now, acknowledged_by=by))
            self._tell(incident, Act.ACKNOWLEDGED, now, by=by)
        return incident

    def resolve(self, incident_id: str, *, by: str, why: str, now: datetime) -> Incident:
        """Take a person's word that it is over. A detector that says otherwise within the grace brings it back.

        Raises:
            NoSuchIncident: there is none of this id.
            IncidentClosed: it is over already.
        """
        incident = self._find(incident_id)
        for name in [name for name in self.claims if name[0] == incident.key]:
            del self.claims[name]
        if incident.holds:
            incident = self._put(
                replace(incident, state=IncidentState.RESOLVED, resolved_at=now, resolved_by=by or "a person")
            )
            self._tell(incident, Act.RESOLVED, now, by=by, why=why)
        return incident

    def silence(self, silence: Silence, now: datetime) -> None:
        """Put a silence in force.

        Raises:
            TooManySilences: as many are in force as may be.
        """
        if sum(now < each.ends_at for each in self.silences.values()) >= SILENCES_MAX:
            raise TooManySilences
        self.silences[silence.id] = silence

    def expire(self, silence_id: str, now: datetime) -> Silence:
        """End a silence before its time.

        Raises:
            NoSuchSilence: none of this id is in force.
        """
        silence = self.silences.get(silence_id)
        if silence is None or now >= silence.ends_at:
            raise NoSuchSilence
        self.silences[silence_id] = ended = replace(silence, ends_at=now)
        return ended

    # --- time passes ----------------------------------------------------------------------------------------------

    def move(self, now: datetime) -> tuple[tuple[NoticeKind, Incident], ...]:
        """Let the time until ``now`` pass; return what people are to be told, in order."""
        self._bury_replicas(now)
        self._resolve_cleared(now)
        live = sorted(
            (each for each in self.incidents.values() if each.live), key=lambda each: (each.opened_at, each.id)
        )
        notices: list[tuple[NoticeKind, Incident]] = []
        for incident in live:
            judged = self._judge(incident, now)
            if judged.announced_at is None and self._speaks(judged, now):
                judged = self._put(replace(judged, announced_at=now))
                self._tell(judged, Act.ANNOUNCED, now)
                notices.append((NoticeKind.OPENED, judged))
            if self._is_over(judged, now):
                judged = self._put(replace(judged, closed_at=now))
                self._tell(judged, Act.CLOSED, now)
                if judged.announced_at is not None:
                    notices.append((NoticeKind.RESOLVED, judged))
        self._forget(now)
        return tuple(notices)

    def children(self, incident: Incident) -> tuple[Incident, ...]:
        """Return what ``incident`` keeps quiet."""
        return tuple(each for each in self.incidents.values() if each.muted_by == incident.id)

    def find_orphans(self, replica: str) -> tuple[Claim, ...]:
        """Return what ``replica`` said before it was started again."""
        return tuple(
            each
            for each in self.claims.values()
            if each.orphaned_at is not None and _is_same_place(each.replica, replica)
        )

    # --- the rules ------------------------------------------------------------------------------------------------

    def _bury_replicas(self, now: datetime) -> None:
        gone = timedelta(seconds=self.policy.replica_s)
        for name, claim in list(self.claims.items()):
            seen = self.replicas.get(claim.replica)
            if claim.orphaned_at is not None:
                if now - claim.orphaned_at >= timedelta(seconds=self._orphan_s(claim.rule)):
                    del self.claims[name]
            elif seen is None or now - seen >= gone:
                self.claims[name] = replace(claim, orphaned_at=now)

    def _orphan_s(self, rule: str) -> float:
        settles_s = RULES[rule].settles_s if rule in RULES else 0.0
        return min(max(settles_s, self.policy.orphan_s), self.policy.orphan_s_max)

    def _clear(self, key: str, replica: str, rule: str) -> None:
        for name, claim in list(self.claims.items()):
            mine = claim.orphaned_at is not None and _is_same_place(claim.replica, replica)
            if name[0] == key and name[2] == rule and (name[1] == replica or mine):
                del self.claims[name]

    def _resolve_cleared(self, now: datetime) -> None:
        held = {name[0] for name in self.claims}
        for incident in [each for each in self.incidents.values() if each.live and each.holds]:
            if incident.key not in held:
                incident = self._put(replace(incident, state=IncidentState.RESOLVED, resolved_at=now))  # noqa: PLW2901
                self._tell(incident, Act.CLEARED, now)

    def _judge(self, incident: Incident, now: datetime) -> Incident:
        """Return the incident with who mutes it, and which silence covers it, at this time."""
        settling = timedelta(seconds=max(self.policy.settling_s, *(_trails_s(rule) for rule in incident.rules)))
        others = [
            each
            for each in self.incidents.values()
            if each.id != incident.id and (each.resolved_at is None or now - each.resolved_at < settling)
        ]
        parent = find_parent(incident, others)
        silence = find_silence(incident, self.silences.values(), now)
        muted_by, silenced_by = parent.id if parent else "", silence.id if silence else ""
        if not incident.holds:  # what was quiet to its end stays quiet
            muted_by, silenced_by = muted_by or incident.muted_by, silenced_by or incident.silenced_by
        if (muted_by, silenced_by) == (incident.muted_by, incident.silenced_by):
            return incident
        judged = self._put(replace(incident, muted_by=muted_by, silenced_by=silenced_by))
        if muted_by and muted_by != incident.muted_by:
            self._tell(judged, Act.MUTED, now, why=muted_by)
        if silenced_by and silenced_by != incident.silenced_by:
            self._tell(judged, Act.SILENCED, now, why=silenced_by)
        return judged

    def _speaks(self, incident: Incident, now: datetime) -> bool:
        waited = (now - incident.opened_at).total_seconds() >= self.policy.group_wait_s
        return waited and not incident.muted_by and not incident.silenced_by

    def _is_over(self, incident: Incident, now: datetime) -> bool:
        if incident.resolved_at is None:
            return False
        return (now - incident.resolved_at).total_seconds() >= incident.grace_s

    def _open(self, key: str, signal: Signal, replica: str) -> None:
        incident = Incident(
            id=make_id(key, signal.at, replica),
            key=key,
            component=signal.component,
            cause=signal.cause,
            rules=(signal.rule,),
            urgency=signal.urgency,
            state=IncidentState.OPEN,
            since=min(signal.since, signal.at),
            opened_at=signal.at,
            grace_s=self._inherit_grace(key),
            fingerprint=signal.fingerprint,
            new_fingerprint=signal.new_fingerprint,
            evidence=trim(signal),
        )
        self._put(incident)
        self._tell(incident, Act.OPENED, signal.at, by=replica, why=signal.rule)

    def _learn(self, incident: Incident, signal: Signal) -> None:
        """Add what a signal says to the incident that it is about; bring it back if it seemed over."""
        page = Urgency.PAGE in {incident.urgency, signal.urgency}
        if page and incident.urgency is Urgency.TICKET:
            self.raised.add(incident.id)
        incident = replace(
            incident,
            rules=incident.rules if signal.rule in incident.rules else (*incident.rules, signal.rule),
            urgency=Urgency.PAGE if page else Urgency.TICKET,
            fingerprint=incident.fingerprint or signal.fingerprint,
            new_fingerprint=incident.new_fingerprint or signal.new_fingerprint,
            evidence={**incident.evidence, **trim(signal)} if signal.rule == incident.rules[0] else incident.evidence,
        )
        if not incident.holds:
            grace_s = min(incident.grace_s * 2, self.policy.grace_s_max)
            incident = replace(_hold(incident), returns=incident.returns + 1, grace_s=grace_s)
            self._tell(incident, Act.RETURNED, signal.at, why=signal.rule)
        self._put(incident)

    def _adopt(self, key: str, rule: str) -> None:
        """Let a living replica's word take the place of a dead one's."""
        for name, claim in list(self.claims.items()):
            if name[0] == key and name[2] == rule and claim.orphaned_at is not None:
                del self.claims[name]

    def _inherit_grace(self, key: str) -> float:
        """Return a first grace; longer where the same trouble was here within the hour."""
        before = [each.grace_s for each in self.incidents.values() if each.key == key]
        return min(max(before) * 2, self.policy.grace_s_max) if before else self.policy.grace_s

    def _forget(self, now: datetime) -> None:
        memory = timedelta(seconds=self.policy.memory_s)
        for incident in list(self.incidents.values()):
            if incident.closed_at is not None and now - incident.closed_at >= memory:
                del self.incidents[incident.id]
        for silence in list(self.silences.values()):
            if now - silence.ends_at >= memory:
                del self.silences[silence.id]

    def _find(self, incident_id: str) -> Incident:
        incident = self.incidents.get(incident_id)
        if incident is None:
            raise NoSuchIncident
        if not incident.live:
            raise IncidentClosed
        return incident

    def _find_live(self, key: str) -> Incident | None:
        return next((each for each in self.incidents.values() if each.key == key and each.live), None)

    def _put(self, incident: Incident) -> Incident:
        self.incidents[incident.id] = incident
        return incident

    def _tell(self, incident: Incident, act: Act, at: datetime, *, by: str = "", why: str = "") -> None:
        self.steps.append(Step(at=at, incident_id=incident.id, act=act, by=by, why=why))


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


def _is_same_place(one: str, other: str) -> bool:
    """Tell whether two replicas are the same one, before and after a start: ``place#process``."""
    return one.partition("#")[0] == other.partition("#")[0]


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
        urgency=Urgency.PAGE if Urgency.PAGE in {ours.urgency, theirs.urgency} else Urgency.TICKET,
        since=min(ours.since, theirs.since),
        announced_at=_first(ours.announced_at, theirs.announced_at),
        acknowledged_at=_first(ours.acknowledged_at, theirs.acknowledged_at),
        acknowledged_by=ours.acknowledged_by or theirs.acknowledged_by,
        returns=max(ours.returns, theirs.returns),
        grace_s=max(ours.grace_s, theirs.grace_s),
        card=ours.card or theirs.card,
    )
    if held:
        return _hold(joined)
    if theirs.holds or not ours.live:
        return joined
    return replace(joined, state=theirs.state, resolved_at=theirs.resolved_at, closed_at=theirs.closed_at)


def _hold(incident: Incident) -> Incident:
    """Return the incident as one whose trouble is there now."""
    state = IncidentState.OPEN if incident.acknowledged_at is None else IncidentState.ACKNOWLEDGED
    return replace(incident, state=state, resolved_at=None, resolved_by="", closed_at=None)


def _first(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _trails_s(rule: str) -> float:
    return RULES[rule].trails_s if rule in RULES else 0.0
