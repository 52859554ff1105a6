"""The text-layer engine: the file's own text, or a clear refusal."""

from __future__ import annotations

import pytest

from ironleaf.document import EngineName, PageSource, TextLayer
from ironleaf.faults import ManualClock
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import ValidationProblem
from ironleaf.services.engines.base import RecogniseRequest
from ironleaf.services.engines.text_layer import TextLayerEngine

pytestmark = pytest.mark.anyio


@pytest.fixture
def request_now() -> RecogniseRequest:
    return RecogniseRequest(deadline=Deadline.after(5.0, ManualClock()))


def page(layer: TextLayer | None, *, has_image: bool = True) -> PageSource:
    return PageSource(number=1, width_px=600, height_px=800, text_layer=layer, has_image=has_image)


async def test_trustworthy_text_is_taken(request_now: RecogniseRequest) -> None:
    result = await TextLayerEngine().recognise(page(TextLayer(text="Dear Ada,")), request_now)
    assert (result.engine, result.text, result.width_px) == (EngineName.TEXT_LAYER, "Dear Ada,", 600)
    assert result.warnings == ()


async def test_formats_that_are_text_say_native(request_now: RecogniseRequest) -> None:
    layer = TextLayer(text="a,b", native=True)
    result = await TextLayerEngine().recognise(page(layer, has_image=False), request_now)
    assert result.engine is EngineName.NATIVE


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (None, "text-layer-missing"),
        (TextLayer(text="@#", trustworthy=False, distrust_reason="text-layer-garbled"), "text-layer-untrusted"),
    ],
)
async def test_refusals(layer: TextLayer | None, reason: str, request_now: RecogniseRequest) -> None:
    with pytest.raises(ValidationProblem) as caught:
        await TextLayerEngine().recognise(page(layer), request_now)
    assert caught.value.entry.reason == reason
    assert caught.value.entry.http_status == 422


async def test_doubtful_text_is_better_than_none_where_there_is_no_picture(request_now: RecogniseRequest) -> None:
    layer = TextLayer(text="@#", trustworthy=False, distrust_reason="text-layer-garbled")
    result = await TextLayerEngine().recognise(page(layer, has_image=False), request_now)
    assert (result.text, result.warnings) == ("@#", ("text-layer-garbled",))


async def test_declares_that_it_needs_no_picture() -> None:
    engine = TextLayerEngine()
    assert (engine.name, engine.alias, engine.capabilities.needs_image) == (EngineName.TEXT_LAYER, "text_layer", False)
    await engine.aclose()
