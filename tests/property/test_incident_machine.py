"""Whatever detectors, replicas and people do, in whatever order: one beginning and one end for each incident."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.fixtures.alerts import START, make_signal

from ironleaf.foundation.alerting.board import Board, IncidentClosed
from ironleaf.foundation.alerting.incidents import IncidentState
from ironleaf.foundation.alerting.reconciling import reconcile
from ironleaf.foundation.alerting.silences import Silence

TROUBLES = (
    ("backend:reader", "model-unavailable"),
    ("backend:reader", "unreachable"),
    ("backend:reader", "slow"),
    ("backend:other", "model-timeout"),
    ("service", "failed-requests"),
    ("queue", "conversions"),
    ("database", "degraded"),
    ("database", "database-unavailable"),
    ("disk", "spool-full"),
    ("traffic", "silent"),
)
RULES = ("error-onset", "backend-down", "budget-burn")
PLACES = ("a", "b")
LONG_S = 8_000


class IncidentMachine(RuleBasedStateMachine):
    """Two replicas at one board; the first one may be cut off, and works on a copy meanwhile."""

    @initialize()
    def begin(self) -> None:
        self.board = Board()
        self.away: Board | None = None
        self.now_s = 0
        self.process = dict.fromkeys(PLACES, 1)
        self.told: Counter[tuple[str, str]] = Counter()
        self.told_away: Counter[tuple[str, str]] = Counter()
        self.carried: set[tuple[str, str]] = set()
        """What was told from memory: the outbox has it as sent, and takes no second one."""
        self.silences = 0
        self.pass_time(1)

    # --- what happens -------------------------------------------------------------------------------------------------

    @rule(
        trouble=st.sampled_from(TROUBLES),
        said_by=st.sampled_from(RULES),
        place=st.sampled_from(PLACES),
        clear=st.booleans(),
    )
    def say(self, trouble: tuple[str, str], said_by: str, place: str, clear: bool) -> None:
        signal = make_signal(*trouble, said_by, at_s=self.now_s, clear=clear)
        self.board_of(place).hear(signal, self.name(place))

    @rule(seconds=st.sampled_from((1, 4, 30, 130, 700)))
    def pass_time(self, seconds: int) -> None:
        for step in sorted({1, seconds // 2, seconds} - {0}):
            now = START + timedelta(seconds=self.now_s + step)
            for place in PLACES:
                self.board_of(place).see_replica(self.name(place), now)
            self.move(now)
        self.now_s += seconds

    @rule(place=st.sampled_from(PLACES))
    def restart(self, place: str) -> None:
        if self.away is not None and place == "a":
            self.come_back()
        self.process[place] += 1

    @rule(data=st.data(), resolve=st.booleans())
    def give_order(self, data: st.DataObject, resolve: bool) -> None:
        known = sorted(self.board.incidents)
        if not known:
            return
        chosen, now = data.draw(st.sampled_from(known)), START + timedelta(seconds=self.now_s)
        was = self.board.incidents[chosen]
        try:
            if resolve:
                assert not self.board.resolve(chosen, by="Wei", why="", now=now).holds
            else:
                assert self.board.acknowledge(chosen, by="Wei", now=now).acknowledged_at is not None
        except IncidentClosed:
            assert not was.live

    @rule(component=st.sampled_from(("*", "backend:*", "disk")), seconds=st.integers(60, 900))
    def silence(self, component: str, seconds: int) -> None:
        now = START + timedelta(seconds=self.now_s)
        self.silences += 1
        self.board.silence(
            Silence(
                id=f"s{self.silences}",
                rule="*",
                component=component,
                cause="*",
                starts_at=now,
                ends_at=now + timedelta(seconds=seconds),
                by="Wei",
                why="",
            ),
            now,
        )

    @precondition(lambda self: self.away is None)
    @rule()
    def cut_off(self) -> None:
        self.told_away.clear()
        self.away = Board(
            incidents=dict(self.board.incidents),
            claims=dict(self.board.claims),
            silences=dict(self.board.silences),
            replicas=dict(self.board.replicas),
        )

    @precondition(lambda self: self.away is not None)
    @rule()
    def come_back(self) -> None:
        assert self.away is not None
        closed = {each.id for each in self.board.incidents.values() if not each.live}
        renamed = reconcile(self.board, self.away, self.name("a"))
        for revived in [each.id for each in self.board.incidents.values() if each.live and each.id in closed]:
            self.told.pop((revived, "resolved"), None)  # the outbox has it already and takes no second one
        for old, kind in self.told_away:
            told = renamed.get(old, old), kind
            self.carried.add(told)
            self.told[told] = max(1, self.told[told])
        self.away = None

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_told_twice(self) -> None:
        for told in (self.told, self.told_away):
            assert all(number <= 1 for number in told.values()), told

    @invariant()
    def an_end_is_told_only_of_what_was_told(self) -> None:
        for incident_id, kind in self.told:
            if kind == "resolved":
                assert (incident_id, "opened") in self.told

    @invariant()
    def each_cause_has_one_live_incident_at_most(self) -> None:
        for board in self.boards():
            live = Counter(each.key for each in board.incidents.values() if each.live)
            assert all(number == 1 for number in live.values())

    @invariant()
    def each_word_belongs_to_a_live_incident(self) -> None:
        for board in self.boards():
            live = {each.key for each in board.incidents.values() if each.live}
            assert {name[0] for name in board.claims} <= live

    @invariant()
    def states_say_what_the_times_say(self) -> None:
        for board in self.boards():
            for each in board.incidents.values():
                assert (each.state is IncidentState.RESOLVED) == (each.resolved_at is not None)
                assert each.closed_at is None or each.resolved_at is not None

    def teardown(self) -> None:
        """When all is over and long past, every incident is closed, and what was told of has its end."""
        if not hasattr(self, "board"):
            return
        if self.away is not None:
            self.come_back()
        for trouble in TROUBLES:
            for said_by in RULES:
                for place in PLACES:
                    self.say(trouble, said_by, place, clear=True)
        open_now = {each.id for each in self.board.incidents.values() if each.live}
        for _ in range(LONG_S // 700):
            self.pass_time(700)
        for incident_id in open_now:
            assert self.told[incident_id, "opened"] == self.told[incident_id, "resolved"]
        assert not any(each.live for each in self.board.incidents.values())
        assert self.board.claims == {}

    # --- how ----------------------------------------------------------------------------------------------------------

    def name(self, place: str) -> str:
        return f"{place}#{self.process[place]}"

    def boards(self) -> list[Board]:
        return [self.board] if self.away is None else [self.board, self.away]

    def board_of(self, place: str) -> Board:
        return self.away if self.away is not None and place == "a" else self.board

    def move(self, now: object) -> None:
        """Let each board move. While one is cut off, each side may tell of a thing once."""
        for board, told in zip(self.boards(), (self.told, self.told_away), strict=False):
            for kind, incident in board.move(now):  # type: ignore[arg-type]
                if board is not self.board or (incident.id, kind.value) not in self.carried:
                    told[incident.id, kind.value] += 1


IncidentMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestIncidents = IncidentMachine.TestCase
