"""The wiring of alerting: channels from the settings, facts from ladder and catalogue, a desk over the database."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from types import MappingProxyType
from typing import Any, Final, cast

from ironleaf.application.settings import Settings, SettingsRefused, list_secrets
from ironleaf.foundation.alerting.advice import RULE_ADVICE
from ironleaf.foundation.alerting.blast import BlastRadius
from ironleaf.foundation.alerting.card import Change, Facts, Mending
from ironleaf.foundation.alerting.channels import AppriseChannel, Channel, ChannelUnusable, LogChannel, WebhookChannel
from ironleaf.foundation.alerting.channels.journal import LOG_CHANNEL
from ironleaf.foundation.alerting.deliveries import Route
from ironleaf.foundation.alerting.desk import IncidentDesk, Office
from ironleaf.foundation.alerting.incidents import Incident
from ironleaf.foundation.alerting.keeper import Keeper
from ironleaf.foundation.alerting.rules import ALL_RULES
from ironleaf.foundation.alerting.settings import AlertSettings, ChannelSettings
from ironleaf.foundation.alerting.templates import BODY_BYTES_MAX, TITLE_CHARACTERS_MAX, Message
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.database import Database
from ironleaf.foundation.errors import Catalogue, Entry, Text
from ironleaf.foundation.monitoring import ErrorEvent, Measured, WorkMeasured
from ironleaf.foundation.monitoring.detection.rules import CALLER_SURGE, DISK_FILLING
from ironleaf.foundation.monitoring.work import Work, WorkGroups
from ironleaf.foundation.observability import Redactor
from ironleaf.services.engines.ledger import HealingAction, HealingEntry, HealingOutcome

LADDER_S: Final = 1.0
"""The ladder on a card is at most so old."""
PRINT_CHARACTERS: Final = 8
"""Enough to see that a section changed, too few to find out by trying what a secret in it was."""
UNKNOWN: Final = Text("A condition that detection watches holds.", "检测到异常情况。")

ACTIONS: Final[Mapping[HealingAction, Text]] = MappingProxyType(
    {
        HealingAction.MODEL_SWITCHED: Text("another model of the family is asked", "已改用同系列的另一模型"),
        HealingAction.MODEL_RESTORED: Text("the configured model is asked again", "已恢复使用配置的模型"),
        HealingAction.MODEL_RETURNED: Text("the model is back and reads", "模型已恢复并能正常识别"),
        HealingAction.MODEL_RELAUNCHED: Text("the model was launched again", "已重新启动模型"),
        HealingAction.BREAKER_OPENED: Text("the breaker was opened by hand", "已人工打开熔断器"),
        HealingAction.BREAKER_CLOSED: Text("the breaker was closed by hand", "已人工关闭熔断器"),
        HealingAction.BREAKER_RESET: Text("the breaker was reset by hand", "已人工重置熔断器"),
    }
)
"""What the ledger's words mean to a person who was woken."""
_FORETELL: Final = frozenset({DISK_FILLING.name})
"""Rules that speak before anything fails: what the catalogue tells a caller whom it hits is not true yet."""
_MENDED: Final = frozenset({HealingOutcome.DONE, HealingOutcome.FAILED})
Standings = tuple[tuple[str, str], ...]
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class CardFacts:
    """What is known about incidents in this process's memory."""

    catalogue: Catalogue
    blast: BlastRadius
    ladder: Standings = ()
    change: Change | None = None
    ledger: Callable[[], tuple[HealingEntry, ...]] = tuple
    """The newest entries of the ledger of self-healing, the newest first."""

    def __call__(self, incident: Incident) -> Facts:
        """Return the facts for a card: the catalogue's words where it knows the cause, else the rule's."""
        rule = incident.rules[0]
        entry = self.catalogue.find(incident.cause)
        return Facts(
            summary=_summarise(rule, entry),
            advice=RULE_ADVICE.get(rule, RULE_ADVICE["component-unhealthy"])
            if entry is None
            else entry.operator_advice,
            runbook=f"/runbooks/{rule}",
            blast=self.blast.look(incident.component, incident.cause, incident.since),
            ladder=self.ladder,
            change=self.change,
            mendings=tuple(self._find_mendings(incident)),
        )

    def _find_mendings(self, incident: Incident) -> Iterator[Mending]:
        for each in reversed(self.ledger()):
            told = each.outcome in _MENDED and incident.component == f"backend:{each.backend}"
            if told and incident.since <= each.at:
                done = each.outcome is HealingOutcome.DONE
                yield Mending(at=each.at, action=each.action.value, words=ACTIONS[each.action], done=done)


def _summarise(rule: str, entry: Entry | None) -> Text:
    """Return what is wrong: the catalogue's words where it knows the cause, else the rule's; of a surge, both."""
    by_rule = ALL_RULES[rule].sentence if rule in ALL_RULES else UNKNOWN
    if entry is None or rule in _FORETELL:
        return by_rule
    if rule == CALLER_SURGE.name:  # the caller's words alone would not say that they are many
        en, zh = by_rule.en.rstrip("."), by_rule.zh.rstrip("。")
        return Text(f"{en}: {entry.message.en}", f"{zh}：{entry.message.zh}")
    return entry.message


class Alerting:
    """The desk with its surroundings. ``run`` works until cancelled; nothing of it reaches a conversion."""

    def __init__(
        self, desk: IncidentDesk, facts: CardFacts, look: Callable[[], Awaitable[Standings]], clock: Clock
    ) -> None:
        self.desk = desk
        self._facts = facts
        self._look = look
        self._clock = clock

    def hear_event(self, event: ErrorEvent | WorkMeasured) -> None:
        """Count an event for the blast radius. Quick; never raises."""
        if isinstance(event, ErrorEvent):
            self._facts.blast.note(event)
        else:
            self.hear_work({(event.measured, event.name): Work.of((event,))})

    def hear_work(self, groups: WorkGroups) -> None:
        """Count requests for the blast radius, many at a time. Quick; never raises."""
        for (measured, _), group in groups.items():
            if measured is Measured.ROUTE:
                for start_s, requests in group.split():
                    self._facts.blast.note_requests(len(requests), start_s)

    async def run(self) -> None:
        """Keep incidents and have people told, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_ladder())
            group.create_task(self.desk.run())

    async def _watch_ladder(self) -> None:
        while True:
            try:
                self._facts.ladder = await self._look()
            except Exception as error:  # noqa: BLE001 - a card without a ladder is better than none
                logger.warning("alerting: the ladder cannot be seen: %s", type(error).__name__)
            await self._clock.sleep(LADDER_S)


def build_alerting(
    settings: Settings,
    *,
    database: Database | None,
    catalogue: Catalogue,
    ladder: Callable[[], Awaitable[Standings]],
    ledger: Callable[[], tuple[HealingEntry, ...]] = tuple,
    clock: Clock,
    random: Random,
) -> Alerting:
    """Return the alerting of this replica; nothing runs yet.

    Raises:
        SettingsRefused: a channel's address is none; says which, never the address.
    """
    from ironleaf.foundation.alerting.store import DatabaseStore  # noqa: PLC0415  (loads SQLAlchemy)

    alerts = settings.alerts
    place = alerts.replica or f"{socket.gethostname()[:60]}:{settings.server.port}"
    replica = f"{place}#{random.getrandbits(40):010x}"
    policy = alerts.make_policy()
    facts = CardFacts(catalogue, BlastRadius(), ledger=ledger)

    def note_change(change: Change | None) -> None:
        facts.change = change

    keeper = Keeper(
        None if database is None else DatabaseStore(database, policy), policy=policy, clock=clock, replica=replica
    )
    office = Office(
        channels={each.name: each for each in build_channels(alerts, clock)},
        routes=make_routes(alerts),
        facts=facts,
        redact=make_redaction(Redactor(secrets=list_secrets(settings))),
        public_url=alerts.public_url.rstrip("/"),
        prints=dict(fingerprint_settings(settings)),
        on_change=note_change,
    )
    desk = IncidentDesk(keeper, office, replica=replica, clock=clock, random=random)
    return Alerting(desk, facts, ladder, clock)


def build_channels(alerts: AlertSettings, clock: Clock) -> tuple[Channel, ...]:
    """Return every channel, the log first.

    Raises:
        SettingsRefused: an address is none.
    """
    return (LogChannel(), *(_build_channel(number, each, clock) for number, each in enumerate(alerts.channels)))


def make_routes(alerts: AlertSettings) -> tuple[Route, ...]:
    """Return who hears of what."""
    chosen = (Route(channel=each.name, ticket=each.urgency == "ticket", backup=each.backup) for each in alerts.channels)
    return (Route(channel=LOG_CHANNEL), *chosen)


def make_redaction(redactor: Redactor) -> Callable[[Message], Message]:
    """Return what takes secrets out of a message; there should be none, and this makes sure."""

    def redact(message: Message) -> Message:
        title = redactor.redact_text(message.title, TITLE_CHARACTERS_MAX)
        body = redactor.redact_text(message.body, BODY_BYTES_MAX)
        data = cast("dict[str, Any]", redactor.redact(message.data))
        # Under these names a log would hold what a page says; here it is our own words.
        words = {name: said for name, said in (("title", title), ("text", body)) if name in data}
        return replace(message, title=title, body=body, data={**data, **words})

    return redact


def fingerprint_settings(section: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield each section of the settings with a fingerprint of its own values, by which no value can be told."""
    own: dict[str, object] = {}
    for field in dataclasses.fields(cast("Any", section)):
        value: object = getattr(section, field.name)
        if dataclasses.is_dataclass(value):
            yield from fingerprint_settings(value, f"{name}.{field.name}".lstrip("."))
        else:
            own[field.name] = _plain(value)
    if own:
        yield name or "settings", hashlib.sha256(repr(own).encode()).hexdigest()[:PRINT_CHARACTERS]


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in cast("tuple[object, ...]", value)]
    return dataclasses.asdict(cast("Any", value)) if dataclasses.is_dataclass(value) else value


def _build_channel(number: int, channel: ChannelSettings, clock: Clock) -> Channel:
    try:
        if channel.kind == "apprise":
            return AppriseChannel(channel.name, channel.url, language=channel.language)
        return WebhookChannel(
            channel.name,
            channel.url,
            secret=channel.secret,
            language=channel.language,
            clock=clock,
            allow_private=channel.allow_private,
        )
    except ChannelUnusable:
        where = f"alerts.channels.{number}.url (IRONLEAF_ALERTS__CHANNELS)"
        must_be = "an address that Apprise knows" if channel.kind == "apprise" else "an http or https address"
        raise SettingsRefused((f"{where}: must be {must_be}",)) from None
