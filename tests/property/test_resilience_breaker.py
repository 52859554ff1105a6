"""The breaker's state machine against a model that a person can check by eye."""

from __future__ import annotations

import math
import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ironleaf.foundation.resilience import BreakerOptions, BreakerState, HardSignal, OpenReason, ResultKind
from ironleaf.foundation.resilience.breaker_state import (
    Admission,
    BreakerMachine,
    CallResult,
    Refusal,
    Transition,
)

HARD_AT_ONCE = {HardSignal.MODEL_GONE, HardSignal.AUTHENTICATION, HardSignal.QUOTA}
FAILED_STEPS = (math.log(0.5 / 0.02), math.log(0.22 / 0.02))
GOOD_STEPS = (math.log(0.5 / 0.98), math.log(0.78 / 0.98))
THRESHOLDS = (12.6, 10.3)


class BreakerComparison(RuleBasedStateMachine):
    """Calls begin and end in any order, time passes, people intervene."""

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.now_s = 50.0
        self.transitions: list[Transition] = []
        self.machine = BreakerMachine(
            BreakerOptions(),
            random=random.Random(seed),
            now_s=self.now_s,
            on_transition=self.transitions.append,
        )
        self.state = BreakerState.CLOSED
        self.until_s = 0.0
        self.out: list[tuple[Admission, int]] = []
        self.period = 0
        self.probes_out = 0
        self.scores = {"failure": [0.0, 0.0], "content": [0.0, 0.0]}
        self.row = 0
        self.counted = dict.fromkeys(ResultKind, 0)
        self.refusals = 0
        self.openings = 0

    # --- the model ---

    def enter(self, state: BreakerState) -> None:
        self.state = state
        self.period += 1
        self.probes_out = 0
        self.row = 0
        self.scores = {"failure": [0.0, 0.0], "content": [0.0, 0.0]}
        if state in {BreakerState.OPEN, BreakerState.FORCED_OPEN}:
            self.openings += 1
        if state is BreakerState.OPEN:
            self.until_s = self.now_s + self.transitions[-1].open_s

    def feed(self, which: str, *, failed: bool) -> bool:
        steps = FAILED_STEPS if failed else GOOD_STEPS
        self.scores[which] = [max(0.0, score + step) for score, step in zip(self.scores[which], steps, strict=True)]
        return failed and any(score >= limit for score, limit in zip(self.scores[which], self.limits(), strict=True))

    def limits(self) -> list[float]:
        rate = self.machine.snapshot(self.now_s).calls_per_minute
        return [limit + 1.1 * math.log(max(1.0, rate / 6.0)) for limit in THRESHOLDS]

    def expected_opening(self, result: CallResult) -> OpenReason | None:
        if result.kind is ResultKind.NEUTRAL:
            return None
        refused = result.hard is HardSignal.CONNECTION_REFUSED
        self.row = self.row + 1 if refused else 0
        if result.hard in HARD_AT_ONCE or self.row >= 3:
            return OpenReason(result.hard)
        failed = result.kind in {ResultKind.FAILED, ResultKind.SLOW}
        if self.feed("failure", failed=failed):
            return OpenReason.FAILURES
        if not failed and self.feed("content", failed=result.kind is ResultKind.BAD_CONTENT):
            return OpenReason.CONTENT
        return None

    # --- what may happen ---

    @rule(duration_s=st.sampled_from([0.0, 0.5, 4.0, 5.0, 20.0, 300.0]))
    def time_passes(self, duration_s: float) -> None:
        self.now_s += duration_s

    @rule()
    def a_call_comes(self) -> None:
        decision = self.machine.admit(self.now_s)
        if self.state is BreakerState.OPEN and self.now_s >= self.until_s:
            self.enter(BreakerState.HALF_OPEN)
        if self.state is BreakerState.CLOSED:
            assert decision == Admission(generation=self.period, probe=False)
        elif self.state is BreakerState.HALF_OPEN and self.probes_out == 0:
            assert decision == Admission(generation=self.period, probe=True)
            self.probes_out = 1
        else:
            assert isinstance(decision, Refusal)
            assert decision.retry_after_s > 0.0
            self.refusals += 1
        if isinstance(decision, Admission):
            self.out.append((decision, self.period))

    @precondition(lambda self: self.out)
    @rule(
        data=st.data(),
        kind=st.sampled_from([ResultKind.GOOD, ResultKind.SLOW, ResultKind.BAD_CONTENT, ResultKind.NEUTRAL]),
    )
    def a_call_ends(self, data: st.DataObject, kind: ResultKind) -> None:
        self.end(data, CallResult(kind=kind))

    @precondition(lambda self: self.out)
    @rule(data=st.data(), hard=st.none() | st.sampled_from(HardSignal))
    def a_call_fails(self, data: st.DataObject, hard: HardSignal | None) -> None:
        self.end(data, CallResult(kind=ResultKind.FAILED, hard=hard))

    def end(self, data: st.DataObject, result: CallResult) -> None:
        admission, period = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        before, told = self.machine.snapshot(self.now_s), len(self.transitions)
        self.machine.record(admission, result, self.now_s)
        if period != self.period:
            assert self.machine.snapshot(self.now_s) == before
            return
        self.counted[result.kind] += 1
        if self.state is BreakerState.HALF_OPEN:
            self.probe_ends(result)
            return
        reason = self.expected_opening(result)
        opened = [each.reason for each in self.transitions[told:]]
        assert opened == ([] if reason is None else [reason])
        if reason is not None:
            self.enter(BreakerState.OPEN)

    def probe_ends(self, result: CallResult) -> None:
        if result.kind is ResultKind.NEUTRAL:
            self.probes_out = 0
        else:
            self.enter(BreakerState.CLOSED if result.kind is ResultKind.GOOD else BreakerState.OPEN)

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def a_call_has_waited_and_asks_again(self, data: st.DataObject) -> None:
        admission, period = data.draw(st.sampled_from(self.out))
        refusal = self.machine.recheck(admission, self.now_s)
        assert (refusal is None) == (period == self.period or self.state is BreakerState.CLOSED)
        self.refusals += refusal is not None

    @rule()
    def a_person_opens(self) -> None:
        self.machine.force_open(self.now_s)
        self.enter(BreakerState.FORCED_OPEN)

    @rule(forget=st.booleans())
    def a_person_closes(self, forget: bool) -> None:
        (self.machine.reset if forget else self.machine.close)(self.now_s)
        self.enter(BreakerState.CLOSED)

    # --- what must hold ---

    @invariant()
    def both_are_in_the_same_state(self) -> None:
        if not hasattr(self, "machine"):
            return
        snapshot = self.machine.snapshot(self.now_s)
        assert (snapshot.state, snapshot.generation, snapshot.probing) == (
            self.state,
            self.period,
            self.probes_out == 1,
        )
        assert (snapshot.results, snapshot.refusals, snapshot.openings) == (
            self.counted,
            self.refusals,
            self.openings,
        )
        assert snapshot.refused_in_a_row == self.row
        assert list(snapshot.failure_scores) == [*map(approximately, self.scores["failure"])]
        assert list(snapshot.content_scores) == [*map(approximately, self.scores["content"])]

    @invariant()
    def at_most_one_probe_is_out(self) -> None:
        if hasattr(self, "machine"):
            assert sum(each.probe and period == self.period for each, period in self.out) <= 1

    @invariant()
    def open_times_stay_in_their_bounds(self) -> None:
        opened = [each for each in getattr(self, "transitions", []) if each.state is BreakerState.OPEN]
        assert all(4.0 <= each.open_s <= 300.0 for each in opened)


class approximately(float):  # noqa: N801 - reads as a word of the comparison
    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and math.isclose(self, other, abs_tol=1e-9)

    __hash__ = float.__hash__


BreakerComparison.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
test_the_breaker_behaves_like_its_model = BreakerComparison.TestCase
