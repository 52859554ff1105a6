"""How soon the breaker sees an outage, and how often it cries wolf.

    python benchmarks/breaker_simulation.py [--quick] [--single] [--seed N]

Poisson traffic, failures independent, 2 % of the calls failing while all is well.
Detection times come from the product's own state machine, fed call by call: ten
minutes of healthy traffic (a hundred calls at least), then the outage; the time
runs from its onset, which the caller does not know, to the opening. False
openings are rarer than one in half a million calls: they come from the same
detectors in vectorised form, which jumps from failure to failure, and are
cross-checked against the state machine at 6 calls a minute.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ironleaf.foundation.resilience.breaker_options import BreakerOptions
from ironleaf.foundation.resilience.breaker_state import (
    Admission,
    BreakerMachine,
    BreakerState,
    CallResult,
    ResultKind,
    Transition,
)
from ironleaf.foundation.resilience.cusum import RATE_WINDOW_S, Cusum, CusumOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATES_PER_MINUTE = (6, 60, 600)
OUTAGES = (1.0, 0.5, 0.2)
BASE_SHARE = 0.02
WEEK_MINUTES = 7 * 24 * 60
DETECTION_TARGETS_S = (45.0, 95.0, 300.0)
"""Medians at 6 calls a minute, for the outages above."""
FALSE_TARGET_A_WEEK = 0.15
SINGLE = BreakerOptions(failure_detectors=(CusumOptions(sick_share=0.3, threshold=11.0),))
"""One CUSUM of 2 % against 30 %, for comparison with the chosen pair."""
GOOD = CallResult(kind=ResultKind.GOOD)
FAILED = CallResult(kind=ResultKind.FAILED)


@dataclass(frozen=True)
class Row:
    rate_per_minute: int
    false_a_week: float
    detection_s: tuple[tuple[float, float, float], ...]
    """Median, mean and 90th percentile for each outage."""


class Drive:
    """One breaker under simulated traffic."""

    def __init__(self, rate_per_minute: float, options: BreakerOptions, rng: random.Random) -> None:
        self._rng = rng
        self._rate_per_s = rate_per_minute / 60.0
        self.now_s = 0.0
        self.opened = 0
        self._machine = BreakerMachine(options, random=rng, now_s=0.0, on_transition=self._note)

    def _note(self, transition: Transition) -> None:
        self.opened += transition.state is BreakerState.OPEN

    def call(self, failing_share: float) -> None:
        self.now_s += self._rng.expovariate(self._rate_per_s)
        admission = self._machine.admit(self.now_s)
        if not isinstance(admission, Admission):
            return
        result = FAILED if self._rng.random() < failing_share else GOOD
        self._machine.record(admission, result, self.now_s)


def detection_s(
    rate_per_minute: int, share: float, *, options: BreakerOptions, trials: int, rng: random.Random
) -> tuple[float, float, float]:
    taken: list[float] = []
    while len(taken) < trials:
        drive = Drive(rate_per_minute, options, rng)
        for _ in range(max(100, rate_per_minute * 10)):
            drive.call(BASE_SHARE)
        if drive.opened:
            continue
        onset_s = drive.now_s
        while not drive.opened:
            drive.call(share)
        taken.append(drive.now_s - onset_s)
    return float(np.median(taken)), float(np.mean(taken)), float(np.percentile(taken, 90))


def false_openings_machine(rate_per_minute: int, *, options: BreakerOptions, weeks: int, rng: random.Random) -> float:
    drive = Drive(rate_per_minute, options, rng)
    while drive.now_s < weeks * WEEK_MINUTES * 60.0:
        drive.call(BASE_SHARE)
    return drive.opened / weeks


def false_openings_vectorised(
    rate_per_minute: int,
    *,
    options: BreakerOptions,
    weeks: float,
    lanes: int,
    rng: np.random.Generator,
    share: float = BASE_SHARE,
) -> float:
    """Count openings of many independent breakers in step, one step for each failure.

    Between two failures only good calls come, so the score falls in a straight line to zero at the lowest;
    the rate estimate is advanced by its expectation over the gap.
    """
    detectors = [Cusum(each) for each in options.failure_detectors]
    failed_steps, good_steps = zip(*(steps(each) for each in detectors), strict=True)
    scores: list[NDArray[np.float64]] = [np.zeros(lanes) for _ in detectors]
    fading = np.full(lanes, rate_per_minute / 60.0 * RATE_WINDOW_S)
    openings = 0
    for _ in range(int(weeks * WEEK_MINUTES * rate_per_minute * share / lanes)):
        calls = rng.geometric(share, lanes)
        gap_s = rng.gamma(calls, 60.0 / rate_per_minute)
        kept = np.exp(-gap_s / RATE_WINDOW_S)
        fading = fading * kept + calls * (1.0 - kept) * RATE_WINDOW_S / gap_s
        growth = threshold_growth(detectors[0], fading * 60.0 / RATE_WINDOW_S)
        alarmed = np.zeros(lanes, dtype=bool)
        for place, detector in enumerate(detectors):
            score = np.maximum(0.0, scores[place] + good_steps[place] * (calls - 1)) + failed_steps[place]
            scores[place] = score
            alarmed |= score >= detector.threshold(0.0) + growth
        openings += int(alarmed.sum())
        for score in scores:
            score[alarmed] = 0.0
    return openings / weeks


def steps(detector: Cusum) -> tuple[float, float]:
    """Return how one failure and one success move the score, as the detector itself does it."""
    detector.clear()
    path = [detector.score]
    for failed in (True, False):
        detector.add(failed=failed)
        path.append(detector.score)
    detector.clear()
    up, down = (after - before for before, after in pairwise(path))
    return up, down


def threshold_growth(detector: Cusum, rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the detector's own growth of the threshold for many rates, from its values at a few hundred."""
    grid = np.geomspace(0.1, 10_000.0, 2_000)
    values = np.array([detector.threshold(rate) - detector.threshold(0.0) for rate in grid])
    return np.interp(np.log(rates), np.log(grid), values)


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--quick", action="store_true", help="a tenth of the trials")
    arguments.add_argument("--single", action="store_true", help="one CUSUM of 2 %% against 30 %% at 11, to compare")
    arguments.add_argument("--seed", type=int, default=2026)
    chosen = arguments.parse_args()
    options = SINGLE if chosen.single else BreakerOptions()
    scale = 0.1 if chosen.quick else 1.0
    began_s = time.monotonic()
    rng, generator = random.Random(chosen.seed), np.random.default_rng(chosen.seed)  # noqa: S311
    rows = [measure(rate, options=options, scale=scale, rng=rng, generator=generator) for rate in RATES_PER_MINUTE]
    print_table(rows)
    weeks = int(100 * scale)
    checked = false_openings_machine(6, options=options, weeks=weeks, rng=rng)
    print(f"\ncross-check: state machine, 6 calls/min, {weeks} weeks: {checked:.3f} false openings a week")
    print(f"took {time.monotonic() - began_s:.0f} s")
    return 0 if within_targets(rows) else 1


def measure(
    rate: int, *, options: BreakerOptions, scale: float, rng: random.Random, generator: np.random.Generator
) -> Row:
    trials = int({6: 8_000, 60: 400, 600: 100}[rate] * scale)
    weeks = {6: 20_000, 60: 2_000, 600: 500}[rate] * scale
    return Row(
        rate_per_minute=rate,
        false_a_week=false_openings_vectorised(rate, options=options, weeks=weeks, lanes=10_000, rng=generator),
        detection_s=tuple(detection_s(rate, share, options=options, trials=trials, rng=rng) for share in OUTAGES),
    )


def print_table(rows: list[Row]) -> None:
    print("| calls/min | false openings a week | 100 % fail | 50 % fail | 20 % fail |")
    print("|---|---|---|---|---|")
    for row in rows:
        cells = " | ".join(f"{median:.1f} / {mean:.1f} / {p90:.1f} s" for median, mean, p90 in row.detection_s)
        print(f"| {row.rate_per_minute} | {row.false_a_week:.3f} | {cells} |")
    print("\nDetection: median / mean / 90th percentile.")


def within_targets(rows: list[Row]) -> bool:
    slowest = min(rows, key=lambda row: row.rate_per_minute)
    quick_enough = all(
        median <= target for (median, _, _), target in zip(slowest.detection_s, DETECTION_TARGETS_S, strict=True)
    )
    return quick_enough and all(row.false_a_week <= FALSE_TARGET_A_WEEK for row in rows)


if __name__ == "__main__":
    sys.exit(main())
