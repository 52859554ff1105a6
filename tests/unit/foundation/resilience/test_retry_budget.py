from __future__ import annotations

import random
import re

import pytest

from ironleaf.faults.clock import ManualClock
from ironleaf.foundation.resilience import RetryBudget, RetryBudgetOptions
from ironleaf.foundation.resilience.sliding_count import SlidingCount


def test_a_count_forgets_after_its_window() -> None:
    count = SlidingCount(60.0)
    for now_s in (0.0, 0.9, 1.0, 30.0):
        count.add(now_s)
    assert [count.total(now_s) for now_s in (30.0, 60.9, 61.0, 61.9, 62.0, 90.9, 91.0)] == [4, 4, 2, 2, 1, 1, 0]
    count.add(200.0)
    assert count.total(200.0) == 1


def test_the_width_of_a_bucket_follows_the_window() -> None:
    count = SlidingCount(600.0)
    count.add(0.0)
    assert [count.total(609.9), count.total(610.0)] == [1, 0]


def test_memory_is_bounded() -> None:
    count = SlidingCount(60.0)
    for tick in range(10_000):
        count.add(tick / 10.0)
        count.total(tick / 10.0)
    assert len(count._buckets) == 61


def test_a_fifth_of_the_calls_may_be_retried(clock) -> None:
    budget = RetryBudget(options=RetryBudgetOptions(), clock=clock)
    for _ in range(20):
        budget.count_call()
    assert [budget.try_spend() for _ in range(5)] == [True, True, True, True, False]
    for _ in range(4):
        budget.count_call()
    assert not budget.try_spend()
    budget.count_call()
    assert budget.try_spend()
    assert not budget.try_spend()


def test_the_floor_gives_one_in_ten_seconds(clock) -> None:
    budget = RetryBudget(options=RetryBudgetOptions(), clock=clock)
    assert budget.try_spend()
    assert not budget.try_spend()
    clock.advance(9.9)
    assert not budget.try_spend()
    clock.advance(0.1)
    assert budget.try_spend()
    given = 0
    for _ in range(100):
        clock.advance(10.0)
        given += budget.try_spend()
    assert given == 100 - 100 // 7  # a sliding minute holds six


def test_the_floor_never_comes_on_top_of_the_share(clock) -> None:
    budget = RetryBudget(options=RetryBudgetOptions(), clock=clock)
    for _ in range(50):
        budget.count_call()
    assert sum(budget.try_spend() for _ in range(50)) == 10
    for _ in range(5):
        clock.advance(10.0)
        assert not budget.try_spend()


def test_calls_and_retries_leave_with_the_window(clock) -> None:
    budget = RetryBudget(options=RetryBudgetOptions(), clock=clock)
    for _ in range(50):
        budget.count_call()
    assert budget.try_spend()
    clock.advance(61.0)
    assert budget.try_spend()  # by the floor
    assert not budget.try_spend()


@pytest.mark.parametrize("calls_per_s", [1.0, 3.0, 20.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_full_outage_is_amplified_by_a_fifth_at_most(calls_per_s: float, seed: int) -> None:
    rng, clock = random.Random(seed), ManualClock()
    budget = RetryBudget(options=RetryBudgetOptions(), clock=clock)
    calls = retries = 0
    while clock.monotonic() < 1800.0:
        clock.advance(rng.expovariate(calls_per_s))
        budget.count_call()
        calls += 1
        retries += sum(budget.try_spend() for _ in range(2))
    assert 1.1 < (calls + retries) / calls <= 1.2


def test_defaults() -> None:
    assert RetryBudgetOptions() == RetryBudgetOptions(share=0.2, window_s=60.0, floor_interval_s=10.0)


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"share": -0.1}, "share must be between 0 and 1"),
        ({"share": 1.1}, "share must be between 0 and 1"),
        ({"window_s": 0.0}, "window_s must be above zero"),
        ({"floor_interval_s": 0.0}, "floor_interval_s must be above 0, at most window_s"),
        ({"floor_interval_s": 60.1}, "floor_interval_s must be above 0, at most window_s"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        RetryBudgetOptions(**options)


def test_options_at_their_bounds_are_taken() -> None:
    assert RetryBudgetOptions(share=0.0, window_s=0.5, floor_interval_s=0.5).share == 0.0
    assert RetryBudgetOptions(share=1.0).share == 1.0
