from __future__ import annotations

import asyncio
import re

import pytest

from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.resilience import (
    AttemptCut,
    AttemptTimedOut,
    AttemptTimeout,
    AttemptTimeoutOptions,
    CallContext,
    DeadlineExceeded,
    DeadlineShare,
    DeadlineShareOptions,
    RequestDeadline,
)
from ironleaf.foundation.resilience.deadline import shared_deadline
from ironleaf.foundation.resilience.time_limit import Overrun, run_within

SOON_S = 1 / 128
"""A binary fraction, so that sums with the clock's time are exact."""


class Silent:
    """Never answers, and notes that it was cancelled."""

    def __init__(self) -> None:
        self.started = 0
        self.cancelled = 0

    async def __call__(self, _context: CallContext | None = None) -> str:
        self.started += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return "never"


async def remaining(context: CallContext) -> float:
    return context.deadline.remaining_s()


async def own_timeout(_context: CallContext | None = None) -> str:
    raise TimeoutError("of the call itself")


@pytest.mark.anyio
async def test_an_overrun_cancels_the_call() -> None:
    silent = Silent()
    with pytest.raises(Overrun):
        await run_within(SOON_S, silent)
    assert (silent.started, silent.cancelled) == (1, 1)


@pytest.mark.anyio
@pytest.mark.parametrize("limit_s", [0.0, -1.0])
async def test_no_time_starts_nothing(limit_s: float) -> None:
    silent = Silent()
    with pytest.raises(Overrun):
        await run_within(limit_s, silent)
    assert silent.started == 0


@pytest.mark.anyio
async def test_the_calls_own_timeout_is_not_ours(clock, make_context) -> None:
    with pytest.raises(TimeoutError, match="of the call itself"):
        await run_within(5.0, own_timeout)
    policy = AttemptTimeout("alpha", options=AttemptTimeoutOptions(), clock=clock)
    with pytest.raises(TimeoutError, match="of the call itself"):
        await policy.execute(own_timeout, make_context())


@pytest.mark.anyio
async def test_an_attempt_is_cut_at_its_own_limit(clock, events, make_context) -> None:
    policy = AttemptTimeout(
        "alpha", options=AttemptTimeoutOptions(timeout_s=SOON_S), clock=clock, on_event=events.append
    )
    with pytest.raises(AttemptTimedOut) as caught:
        await policy.execute(Silent(), make_context(within_s=SOON_S))
    assert caught.value.allowed_s == SOON_S
    with pytest.raises(AttemptTimedOut) as caught:
        await policy.execute(Silent(), make_context())
    assert caught.value.allowed_s == SOON_S
    assert caught.value.__cause__ is None
    assert events[1] == AttemptCut(name="alpha", at_s=1000.0, allowed_s=SOON_S, by_deadline=False)
    assert policy.name == "alpha"


@pytest.mark.anyio
async def test_an_attempt_is_cut_at_the_deadline_when_that_comes_first(clock, events, make_context) -> None:
    policy = AttemptTimeout("alpha", options=AttemptTimeoutOptions(), clock=clock, on_event=events.append)
    silent = Silent()
    with pytest.raises(DeadlineExceeded) as caught:
        await policy.execute(silent, make_context(within_s=0.0))
    assert (silent.started, caught.value.allowed_s) == (0, 0.0)
    with pytest.raises(DeadlineExceeded) as caught:
        await policy.execute(silent, make_context(within_s=SOON_S))
    assert caught.value.allowed_s == SOON_S
    assert [event.by_deadline for event in events] == [True, True]
    assert await policy.execute(remaining, make_context(within_s=7.0)) == 7.0


@pytest.mark.anyio
async def test_the_request_ends_at_its_deadline(make_context) -> None:
    policy = RequestDeadline("request")
    silent = Silent()
    with pytest.raises(DeadlineExceeded) as caught:
        await policy.execute(silent, make_context(within_s=SOON_S))
    assert caught.value.allowed_s == SOON_S
    with pytest.raises(DeadlineExceeded):
        await policy.execute(silent, make_context(within_s=0.0))
    assert silent.started == 1
    assert await policy.execute(remaining, make_context(within_s=7.0)) == 7.0
    assert policy.name == "request"


@pytest.mark.parametrize(
    ("share", "reserve_s", "expected_s"),
    [(0.6, 0.0, 30.0), (0.6, 10.0, 30.0), (0.6, 20.0, 30.0), (0.6, 30.0, 20.0), (1.0, 0.0, 50.0), (1.0, 60.0, -10.0)],
)
def test_an_alternative_gets_its_share_and_never_the_reserve(clock, share, reserve_s, expected_s) -> None:
    options = DeadlineShareOptions(share=share, reserve_s=reserve_s)
    shared = shared_deadline(Deadline.after(50.0, clock), options=options)
    assert shared.ends_at_s - 1000.0 == pytest.approx(expected_s)
    assert shared.clock is clock


@pytest.mark.anyio
async def test_the_last_alternative_gets_all_the_time_there_is(make_context) -> None:
    policy = DeadlineShare("alpha", options=DeadlineShareOptions(share=0.5, reserve_s=1.0))
    assert await policy.execute(remaining, make_context(within_s=10.0, alternative_left=True)) == 5.0
    assert await policy.execute(remaining, make_context(within_s=10.0)) == 10.0
    assert policy.name == "alpha"
    with pytest.raises(DeadlineExceeded):
        await policy.execute(Silent(), make_context(within_s=2 * SOON_S, alternative_left=True))
    with pytest.raises(DeadlineExceeded):
        await policy.execute(Silent(), make_context(within_s=0.9, alternative_left=True))
    with pytest.raises(DeadlineExceeded):
        await policy.execute(Silent(), make_context(within_s=SOON_S))


def test_defaults() -> None:
    assert AttemptTimeoutOptions().timeout_s == 60.0
    assert DeadlineShareOptions() == DeadlineShareOptions(share=0.6, reserve_s=0.0)


@pytest.mark.parametrize(
    ("kind", "options", "rule"),
    [
        (AttemptTimeoutOptions, {"timeout_s": 0.0}, "timeout_s must be above zero"),
        (DeadlineShareOptions, {"share": 0.0}, "share must be above 0 and at most 1"),
        (DeadlineShareOptions, {"share": 1.01}, "share must be above 0 and at most 1"),
        (DeadlineShareOptions, {"reserve_s": -0.1}, "reserve_s must not be below zero"),
    ],
)
def test_options_that_make_no_sense_are_refused(kind, options, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(rule)}$"):
        kind(**options)
