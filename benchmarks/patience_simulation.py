"""Whom patience cuts by mistake, and how soon it sees a slow server.

    python -m benchmarks.patience_simulation [--weeks 20] [--seed N]

Poisson traffic at 6 calls a minute; the time to the first sign is lognormal around 1 s for each megapixel, pages have
six sizes. `bursts` triple the times for ten minutes of every two hours, as another user of the same card does. Every
cut counts as a failure with the breaker, on top of the 2 % that fail while all is well: what that does to its false
openings comes from benchmarks/breaker_simulation.py with the share raised. For slow servers: calls until the product's
own breaker opens, and what each of them lost. Exit code 1 if the false openings pass the breaker's own target.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from dataclasses import dataclass

import numpy as np
from benchmarks.breaker_simulation import BASE_SHARE, FALSE_TARGET_A_WEEK, false_openings_vectorised

from ironleaf.foundation.resilience.breaker_options import BreakerOptions
from ironleaf.foundation.resilience.breaker_state import (
    Admission,
    BreakerMachine,
    BreakerState,
    CallResult,
    ResultKind,
    Transition,
)
from ironleaf.foundation.resilience.patience import Pace, PatienceOptions

CALLS_PER_S = 0.1
WEEK_S = 7 * 86_400.0
COSTS = (0.1, 0.3, 0.6, 1.2, 2.0, 2.0, 2.0)
"""Megapixels: full pages are the most frequent."""
BURST_EVERY_S = 7_200.0
BURST_S = 600.0
BURST_FACTOR = 3.0
FALSE_WEEKS = 20_000
GOOD = CallResult(kind=ResultKind.GOOD)
FAILED = CallResult(kind=ResultKind.FAILED)


@dataclass(slots=True)
class Breaker:
    """Counts openings of the product's state machine."""

    machine: BreakerMachine
    opened: int = 0

    def tell(self, now_s: float, *, failed: bool) -> None:
        admission = self.machine.admit(now_s)
        if isinstance(admission, Admission):
            self.machine.record(admission, FAILED if failed else GOOD, now_s)


def make_breaker(rng: random.Random) -> Breaker:
    def note(transition: Transition) -> None:
        breaker.opened += transition.state is BreakerState.OPEN

    breaker = Breaker(BreakerMachine(BreakerOptions(), random=rng, now_s=0.0, on_transition=note))
    return breaker


def cut_share(options: PatienceOptions, *, spread: float, burst: bool, weeks: float, rng: random.Random) -> float:
    """Return which part of a healthy server's calls is cut."""
    pace = Pace(options)
    now_s, calls, cut = 0.0, 0, 0
    while now_s < weeks * WEEK_S:
        now_s += rng.expovariate(CALLS_PER_S)
        calls += 1
        cost = rng.choice(COSTS)
        taken_s = draw_silence(cost, spread, rng)
        if burst and now_s % BURST_EVERY_S < BURST_S:
            taken_s *= BURST_FACTOR
        cut += is_late(pace, taken_s, cost)
    return cut / calls


def false_openings(extra_share: float, seed: int) -> float:
    """Return the false openings a week where so many calls fail on top of the usual ones."""
    return false_openings_vectorised(
        round(60 * CALLS_PER_S),
        options=BreakerOptions(),
        weeks=FALSE_WEEKS,
        lanes=10_000,
        rng=np.random.default_rng(seed),
        share=BASE_SHARE + extra_share,
    )


def run_slow(options: PatienceOptions, *, spread: float, factor: float, rng: random.Random) -> tuple[int | None, float]:
    """Return the calls until the breaker opened (none within a hundred) and what a cut one lost, in seconds."""
    pace, breaker = Pace(options), make_breaker(rng)
    now_s, lost = 0.0, list[float]()
    for number in range(400):
        now_s += rng.expovariate(CALLS_PER_S)
        cost = rng.choice(COSTS)
        taken_s = draw_silence(cost, spread, rng) * (factor if number >= 300 else 1.0)
        limit_s = pace.patience_s(cost)
        late = is_late(pace, taken_s, cost)
        if number >= 300 and late and limit_s is not None:
            lost.append(limit_s)
        breaker.tell(now_s, failed=late)
        if number >= 300 and breaker.opened:
            return number - 299, statistics.mean(lost)
    return None, statistics.mean(lost) if lost else 0.0


def is_late(pace: Pace, taken_s: float, cost: float) -> bool:
    limit_s = pace.patience_s(cost)
    late = limit_s is not None and taken_s > limit_s
    if late:
        pace.count_cut(cost)
    else:
        pace.observe(taken_s, cost=cost)
    return late


def draw_silence(cost: float, spread: float, rng: random.Random) -> float:
    return cost * rng.lognormvariate(0.0, spread)


def describe_slow(options: PatienceOptions, spread: float, factor: float, seed: int) -> str:
    runs = [
        run_slow(options, spread=spread, factor=factor, rng=random.Random(seed + each))  # noqa: S311
        for each in range(60)
    ]
    opened = [calls for calls, _ in runs if calls is not None]
    if len(opened) < len(runs) / 2:
        return f"{len(opened)} of {len(runs)} opened"
    return f"{statistics.median(opened):.0f} calls, {statistics.mean(lost for _, lost in runs):.1f} s each"


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--weeks", type=float, default=20.0)
    arguments.add_argument("--seed", type=int, default=2026)
    arguments.add_argument("--share", type=float, default=PatienceOptions().usual_share)
    arguments.add_argument("--factor", type=float, default=PatienceOptions().factor)
    chosen = arguments.parse_args()
    options = PatienceOptions(usual_share=chosen.share, factor=chosen.factor)
    print(f"false openings a week without patience: {false_openings(0.0, chosen.seed):.3f}\n")
    print("| spread | bursts | cut by mistake | false openings a week | 10x | 30x | 100x |")
    print("|---|---|---|---|---|---|---|")
    worst = 0.0
    for spread in (0.3, 0.5, 0.8):
        for burst in (False, True):
            rng = random.Random(chosen.seed)  # noqa: S311
            share = cut_share(options, spread=spread, burst=burst, weeks=chosen.weeks, rng=rng)
            false = false_openings(share, chosen.seed)
            worst = max(worst, false)
            slow = " | ".join(describe_slow(options, spread, factor, chosen.seed) for factor in (10.0, 30.0, 100.0))
            print(f"| {spread} | {'yes' if burst else 'no'} | {share:.4%} | {false:.3f} | {slow} |")
    return 0 if worst <= FALSE_TARGET_A_WEEK else 1


if __name__ == "__main__":
    sys.exit(main())
