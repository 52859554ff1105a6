from __future__ import annotations

import asyncio

import pytest

from ironleaf.document import EngineName, PageResult, PageSource
from ironleaf.faults import FaultyEngine, Late, ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.services.engines.base import RecogniseRequest

pytestmark = pytest.mark.anyio
PAGE = PageSource(number=1, width_px=9, height_px=9)


def ask() -> RecogniseRequest:
    return RecogniseRequest(deadline=Deadline.after(10, ManualClock()))


async def test_the_script_is_played_in_order_and_its_last_step_stays() -> None:
    engine = FaultyEngine("one", RuntimeError("two"), PageResult(engine=EngineName.NONE, text="three", confidence=0.5))
    assert (await engine.recognise(PAGE, ask())).text == "one"
    with pytest.raises(RuntimeError, match="two"):
        await engine.recognise(PAGE, ask())
    for _ in range(2):
        result = await engine.recognise(PAGE, ask())
        assert (result.engine, result.model, result.text, result.confidence) == (EngineName.VL, "faulty", "three", 0.5)
    assert engine.hits == 4


async def test_a_late_step_waits_on_the_clock() -> None:
    clock = ManualClock()
    engine = FaultyEngine(Late(duration_s=60, then="late"), clock=clock)
    task = asyncio.create_task(engine.recognise(PAGE, ask()))
    await clock.run_for(59)
    assert not task.done()
    await clock.run_for(1)
    assert (await task).text == "late"


async def test_it_remembers_what_it_was_asked_and_that_it_was_closed() -> None:
    engine = FaultyEngine("x")
    request = ask()
    await engine.recognise(PAGE, request)
    await engine.aclose()
    assert engine.requests == [(PAGE, request)]
    assert engine.is_closed


def test_an_empty_script_is_refused() -> None:
    with pytest.raises(ValueError, match="script"):
        FaultyEngine()
