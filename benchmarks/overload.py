"""Goodput of the adaptive bulkhead when twice as much comes in as the model server can do.

    python benchmarks/overload.py [--slots N] [--service-s S] [--seconds S] [--seed N]

Open-loop Poisson arrivals against a server in this process that works on so
many calls at once and lets the others wait inside, as model servers do. Real
asyncio, real time, small service times. Goodput: answers within the caller's
deadline, a second. Peak: the best goodput at any of the loads.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from dataclasses import dataclass, field

from ironleaf.foundation.clock import Deadline, SystemClock
from ironleaf.foundation.resilience import (
    AttemptTimeout,
    AttemptTimeoutOptions,
    Bulkhead,
    BulkheadFull,
    BulkheadOptions,
    CallContext,
    FailureVerdict,
    Pipeline,
    TimeRanOut,
)

LOADS = (0.5, 0.8, 1.0, 1.2, 2.0)
DEADLINE_S = 1.0
ATTEMPT_TIMEOUT_S = 0.6
GOODPUT_TARGET = 0.95
REFUSAL_TARGET_S = 0.05
CLOCK = SystemClock()


class SlowServer:
    """Works on ``slots`` calls at once; the others wait inside, unseen."""

    def __init__(self, slots: int, service_s: float, rng: random.Random) -> None:
        self.capacity_per_s = slots / service_s
        self._slots = asyncio.Semaphore(slots)
        self._service_s = service_s
        self._rng = rng

    async def answer(self, _context: CallContext) -> str:
        async with self._slots:
            # Pages differ: half to one and a half times the usual time.
            await CLOCK.sleep(self._service_s * self._rng.uniform(0.5, 1.5))
        return "text"


@dataclass
class Outcome:
    answered_s: list[float] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)
    retry_after_s: list[float] = field(default_factory=list)
    late: int = 0
    limit: int = 0
    lasted_s: float = 0.0

    @property
    def goodput(self) -> float:
        return len(self.answered_s) / self.lasted_s


def verdict(_failure: Exception) -> FailureVerdict:
    return FailureVerdict(retry_same=False)


async def run(load: float, server: SlowServer, *, seconds: float, rng: random.Random, guarded: bool) -> Outcome:
    outcome = Outcome()
    bulkhead = Bulkhead("server", options=BulkheadOptions(), classify=verdict, clock=CLOCK)
    timeout = AttemptTimeout("server", options=AttemptTimeoutOptions(timeout_s=ATTEMPT_TIMEOUT_S), clock=CLOCK)
    pipeline = Pipeline([bulkhead, timeout] if guarded else [timeout])
    began_s = CLOCK.monotonic()
    due_s = began_s
    async with asyncio.TaskGroup() as callers:
        while due_s < began_s + seconds:
            due_s += rng.expovariate(load * server.capacity_per_s)
            await CLOCK.sleep(max(0.0, due_s - CLOCK.monotonic()))
            callers.create_task(one_caller(pipeline, server, outcome))
    outcome.lasted_s = CLOCK.monotonic() - began_s
    outcome.limit = bulkhead.snapshot().limit
    return outcome


async def one_caller(pipeline: Pipeline, server: SlowServer, outcome: Outcome) -> None:
    began_s = CLOCK.monotonic()
    context = CallContext(deadline=Deadline.after(DEADLINE_S, CLOCK))
    try:
        await pipeline.execute(server.answer, context)
        outcome.answered_s.append(CLOCK.monotonic() - began_s)
    except BulkheadFull as full:
        outcome.refused_s.append(CLOCK.monotonic() - began_s)
        outcome.retry_after_s.append(full.retry_after_s)
    except TimeRanOut:
        outcome.late += 1


def part(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--slots", type=int, default=4, help="calls that the server works on at once")
    options.add_argument("--service-s", type=float, default=0.04, help="usual time of a call")
    options.add_argument("--seconds", type=float, default=8.0, help="for each load")
    options.add_argument("--seed", type=int, default=2026)
    chosen = options.parse_args()
    rng = random.Random(chosen.seed)  # noqa: S311
    began_s = time.monotonic()
    print(
        "| load | goodput/s | answered p50 / p99 | refused | refusal p99 / longest | Retry-After p50 | late | limit |"
    )
    print("|---|---|---|---|---|---|---|---|")

    def measure(load: float, *, guarded: bool) -> Outcome:
        server = SlowServer(chosen.slots, chosen.service_s, rng)
        return asyncio.run(run(load, server, seconds=chosen.seconds, rng=rng, guarded=guarded))

    outcomes = {load: measure(load, guarded=True) for load in LOADS}
    for load, outcome in outcomes.items():
        print_row(f"{load:.1f}x", outcome)
    print_row("2.0x, no bulkhead", measure(2.0, guarded=False))
    peak = max(outcome.goodput for outcome in outcomes.values())
    kept, slowest_s = outcomes[2.0].goodput / peak, max(outcomes[2.0].refused_s)
    print(f"\nat twice the load: {100 * kept:.1f} % of the peak; slowest refusal {1000 * slowest_s:.1f} ms")
    print(f"took {time.monotonic() - began_s:.0f} s")
    return 0 if kept >= GOODPUT_TARGET and part(outcomes[2.0].refused_s, 0.99) <= REFUSAL_TARGET_S else 1


def print_row(name: str, outcome: Outcome) -> None:
    answered, refused = outcome.answered_s, outcome.refused_s
    print(
        f"| {name} | {outcome.goodput:.1f} | {part(answered, 0.5):.3f} / {part(answered, 0.99):.3f} s | {len(refused)} "
        f"| {1000 * part(refused, 0.99):.1f} / {1000 * max(refused, default=0.0):.1f} ms "
        f"| {part(outcome.retry_after_s, 0.5):.2f} s | {outcome.late} | {outcome.limit} |"
    )


if __name__ == "__main__":
    sys.exit(main())
