"""Patience: learned from silences of the same size, ended only where an equal can answer."""

from __future__ import annotations

import asyncio

import pytest

from ironleaf.foundation.resilience import AttemptCut, AttemptTimedOut, CallContext, Pace, Patience, PatienceOptions
from ironleaf.foundation.resilience.base import size_of

SOON_S = 1 / 128
QUICK = PatienceOptions(known_min=2, kept=4, usual_share=0.5, factor=2.0, floor_s=SOON_S, cuts_max=2)


def learn(pace: Pace, *silences_s: float, cost: float = 1.0) -> None:
    for silence_s in silences_s:
        pace.observe(silence_s, cost=cost)


async def pass_time() -> None:
    """Four times as long as anybody's patience here."""
    await asyncio.wait({asyncio.get_running_loop().create_future()}, timeout=4 * SOON_S)


async def silent(context: CallContext) -> str:
    context.silence.begin()
    await asyncio.Event().wait()
    return "never"


async def slow_in_the_middle(context: CallContext) -> str:
    context.silence.begin()
    context.silence.end()
    await pass_time()
    context.silence.end()
    return "whole"


async def soon(context: CallContext) -> str:
    context.silence.begin()
    await pass_time()
    context.silence.end()
    return "in time"


async def mute(_context: CallContext) -> str:
    await pass_time()
    return "answered"


async def own_timeout(context: CallContext) -> str:
    context.silence.begin()
    raise TimeoutError("of the call itself")


def test_nothing_is_known_before_enough_was_seen() -> None:
    pace = Pace(PatienceOptions())
    learn(pace, *[1.0] * 19)
    assert pace.patience_s(1.0) is None
    learn(pace, 1.0)
    assert pace.patience_s(1.0) == 8.0


def test_the_slowest_of_twenty_is_not_usual() -> None:
    pace = Pace(PatienceOptions())
    learn(pace, 50.0, 2.0, *[1.0] * 18)
    assert pace.patience_s(1.0) == 16.0


def test_patience_has_a_floor() -> None:
    pace = Pace(PatienceOptions())
    learn(pace, *[0.01] * 20)
    assert pace.patience_s(1.0) == 1.0


def test_work_of_different_size_is_never_compared() -> None:
    pace = Pace(QUICK)
    learn(pace, 1.0, 1.0, cost=0.1)
    assert pace.patience_s(1.0) is None
    learn(pace, 10.0, 10.0, cost=1.0)
    assert (pace.patience_s(0.12), pace.patience_s(1.9), pace.patience_s(2.0)) == (2.0, 20.0, None)


@pytest.mark.parametrize(("cost", "size"), [(0.1, -4), (0.5, -1), (0.99, -1), (1.0, 0), (1.99, 0), (2.0, 1)])
def test_sizes_are_doublings(cost: float, size: int) -> None:
    assert size_of(cost) == size


def test_only_the_latest_are_kept() -> None:
    pace = Pace(QUICK)
    learn(pace, 9.0, 9.0, 9.0, 9.0, 1.0, 1.0, 1.0)
    assert pace.patience_s(1.0) == 2.0


def test_slowness_that_stays_is_learned_anew() -> None:
    pace = Pace(QUICK)
    learn(pace, 1.0, 1.0)
    pace.count_cut(1.0)
    assert pace.patience_s(1.0) == 2.0
    learn(pace, 1.0)
    pace.count_cut(1.0)
    assert pace.patience_s(1.0) == 2.0, "not in a row"
    pace.count_cut(1.0)
    assert pace.patience_s(1.0) is None
    learn(pace, 30.0, 30.0)
    pace.count_cut(1.0)
    assert pace.patience_s(1.0) == 60.0


@pytest.mark.anyio
async def test_silence_is_cut_where_an_equal_can_answer(clock, events, make_context) -> None:
    policy = Patience("alpha", options=QUICK, clock=clock, on_event=events.append)
    learn(policy.pace, 0.0, 0.0)
    with pytest.raises(AttemptTimedOut) as caught:
        await policy.execute(silent, make_context(equal_left=True))
    assert caught.value.allowed_s == SOON_S
    assert events == [AttemptCut(name="alpha", at_s=1000.0, allowed_s=SOON_S, by_deadline=False)]
    with pytest.raises(AttemptTimedOut):
        await policy.execute(silent, make_context(equal_left=True))
    assert policy.pace.patience_s(1.0) is None, "two cuts in a row"
    assert policy.name == "alpha"


@pytest.mark.anyio
async def test_without_an_equal_it_waits(clock, events, make_context) -> None:
    policy = Patience("alpha", options=QUICK, clock=clock, on_event=events.append)
    learn(policy.pace, 0.0, 0.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(4 * SOON_S):
            await policy.execute(silent, make_context(alternative_left=True))
    assert events == []


@pytest.mark.anyio
@pytest.mark.parametrize(("call", "answer"), [(slow_in_the_middle, "whole"), (mute, "answered")])
async def test_an_answer_that_has_begun_or_a_call_that_says_nothing_is_not_cut(
    clock, make_context, call, answer: str
) -> None:
    policy = Patience("alpha", options=QUICK, clock=clock)
    learn(policy.pace, 0.0, 0.0)
    assert await policy.execute(call, make_context(equal_left=True)) == answer


@pytest.mark.anyio
async def test_whoever_begins_in_time_is_not_cut(clock, make_context) -> None:
    policy = Patience("alpha", options=QUICK, clock=clock)
    learn(policy.pace, 10.0, 10.0)
    assert await policy.execute(soon, make_context(equal_left=True)) == "in time"


@pytest.mark.anyio
async def test_it_learns_from_what_the_call_tells_once(clock, make_context) -> None:
    policy = Patience("alpha", options=QUICK, clock=clock)

    async def answer(context: CallContext) -> None:
        context.silence.end()
        context.silence.begin()
        clock.advance(3.0)
        context.silence.end()
        clock.advance(50.0)
        context.silence.end()

    await policy.execute(answer, make_context())
    assert policy.pace.patience_s(1.0) is None
    await policy.execute(answer, make_context())
    assert policy.pace.patience_s(1.0) == 6.0


@pytest.mark.anyio
async def test_the_calls_own_timeout_passes(clock, make_context) -> None:
    policy = Patience("alpha", options=QUICK, clock=clock)
    with pytest.raises(TimeoutError, match="of the call itself"):
        await policy.execute(own_timeout, make_context(equal_left=True))
    learn(policy.pace, 0.0, 0.0)
    with pytest.raises(TimeoutError, match="of the call itself"):
        await policy.execute(own_timeout, make_context(equal_left=True))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"known_min": 0}, "known_min must be from 1 to kept"),
        ({"known_min": 129}, "known_min must be from 1 to kept"),
        ({"usual_share": 0.0}, "usual_share must be above 0 and at most 1"),
        ({"usual_share": 1.01}, "usual_share must be above 0 and at most 1"),
        ({"factor": 0.9}, "factor must be at least 1"),
        ({"floor_s": 0.0}, "floor_s must be above zero"),
        ({"cuts_max": 0}, "cuts_max must be at least 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, float], rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{rule}$"):
        PatienceOptions(**options)  # type: ignore[arg-type]


def test_the_bounds_themselves_are_allowed() -> None:
    PatienceOptions(known_min=1, kept=1, usual_share=1.0, factor=1.0, cuts_max=1)


def test_defaults() -> None:
    expected = PatienceOptions(kept=128, known_min=20, usual_share=0.95, factor=8.0, floor_s=1.0, cuts_max=12)
    assert PatienceOptions() == expected
