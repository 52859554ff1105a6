from __future__ import annotations

import random
import re

import pytest

from ironleaf.foundation.resilience import AdaptiveLimitOptions, LimitCause
from ironleaf.foundation.resilience.adaptive_limit import AdaptiveLimit


class Bench:
    def __init__(self, **options) -> None:
        self.changes: list[tuple[int, LimitCause]] = []
        self.limit = AdaptiveLimit(
            AdaptiveLimitOptions(**options), on_change=lambda limit, cause: self.changes.append((limit, cause))
        )
        self.now_s = 100.0

    def succeed(self, took_s: float, times: int = 1, *, cost: float = 1.0, all_used: bool = True) -> None:
        for _ in range(times):
            started_s, self.now_s = self.now_s, self.now_s + took_s
            self.limit.succeeded(started_s=started_s, now_s=self.now_s, cost=cost, all_used=all_used)


def test_demand_adds_one_for_each_round() -> None:
    bench = Bench(start=4)
    bench.succeed(1.0, 4)
    assert bench.limit.limit == 4
    bench.succeed(1.0)
    assert bench.limit.limit == 5
    bench.succeed(1.0, 4)
    assert (bench.limit.limit, bench.changes) == (5, [(5, LimitCause.DEMAND)])
    bench.succeed(1.0)
    assert bench.limit.limit == 6


def test_a_limit_that_is_not_used_is_not_raised() -> None:
    bench = Bench(start=4)
    bench.succeed(1.0, 100, all_used=False)
    assert (bench.limit.limit, bench.changes) == (4, [])


def test_it_stops_at_the_maximum() -> None:
    bench = Bench(start=2, max=3)
    bench.succeed(1.0, 100)
    assert (bench.limit.limit, bench.changes) == (3, [(3, LimitCause.DEMAND)])


def test_overload_halves_once_for_each_round_down_to_the_floor() -> None:
    bench = Bench(start=9, floor=2)
    for _ in range(9):
        bench.limit.overloaded(started_s=90.0, now_s=100.0)
    assert bench.limit.limit == 4
    bench.limit.overloaded(started_s=99.9, now_s=101.0)
    assert bench.limit.limit == 4
    bench.limit.overloaded(started_s=100.0, now_s=102.0)
    assert bench.limit.limit == 2
    bench.limit.overloaded(started_s=103.0, now_s=104.0)
    assert bench.changes == [(4, LimitCause.OVERLOAD), (2, LimitCause.OVERLOAD)]
    bench.now_s = 104.0
    bench.succeed(1.0, 2)
    assert bench.limit.limit == 2
    bench.succeed(1.0)
    assert bench.limit.limit == 3


def test_calls_from_before_a_cut_do_not_undo_it() -> None:
    bench = Bench(start=4)
    bench.limit.overloaded(started_s=90.0, now_s=100.0)
    for _ in range(10):
        bench.limit.succeeded(started_s=99.9, now_s=101.0, cost=1.0, all_used=True)
    assert bench.limit.limit == 2
    assert bench.limit.expected_s(1.0) == pytest.approx(1.1)
    for _ in range(3):
        bench.limit.succeeded(started_s=100.0, now_s=101.1, cost=1.0, all_used=True)
    assert bench.limit.limit == 3


def test_queueing_over_there_takes_a_tenth() -> None:
    bench = Bench(start=10)
    bench.succeed(1.0, all_used=False)
    bench.succeed(11.0, all_used=False)  # smoothed to 2.0, against twice a baseline of 1.0002
    assert bench.changes == []
    bench.succeed(2.25, all_used=False)  # 2.025 > 2 x 1.0002 x 1.0002
    assert bench.changes == [(9, LimitCause.QUEUE_TIME)]


def test_the_present_time_of_a_call_is_smoothed_and_follows_the_cost() -> None:
    bench = Bench()
    assert bench.limit.expected_s(1.0) is None
    assert bench.limit.call_s is None
    assert bench.limit.too_long_s(1.0) == 0.0
    bench.succeed(4.0, cost=2.0)
    assert bench.limit.expected_s(1.0) == 2.0
    bench.succeed(5.0, cost=2.0)
    assert bench.limit.expected_s(2.0) == pytest.approx(4.1)
    assert bench.limit.expected_s(3.0) == pytest.approx(6.15)
    assert bench.limit.call_s == pytest.approx(4.1)
    bench.succeed(3.1)
    assert bench.limit.call_s == pytest.approx(4.0)  # whatever they cost
    assert bench.limit.too_long_s(3.0) == pytest.approx(12.3)


def test_a_size_that_was_never_seen_is_judged_by_the_nearest_one() -> None:
    bench = Bench()
    bench.succeed(4.0, cost=2.0)
    bench.succeed(1.0, cost=0.1)
    assert bench.limit.expected_s(1.0) == pytest.approx(2.0)
    assert bench.limit.expected_s(0.15) == pytest.approx(1.5)
    bench.succeed(3.0)
    assert bench.limit.expected_s(1.0) == pytest.approx(3.0)


@pytest.mark.parametrize("seed", range(3))
def test_small_pictures_among_large_pages_are_no_queue(seed: int) -> None:
    """What every call takes besides makes a small one ten times as long for its cost."""
    bench, rng = Bench(start=8), random.Random(seed)
    for _ in range(2000):
        cost = rng.choice((0.1, 0.1, 2.0))
        bench.succeed((1.0 + 1.5 * cost) * rng.uniform(0.8, 1.25), cost=cost, all_used=False)
    assert bench.changes == []


def test_a_slower_model_is_believed_once_the_limit_is_at_the_floor() -> None:
    bench = Bench(start=8, floor=2)
    bench.succeed(1.0, 20, all_used=False)
    bench.succeed(3.0, 100)
    assert min(limit for limit, _ in bench.changes) == 2
    assert bench.limit.limit > 8


def test_one_lucky_time_is_forgotten() -> None:
    bench = Bench(start=8)
    bench.succeed(1.0, all_used=False)
    bench.succeed(1.9, 4000, all_used=False)
    assert bench.changes == []
    assert bench.limit._paces[0].baseline_s == pytest.approx(1.9, rel=1e-6)


def test_a_quicker_model_is_believed_at_once() -> None:
    bench = Bench(start=4)
    bench.succeed(10.0, 5, all_used=False)
    bench.succeed(1.0, 100, all_used=False)
    bench.succeed(10.0, 2, all_used=False)
    assert bench.changes == [(3, LimitCause.QUEUE_TIME)]


def test_defaults() -> None:
    assert AdaptiveLimitOptions() == AdaptiveLimitOptions(
        floor=1, start=4, max=32, queue_tolerance=2.0, queue_backoff=0.9, overload_backoff=0.5
    )


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"floor": 0}, "need 1 <= floor <= start <= max"),
        ({"floor": 5}, "need 1 <= floor <= start <= max"),
        ({"max": 3}, "need 1 <= floor <= start <= max"),
        ({"queue_tolerance": 1.0}, "queue_tolerance must be above 1"),
        ({"queue_backoff": 0.0}, "queue_backoff must be between 0 and 1"),
        ({"queue_backoff": 1.0}, "queue_backoff must be between 0 and 1"),
        ({"overload_backoff": 0.0}, "overload_backoff must be between 0 and 1"),
        ({"overload_backoff": 1.0}, "overload_backoff must be between 0 and 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        AdaptiveLimitOptions(**options)


def test_options_at_their_bounds_are_taken() -> None:
    assert AdaptiveLimitOptions(floor=1, start=1, max=1).max == 1
