"""The flow and its stages: every page has an entry, every failure its own end."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.application import inspecting
from ironleaf.application.catalogue import build_catalogue
from ironleaf.application.errors import PAGE_IMAGE_LEFT_OUT
from ironleaf.application.flow import ConversionFlow, Order, select_pages
from ironleaf.application.options import ConvertOptions, EngineChoice, OutputFormat, PageRange
from ironleaf.application.pages import PAGE_IMAGES_MAX
from ironleaf.application.progress import Progress, Stage
from ironleaf.application.quality import grade_result
from ironleaf.application.reading import PageReader
from ironleaf.application.texts import TextDesk, TextJob, do_text_job
from ironleaf.document import (
    Block,
    BlockKind,
    DocumentStatus,
    EngineName,
    Grade,
    PageImage,
    PageResult,
    PageSource,
    PageStatus,
    Region,
    RenderSpec,
    TextLayer,
)
from ironleaf.faults import FaultyEngine, ManualClock, Silence
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import IronleafError, ModelFailure, ProcessingFailure, ValidationProblem
from ironleaf.foundation.processes import LossReason
from ironleaf.services.engines.embedded.grading import grade_confidence
from ironleaf.services.engines.errors import (
    DEADLINE_EXCEEDED,
    ENGINE_FAILED,
    ENGINE_TIMEOUT,
    LINES_LEFT_OUT,
    LOW_CONFIDENCE,
)
from ironleaf.services.files.checked import CheckedFile
from ironleaf.services.files.errors import DAMAGED_IMAGE, DECODER_FAILED, DECODER_MEMORY, PAGE_TOO_LARGE
from ironleaf.services.files.filetypes import FileFormat
from ironleaf.services.files.quarantine import InMemoryQuarantine, Quarantine
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import Spool
from ironleaf.services.files.stored import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from ironleaf.foundation.errors import Entry

pytestmark = pytest.mark.anyio
CANARY = "canary-9b1c at 10.1.2.3:4444"


@dataclass
class Opened:
    page_count: int
    notices: tuple[str, ...] = ()
    source: PageSource = field(default_factory=lambda: PageSource(number=1, width_px=100, height_px=50))
    failures: dict[int, BaseException] = field(default_factory=dict)
    late_warnings: tuple[str, ...] = ()

    async def page(self, number: int) -> PageSource:
        if number in self.failures:
            raise self.failures[number]
        return replace(self.source, number=number)

    def warnings_of(self, number: int) -> tuple[str, ...]:
        return self.late_warnings


@dataclass
class OneDecoder:
    opened: Opened
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def open(self, path: Path, file_format: str, **asked: Any) -> Opened:
        self.asked.append(asked)
        return self.opened


class InlinePool:
    """A pool whose only worker is this process."""

    def __init__(self) -> None:
        self.jobs: list[TextJob] = []

    async def call(self, job: TextJob, *, timeout_s: float, queue_timeout_s: float | None = None) -> Any:
        self.jobs.append(job)
        return do_text_job(job)


STORED = StoredFile(path=Path("0000"), bytes=3, sha256="00", label="a.png", declared_media_type=None)
CHECKED = CheckedFile(stored=STORED, format=FileFormat.PNG, media_type="image/png", notices=("declared-type-differs",))


def make_flow(
    engine: FaultyEngine,
    opened: Opened,
    *,
    check: Callable[[StoredFile], CheckedFile] | None = None,
    quarantine: Quarantine | None = None,
    pages_max: int = 3,
) -> Any:
    texts = TextDesk(InlinePool())
    reader = PageReader(
        engines={EngineChoice.AUTO: engine},
        clean=texts.clean,
        grade=partial(grade_result, grade_confidence=grade_confidence),
        parallel=2,
    )
    return ConversionFlow(
        check=check or (lambda _stored: CHECKED),
        quarantine=quarantine or InMemoryQuarantine(ManualClock()),
        decoder=OneDecoder(opened),  # type: ignore[arg-type]
        reader=reader,
        texts=texts,
        foresee=lambda _choice, page: EngineName.TEXT_LAYER if page.text_layer else EngineName.EMBEDDED,
        limits=FileLimits(pages_max=pages_max),
        catalogue=build_catalogue(),
        clock=ManualClock(),
    )


def make_order(clock: ManualClock | None = None, timeout_s: float = 5.0, **options: Any) -> Order:
    return Order(
        stored=STORED,
        spool=Spool(Path("spool")),
        options=ConvertOptions(**options),
        deadline=Deadline.after(timeout_s, clock or ManualClock()),
        language="en",
        request_id="01JDA2B3C4D5E6F7G8H9J0K1M2",
    )


async def failure_of(flow: ConversionFlow, order: Order) -> IronleafError:
    with pytest.raises(IronleafError) as caught:
        await flow.convert(order)
    return caught.value


async def test_pages_come_back_in_order_with_the_files_facts() -> None:
    engine = FaultyEngine("one", "two", "three")
    document = await make_flow(engine, Opened(3, notices=("pdf-repaired",))).convert(make_order())
    assert [page.number for page in document.pages] == [1, 2, 3]
    assert {page.text for page in document.pages} == {"one", "two", "three"}
    assert (document.status, document.filename, document.media_type) == (
        DocumentStatus.SUCCEEDED,
        "a.png",
        "image/png",
    )
    assert [notice.reason for notice in document.warnings] == ["declared-type-differs", "pdf-repaired"]
    assert (document.id, document.page_count, document.pages_requested) == ("01JDA2B3C4D5E6F7G8H9J0K1M2", 3, 3)


async def test_a_failed_page_costs_only_itself() -> None:
    opened = Opened(3, failures={2: ProcessingFailure(DAMAGED_IMAGE)})
    document = await make_flow(FaultyEngine("text"), opened).convert(make_order())
    assert [page.status for page in document.pages] == [PageStatus.SUCCEEDED, PageStatus.FAILED, PageStatus.SUCCEEDED]
    assert document.pages[1].error is not None
    assert document.pages[1].error.reason == "damaged-image"
    assert document.status is DocumentStatus.PARTIALLY_SUCCEEDED


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (LINES_LEFT_OUT.reason, DocumentStatus.PARTIALLY_SUCCEEDED),
        (LOW_CONFIDENCE.reason, DocumentStatus.SUCCEEDED),
    ],
)
async def test_a_page_that_was_cut_makes_the_document_partial(reason: str, status: DocumentStatus) -> None:
    result = PageResult(engine=EngineName.EMBEDDED, text="the upper half", warnings=(reason,))
    document = await make_flow(FaultyEngine("whole", result), Opened(2)).convert(make_order())
    assert {page.status for page in document.pages} == {PageStatus.SUCCEEDED}
    assert document.status is status


async def test_what_drawing_a_page_found_missing_holds_its_grade_down() -> None:
    document = await make_flow(FaultyEngine("text"), Opened(1, late_warnings=("image-truncated",))).convert(
        make_order()
    )
    assert [page.quality.grade for page in document.pages if page.quality] == [Grade.FAIR]


async def test_each_stage_and_each_page_is_told() -> None:
    heard: list[Progress] = []
    await make_flow(FaultyEngine("text"), Opened(2)).convert(make_order(), heard.append)
    assert [each.stage for each in heard] == [
        *(Stage.CHECKING, Stage.OPENING, Stage.READING, Stage.READING, Stage.READING, Stage.ASSEMBLING),
    ]
    assert [(each.pages_done, each.pages) for each in heard[2:]] == [(0, 2), (1, 2), (2, 2), (2, 2)]


async def test_so_many_pages_bring_their_picture_and_the_others_say_that_theirs_is_missing(tmp_path: Path) -> None:
    names = iter(range(2 * PAGE_IMAGES_MAX))

    async def draw(spec: RenderSpec) -> PageImage:
        path = tmp_path / f"{next(names)}.jpg"
        path.write_bytes(b"a picture")
        return PageImage(path=path, encoding=spec.encoding, width_px=9, height_px=9, bytes=9, ink_share=0.5)

    source = PageSource(number=1, width_px=100, height_px=50, render=draw)
    flow = make_flow(FaultyEngine("text"), Opened(PAGE_IMAGES_MAX + 2, source=source), pages_max=PAGE_IMAGES_MAX + 2)
    pages = (await flow.convert(make_order(include_images=True))).pages
    assert [page.number for page in pages if page.image] == list(range(1, PAGE_IMAGES_MAX + 1))
    assert [page.warnings[0].reason for page in pages if not page.image] == [PAGE_IMAGE_LEFT_OUT.reason] * 2


async def test_a_defect_of_ours_in_one_page_is_an_internal_error_without_its_words() -> None:
    engine = FaultyEngine("fine", RuntimeError(CANARY), "fine")
    document = await make_flow(engine, Opened(3)).convert(make_order())
    failed = [page for page in document.pages if page.error is not None]
    assert [page.error.reason for page in failed if page.error] == ["internal-error"]
    assert CANARY not in repr(document)


async def test_pages_that_all_fail_alike_speak_with_their_own_entry() -> None:
    error = await failure_of(make_flow(FaultyEngine(ModelFailure(ENGINE_FAILED)), Opened(2)), make_order())
    assert error.entry.reason == "engine-failed"
    assert [detail.page for detail in error.details] == [1, 2]


async def test_pages_that_fail_differently_speak_together() -> None:
    engine = FaultyEngine(ModelFailure(ENGINE_FAILED), ModelFailure(ENGINE_TIMEOUT))
    error = await failure_of(make_flow(engine, Opened(2)), make_order())
    assert error.entry.reason == "conversion-failed"
    assert {detail.reason for detail in error.details} == {"engine-failed", "engine-timeout"}


@pytest.mark.parametrize(
    ("failures", "reason"),
    [
        ((DAMAGED_IMAGE, PAGE_TOO_LARGE, PAGE_TOO_LARGE), "page-too-large"),
        ((DECODER_FAILED, DECODER_MEMORY, DAMAGED_IMAGE), "damaged-image"),
        ((DECODER_FAILED, DECODER_MEMORY, DECODER_MEMORY), "decoder-memory"),
        ((DAMAGED_IMAGE, DAMAGED_IMAGE, ENGINE_FAILED), "conversion-failed"),
    ],
)
async def test_pages_that_are_all_bad_in_their_own_way_are_a_bad_file(failures: tuple[Entry, ...], reason: str) -> None:
    opened = Opened(3, failures={number: ProcessingFailure(entry) for number, entry in enumerate(failures, 1)})
    error = await failure_of(make_flow(FaultyEngine("text"), opened), make_order())
    assert error.entry.reason == reason
    assert [detail.reason for detail in error.details] == [entry.reason for entry in failures]


async def test_pages_after_the_deadline_are_skipped_and_say_so() -> None:
    engine = FaultyEngine("in time", ModelFailure(DEADLINE_EXCEEDED))
    document = await make_flow(engine, Opened(3)).convert(make_order())
    assert sorted(page.status for page in document.pages) == ["skipped", "skipped", "succeeded"]
    assert document.status is DocumentStatus.PARTIALLY_SUCCEEDED


async def test_no_page_before_the_deadline_is_a_504() -> None:
    error = await failure_of(make_flow(FaultyEngine(Silence()), Opened(2)), make_order(timeout_s=0.0))
    assert (error.entry.reason, error.entry.http_status) == ("deadline-exceeded", 504)


async def test_a_silent_engine_is_left_at_the_deadline() -> None:
    error = await failure_of(make_flow(FaultyEngine(Silence()), Opened(1)), make_order(timeout_s=0.05))
    assert error.entry.reason == "deadline-exceeded"


async def test_cancelling_the_flow_cancels_its_pages() -> None:
    engine = FaultyEngine(Silence())
    task = asyncio.ensure_future(make_flow(engine, Opened(3)).convert(make_order(timeout_s=60)))
    for _ in range(20):
        await ManualClock().sleep(0)
    assert engine.hits == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_engine_that_is_not_set_up_is_refused_by_the_names_of_those_that_are() -> None:
    error = await failure_of(make_flow(FaultyEngine("x"), Opened(1)), make_order(engine=EngineChoice.VL))
    assert (error.entry.reason, error.details[0].allowed) == ("engine-not-configured", ("auto",))


async def test_what_drawing_added_is_warned_of_once() -> None:
    source = PageSource(number=1, width_px=10, height_px=10, warnings=("cmyk-converted",))
    opened = Opened(1, source=source, late_warnings=("cmyk-converted", "image-truncated"))
    document = await make_flow(FaultyEngine("text"), opened).convert(make_order())
    assert [notice.reason for notice in document.pages[0].warnings] == ["cmyk-converted", "image-truncated"]


async def test_an_untrusted_text_layer_is_named_when_somebody_else_reads() -> None:
    layer = TextLayer(text="�", trustworthy=False, distrust_reason="text-layer-garbled")
    opened = Opened(1, source=PageSource(number=1, width_px=10, height_px=10, text_layer=layer))
    document = await make_flow(FaultyEngine("text"), opened).convert(make_order())
    assert [notice.reason for notice in document.pages[0].warnings] == ["text-layer-garbled"]


async def test_regions_are_scaled_from_the_engines_picture_to_the_page() -> None:
    block = Block(kind=BlockKind.LINE, text="x", region=Region(1, 2, 3, 4))
    result = PageResult(engine=EngineName.VL, text="x", blocks=(block,), width_px=50, height_px=10)
    document = await make_flow(FaultyEngine(result), Opened(1)).convert(make_order(output_format=OutputFormat.JSON))
    assert document.pages[0].blocks[0].region == Region(2, 10, 6, 20)
    assert (document.text, document.markdown, document.html) == (None, None, None)


@pytest.mark.parametrize(
    ("ink", "status", "warned"), [(0.0, PageStatus.BLANK, []), (0.2, PageStatus.SUCCEEDED, ["no-text-found"])]
)
async def test_blank_is_told_from_a_picture_without_words(ink: float, status: PageStatus, warned: list[str]) -> None:
    result = PageResult(engine=EngineName.VL, text="  ", ink_share=ink)
    document = await make_flow(FaultyEngine(result), Opened(1)).convert(make_order())
    (page,) = document.pages
    assert (page.status, page.quality, [notice.reason for notice in page.warnings]) == (status, None, warned)


async def test_a_refused_file_is_refused_before_anything_is_opened() -> None:
    def refuse(_stored: StoredFile) -> CheckedFile:
        raise ValidationProblem(DAMAGED_IMAGE)

    error = await failure_of(make_flow(FaultyEngine("x"), Opened(1), check=refuse), make_order())
    assert error.entry.reason == "damaged-image"


async def test_a_file_in_quarantine_is_refused_before_anything_is_opened() -> None:
    quarantine = InMemoryQuarantine(ManualClock())
    quarantine.record(STORED.sha256, LossReason.CRASH)
    quarantine.record(STORED.sha256, LossReason.MEMORY)
    opened = Opened(1)
    flow = make_flow(FaultyEngine("x"), opened, quarantine=quarantine)
    error = await failure_of(flow, make_order())
    assert (error.entry.reason, error.entry.http_status) == ("file-quarantined", 422)
    assert quarantine.release(STORED.sha256)
    assert (await flow.convert(make_order())).pages[0].text == "x"


async def test_an_inspection_says_what_would_happen_and_asks_no_engine() -> None:
    engine = FaultyEngine("text")
    layer = TextLayer(text="x", trustworthy=False, distrust_reason="text-layer-garbled")
    source = PageSource(number=1, width_px=30, height_px=20, text_layer=layer, warnings=("text-layer-garbled",))
    opened = Opened(3, notices=("pdf-repaired",), source=source, failures={2: ProcessingFailure(DAMAGED_IMAGE)})
    found = await make_flow(engine, opened).inspect(make_order())
    assert engine.hits == 0
    assert (found.format, found.media_type, found.page_count, found.pages_requested) == ("png", "image/png", 3, 3)
    assert [page.engine for page in found.pages] == ["text_layer", "none", "text_layer"]
    assert [page.text_layer for page in found.pages] == ["distrusted", "none", "distrusted"]
    assert [page.error.reason if page.error else None for page in found.pages] == [None, "damaged-image", None]
    assert [(notice.reason, notice.page) for notice in found.warnings] == [
        ("declared-type-differs", None),
        ("pdf-repaired", None),
        ("text-layer-garbled", 1),
        ("text-layer-garbled", 3),
    ]
    assert {use.name: use.actual for use in found.limits} == {"bytes_max": 3, "pages_max": 3, "page_pixels_max": 600}


@pytest.mark.parametrize("foreign", [KeyError("canary"), TimeoutError(), SystemExit("canary")])
async def test_an_inspection_lets_a_failure_that_nobody_foresaw_cost_its_page_only(
    foreign: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[IronleafError] = []
    monkeypatch.setattr(inspecting, "log_failure", logged.append)
    opened = Opened(2, failures={1: foreign})
    found = await make_flow(FaultyEngine("x"), opened).inspect(make_order())
    assert [page.error.reason if page.error else None for page in found.pages] == ["internal-error", None]
    assert "canary" not in repr(found)
    assert [error.__cause__ for error in logged] == [foreign]


async def test_an_inspection_ignores_a_text_layer_when_told_so() -> None:
    source = PageSource(number=1, width_px=30, height_px=20, text_layer=TextLayer(text="x"))
    found = await make_flow(FaultyEngine("x"), Opened(1, source=source)).inspect(make_order(force_ocr=True))
    assert (found.pages[0].engine, found.pages[0].text_layer) == ("embedded", "trusted")


async def test_an_inspection_refuses_what_a_conversion_would() -> None:
    with pytest.raises(IronleafError) as caught:
        await make_flow(FaultyEngine("x"), Opened(4)).inspect(make_order())
    assert caught.value.entry.reason == "too-many-pages"


async def test_an_inspection_ends_with_the_deadline() -> None:
    with pytest.raises(IronleafError) as caught:
        await make_flow(FaultyEngine("x"), Opened(2)).inspect(make_order(timeout_s=0.0))
    assert caught.value.entry.reason == "deadline-exceeded"


def test_too_many_pages_are_refused_with_the_number_seen() -> None:
    with pytest.raises(IronleafError) as caught:
        select_pages(4, None, 3)
    assert (caught.value.entry.reason, caught.value.details[0].limit, caught.value.details[0].actual) == (
        "too-many-pages",
        3,
        4,
    )


def test_a_range_of_few_pages_of_a_long_file_is_read() -> None:
    assert select_pages(10_000, PageRange(((2, 3), (9_999, 20_000))), 4) == (2, 3, 9_999, 10_000)


@pytest.mark.parametrize("seed", range(60))
async def test_entries_out_equal_pages_asked_for_whatever_fails(seed: int) -> None:
    chance = random.Random(seed)
    steps = [chance.choice(["text", ModelFailure(ENGINE_FAILED), RuntimeError("x"), ""]) for _ in range(3)]
    opened = Opened(3, failures={2: ProcessingFailure(DAMAGED_IMAGE)} if chance.random() < 0.3 else {})
    try:
        document = await make_flow(FaultyEngine(*steps), opened).convert(make_order())
        numbers = [page.number for page in document.pages]
    except IronleafError as error:
        numbers = [detail.page for detail in error.details]
    assert numbers == [1, 2, 3]
