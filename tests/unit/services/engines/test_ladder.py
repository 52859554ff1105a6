"""The ladder: the first good answer, and every step down on record."""

from __future__ import annotations

import asyncio

import pytest

from ironleaf.document import AttemptOutcome, EngineName, PageSource, TextLayer
from ironleaf.faults import FaultyEngine, Late, ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import IronleafError, ModelFailure
from ironleaf.services.engines.base import Capabilities, RecogniseRequest, RungsExhausted
from ironleaf.services.engines.errors import CIRCUIT_OPEN, ENGINE_FAILED, ENGINE_TIMEOUT
from ironleaf.services.engines.ladder import LadderEngine
from ironleaf.services.engines.text_layer import TextLayerEngine

pytestmark = pytest.mark.anyio
PAGE = PageSource(number=1, width_px=10, height_px=10)


def request(clock: ManualClock, timeout_s: float = 10.0) -> RecogniseRequest:
    return RecogniseRequest(deadline=Deadline.after(timeout_s, clock))


def failing(entry: object = ENGINE_FAILED, alias: str = "first") -> FaultyEngine:
    return FaultyEngine(ModelFailure(entry), alias=alias)  # type: ignore[arg-type]


async def test_the_first_rung_that_reads_ends_the_climb_down() -> None:
    clock, last = ManualClock(), FaultyEngine("last", alias="last")
    result = await LadderEngine([failing(), FaultyEngine("second", alias="second"), last], clock=clock).recognise(
        PAGE, request(clock)
    )
    assert (result.text, result.degraded_reason) == ("second", "engine-failed")
    assert [(attempt.engine, attempt.outcome, attempt.reason) for attempt in result.attempts] == [
        ("first", AttemptOutcome.FAILED, "engine-failed"),
        ("second", AttemptOutcome.SUCCEEDED, None),
    ]
    assert last.hits == 0


async def test_the_top_rung_alone_is_no_degradation() -> None:
    clock = ManualClock()
    result = await LadderEngine([FaultyEngine("top"), failing()], clock=clock).recognise(PAGE, request(clock))
    assert result.degraded_reason is None
    assert len(result.attempts) == 1


async def test_an_open_circuit_is_a_step_skipped() -> None:
    clock = ManualClock()
    result = await LadderEngine([failing(CIRCUIT_OPEN), FaultyEngine("x")], clock=clock).recognise(PAGE, request(clock))
    assert result.attempts[0].outcome is AttemptOutcome.SKIPPED
    assert result.degraded_reason == "circuit-open"


async def test_when_all_fail_the_last_one_speaks_and_all_are_on_record() -> None:
    clock = ManualClock()
    ladder = LadderEngine([failing(), failing(ENGINE_TIMEOUT, alias="second")], clock=clock)
    with pytest.raises(RungsExhausted) as caught:
        await ladder.recognise(PAGE, request(clock))
    assert caught.value.entry == ENGINE_TIMEOUT
    assert [attempt.reason for attempt in caught.value.attempts] == ["engine-failed", "engine-timeout"]


async def test_an_error_that_another_rung_would_only_repeat_ends_it_at_once() -> None:
    clock, second = ManualClock(), FaultyEngine("x")
    ladder = LadderEngine([failing(), second], clock=clock, steps_down=lambda _error: False)
    with pytest.raises(IronleafError):
        await ladder.recognise(PAGE, request(clock))
    assert second.hits == 0


async def test_rungs_know_whether_somebody_comes_after_them() -> None:
    clock = ManualClock()
    first, second = failing(), FaultyEngine("x")
    await LadderEngine([first, second], clock=clock).recognise(PAGE, request(clock))
    assert [engine.requests[0][1].alternative_left for engine in (first, second)] == [True, False]


async def test_rungs_know_whether_one_of_their_kind_can_be_asked_instead() -> None:
    clock = ManualClock()
    rungs = [
        FaultyEngine(ModelFailure(ENGINE_FAILED), name=name, alias=alias)
        for name, alias in ((EngineName.TEXT_LAYER, "t"), (EngineName.VL, "a"), (EngineName.VL, "b"))
    ]
    last = FaultyEngine("x", name=EngineName.EMBEDDED, alias="e")
    everybody = LadderEngine([*rungs, last], clock=clock)
    await everybody.recognise(PAGE, request(clock))
    assert [engine.requests[0][1].equal_left for engine in (*rungs, last)] == [False, True, False, False]
    without_b = LadderEngine([*rungs, last], clock=clock, takes_calls=lambda engine: engine.alias != "b")
    await without_b.recognise(PAGE, request(clock))
    assert [engine.requests[1][1].equal_left for engine in rungs] == [False, False, False]


async def test_nothing_is_begun_after_the_deadline() -> None:
    clock, second = ManualClock(), FaultyEngine("x")
    with pytest.raises(RungsExhausted) as caught:
        await LadderEngine([second], clock=clock).recognise(PAGE, request(clock, timeout_s=0.0))
    assert caught.value.entry.reason == "deadline-exceeded"
    assert second.hits == 0


async def test_a_rung_that_does_not_apply_is_passed_over_in_silence() -> None:
    clock = ManualClock()
    ladder = LadderEngine(
        [TextLayerEngine(), FaultyEngine("picture", capabilities=Capabilities(needs_image=True))],
        clock=clock,
        applies=lambda engine, page: engine.capabilities.needs_image or page.text_layer is not None,
    )
    result = await ladder.recognise(PAGE, request(clock))
    assert [attempt.engine for attempt in result.attempts] == ["faulty"]
    assert result.degraded_reason is None


async def test_a_text_layer_is_read_first() -> None:
    clock = ManualClock()
    needs = Capabilities(needs_image=True)
    page = PageSource(number=1, width_px=1, height_px=1, text_layer=TextLayer(text="carried"))
    ladder = LadderEngine([TextLayerEngine(), FaultyEngine("picture", capabilities=needs)], clock=clock)
    result = await ladder.recognise(page, request(clock))
    assert (result.engine, result.text) == (EngineName.TEXT_LAYER, "carried")


async def test_durations_are_measured_with_the_clock() -> None:
    clock = ManualClock()
    slow = FaultyEngine(Late(duration_s=1.5, then=ModelFailure(ENGINE_FAILED)), clock=clock)
    task = asyncio.ensure_future(LadderEngine([slow, FaultyEngine("x")], clock=clock).recognise(PAGE, request(clock)))
    await clock.run_for(1.5)
    assert (await task).attempts[0].duration_ms == 1500


async def test_closing_closes_every_rung_and_an_empty_ladder_is_refused() -> None:
    first, second = FaultyEngine("x"), FaultyEngine("y")
    await LadderEngine([first, second], clock=ManualClock()).aclose()
    assert (first.is_closed, second.is_closed) == (True, True)
    with pytest.raises(ValueError, match="at least one rung"):
        LadderEngine([], clock=ManualClock())
