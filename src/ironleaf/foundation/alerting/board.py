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
    find_place,
    hold,
    make_id,
    make_key,
    trim,
)
from ironleaf.foundation.alerting.inhibition import find_parent, name_cause, waits_s
from ironleaf.foundation.alerting.silences import SILENCES_MAX, Silence, find_silence
from ironleaf.foundation.monitoring import SignalState, Urgency
from ironleaf.foundation.monitoring.detection import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from ironleaf.foundation.monitoring import Signal

HEIR: Final = "#heir"
"""Ends the name under which a replica answers for those that are gone: at its place, and no process of its own."""
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
    takeover_s: float = 60.0
    """How long a replica must be gone until another one answers for its word: longer than a start takes."""
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
    overflowed: int = 0
    """Signals that found no room."""

    # --- what comes in --------------------------------------------------------------------------------------------

    def see_replica(self, replica: str, now: datetime) -> bool:
        """Note that a replica lives. What it said before it was started again is its orphan from now on.

        Returns: whether it was given up meanwhile, so that it must say again what holds.
        """
        seen = self.replicas.get(replica)
        first = seen is None
        for name, claim in list(self.claims.items()):
            if claim.replica == replica and claim.orphaned_at is not None:  # it was only slow
                self.claims[name] = replace(claim, orphaned_at=None)
            elif first and claim.orphaned_at is None and _is_same_place(claim.replica, replica):
                self.claims[name] = replace(claim, orphaned_at=now)
        self.replicas[replica] = now
        return seen is not None and now - seen >= timedelta(seconds=self.policy.replica_s)

    def take_over(self, replica: str, now: datetime) -> None:
        """Have ``replica`` answer from now on for the word of those that are gone and were not started again."""
        gone, patience = (timedelta(seconds=each) for each in (self.policy.replica_s, self.policy.takeover_s))
        living = {find_place(name) for name, seen in self.replicas.items() if now - seen < gone}
        for name, claim in list(self.claims.items()):
            late = claim.orphaned_at is not None and now - claim.orphaned_at >= patience
            if late and find_place(claim.replica) not in living:
                del self.claims[name]
                heir = f"{find_place(replica)}{HEIR}"
                if (claim.key, replica, claim.rule) not in self.claims:
                    self.claims[claim.key, heir, claim.rule] = replace(claim, replica=heir)

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
        """Take a person's word that it is over, with all that it keeps quiet: closed. Whoever sees it again opens anew.

        Raises:
            NoSuchIncident: there is none of this id.
            IncidentClosed: it is over already.
        """
        closing = [self._find(incident_id)]
        for incident in closing:  # what a symptom keeps quiet is a symptom too
            closing += [each for each in self.children(incident) if each.live and each not in closing]
        for incident in closing:
            self._close(incident, by=by, why=why, now=now)
        return self.incidents[incident_id]

    def is_dismissed(self, signal: Signal) -> bool:
        """Tell whether a person has closed what ``signal`` is about since it was said."""
        key = make_key(signal.component, name_cause(signal.component, signal.cause))
        return any(
            each.key == key and each.resolved_by and each.resolved_at is not None and each.resolved_at >= signal.at
            for each in self.incidents.values()
        )

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
        for incident in live:
            self._judge(incident, now)
        self._raise_parents()
        notices = [*self._tell_closed()]
        notices += [notice for each in live for notice in self._tell_news(self.incidents[each.id], now)]
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

    def _raise_parents(self) -> None:
        """Let an incident be as urgent, and told as soon, as what it keeps quiet would be if it spoke."""
        children = [each for each in self.incidents.values() if each.live and each.holds and not each.silenced_by]
        for child in children:
            parent = self.incidents.get(child.muted_by)
            if parent is not None and parent.live and parent.holds:
                urgency = Urgency.PAGE if child.urgency is Urgency.PAGE else parent.urgency
                due_at = self._due_at(parent) if parent.reopens else min(self._due_at(parent), self._due_at(child))
                if (urgency, due_at) != (parent.urgency, self._due_at(parent)):
                    self._put(replace(parent, urgency=urgency, due_at=due_at))

    def _tell_news(self, incident: Incident, now: datetime) -> Iterator[tuple[NoticeKind, Incident]]:
        """Yield what people have not been told of it: that it began, that it became urgent, that it is over."""
        if incident.untold and self._speaks(incident, now):
            announced_at = incident.announced_at or now
            incident = self._put(replace(incident, announced_at=announced_at, told_as=incident.urgency))
            self._tell(incident, Act.ANNOUNCED, now, why=incident.urgency.value)
            yield NoticeKind.OPENED, incident
        if self._is_over(incident, now):
            incident = self._put(replace(incident, closed_at=now))
            self._tell(incident, Act.CLOSED, now)
            if incident.announced_at is not None:
                yield NoticeKind.RESOLVED, incident

    def _close(self, incident: Incident, *, by: str, why: str, now: datetime) -> None:
        for name in [name for name in self.claims if name[0] == incident.key]:
            del self.claims[name]
        if not incident.holds:
            return
        told = incident.announced_at is not None
        over = replace(incident, state=IncidentState.RESOLVED, resolved_at=now, closed_at=now)
        self._tell(
            self._put(replace(over, resolved_by=by or "a person", end_owed=told)), Act.RESOLVED, now, by=by, why=why
        )

    def _tell_closed(self) -> Iterator[tuple[NoticeKind, Incident]]:
        """Yield what a person has closed."""
        for incident in [each for each in self.incidents.values() if each.end_owed]:
            yield NoticeKind.RESOLVED, self._put(replace(incident, end_owed=False))

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

    def _drop_first_signs(self) -> None:
        """Let a first sign end with what was the first sign of: by itself it would stand for an hour."""
        sure = {name[0] for name in self.claims if not waits_s(name[2])}
        known = {each.key for each in self.incidents.values() if each.live and not all(map(waits_s, each.rules))}
        for name in [name for name in self.claims if name[0] in known - sure]:
            del self.claims[name]

    def _resolve_cleared(self, now: datetime) -> None:
        self._drop_first_signs()
        held = {name[0] for name in self.claims}
        for incident in [each for each in self.incidents.values() if each.live and each.holds]:
            if incident.key not in held:
                incident = self._put(replace(incident, state=IncidentState.RESOLVED, resolved_at=now))  # noqa: PLW2901
                self._tell(incident, Act.CLEARED, now)

    def _judge(self, incident: Incident, now: datetime) -> None:
        """Note who mutes an incident, and which silence covers it, at this time."""
        settling = timedelta(seconds=max(self.policy.settling_s, *(_trails_s(rule) for rule in incident.rules)))
        others = [
            each
            for each in self.incidents.values()
            if each.id != incident.id and (each.resolved_at is None or now - each.resolved_at < settling)
        ]
        parent = find_parent(incident, others)
        silence = find_silence(incident, self.silences.values(), now)
        muted_by, silenced_by = parent.id if parent else "", silence.id if silence else ""
        if not incident.holds or not self._is_witnessed(incident):  # what was quiet to its end stays quiet
            muted_by = muted_by or incident.muted_by
        if not incident.holds:
            silenced_by = silenced_by or incident.silenced_by
        if (muted_by, silenced_by) == (incident.muted_by, incident.silenced_by):
            return
        judged = self._put(replace(incident, muted_by=muted_by, silenced_by=silenced_by))
        if muted_by and muted_by != incident.muted_by:
            self._tell(judged, Act.MUTED, now, why=muted_by)
        if silenced_by and silenced_by != incident.silenced_by:
            self._tell(judged, Act.SILENCED, now, why=silenced_by)

    def _is_witnessed(self, incident: Incident) -> bool:
        """Tell whether a replica that lives says so, and not only one from before a start."""
        return any(name[0] == incident.key and claim.orphaned_at is None for name, claim in self.claims.items())

    def _speaks(self, incident: Incident, now: datetime) -> bool:
        went_again = bool(incident.reopens) and not incident.holds  # the person was right, if a little early
        return now >= self._due_at(incident) and not (incident.muted_by or incident.silenced_by or went_again)

    def _due_at(self, incident: Incident) -> datetime:
        return incident.due_at or incident.opened_at + timedelta(seconds=self.policy.group_wait_s)

    def _find_due(self, signal: Signal) -> datetime:
        """Return when people may be told of what ``signal`` says."""
        return signal.at + timedelta(seconds=max(self.policy.group_wait_s, waits_s(signal.rule)))

    def _is_over(self, incident: Incident, now: datetime) -> bool:
        if incident.resolved_at is None:
            return False
        return (now - incident.resolved_at).total_seconds() >= incident.grace_s

    def _open(self, key: str, signal: Signal, replica: str) -> None:
        before = self._find_dismissed(key)
        patience = timedelta(seconds=before.grace_s if before else 0.0)
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
            due_at=max(self._find_due(signal), (before.closed_at or signal.at) + patience if before else signal.at),
            reopens=before.id if before else "",
            grace_s=self._inherit_grace(key),
            fingerprint=signal.fingerprint,
            new_fingerprint=signal.new_fingerprint,
            evidence=trim(signal),
        )
        self._put(incident)
        self._tell(incident, Act.OPENED, signal.at, by=replica, why=signal.rule)

    def _learn(self, incident: Incident, signal: Signal) -> None:
        """Add what a signal says to the incident that it is about; bring it back if it seemed over."""
        rules = _rank_rules(incident, signal)
        leads = signal.rule == rules[0]
        known = incident.evidence if rules[0] == incident.rules[0] else trim(signal)
        incident = replace(
            incident,
            rules=rules,
            urgency=Urgency.PAGE if Urgency.PAGE in {incident.urgency, signal.urgency} else Urgency.TICKET,
            due_at=self._due_at(incident) if incident.reopens else min(self._due_at(incident), self._find_due(signal)),
            fingerprint=incident.fingerprint or signal.fingerprint,
            new_fingerprint=incident.new_fingerprint or signal.new_fingerprint,
            evidence={**known, **trim(signal)} if leads else incident.evidence,
        )
        if not incident.holds:
            grace_s = min(incident.grace_s * 2, self.policy.grace_s_max)
            incident = replace(hold(incident), returns=incident.returns + 1, grace_s=grace_s)
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

    def _find_dismissed(self, key: str) -> Incident | None:
        """Return the last incident of a cause, if a person closed it."""
        last = max(
            (each for each in self.incidents.values() if each.key == key), key=lambda each: each.id, default=None
        )
        return last if last is not None and last.resolved_by else None

    def _find_live(self, key: str) -> Incident | None:
        return next((each for each in self.incidents.values() if each.key == key and each.live), None)

    def _put(self, incident: Incident) -> Incident:
        self.incidents[incident.id] = incident
        return incident

    def _tell(self, incident: Incident, act: Act, at: datetime, *, by: str = "", why: str = "") -> None:
        self.steps.append(Step(at=at, incident_id=incident.id, act=act, by=by, why=why))


def _rank_rules(incident: Incident, signal: Signal) -> tuple[str, ...]:
    """Return the rules that saw an incident; what ``signal`` says leads if it is more than was said before."""
    rules = incident.rules if signal.rule in incident.rules else (*incident.rules, signal.rule)
    urgent = signal.urgency is Urgency.PAGE and incident.urgency is Urgency.TICKET
    surer = waits_s(incident.rules[0]) > waits_s(signal.rule)
    if not (urgent or surer):
        return rules
    return (signal.rule, *(rule for rule in rules if rule != signal.rule))


def _is_same_place(one: str, other: str) -> bool:
    """Tell whether two replicas are the same one, before and after a start."""
    return find_place(one) == find_place(other)


def _trails_s(rule: str) -> float:
    return RULES[rule].trails_s if rule in RULES else 0.0
