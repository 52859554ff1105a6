from __future__ import annotations

import math
import re

import pytest

from ironleaf.foundation.resilience import BreakerOptions, Cusum, CusumOptions
from ironleaf.foundation.resilience.cusum import CallRate

FAILED = math.log(0.3 / 0.02)
GOOD = math.log(0.7 / 0.98)


@pytest.fixture
def cusum() -> Cusum:
    return Cusum(CusumOptions(sick_share=0.3, threshold=11.0))


def test_evidence_adds_up_and_good_calls_never_save_up_credit(cusum) -> None:
    assert cusum.score == 0.0
    cusum.add(failed=False)
    assert cusum.score == 0.0
    cusum.add(failed=True)
    assert cusum.score == pytest.approx(FAILED)
    cusum.add(failed=True)
    cusum.add(failed=False)
    assert cusum.score == pytest.approx(2 * FAILED + GOOD)
    cusum.clear()
    assert cusum.score == 0.0


@pytest.mark.parametrize(
    ("calls_per_minute", "threshold"),
    [
        (0.0, 11.0),
        (6.0, 11.0),
        (12.0, 11.0 + 1.1 * math.log(2)),
        (60.0, 11.0 + 1.1 * math.log(10)),
        (600.0, 11.0 + 1.1 * math.log(100)),
    ],
)
def test_the_threshold_grows_with_traffic(cusum, calls_per_minute, threshold) -> None:
    assert cusum.threshold(calls_per_minute) == pytest.approx(threshold)


def test_it_is_alarmed_at_the_threshold(cusum) -> None:
    exact = Cusum(CusumOptions(sick_share=0.3, threshold=2 * FAILED))
    exact.add(failed=True)
    assert not exact.alarmed(6.0)
    exact.add(failed=True)
    assert exact.alarmed(6.0)
    assert not exact.alarmed(7.0)
    for _ in range(4):
        cusum.add(failed=True)
    assert not cusum.alarmed(6.0)
    cusum.add(failed=True)
    assert cusum.alarmed(6.0)


def test_the_rate_is_learnt_and_fades() -> None:
    rate = CallRate(600.0)
    assert rate.per_minute(5000.0) == 0.0
    rate.count(5000.0)
    assert rate.per_minute(5000.0) == pytest.approx(0.1)
    assert rate.per_minute(5600.0) == pytest.approx(0.1 / math.e)
    for second in range(5001, 10_000):
        rate.count(float(second))
    assert rate.per_minute(10_000.0) == pytest.approx(60.0, rel=0.01)
    assert rate.per_minute(10_600.0) == pytest.approx(60.0 / math.e, rel=0.01)
    assert CallRate()._window_s == 600.0


def test_the_chosen_detectors() -> None:
    chosen = (CusumOptions(sick_share=0.5, threshold=12.6), CusumOptions(sick_share=0.22, threshold=10.3))
    assert BreakerOptions().failure_detectors == BreakerOptions().content_detectors == chosen
    assert {each.healthy_share for each in chosen} == {0.02}


def test_a_small_threshold_is_taken() -> None:
    assert CusumOptions(sick_share=0.3, threshold=0.5).threshold == 0.5


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"healthy_share": 0.0}, "need 0 < healthy_share < sick_share < 1"),
        ({"healthy_share": 0.3}, "need 0 < healthy_share < sick_share < 1"),
        ({"sick_share": 1.0}, "need 0 < healthy_share < sick_share < 1"),
        ({"threshold": 0.0}, "threshold must be above zero"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        CusumOptions(**{"sick_share": 0.3, "threshold": 11.0, **options})
