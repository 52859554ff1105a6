from __future__ import annotations

import math
import random
import re

import pytest

from ironleaf.foundation.resilience import (
    BreakerOptions,
    BreakerState,
    CusumOptions,
    HardSignal,
    OpenReason,
    ResultKind,
)
from ironleaf.foundation.resilience.breaker_state import (
    GOOD,
    NEUTRAL,
    SLOW,
    Admission,
    BreakerMachine,
    CallResult,
    Refusal,
    Transition,
)

FAILED = CallResult(kind=ResultKind.FAILED)
BAD_CONTENT = CallResult(kind=ResultKind.BAD_CONTENT)
REFUSED = CallResult(kind=ResultKind.FAILED, hard=HardSignal.CONNECTION_REFUSED)
GONE = CallResult(kind=ResultKind.FAILED, hard=HardSignal.MODEL_GONE)


class Draws(random.Random):
    def __init__(self) -> None:
        super().__init__()
        self.draw = 0.0

    def random(self) -> float:
        return self.draw


class Bench:
    """A breaker, its time, and everything it told."""

    def __init__(self, **options) -> None:
        self.draws = Draws()
        self.transitions: list[Transition] = []
        self.now_s = 100.0
        self.machine = BreakerMachine(
            BreakerOptions(**options), random=self.draws, now_s=100.0, on_transition=self.transitions.append
        )

    def admit(self) -> Admission | Refusal:
        return self.machine.admit(self.now_s)

    def call(self, result: CallResult, times: int = 1) -> None:
        for _ in range(times):
            admission = self.admit()
            assert isinstance(admission, Admission)
            self.machine.record(admission, result, self.now_s)

    def later(self, duration_s: float) -> None:
        self.now_s += duration_s

    @property
    def state(self) -> BreakerState:
        return self.machine.snapshot(self.now_s).state

    @property
    def opened_for_s(self) -> list[float]:
        return [each.open_s for each in self.transitions if each.state is BreakerState.OPEN]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_words_that_operators_read() -> None:
    assert [*BreakerState] == ["closed", "open", "half_open", "forced_open"]
    assert [*ResultKind] == ["good", "failed", "slow", "bad_content", "neutral"]


def test_a_snapshot_tells_since_when_and_until(bench) -> None:
    seen = []

    def look() -> None:
        snapshot = bench.machine.snapshot(bench.now_s)
        later = bench.machine.snapshot(bench.now_s + 1.5)
        seen.append((snapshot.state, snapshot.state_age_s, later.state_age_s, snapshot.retry_after_s))
        bench.later(8.0)

    bench.call(GONE)
    look()
    bench.admit()
    look()
    bench.machine.force_open(bench.now_s)
    look()
    bench.machine.close(bench.now_s)
    look()
    bench.machine.force_open(bench.now_s)
    bench.machine.reset(bench.now_s)
    look()
    assert seen == [
        (BreakerState.OPEN, 0.0, 1.5, 5.0),
        (BreakerState.HALF_OPEN, 0.0, 1.5, 1.0),
        (BreakerState.FORCED_OPEN, 0.0, 1.5, 300.0),
        (BreakerState.CLOSED, 0.0, 1.5, 0.0),
        (BreakerState.CLOSED, 0.0, 1.5, 0.0),
    ]


def test_a_fresh_breaker_is_closed(bench) -> None:
    assert bench.admit() == Admission(generation=0, probe=False)
    snapshot = bench.machine.snapshot(bench.now_s)
    assert (snapshot.state, snapshot.state_age_s, snapshot.reason) == (BreakerState.CLOSED, 0.0, None)
    assert (snapshot.retry_after_s, snapshot.generation, snapshot.probing) == (0.0, 0, False)
    assert (snapshot.openings, snapshot.refusals, snapshot.refused_in_a_row) == (0, 0, 0)
    assert snapshot.results == dict.fromkeys(ResultKind, 0)
    assert snapshot.failure_scores == snapshot.content_scores == (0.0, 0.0)
    assert snapshot.failure_thresholds == (12.6, 10.3)


@pytest.mark.parametrize("signal", [HardSignal.MODEL_GONE, HardSignal.AUTHENTICATION, HardSignal.QUOTA])
def test_a_hard_signal_opens_at_once(bench, signal) -> None:
    bench.call(GOOD, 50)
    bench.call(CallResult(kind=ResultKind.FAILED, hard=signal))
    assert bench.transitions == [Transition(state=BreakerState.OPEN, reason=OpenReason(signal), open_s=5.0)]
    assert bench.admit() == Refusal(retry_after_s=5.0, reason=OpenReason(signal))


@pytest.mark.parametrize("between", [GOOD, FAILED, SLOW, BAD_CONTENT])
def test_refused_connections_open_after_three_in_a_row(bench, between) -> None:
    bench.call(GOOD, 50)
    bench.call(REFUSED, 2)
    assert bench.machine.snapshot(bench.now_s).refused_in_a_row == 2
    bench.call(between)
    assert bench.machine.snapshot(bench.now_s).refused_in_a_row == 0
    assert bench.state is BreakerState.CLOSED
    bench.machine.close(bench.now_s)  # the evidence of the two, and of what came between, is another matter
    bench.call(REFUSED, 3)
    assert bench.transitions[-1].reason is OpenReason.CONNECTION_REFUSED


def test_a_neutral_result_does_not_interrupt_a_row_of_refusals(bench) -> None:
    bench.call(REFUSED, 2)
    bench.call(NEUTRAL)
    bench.call(REFUSED)
    assert bench.state is BreakerState.OPEN


@pytest.mark.parametrize("result", [FAILED, SLOW])
def test_four_failures_in_a_row_open(bench, result) -> None:
    bench.call(GOOD, 50)
    bench.call(result, 3)
    assert bench.state is BreakerState.CLOSED
    bench.call(result)
    assert bench.transitions == [Transition(state=BreakerState.OPEN, reason=OpenReason.FAILURES, open_s=5.0)]


def test_a_share_of_failures_opens_by_the_other_detector(bench) -> None:
    calls = 0
    while bench.state is BreakerState.CLOSED:
        bench.call(FAILED if calls % 4 == 0 else GOOD)
        calls += 1
        assert calls < 100
    assert calls == 21
    assert bench.transitions[-1].reason is OpenReason.FAILURES


def test_normal_failures_never_open(bench) -> None:
    for _ in range(500):
        bench.call(FAILED)
        bench.call(GOOD, 30)
    assert bench.state is BreakerState.CLOSED


def test_neutral_results_say_nothing(bench) -> None:
    bench.call(FAILED, 2)
    before = bench.machine.snapshot(bench.now_s)
    bench.call(NEUTRAL, 100)
    after = bench.machine.snapshot(bench.now_s)
    assert (after.failure_scores, after.calls_per_minute) == (before.failure_scores, before.calls_per_minute)
    assert after.results[ResultKind.NEUTRAL] == 100


def test_content_has_evidence_of_its_own(bench) -> None:
    bench.call(FAILED, 3)
    scores = bench.machine.snapshot(bench.now_s)
    assert min(scores.failure_scores) > 0.0
    assert scores.content_scores == (0.0, 0.0)
    bench.call(BAD_CONTENT, 3)
    scores = bench.machine.snapshot(bench.now_s)
    assert bench.state is BreakerState.CLOSED
    assert min(scores.content_scores) > 7.0
    bench.call(SLOW)
    assert bench.machine.snapshot(bench.now_s).content_scores == scores.content_scores
    bench.call(BAD_CONTENT)
    assert bench.transitions[-1] == Transition(state=BreakerState.OPEN, reason=OpenReason.CONTENT, open_s=5.0)


def test_an_answer_with_bad_content_is_an_answer(bench) -> None:
    bench.call(FAILED, 2)
    before = bench.machine.snapshot(bench.now_s).failure_scores
    bench.call(BAD_CONTENT)
    after = bench.machine.snapshot(bench.now_s).failure_scores
    assert all(later < earlier for later, earlier in zip(after, before, strict=True))


def test_good_answers_count_for_content_too(bench) -> None:
    bench.call(BAD_CONTENT)
    before = bench.machine.snapshot(bench.now_s).content_scores
    bench.call(GOOD)
    assert bench.machine.snapshot(bench.now_s).content_scores < before


def test_content_verdicts_from_outside(bench) -> None:
    for _ in range(3):
        bench.machine.record_content(bad=True, generation=0, now_s=bench.now_s)
    bench.machine.record_content(bad=True, generation=1, now_s=bench.now_s)
    assert bench.state is BreakerState.CLOSED
    bench.machine.record_content(bad=False, generation=0, now_s=bench.now_s)
    assert bench.machine.snapshot(bench.now_s).content_scores[0] == pytest.approx(
        3 * math.log(25) + math.log(0.5 / 0.98)
    )
    bench.machine.record_content(bad=True, generation=0, now_s=bench.now_s)
    bench.machine.record_content(bad=True, generation=0, now_s=bench.now_s)
    assert bench.transitions[-1].reason is OpenReason.CONTENT
    bench.later(5.0)
    bench.admit()
    generation = bench.machine.generation
    bench.machine.record_content(bad=True, generation=generation, now_s=bench.now_s)
    assert (bench.state, bench.machine.snapshot(bench.now_s).content_scores) == (BreakerState.HALF_OPEN, (0.0, 0.0))


def test_more_traffic_needs_more_evidence(bench) -> None:
    for _ in range(6000):
        bench.later(0.1)
        bench.call(GOOD)
    snapshot = bench.machine.snapshot(bench.now_s)
    assert snapshot.calls_per_minute == pytest.approx(600 * (1 - 1 / math.e), rel=0.01)
    assert snapshot.failure_thresholds == pytest.approx(
        [base + 1.1 * math.log(snapshot.calls_per_minute / 6) for base in (12.6, 10.3)]
    )
    bench.call(FAILED, 5)
    assert bench.state is BreakerState.CLOSED
    bench.call(FAILED)
    assert bench.state is BreakerState.OPEN


def test_it_refuses_until_the_very_end_of_the_open_time(bench) -> None:
    bench.call(GONE)
    bench.later(4.75)
    assert bench.admit() == Refusal(retry_after_s=0.25, reason=OpenReason.MODEL_GONE)
    bench.later(0.25)
    assert bench.machine.snapshot(bench.now_s).state is BreakerState.OPEN  # nobody has asked yet
    assert bench.machine.snapshot(bench.now_s).retry_after_s == 0.0
    assert bench.admit() == Admission(generation=2, probe=True)
    assert bench.transitions[-1] == Transition(state=BreakerState.HALF_OPEN)
    assert bench.machine.snapshot(bench.now_s + 2.0).state_age_s == 2.0


def test_one_probe_at_a_time(bench) -> None:
    bench.call(GONE)
    bench.later(7.0)
    assert bench.machine.snapshot(bench.now_s).retry_after_s == 0.0
    probe = bench.admit()
    assert bench.machine.snapshot(bench.now_s).probing
    assert [bench.admit() for _ in range(49)] == [Refusal(retry_after_s=1.0, reason=OpenReason.MODEL_GONE)] * 49
    assert bench.machine.snapshot(bench.now_s).refusals == 49
    bench.machine.record(probe, NEUTRAL, bench.now_s)
    assert bench.state is BreakerState.HALF_OPEN
    assert not bench.machine.snapshot(bench.now_s).probing
    assert bench.machine.snapshot(bench.now_s).retry_after_s == 0.0
    assert bench.admit() == Admission(generation=2, probe=True)


def test_a_good_probe_closes(bench) -> None:
    bench.call(GONE)
    bench.later(5.0)
    bench.call(GOOD)
    assert bench.transitions[-1] == Transition(state=BreakerState.CLOSED)
    assert bench.machine.snapshot(bench.now_s).reason is None
    assert bench.machine.snapshot(bench.now_s + 2.0).state_age_s == 2.0
    bench.call(GOOD, 3)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (FAILED, OpenReason.PROBE_FAILED),
        (SLOW, OpenReason.PROBE_FAILED),
        (BAD_CONTENT, OpenReason.PROBE_FAILED),
        (REFUSED, OpenReason.CONNECTION_REFUSED),
        (GONE, OpenReason.MODEL_GONE),
    ],
)
def test_a_bad_probe_opens_for_twice_as_long(bench, result, reason) -> None:
    bench.call(FAILED, 4)
    bench.later(5.0)
    bench.call(result)
    assert bench.transitions[-1] == Transition(state=BreakerState.OPEN, reason=reason, open_s=10.0)


def test_the_open_time_grows_to_its_cap(bench) -> None:
    bench.call(GONE)
    for _ in range(8):
        bench.later(300.0)
        bench.call(FAILED)
    assert bench.opened_for_s == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]
    assert bench.machine.snapshot(bench.now_s).openings == 9


def test_jitter_only_shortens(bench) -> None:
    bench.draws.draw = 0.5
    bench.call(GONE)
    assert bench.opened_for_s == [pytest.approx(4.5)]
    bench.draws.draw = 1.0
    bench.later(5.0)
    bench.call(FAILED)
    assert bench.opened_for_s[-1] == pytest.approx(8.0)


@pytest.mark.parametrize(("asked_s", "open_s"), [(3.0, 5.0), (60.0, 60.0), (4000.0, 300.0)])
def test_who_says_when_it_will_be_back_is_believed(bench, asked_s, open_s) -> None:
    bench.call(CallResult(kind=ResultKind.FAILED, hard=HardSignal.QUOTA, retry_after_s=asked_s))
    assert bench.opened_for_s == [open_s]
    bench.later(open_s)
    bench.call(FAILED)
    assert bench.opened_for_s[-1] == 10.0


def test_trouble_that_comes_back_soon_goes_on_growing(bench) -> None:
    bench.call(GONE)
    bench.later(5.0)
    bench.call(GOOD)
    bench.later(299.0)
    bench.call(GONE)
    assert bench.opened_for_s == [5.0, 10.0]
    bench.later(10.0)
    bench.call(GOOD)
    bench.later(300.0)
    bench.call(GONE)
    assert bench.opened_for_s == [5.0, 10.0, 5.0]


def test_late_results_change_nothing(bench) -> None:
    late = [bench.admit() for _ in range(3)]
    bench.call(GONE)
    before = bench.machine.snapshot(bench.now_s)
    for admission in late:
        bench.machine.record(admission, GONE, bench.now_s)
    bench.machine.record(late[0], GOOD, bench.now_s)
    assert bench.machine.snapshot(bench.now_s) == before
    bench.later(5.0)
    probe = bench.admit()
    bench.machine.record(late[1], GOOD, bench.now_s)
    bench.machine.record(late[1], FAILED, bench.now_s)
    assert bench.state is BreakerState.HALF_OPEN
    bench.machine.record(probe, GOOD, bench.now_s)
    bench.machine.record(late[2], GONE, bench.now_s)
    bench.machine.record(probe, GONE, bench.now_s)
    assert bench.state is BreakerState.CLOSED
    assert len(bench.transitions) == 3


def test_what_has_waited_is_asked_again_whether_it_may(bench) -> None:
    waiting = bench.admit()
    assert bench.machine.recheck(waiting, bench.now_s) is None
    bench.call(GONE)
    bench.later(2.0)
    refused = bench.machine.recheck(waiting, bench.now_s)
    assert refused == Refusal(retry_after_s=3.0, reason=OpenReason.MODEL_GONE)
    assert bench.machine.snapshot(bench.now_s).refusals == 1
    bench.later(3.0)
    probe = bench.admit()
    assert isinstance(bench.machine.recheck(waiting, bench.now_s), Refusal)
    assert bench.machine.recheck(probe, bench.now_s) is None
    bench.machine.record(probe, GOOD, bench.now_s)
    assert bench.machine.recheck(waiting, bench.now_s) is None
    bench.machine.force_open(bench.now_s)
    assert isinstance(bench.machine.recheck(waiting, bench.now_s), Refusal)
    assert bench.machine.snapshot(bench.now_s).refusals == 3


def test_evidence_starts_anew_with_each_period(bench) -> None:
    bench.call(BAD_CONTENT, 3)
    bench.call(FAILED, 3)
    bench.call(REFUSED)
    snapshot = bench.machine.snapshot(bench.now_s)
    assert snapshot.state is BreakerState.OPEN
    assert snapshot.failure_scores == snapshot.content_scores == (0.0, 0.0)
    assert snapshot.refused_in_a_row == 0


def test_forced_open_stays_until_a_person_says_otherwise(bench) -> None:
    late = bench.admit()
    bench.machine.force_open(bench.now_s)
    assert bench.transitions == [Transition(state=BreakerState.FORCED_OPEN, reason=OpenReason.MANUAL, open_s=math.inf)]
    bench.later(1e9)
    assert bench.admit() == Refusal(retry_after_s=300.0, reason=OpenReason.MANUAL)
    bench.machine.record(late, GOOD, bench.now_s)
    assert bench.state is BreakerState.FORCED_OPEN
    assert bench.machine.snapshot(bench.now_s).openings == 1
    bench.machine.reset(bench.now_s)
    assert bench.transitions[-1] == Transition(state=BreakerState.CLOSED, reason=OpenReason.MANUAL)
    assert isinstance(bench.admit(), Admission)


def test_closing_by_hand_remembers_and_reset_forgets(bench) -> None:
    bench.call(GONE)
    bench.machine.close(bench.now_s)
    assert bench.transitions[-1] == Transition(state=BreakerState.CLOSED, reason=OpenReason.MANUAL)
    bench.call(GONE)
    assert bench.opened_for_s == [5.0, 10.0]
    bench.machine.reset(bench.now_s)
    bench.call(GONE)
    assert bench.opened_for_s == [5.0, 10.0, 5.0]


def test_closing_by_hand_what_was_never_open_does_not_shorten_the_first_opening(bench) -> None:
    bench.machine.close(bench.now_s)
    bench.call(GONE)
    assert bench.opened_for_s == [5.0]


def test_reset_after_a_forced_opening_in_growing_trouble(bench) -> None:
    bench.call(GONE)
    bench.later(5.0)
    bench.call(GONE)
    bench.machine.reset(bench.now_s)
    bench.machine.close(bench.now_s)
    bench.call(GONE)
    assert bench.opened_for_s == [5.0, 10.0, 5.0]


def test_a_probe_out_when_a_person_intervenes_is_forgotten(bench) -> None:
    bench.call(GONE)
    bench.later(5.0)
    probe = bench.admit()
    bench.machine.close(bench.now_s)
    bench.machine.record(probe, GONE, bench.now_s)
    assert bench.state is BreakerState.CLOSED
    assert not bench.machine.snapshot(bench.now_s).probing


def test_results_are_counted_by_kind(bench) -> None:
    for result in (GOOD, GOOD, SLOW, BAD_CONTENT, NEUTRAL, FAILED):
        bench.call(result)
    assert bench.machine.snapshot(bench.now_s).results == {
        ResultKind.GOOD: 2,
        ResultKind.FAILED: 1,
        ResultKind.SLOW: 1,
        ResultKind.BAD_CONTENT: 1,
        ResultKind.NEUTRAL: 1,
    }


@pytest.mark.parametrize(("cost", "limit_s"), [(0.25, 15.0), (1.0, 30.0), (4.0, 90.0)])
def test_the_slow_limit_follows_the_cost(cost, limit_s) -> None:
    assert BreakerOptions().slow_limit_s(cost) == limit_s


def test_options_are_obeyed() -> None:
    bench = Bench(
        failure_detectors=(CusumOptions(sick_share=0.5, threshold=3.0),),
        content_detectors=(),
        refused_in_a_row=1,
        open_first_s=2.0,
        open_max_s=7.0,
        open_growth=3.0,
        open_jitter=0.0,
        stable_s=0.0,
        half_open_retry_s=0.5,
    )
    bench.draws.draw = 1.0
    bench.call(BAD_CONTENT, 50)
    bench.call(REFUSED)
    bench.later(2.0)
    probe = bench.admit()
    assert bench.admit() == Refusal(retry_after_s=0.5, reason=OpenReason.CONNECTION_REFUSED)
    bench.machine.record(probe, FAILED, bench.now_s)
    bench.later(6.0)
    bench.call(FAILED)
    bench.later(7.0)
    bench.call(GOOD)
    bench.call(FAILED)
    assert bench.opened_for_s == [2.0, 6.0, 7.0, 2.0]


def test_defaults() -> None:
    options = BreakerOptions()
    assert (options.refused_in_a_row, options.open_first_s, options.open_max_s) == (3, 5.0, 300.0)
    assert (options.open_growth, options.open_jitter, options.stable_s) == (2.0, 0.2, 300.0)
    assert (options.half_open_retry_s, options.slow_floor_s, options.slow_s_per_cost) == (1.0, 10.0, 20.0)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"refused_in_a_row": 0}, "refused_in_a_row must be at least 1"),
        ({"open_first_s": 0.0}, "open_first_s must be above zero"),
        ({"open_max_s": 4.9}, "open_max_s must not be below open_first_s"),
        ({"open_growth": 0.9}, "open_growth must be at least 1"),
        ({"open_jitter": -0.1}, "open_jitter must be from 0 to below 1"),
        ({"open_jitter": 1.0}, "open_jitter must be from 0 to below 1"),
        ({"stable_s": -0.1}, "stable_s must not be below zero"),
        ({"half_open_retry_s": 0.0}, "half_open_retry_s must be above zero"),
        ({"slow_floor_s": 0.0}, "slow_floor_s must be above zero"),
        ({"slow_s_per_cost": -0.1}, "slow_s_per_cost must not be below zero"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        BreakerOptions(**options)


def test_options_at_their_bounds_are_taken() -> None:
    options = BreakerOptions(
        refused_in_a_row=1, open_first_s=1.0, open_max_s=1.0, open_growth=1.0, open_jitter=0.0, slow_s_per_cost=0.0
    )
    assert options.slow_limit_s(99.0) == 10.0
    assert BreakerOptions(slow_floor_s=0.5, slow_s_per_cost=0.0).slow_limit_s(1.0) == 0.5


def test_open_times_below_a_second_are_kept_before_and_after_a_reset() -> None:
    bench = Bench(open_first_s=0.1, open_max_s=5.0)
    for _ in range(2):
        bench.call(GONE)
        refusal = bench.admit()
        assert isinstance(refusal, Refusal)
        assert refusal.retry_after_s == pytest.approx(0.1)
        bench.machine.reset(bench.now_s)
