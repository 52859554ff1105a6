"""Incidents, silences and the outbox in the database that replicas share."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import orjson
from sqlalchemy import delete, insert, or_, select, update

from ironleaf.foundation.alerting import codec
from ironleaf.foundation.alerting.board import Board, IncidentPolicy
from ironleaf.foundation.alerting.card import Change
from ironleaf.foundation.alerting.deliveries import LEASE_S, Delivery, DeliveryState
from ironleaf.foundation.alerting.incidents import Act, NoticeKind, Step, find_place
from ironleaf.foundation.alerting.tables import (
    CLAIMS,
    DELIVERIES,
    INCIDENTS,
    REPLICAS,
    SETTINGS_PRINTS,
    SILENCES,
    STEPS,
    TURNS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from ironleaf.foundation.alerting.incidents import Incident
    from ironleaf.foundation.alerting.silences import Silence
    from ironleaf.foundation.database import Database

T = TypeVar("T")

KEPT_S: Final = 90 * 24 * 3_600
"""A quarter: long enough to compare with last month."""
PRUNED_AT_ONCE: Final = 500
"""Incidents removed by one transaction, so that none holds the file for long."""
REPLICAS_KEPT_S: Final = 24 * 3_600
PRINTS_MAX: Final = 100
"""Kept for each replica: a start that changed something is an hour of somebody's work."""


class DatabaseStore:
    """Every method is one transaction on the database's own threads.

    Raises:
        DatabaseUnavailable: from every method, when the database cannot be used; nothing was changed then.
    """

    def __init__(self, database: Database, policy: IncidentPolicy) -> None:
        self._database = database
        self._policy = policy

    async def step(self, act: Callable[[Board], tuple[T, tuple[Delivery, ...]]], now: datetime) -> tuple[T, Board]:
        """Load the board, let ``act`` move it, save it, and put what ``act`` returns into the outbox.

        Replicas take turns: nobody else moves the board meanwhile.
        """

        def work(connection: Connection) -> tuple[T, Board]:
            _take_turn(connection)
            before = _load(connection, self._policy, now)
            board = Board(
                policy=self._policy,
                incidents=dict(before.incidents),
                claims=dict(before.claims),
                silences=dict(before.silences),
                replicas=dict(before.replicas),
            )
            result, deliveries = act(board)
            _save(connection, before, board)
            _add_deliveries(connection, deliveries)
            return result, board

        return await self._database.run(work)

    async def take(self, channels: Iterable[str], now: datetime, limit: int) -> tuple[Delivery, ...]:
        """Return deliveries that are due, leased to whoever asks: no other replica gets them for ``LEASE_S``."""
        known = tuple(channels)

        def work(connection: Connection) -> tuple[Delivery, ...]:
            free = or_(DELIVERIES.c.leased_until.is_(None), DELIVERIES.c.leased_until <= now)
            due = (DELIVERIES.c.state == DeliveryState.PENDING.value) & (DELIVERIES.c.next_at <= now) & free
            rows = connection.execute(
                select(DELIVERIES)
                .where(due, DELIVERIES.c.channel.in_(known))
                .order_by(DELIVERIES.c.next_at)
                .limit(limit)
            ).mappings()
            until = now + timedelta(seconds=LEASE_S)
            taken: list[Delivery] = []
            for row in list(rows):
                lease = update(DELIVERIES).where(DELIVERIES.c.id == row["id"], due).values(leased_until=until)
                if connection.execute(lease).rowcount == 1:
                    taken.append(_read_delivery(row))
            return tuple(taken)

        return await self._database.run(work)

    async def record(self, delivery: Delivery) -> None:
        """Note what came of a try. What was sent stays sent, whoever else tried."""

        def work(connection: Connection) -> None:
            change = update(DELIVERIES).where(DELIVERIES.c.id == delivery.id)
            if delivery.state is not DeliveryState.SENT:
                change = change.where(DELIVERIES.c.state == DeliveryState.PENDING.value)
            connection.execute(change.values(**_write_delivery(delivery), leased_until=None))

        await self._database.run(work)

    async def find(self, incident_id: str) -> tuple[Incident, tuple[Step, ...], tuple[Delivery, ...]] | None:
        """Return an incident with its history and its deliveries."""

        def work(connection: Connection) -> tuple[Incident, tuple[Step, ...], tuple[Delivery, ...]] | None:
            body = connection.scalar(select(INCIDENTS.c.body).where(INCIDENTS.c.id == incident_id))
            if body is None:
                return None
            steps = connection.execute(select(STEPS).where(STEPS.c.incident_id == incident_id).order_by(STEPS.c.id))
            told = connection.execute(
                select(DELIVERIES).where(DELIVERIES.c.incident_id == incident_id).order_by(DELIVERIES.c.created_at)
            )
            return (
                codec.decode_incident(body),
                tuple(map(_read_step, steps.mappings())),
                tuple(map(_read_delivery, told.mappings())),
            )

        return await self._database.run(work, read_only=True)

    async def list_incidents(self, *, states: tuple[str, ...], before: str, limit: int) -> tuple[Incident, ...]:
        """Return incidents in these states, the newest first; ``before`` is the last id of the page before."""

        def work(connection: Connection) -> tuple[Incident, ...]:
            chosen = select(INCIDENTS.c.body).order_by(INCIDENTS.c.id.desc()).limit(limit)
            if states:
                chosen = chosen.where(INCIDENTS.c.state.in_(states))
            if before:
                chosen = chosen.where(INCIDENTS.c.id < before)
            return tuple(map(codec.decode_incident, connection.scalars(chosen)))

        return await self._database.run(work, read_only=True)

    async def list_deliveries(self, *, state: str, limit: int) -> tuple[Delivery, ...]:
        """Return deliveries in a state, the newest first."""

        def work(connection: Connection) -> tuple[Delivery, ...]:
            chosen = select(DELIVERIES).where(DELIVERIES.c.state == state)
            rows = connection.execute(chosen.order_by(DELIVERIES.c.created_at.desc()).limit(limit))
            return tuple(map(_read_delivery, rows.mappings()))

        return await self._database.run(work, read_only=True)

    async def note_settings(self, replica: str, prints: Mapping[str, str], now: datetime) -> Change | None:
        """Remember the fingerprints of this start's settings; return the last time any of them changed."""

        def work(connection: Connection) -> Change | None:
            mine = SETTINGS_PRINTS.c.replica == replica
            newest = select(SETTINGS_PRINTS).where(mine).order_by(SETTINGS_PRINTS.c.id.desc())
            last = connection.execute(newest.limit(1)).mappings().first()
            known: dict[str, str] = orjson.loads(last["prints"]) if last else {}
            changed = sorted(name for name in {*known, *prints} if known.get(name) != prints.get(name))
            if changed:
                connection.execute(
                    insert(SETTINGS_PRINTS).values(
                        replica=replica,
                        at=now,
                        prints=orjson.dumps(dict(prints)).decode(),
                        changed=orjson.dumps(changed if last else []).decode(),
                    )
                )
            old = connection.scalars(newest.with_only_columns(SETTINGS_PRINTS.c.id).offset(PRINTS_MAX)).all()
            connection.execute(delete(SETTINGS_PRINTS).where(SETTINGS_PRINTS.c.id.in_(old)))
            return next(_read_changes(connection.execute(newest.limit(PRINTS_MAX)).mappings()), None)

        return await self._database.run(work)

    async def prune(self, now: datetime) -> int:
        """Remove what is older than it is kept; return how many incidents."""

        def work(connection: Connection) -> int:
            old = INCIDENTS.c.closed_at < now - timedelta(seconds=KEPT_S)
            gone = connection.scalars(select(INCIDENTS.c.id).where(old).limit(PRUNED_AT_ONCE)).all()
            connection.execute(delete(STEPS).where(STEPS.c.incident_id.in_(gone)))
            connection.execute(delete(DELIVERIES).where(DELIVERIES.c.incident_id.in_(gone)))
            connection.execute(delete(INCIDENTS).where(INCIDENTS.c.id.in_(gone)))
            connection.execute(delete(REPLICAS).where(REPLICAS.c.seen_at < now - timedelta(seconds=REPLICAS_KEPT_S)))
            connection.execute(delete(SILENCES).where(SILENCES.c.ends_at < now - timedelta(seconds=KEPT_S)))
            _drop_prints(connection, now)
            return len(gone)

        return await self._database.run(work)


def _drop_prints(connection: Connection, now: datetime) -> None:
    """Forget the settings of replicas that are long gone: where each start has a new name there is no end of them."""
    living = {find_place(replica) for replica in connection.scalars(select(REPLICAS.c.id))}
    old = SETTINGS_PRINTS.c.at < now - timedelta(seconds=KEPT_S)
    connection.execute(delete(SETTINGS_PRINTS).where(old, SETTINGS_PRINTS.c.replica.not_in(living)))


def _take_turn(connection: Connection) -> None:
    taken = connection.execute(update(TURNS).where(TURNS.c.id == 1).values(number=TURNS.c.number + 1))
    if taken.rowcount == 0:
        connection.execute(insert(TURNS).values(id=1, number=1))


def _load(connection: Connection, policy: IncidentPolicy, now: datetime) -> Board:
    recent = now - timedelta(seconds=policy.memory_s)
    live = or_(INCIDENTS.c.closed_at.is_(None), INCIDENTS.c.closed_at > recent)
    incidents = map(codec.decode_incident, connection.scalars(select(INCIDENTS.c.body).where(live)))
    claims = map(codec.decode_claim, connection.scalars(select(CLAIMS.c.body)))
    silences = map(codec.decode_silence, connection.scalars(select(SILENCES.c.body).where(SILENCES.c.ends_at > recent)))
    return Board(
        policy=policy,
        incidents={each.id: each for each in incidents},
        claims={(each.key, each.replica, each.rule): each for each in claims},
        silences={each.id: each for each in silences},
        replicas={row.id: row.seen_at for row in connection.execute(select(REPLICAS))},
    )


def _save(connection: Connection, before: Board, after: Board) -> None:
    """Write what differs. What a board has forgotten stays in the store: only claims are deleted."""
    # The closed ones first: they give up the cause that a new one may have.
    for incident in sorted(after.incidents.values(), key=lambda each: each.live):
        if before.incidents.get(incident.id) != incident:
            _put(connection, INCIDENTS, {"id": incident.id}, _write_incident(incident))
    _save_claims(connection, before, after)
    for silence in after.silences.values():
        if before.silences.get(silence.id) != silence:
            _put(connection, SILENCES, {"id": silence.id}, _write_silence(silence))
    for replica, seen_at in after.replicas.items():
        if before.replicas.get(replica) != seen_at:
            _put(connection, REPLICAS, {"id": replica}, {"seen_at": seen_at})
    if after.steps:
        connection.execute(insert(STEPS), [_write_step(step) for step in after.steps])


def _save_claims(connection: Connection, before: Board, after: Board) -> None:
    for name, claim in after.claims.items():
        if before.claims.get(name) != claim:
            key, replica, rule = name
            identity = {"key": key, "replica": replica, "rule": rule}
            _put(connection, CLAIMS, identity, {"body": codec.encode(claim)})
    for key, replica, rule in before.claims.keys() - after.claims.keys():
        gone = (CLAIMS.c.key == key) & (CLAIMS.c.replica == replica) & (CLAIMS.c.rule == rule)
        connection.execute(delete(CLAIMS).where(gone))


def _put(connection: Connection, table: Any, identity: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Update a row or insert it: whoever calls has the table to himself."""
    change = update(table).values(**values)
    for name, value in identity.items():
        change = change.where(table.c[name] == value)
    if connection.execute(change).rowcount == 0:
        connection.execute(insert(table).values(**identity, **values))


def _add_deliveries(connection: Connection, deliveries: Iterable[Delivery]) -> None:
    """Put deliveries into the outbox. What is there stays; only what was sent elsewhere counts as sent here too."""
    for each in deliveries:
        state = connection.scalar(select(DELIVERIES.c.state).where(DELIVERIES.c.id == each.id))
        if state is None:
            connection.execute(insert(DELIVERIES).values(id=each.id, **_write_delivery(each)))
        elif state == DeliveryState.PENDING.value and each.state is not DeliveryState.PENDING:
            connection.execute(update(DELIVERIES).where(DELIVERIES.c.id == each.id).values(**_write_delivery(each)))


def _write_incident(incident: Incident) -> dict[str, Any]:
    return {
        "live_key": incident.key if incident.live else None,
        "state": incident.state.value,
        "closed_at": incident.closed_at,
        "body": codec.encode(incident),
    }


def _write_silence(silence: Silence) -> dict[str, Any]:
    return {"ends_at": silence.ends_at, "body": codec.encode(silence)}


def _write_step(step: Step) -> dict[str, Any]:
    return {
        "incident_id": step.incident_id,
        "at": step.at,
        "act": step.act.value,
        "by": step.by[:120],
        "why": step.why[:250],
    }


def _read_step(row: RowMapping) -> Step:
    return Step(at=row["at"], incident_id=row["incident_id"], act=Act(row["act"]), by=row["by"], why=row["why"])


def _write_delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "incident_id": delivery.incident_id,
        "kind": delivery.kind.value,
        "channel": delivery.channel,
        "state": delivery.state.value,
        "created_at": delivery.created_at,
        "next_at": delivery.next_at,
        "attempts": delivery.attempts,
        "finding": delivery.finding,
        "ended_at": delivery.ended_at,
    }


def _read_delivery(row: RowMapping) -> Delivery:
    return Delivery(
        incident_id=row["incident_id"],
        kind=NoticeKind(row["kind"]),
        channel=row["channel"],
        state=DeliveryState(row["state"]),
        created_at=row["created_at"],
        next_at=row["next_at"],
        attempts=row["attempts"],
        finding=row["finding"],
        ended_at=row["ended_at"],
    )


def _read_changes(rows: Iterable[RowMapping]) -> Iterator[Change]:
    for row in rows:
        if sections := orjson.loads(row["changed"]):
            yield Change(at=row["at"], sections=tuple(sections))
