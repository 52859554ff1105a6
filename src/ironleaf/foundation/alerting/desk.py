"""The desk: takes signals, keeps incidents, has people told, and takes their orders."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ironleaf.foundation.alerting.card import Change, FactSource, close_card, make_card
from ironleaf.foundation.alerting.courier import Courier
from ironleaf.foundation.alerting.deliveries import Delivery, DeliveryState, Route, choose_backups, choose_channels
from ironleaf.foundation.alerting.incidents import Incident, NoticeKind, find_place
from ironleaf.foundation.alerting.rules import ALERT_DELIVERY, DELIVERY_CAUSE, DELIVERY_COMPONENT
from ironleaf.foundation.monitoring import Identity, Signal, SignalSource, SignalState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from random import Random

    from ironleaf.foundation.alerting.board import Board
    from ironleaf.foundation.alerting.channels.base import Channel
    from ironleaf.foundation.alerting.incidents import Step
    from ironleaf.foundation.alerting.keeper import Keeper
    from ironleaf.foundation.alerting.silences import Silence
    from ironleaf.foundation.alerting.templates import Message
    from ironleaf.foundation.clock import Clock

T = TypeVar("T")

TICK_S: Final = 1.0
"""Adds at most this to an alert's ten seconds."""
LISTENS_PER_TICK: Final = 4
"""A signal waits for a quarter of a turn: whoever watches sees the incident within the second."""
HEARTBEAT_S: Final = 5.0
"""A replica says so often that it lives, also when there is nothing else to do."""
ABSENT_S: Final = 10.0
"""How often the detectors are asked what has ended of what was open before a start: people wait to hear of it."""
PRUNE_S: Final = 3_600.0
INBOX_MAX: Final = 10_000
"""Signals that wait for the next tick. Detectors say a handful; the oldest are dropped, and that is counted."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What a desk works with."""

    channels: Mapping[str, Channel]
    routes: tuple[Route, ...]
    facts: FactSource
    redact: Callable[[Message], Message]
    public_url: str = ""
    prints: Mapping[str, str]
    """A fingerprint of each section of the settings."""
    on_change: Callable[[Change | None], None] = lambda _change: None
    """Hears of the last change of the settings, once it is known."""


class IncidentDesk:
    """One for each replica; all that share a database keep the same incidents.

    ``hear`` may be called from the event loop at any time. ``run`` does the rest,
    until it is cancelled; nothing that fails there reaches anyone else.
    """

    def __init__(self, keeper: Keeper, office: Office, *, replica: str, clock: Clock, random: Random) -> None:
        self._keeper = keeper
        self._office = office
        self._replica = replica
        self._clock = clock
        self._courier = Courier(
            keeper,
            office.channels,
            clock=clock,
            random=random,
            redact=office.redact,
            public_url=office.public_url,
            on_failed=self._fall_back,
            on_sent=self._note_sent,
        )
        self._inbox: deque[Signal] = deque()
        self._failed: deque[Delivery] = deque()
        self._sick: set[str] = set()
        self._own: tuple[Signal, ...] = ()
        """What the desk itself says at present: that a channel is sick."""
        self._source: SignalSource | None = None
        self._stepped_s = self._asked_s = self._pruned_s = float("-inf")
        self._settings_noted = False
        self.dropped = 0
        """Signals that were lost: the inbox was full, or the board."""

    @property
    def away(self) -> bool:
        """Whether the database is away, so that this replica alerts from its own memory."""
        return self._keeper.away

    @property
    def replica(self) -> str:
        return self._replica

    def ask_for_absent(self, source: SignalSource) -> None:
        """Name who knows what has ended of what was open before a start."""
        self._source = source

    def hear(self, signal: Signal) -> None:
        """Take a signal. Never raises and never waits."""
        if len(self._inbox) >= INBOX_MAX:
            self._inbox.popleft()
            self.dropped += 1
        self._inbox.append(signal)

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            while True:
                await self.tick()
                for _ in range(LISTENS_PER_TICK):
                    await self._clock.sleep(TICK_S / LISTENS_PER_TICK)
                    if self._inbox:
                        break
        finally:
            await self._courier.aclose()

    async def tick(self) -> None:
        """Do what is due now. Never raises."""
        try:
            await self._note_settings()
            self._hear_absent()
            await self._step_if_needed()
            await self._courier.start_due()
            await self._prune_if_due()
        except Exception as error:
            logger.exception("alerting: a turn failed: %s", type(error).__name__)

    # --- for people -----------------------------------------------------------------------------------------------

    async def list_incidents(self, *, states: tuple[str, ...], before: str, limit: int) -> tuple[Incident, ...]:
        """Return incidents, the newest first."""
        return await self._keeper.list_incidents(states=states, before=before, limit=limit)

    async def find(self, incident_id: str) -> tuple[Incident, tuple[Step, ...], tuple[Delivery, ...]] | None:
        """Return an incident with its history and deliveries."""
        return await self._keeper.find(incident_id)

    def describe(self, incident: Incident) -> Mapping[str, Any]:
        """Return the card that was announced; before that, the one that would be, without symptoms."""
        return incident.card or make_card(incident, self._office.facts(incident), ())

    async def list_deliveries(self, *, state: str, limit: int) -> tuple[Delivery, ...]:
        """Return deliveries in a state, the newest first."""
        return await self._keeper.list_deliveries(state=state, limit=limit)

    async def list_silences(self) -> tuple[Silence, ...]:
        """Return the silences in force, those that end first first."""
        now = self._clock.now()
        silences = await self.act(lambda board: tuple(board.silences.values()))
        return tuple(sorted((each for each in silences if now < each.ends_at), key=lambda each: each.ends_at))

    async def act(self, order: Callable[[Board], T]) -> T:
        """Carry out a person's order on the board.

        Raises:
            NoSuchIncident, IncidentClosed, NoSuchSilence, TooManySilences: as the order says.
        """
        return await self._keeper.step(lambda board: (order(board), ()))

    # --- turns ----------------------------------------------------------------------------------------------------

    async def _step_if_needed(self) -> None:
        now_s = self._clock.monotonic()
        live = any(each.live for each in self._keeper.board.incidents.values())
        if not (self._inbox or self._failed or live or now_s - self._stepped_s >= HEARTBEAT_S):
            return
        self._stepped_s = now_s
        signals, failed = tuple(self._inbox), tuple(self._failed)
        self._inbox.clear()
        self._failed.clear()
        standing = self._source.standing if self._source is not None else ()
        overflowed, dismissed = await self._keeper.step(lambda board: self._move(board, standing, signals, failed))
        self.dropped += overflowed
        self._decide_anew(dismissed)

    def _move(
        self, board: Board, standing: Iterable[Signal], signals: Iterable[Signal], failed: Iterable[Delivery]
    ) -> tuple[tuple[int, tuple[Identity, ...]], tuple[Delivery, ...]]:
        """Move the board to now; return signals without room, what people closed, and whom to tell of what."""
        now = self._clock.now()
        given_up = board.see_replica(self._replica, now)
        if not self._keeper.away:  # alone, it cannot know who is gone
            board.take_over(self._replica, now)
        board.overflowed = 0
        dismissed = {each.identity for each in (*standing, *self._own) if board.is_dismissed(each)}
        again = (each for each in standing if given_up and each.identity not in dismissed)
        for signal in (*again, *signals):
            board.hear(signal, self._replica)
        notices = board.move(now)
        deliveries = [each for kind, incident in notices for each in self._address(board, kind, incident, now)]
        deliveries += [each for delivery in failed for each in self._address_backups(board, delivery, now)]
        return (board.overflowed, tuple(dismissed)), tuple(deliveries)

    def _decide_anew(self, dismissed: tuple[Identity, ...]) -> None:
        """Let whoever said what a person has closed look again: what goes on is another incident."""
        if dismissed and self._source is not None:
            self._source.forget(dismissed)
        if any(each.identity in dismissed for each in self._own):
            self._sick.clear()
            self._own = ()

    def _address(self, board: Board, kind: NoticeKind, incident: Incident, now: datetime) -> Iterable[Delivery]:
        """Write the card of an incident as it is now, and yield whom to tell."""
        card = make_card(incident, self._office.facts(incident), board.children(incident))
        if kind is NoticeKind.RESOLVED:
            card = close_card(incident.card, card)
        board.incidents[incident.id] = replace(board.incidents[incident.id], card=card)
        also = incident.also_told if kind is NoticeKind.RESOLVED else ()
        for channel in dict.fromkeys((*choose_channels(incident, self._office.routes), *also)):
            yield Delivery(incident_id=incident.id, kind=kind, channel=channel, created_at=now, next_at=now)

    def _address_backups(self, board: Board, failed: Delivery, now: datetime) -> Iterable[Delivery]:
        backups = choose_backups(self._office.routes, failed.channel)
        incident = board.incidents.get(failed.incident_id)
        if incident is not None and failed.kind is NoticeKind.OPENED and backups:
            also = tuple(dict.fromkeys((*incident.also_told, *backups)))
            board.incidents[incident.id] = replace(incident, also_told=also)
        for channel in backups:
            yield Delivery(
                incident_id=failed.incident_id, kind=failed.kind, channel=channel, created_at=now, next_at=now
            )

    def _hear_absent(self) -> None:
        now_s = self._clock.monotonic()
        orphans = self._keeper.board.find_orphans(self._replica)
        if self._source is None or not orphans or now_s - self._asked_s < ABSENT_S:
            return
        self._asked_s = now_s
        for signal in self._source.find_absent(
            Identity(each.rule, each.component, each.cause) for each in orphans if each.rule != ALERT_DELIVERY.name
        ):
            self.hear(signal)

    async def _note_settings(self) -> None:
        if self._settings_noted:
            return
        place = find_place(self._replica)
        self._settings_noted, change = await self._keeper.note_settings(place, self._office.prints)
        if self._settings_noted:
            self._office.on_change(change)

    async def _prune_if_due(self) -> None:
        now_s = self._clock.monotonic()
        if now_s - self._pruned_s >= PRUNE_S:
            self._pruned_s = now_s
            await self._keeper.prune()

    # --- the alerting looks after itself --------------------------------------------------------------------------

    def _fall_back(self, delivery: Delivery) -> None:
        """Have the second channel told what the first one did not take, and that it did not."""
        level = logging.ERROR if delivery.state is DeliveryState.DEAD else logging.WARNING
        logger.log(level, "alert channel %s: %s after %d tries", delivery.channel, delivery.finding, delivery.attempts)
        self._failed.append(delivery)
        if delivery.channel not in self._sick:
            self._sick.add(delivery.channel)
            self._say(SignalState.FIRING, channel=delivery.channel, finding=delivery.finding)

    def _note_sent(self, delivery: Delivery) -> None:
        if delivery.channel in self._sick:
            self._sick.remove(delivery.channel)
            if not self._sick:
                self._say(SignalState.CLEAR)

    def _say(self, state: SignalState, **evidence: str) -> None:
        now = self._clock.now()
        signal = Signal(
            rule=ALERT_DELIVERY.name,
            component=DELIVERY_COMPONENT,
            cause=DELIVERY_CAUSE,
            state=state,
            urgency=ALERT_DELIVERY.urgency,
            at=now,
            since=now,
            evidence=evidence,
        )
        self._own = (signal,) if state is SignalState.FIRING else ()
        self.hear(signal)
