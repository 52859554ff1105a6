"""Desks with a shared database, without one, and with one that goes away. Time is moved by hand."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from tests.fixtures.alerts import RememberingChannel, make_office, make_signal

from ironleaf.faults import ManualClock
from ironleaf.foundation.alerting.board import IncidentPolicy, NoSuchIncident
from ironleaf.foundation.alerting.deliveries import Finding, Route
from ironleaf.foundation.alerting.desk import IncidentDesk
from ironleaf.foundation.alerting.incidents import IncidentState
from ironleaf.foundation.alerting.keeper import Keeper
from ironleaf.foundation.alerting.silences import Silence
from ironleaf.foundation.alerting.store import DatabaseStore
from ironleaf.foundation.alerting.tables import SETTINGS_PRINTS, SILENCES
from ironleaf.foundation.database.errors import Trouble, make_unavailable
from ironleaf.foundation.monitoring import Identity, Signal, SignalState

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from sqlalchemy import Connection

    from ironleaf.foundation.alerting.card import Change
    from ironleaf.foundation.alerting.keeper import AlertStore
    from ironleaf.foundation.database import Database

pytestmark = pytest.mark.anyio
POLICY = IncidentPolicy()


class Killed(BaseException):
    """The process ends here."""


class CutOff:
    """A store that can be taken away."""

    def __init__(self, store: DatabaseStore) -> None:
        self._store = store
        self.away = False

    def __getattr__(self, name: str) -> Any:
        if self.away:

            async def fail(*_: object, **__: object) -> None:
                raise make_unavailable(Trouble.UNREACHABLE)

            return fail
        return getattr(self._store, name)


def make_desk(
    store: AlertStore | None,
    clock: ManualClock,
    *channels: RememberingChannel,
    replica: str = "a#1",
    routes: tuple[Route, ...] | None = None,
    **office: Any,
) -> IncidentDesk:
    keeper = Keeper(store, policy=POLICY, clock=clock, replica=replica)
    return IncidentDesk(keeper, make_office(channels, routes, **office), replica=replica, clock=clock, random=Random(1))


@asynccontextmanager
async def running(database: Database) -> AsyncGenerator[Database]:
    yield database
    await database.aclose()


async def work(clock: ManualClock, seconds: int, *desks: IncidentDesk) -> None:
    """Let each desk take a turn a second. What a turn began to send is finished before the next."""
    for _ in range(seconds):
        clock.advance(1.0)
        for desk in desks:
            await desk.tick()
            for task in list(desk._courier._under_way.values()):
                await task


async def test_one_alert_and_one_end_without_any_database() -> None:
    clock, channel = ManualClock(), RememberingChannel()
    desk = make_desk(None, clock, channel)
    desk.hear(make_signal())
    await work(clock, 30, desk)
    assert channel.count("opened") == 1
    (incident,) = await desk.list_incidents(states=("open",), before="", limit=10)
    desk.hear(make_signal(clear=True))
    await work(clock, 70, desk)
    assert (channel.count("opened"), channel.count("resolved")) == (1, 1)
    story = await desk.find(incident.id)
    assert story is not None
    assert [step.act for step in story[1]] == ["opened", "announced", "cleared", "closed"]
    assert {each.state for each in story[2]} == {"sent"}


async def test_two_replicas_and_three_restarts_tell_of_one_cause_once(database: Database) -> None:
    clock, channel = ManualClock(), RememberingChannel()
    async with running(database):
        store = DatabaseStore(database, POLICY)
        numbers = itertools.count(1)

        def start(place: str) -> IncidentDesk:
            return make_desk(store, clock, channel, replica=f"{place}#{next(numbers)}")

        one, other = start("a"), start("b")
        for _ in range(4):
            for desk in (one, other):
                desk.hear(make_signal(at_s=clock.monotonic()))
                desk.hear(make_signal("service", "failed-requests", "budget-burn", at_s=clock.monotonic()))
            await work(clock, 20, one, other)
            one, other = start("a"), other  # noqa: PLW0127
        assert (channel.count("opened"), channel.count("resolved")) == (1, 0)
        for desk in (one, other):
            desk.hear(make_signal(clear=True, at_s=clock.monotonic()))
            desk.hear(make_signal("service", "failed-requests", "budget-burn", clear=True, at_s=clock.monotonic()))
        await work(clock, 240, one, other)
    assert [message.kind for message in channel.sent] == ["opened", "resolved"]
    assert len({message.data["incident"]["id"] for message in channel.sent}) == 1


async def test_the_alert_is_there_within_ten_seconds_of_its_decision(database: Database) -> None:
    clock, channel = ManualClock(), RememberingChannel()
    async with running(database):
        desk = make_desk(DatabaseStore(database, POLICY), clock, channel)
        await work(clock, 3, desk)
        desk.hear(make_signal(at_s=clock.monotonic()))
        await work(clock, 10, desk)
    assert channel.count("opened") == 1


async def test_a_crash_between_sending_and_recording_repeats_once_at_most(database: Database) -> None:
    clock, channel = ManualClock(), RememberingChannel()
    async with running(database):
        store = DatabaseStore(database, POLICY)
        first = make_desk(store, clock, channel, replica="a#1")

        async def die(_: object) -> None:
            raise Killed

        first._keeper.record = die  # type: ignore[method-assign]
        first.hear(make_signal())
        with pytest.raises(Killed):
            await work(clock, 10, first)
        second = make_desk(store, clock, channel, replica="a#2")
        second.hear(make_signal(at_s=clock.monotonic()))
        await work(clock, 200, second)
    assert channel.count("opened") == 2
    assert len({message.id for message in channel.sent}) == 1, "a receiver can tell the repeat"


async def test_with_the_database_away_each_replica_tells_once_and_nothing_is_told_again(database: Database) -> None:
    clock = ManualClock()
    channels = [RememberingChannel(), RememberingChannel()]
    async with running(database):
        stores = [CutOff(DatabaseStore(database, POLICY)) for _ in channels]
        desks = [
            make_desk(store, clock, channel, replica=f"{number}#1")  # type: ignore[arg-type]
            for number, (store, channel) in enumerate(zip(stores, channels, strict=True))
        ]
        await work(clock, 2, *desks)
        for store in stores:
            store.away = True
        for desk in desks:
            desk.hear(make_signal(at_s=clock.monotonic()))
        await work(clock, 30, *desks)
        assert [channel.count("opened") for channel in channels] == [1, 1]
        assert all(desk.away for desk in desks)
        for store in stores:
            store.away = False
        await work(clock, 30, *desks)
        assert not any(desk.away for desk in desks)
        (incident,) = await desks[0].list_incidents(states=(), before="", limit=10)
        for desk in desks:
            desk.hear(make_signal(clear=True, at_s=clock.monotonic()))
        await work(clock, 100, *desks)
        story = await desks[1].find(incident.id)
    assert [channel.count("opened") for channel in channels] == [1, 1]
    assert sum(channel.count("resolved") for channel in channels) == 1
    assert story is not None
    assert {each.state for each in story[2]} == {"sent"}


async def test_an_incident_that_is_known_is_not_told_again_when_the_database_goes(database: Database) -> None:
    clock, channel = ManualClock(), RememberingChannel()
    async with running(database):
        store = CutOff(DatabaseStore(database, POLICY))
        desk = make_desk(store, clock, channel)  # type: ignore[arg-type]
        desk.hear(make_signal())
        await work(clock, 60, desk)
        store.away = True
        desk.hear(make_signal(rule="budget-burn", at_s=clock.monotonic()))
        await work(clock, 60, desk)
        for rule in ("error-onset", "budget-burn"):
            desk.hear(make_signal(rule=rule, clear=True, at_s=clock.monotonic()))
        await work(clock, 70, desk)
        assert [message.kind for message in channel.sent] == ["opened", "resolved"]
        store.away = False
        await work(clock, 60, desk)
        (incident,) = await desk.list_incidents(states=("resolved",), before="", limit=10)
        story = await desk.find(incident.id)
    assert [message.kind for message in channel.sent] == ["opened", "resolved"]
    assert story is not None
    assert [step.act for step in story[1]] == ["opened", "announced", "cleared", "closed"]
    assert {(each.kind, each.state) for each in story[2]} == {("opened", "sent"), ("resolved", "sent")}


async def test_what_one_channel_does_not_take_goes_to_the_second_and_both_facts_are_seen(database: Database) -> None:
    clock = ManualClock()
    chat, second = RememberingChannel("chat", findings=[Finding.UNREACHABLE] * 50), RememberingChannel("second")
    routes = (Route(channel="chat"), Route(channel="second", backup=True))
    async with running(database):
        desk = make_desk(DatabaseStore(database, POLICY), clock, chat, second, routes=routes)
        desk.hear(make_signal())
        await work(clock, 60, desk)
        assert [(each.kind, each.data["incident"]["component"]) for each in second.sent] == [
            ("opened", "backend:reader"),
            ("opened", "alerting"),
        ]
        chat.findings.clear()
        await work(clock, 300, desk)
        assert chat.count("opened") == 1
        desk.hear(make_signal(clear=True, at_s=clock.monotonic()))
        await work(clock, 100, desk)
    assert second.count("resolved") == 2
    assert chat.count("resolved") == 1


async def test_a_dead_letter_stays_to_be_seen(database: Database) -> None:
    clock, chat = ManualClock(), RememberingChannel("chat", findings=[Finding.REFUSED] * 50)
    async with running(database):
        desk = make_desk(DatabaseStore(database, POLICY), clock, chat)
        desk.hear(make_signal())
        for _ in range(90):
            clock.advance(60)
            await work(clock, 1, desk)
        (dead,) = [each for each in await desk.list_deliveries(state="dead", limit=10) if each.kind == "opened"]
    assert (dead.channel, dead.finding, dead.attempts, chat.tried) == ("chat", "refused", 12, 12)


async def test_channels_that_hang_or_raise_hold_up_nobody(database: Database) -> None:
    clock, well = ManualClock(), RememberingChannel("well")

    class Raising(RememberingChannel):
        async def send(self, message: object) -> Finding:
            raise RuntimeError("no channel raises")

    async with running(database):
        desk = make_desk(DatabaseStore(database, POLICY), clock, Raising("ill"), well)
        desk.hear(make_signal())
        await work(clock, 10, desk)
        assert well.count("opened") == 1
        story = await desk.find(well.sent[0].data["incident"]["id"])
    assert story is not None
    assert {(each.channel, each.finding) for each in story[2]} == {("ill", "broken"), ("well", "sent")}


async def test_a_person_gives_orders_and_reads_pages(database: Database) -> None:
    clock = ManualClock()
    async with running(database):
        desk = make_desk(DatabaseStore(database, POLICY), clock, RememberingChannel())
        for number in range(5):
            desk.hear(make_signal(f"backend:{number}", at_s=clock.monotonic()))
            await work(clock, 1, desk)
        first = await desk.list_incidents(states=(), before="", limit=3)
        rest = await desk.list_incidents(states=(), before=first[-1].id, limit=3)
        assert [each.component for each in (*first, *rest)] == [f"backend:{number}" for number in (4, 3, 2, 1, 0)]
        await desk.act(lambda board: board.acknowledge(first[0].id, by="Wei", now=clock.now()))
        assert [each.id for each in await desk.list_incidents(states=("acknowledged",), before="", limit=9)] == [
            first[0].id
        ]
        with pytest.raises(NoSuchIncident):
            await desk.act(lambda board: board.resolve("none", by="", why="", now=clock.now()))
        assert await desk.find("none") is None


class Source:
    """Detectors that see nothing of what is asked for, and say what they are told to."""

    def __init__(self, clock: ManualClock, *standing: Signal) -> None:
        self._clock = clock
        self.standing = standing
        self.forgotten: list[Identity] = []

    def forget(self, identities: Iterable[Identity]) -> None:
        gone = set(identities)
        self.forgotten += gone
        self.standing = tuple(each for each in self.standing if each.identity not in gone)

    def find_absent(self, identities: Iterable[Identity]) -> tuple[Signal, ...]:
        return tuple(
            make_signal(each.component, each.cause, each.rule, clear=True, at_s=self._clock.monotonic())
            for each in identities
        )


async def test_what_a_replica_said_that_never_comes_back_ends_with_it(database: Database) -> None:
    clock, channel = ManualClock(), RememberingChannel()
    async with running(database):
        store = DatabaseStore(database, POLICY)
        lost, other = make_desk(store, clock, channel, replica="a#1"), make_desk(store, clock, channel, replica="b#1")
        other.ask_for_absent(Source(clock))
        await work(clock, 2, lost, other)
        lost.hear(make_signal())
        await work(clock, 10, lost, other)
        await work(clock, 75, other)
        assert channel.count("resolved") == 0
        await work(clock, 150, other)
    assert [message.kind for message in channel.sent] == ["opened", "resolved"]


async def test_a_replica_that_stood_still_says_again_what_holds(database: Database) -> None:
    clock, channel = ManualClock(), RememberingChannel()
    async with running(database):
        store = DatabaseStore(database, POLICY)
        still, other = make_desk(store, clock, channel, replica="a#1"), make_desk(store, clock, channel, replica="b#1")
        still.ask_for_absent(Source(clock, make_signal()))
        other.ask_for_absent(Source(clock))
        still.hear(make_signal())
        await work(clock, 10, still, other)
        await work(clock, 120, other)
        await work(clock, 600, still, other)
        (incident,) = await other.list_incidents(states=("open",), before="", limit=9)
    assert incident.holds
    assert [message.kind for message in channel.sent] == ["opened"]


async def test_what_a_person_closed_is_decided_anew_by_every_replica(database: Database) -> None:
    clock, channel = ManualClock(), RememberingChannel()
    async with running(database):
        store = DatabaseStore(database, POLICY)
        desks = [make_desk(store, clock, channel, replica=name) for name in ("a#1", "b#1")]
        signal = make_signal(cause="unreachable", rule="backend-down", at_s=clock.monotonic())
        other = make_signal("disk", "spool-full", "disk-filling", at_s=clock.monotonic())
        sources = [Source(clock, signal, other) for _ in desks]
        for desk, source in zip(desks, sources, strict=True):
            desk.ask_for_absent(source)
            desk.hear(signal)
            desk.hear(other)
        await work(clock, 10, *desks)
        closed = next(
            each for each in await desks[0].list_incidents(states=(), before="", limit=9) if each.component != "disk"
        )
        await desks[0].act(lambda board: board.resolve(closed.id, by="Wei", why="", now=clock.now()))
        await work(clock, 2, *desks)
        assert [source.forgotten for source in sources] == [[signal.identity]] * 2
        desks[1].hear(make_signal(cause="unreachable", rule="backend-down", at_s=clock.monotonic()))
        await work(clock, 70, *desks)
        again = next(
            each
            for each in await desks[0].list_incidents(states=("open",), before="", limit=9)
            if each.component != "disk"
        )
    told = [(message.kind, message.data["incident"]["id"]) for message in channel.sent]
    assert [each for each in told if each[1] in {closed.id, again.id}] == [
        ("opened", closed.id),
        ("resolved", closed.id),
        ("opened", again.id),
    ]
    assert channel.sent[-1].data["incident"]["reopens"] == closed.id
    assert f"Again: a person closed this as incident {closed.id}" in channel.sent[-1].body


async def test_a_sick_channel_is_said_again_if_a_person_closed_it_in_vain() -> None:
    clock = ManualClock()
    ill, well = RememberingChannel("ill", findings=[Finding.REFUSED] * 50), RememberingChannel("well")
    desk = make_desk(None, clock, ill, well)
    desk.hear(make_signal(at_s=clock.monotonic()))
    await work(clock, 60, desk)
    (sick,) = [each for each in desk._keeper.board.incidents.values() if each.component == "alerting"]
    await desk.act(lambda board: board.resolve(sick.id, by="Wei", why="", now=clock.now()))
    desk.hear(make_signal("disk", "spool-full", "disk-filling", at_s=clock.monotonic()))
    await work(clock, 200, desk)
    again = [each for each in desk._keeper.board.incidents.values() if each.reopens == sick.id]
    assert [each.holds for each in again] == [True]
    assert sum(message.data["incident"]["component"] == "alerting" for message in well.sent) == 3


async def test_what_ended_while_nobody_looked_is_asked_for(database: Database) -> None:
    clock, channel = ManualClock(), RememberingChannel()
    async with running(database):
        store = DatabaseStore(database, POLICY)
        first = make_desk(store, clock, channel, replica="a#1")
        first.hear(make_signal())
        await work(clock, 10, first)
        second = make_desk(store, clock, channel, replica="a#2")
        second.ask_for_absent(Source(clock))
        await work(clock, 70, second)
    assert [message.kind for message in channel.sent] == ["opened", "resolved"]


async def test_the_last_change_of_the_settings_is_known(database: Database) -> None:
    clock = ManualClock()
    heard: list[Change | None] = []
    starts = (
        {"server": "1", "engines.vl": "1"},
        {"server": "1", "engines.vl": "1"},
        {"server": "1", "engines.vl": "2"},
    )
    async with running(database):
        store = DatabaseStore(database, POLICY)
        for number, prints in enumerate((*starts, starts[-1])):
            clock.advance(100)
            desk = make_desk(store, clock, replica=f"a#{number}", prints=prints)
            object.__setattr__(desk._office, "on_change", heard.append)
            await work(clock, 2, desk)
    assert heard[:2] == [None, None]
    assert heard[2] is not None
    assert heard[2].sections == ("engines.vl",)
    assert heard[3] == heard[2]


async def test_old_incidents_are_removed(database: Database) -> None:
    clock, channel = ManualClock(), RememberingChannel()
    async with running(database):
        desk = make_desk(DatabaseStore(database, POLICY), clock, channel)
        desk.hear(make_signal())
        await work(clock, 10, desk)
        desk.hear(make_signal(clear=True, at_s=clock.monotonic()))
        await work(clock, 70, desk)
        (incident,) = await desk.list_incidents(states=(), before="", limit=9)
        assert incident.state is IncidentState.RESOLVED
        clock.advance(91 * 86_400)
        await work(clock, 1, desk)
        assert await desk.list_incidents(states=(), before="", limit=9) == ()


async def test_silences_and_settings_of_replicas_that_are_gone_are_removed(database: Database) -> None:
    """Where each start has a name of its own, as a pod has, its settings would stay for ever."""
    clock = ManualClock()

    def count_kept(connection: Connection) -> tuple[int, list[str]]:
        silences = connection.scalars(select(SILENCES.c.id)).all()
        return len(silences), sorted(connection.scalars(select(SETTINGS_PRINTS.c.replica)))

    async with running(database):
        store = DatabaseStore(database, POLICY)
        lasting = make_desk(store, clock, replica="lasting#1")
        gone = make_desk(store, clock, replica="gone#1")
        await work(clock, 1, lasting, gone)
        moving = Silence(
            id="s1", rule="*", component="*", cause="*", starts_at=clock.now(), ends_at=clock.now(), by="Wei", why=""
        )
        await lasting.act(lambda board: board.silence(moving, clock.now()))
        assert await database.run(count_kept) == (1, ["gone", "lasting"])
        clock.advance(91 * 86_400)
        await work(clock, 1, lasting)
        assert await database.run(count_kept) == (0, ["lasting"])


async def test_the_inbox_is_bounded_and_hearing_never_raises() -> None:
    desk = make_desk(None, ManualClock())
    for _ in range(10_003):
        desk.hear(make_signal())
    assert desk.dropped == 3


async def test_a_signal_that_is_not_in_the_state_it_says_is_no_trouble() -> None:
    clock, channel = ManualClock(), RememberingChannel()
    desk = make_desk(None, clock, channel)
    desk.hear(make_signal(clear=True))
    await work(clock, 100, desk)
    assert channel.sent == []
    assert SignalState.CLEAR == "clear"


async def test_a_card_can_be_shown_before_it_is_told() -> None:
    clock = ManualClock()
    desk = make_desk(None, clock, RememberingChannel("one"))
    desk.hear(make_signal())
    await desk.tick()
    (incident,) = await desk.list_incidents(states=("open",), before="", limit=9)
    assert incident.card == {}
    early = desk.describe(incident)
    assert early["summary"]["en"]
    await work(clock, 10, desk)
    (incident,) = await desk.list_incidents(states=("open",), before="", limit=9)
    assert desk.describe(incident) is incident.card
    assert early["summary"] == incident.card["summary"]
