"""Rules that only the wiring knows: which failure asks the next rung, how many workers there are."""

from __future__ import annotations

import random

import pytest

from ironleaf.application import rungs
from ironleaf.application.bootstrap.engines import build_backends, make_vacancy_rule
from ironleaf.application.bootstrap.workers import count_recognisers
from ironleaf.application.catalogue import build_catalogue, build_notices
from ironleaf.application.measured_engine import MeasuredEngine
from ironleaf.application.settings import Settings, VlSettings, WorkerSettings
from ironleaf.document import PageSource, TextLayer
from ironleaf.faults import ManualClock
from ironleaf.foundation.errors import ModelFailure, ProcessingFailure
from ironleaf.services.engines.errors import ENGINE_FAILED
from ironleaf.services.engines.text_layer import TextLayerEngine
from ironleaf.services.engines.upstream_failures.errors import CONTENT_REFUSED
from ironleaf.services.engines.vision_language.settings import BackendSettings
from ironleaf.services.files.errors import DAMAGED_IMAGE, DECODER_FAILED


@pytest.mark.parametrize("allowed", [True, False])
def test_refused_content_steps_down_only_by_the_operators_leave(allowed: bool) -> None:
    rule = rungs.make_step_rule(VlSettings(step_down_on_refusal=allowed))
    assert rule(ModelFailure(CONTENT_REFUSED)) is allowed
    assert rule(ModelFailure(ENGINE_FAILED)) is True


@pytest.mark.parametrize("entry", [DAMAGED_IMAGE, DECODER_FAILED])
def test_a_page_that_cannot_be_drawn_is_not_drawn_again_for_the_next_engine(entry: object) -> None:
    assert rungs.make_step_rule(VlSettings())(ProcessingFailure(entry)) is False  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_a_backend_out_of_service_is_no_equal_though_a_stop_watch_hides_its_guards() -> None:
    clock = ManualClock()
    servers = tuple(BackendSettings(alias=alias, base_url="http://127.0.0.1:1/v1", model="m") for alias in ("a", "b"))
    backends = build_backends(VlSettings(backends=servers), clock, random.Random(1))
    takes_calls = make_vacancy_rule(backends)
    well, resting = (MeasuredEngine(backend, clock=clock) for backend in backends)
    backends[1].breaker.open()
    assert takes_calls(well)
    assert not takes_calls(resting)
    assert takes_calls(TextLayerEngine())
    for backend in backends:
        await backend.aclose()


@pytest.mark.parametrize(
    ("layer", "applies"),
    [
        (None, False),
        (TextLayer(text="good"), True),
        (TextLayer(text="bad", trustworthy=False), False),
    ],
)
def test_the_text_layer_is_read_when_it_can_be_trusted(layer: TextLayer | None, applies: bool) -> None:
    assert rungs.applies(TextLayerEngine(), PageSource(number=1, width_px=1, height_px=1, text_layer=layer)) is applies


def test_an_untrusted_layer_is_better_than_nothing_where_there_is_no_picture() -> None:
    layer = TextLayer(text="bad", trustworthy=False)
    page = PageSource(number=1, width_px=None, height_px=None, text_layer=layer, has_image=False)
    assert rungs.applies(TextLayerEngine(), page) is True


def test_recognisers_are_bounded_by_memory_and_by_the_setting() -> None:
    tight = WorkerSettings(memory_bytes_max=1)
    assert count_recognisers(Settings(workers=tight)) == 1
    assert count_recognisers(Settings(workers=WorkerSettings(recognisers=7))) == 7


def test_reasons_of_errors_and_warnings_are_told_apart() -> None:
    notices = [notice.reason for notice in build_notices()]
    assert len(notices) == len(set(notices))
    assert not set(notices) & {entry.reason for entry in build_catalogue()}
