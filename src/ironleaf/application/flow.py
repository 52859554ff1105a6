"""The flow: receive → check → open → prepare → recognise → verify → clean → assemble → answer.

What comes in has been received already (`StoredFile`); what goes out is ready to
be answered (`Document`). Each stage takes the type that the one before it gives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from ironleaf.application.allowance import TextAllowance
from ironleaf.application.assembly import assemble_document
from ironleaf.application.inspecting import Foresight, assemble_inspection, inspect_pages
from ironleaf.application.options import ConvertOptions, PageRange
from ironleaf.application.outcome import require_some_read
from ironleaf.application.progress import Progress, ReportProgress, Stage, ignore_progress
from ironleaf.application.reading import PageReader, Reading
from ironleaf.application.stages import FlowStage, StageEnded, ignore, tell_story
from ironleaf.application.texts import TextDesk
from ironleaf.document import Document, Inspection, Timing
from ironleaf.foundation.clock import Clock, Deadline
from ironleaf.foundation.errors import Catalogue, Detail, Language, LimitReached, Unit, ValidationProblem
from ironleaf.services.engines.errors import DEADLINE_EXCEEDED
from ironleaf.services.files.checked import CheckedFile
from ironleaf.services.files.decoding import Decoder, OpenedDocument
from ironleaf.services.files.errors import PAGE_RANGE_OUTSIDE, TOO_MANY_PAGES
from ironleaf.services.files.quarantine import Quarantine, suspected
from ironleaf.services.files.settings import FileLimits
from ironleaf.services.files.spool import Spool
from ironleaf.services.files.stored import StoredFile

ASSEMBLY_RESERVE_S: Final = 0.5
"""Kept back of a caller's time to put the pages together: a worker that was stopped must be replaced first."""
ASSEMBLY_SHARE: Final = 0.05
"""Of a short time no more than this is kept back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One conversion as it was asked for."""

    stored: StoredFile
    spool: Spool
    options: ConvertOptions
    deadline: Deadline
    language: Language
    request_id: str
    ticket: str | None = None
    """By which somebody may watch how far it is."""
    party: str = ""
    """Whose turn it takes where there is a queue."""
    traceparent: str | None = None
    """The caller's trace that it is a part of."""
    route: str = ""
    """The template of the route that asked; empty for a command."""
    receive_ms: int = 0
    wait_ms: int = 0
    """How long it waited for its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """A file that is taken, opened, and whose pages to read are chosen."""

    checked: CheckedFile
    opened: OpenedDocument
    numbers: tuple[int, ...]
    notices: tuple[str, ...]


@dataclass(slots=True)
class _Measuring:
    """What a stage finds out while it is measured."""

    pages: int


class ConversionFlow:
    """Turns a stored file into a document, or raises an error of the catalogue."""

    def __init__(  # noqa: PLR0913 - one keyword for each part
        self,
        *,
        check: Callable[[StoredFile], CheckedFile],
        quarantine: Quarantine,
        decoder: Decoder,
        reader: PageReader,
        texts: TextDesk,
        foresee: Foresight,
        limits: FileLimits,
        catalogue: Catalogue,
        clock: Clock,
        on_stage: Callable[[StageEnded], None] = ignore,
    ) -> None:
        self._check = check
        self._quarantine = quarantine
        self._decoder = decoder
        self._reader = reader
        self._texts = texts
        self._foresee = foresee
        self._limits = limits
        self._catalogue = catalogue
        self._clock = clock
        self._on_stage = on_stage

    async def convert(self, order: Order, report: ReportProgress = ignore_progress) -> Document:
        """Return the document; ``report`` hears of each stage and each page.

        Raises:
            IronleafError: the file is refused, or none of its pages could be read.
        """
        with suspected(order.stored.sha256):
            began_s = self._clock.monotonic()
            opening = await self._open(order, report)
            opened_s = self._clock.monotonic()
            on_page = _count_pages(len(opening.numbers), report)
            reading = self._reading(order, opening.checked.media_type)
            pages = await self._reader.read(opening.opened, opening.numbers, reading, on_page=on_page)
            require_some_read(pages, self._catalogue)
            read_s = self._clock.monotonic()
            report(Progress(stage=Stage.ASSEMBLING, pages_done=len(pages), pages=len(pages)))
            with self._measured(FlowStage.ASSEMBLE, order, opening.checked.media_type, pages=len(pages)):
                text = await self._texts.assemble(pages, order.options.output_format, order.deadline)
        timing = Timing(
            receive_ms=order.receive_ms,
            wait_ms=order.wait_ms,
            open_ms=round((opened_s - began_s) * 1000),
            recognise_ms=round((read_s - opened_s) * 1000),
            assemble_ms=round((self._clock.monotonic() - read_s) * 1000),
            total_ms=order.receive_ms + order.wait_ms + round((self._clock.monotonic() - began_s) * 1000),
        )
        return assemble_document(
            pages,
            text=text,
            document_id=order.request_id,
            filename=order.stored.label,
            media_type=opening.checked.media_type,
            page_count=opening.opened.page_count,
            notices=opening.notices,
            output_format=order.options.output_format,
            timing=timing,
        )

    async def inspect(self, order: Order) -> Inspection:
        """Return what `convert` would do with the file; nothing is drawn or recognised.

        Raises:
            IronleafError: the file would be refused.
        """
        with suspected(order.stored.sha256):
            opening = await self._open(order)
            reading = self._reading(order, opening.checked.media_type)
            pages = await inspect_pages(opening.opened, opening.numbers, reading, self._foresee)
        return assemble_inspection(
            opening.checked,
            pages,
            document_id=order.request_id,
            page_count=opening.opened.page_count,
            pages_requested=len(opening.numbers),
            notices=opening.notices,
            limits=self._limits,
        )

    async def _open(self, order: Order, report: ReportProgress = ignore_progress) -> _Opening:
        self._reader.require(order.options.engine)
        report(Progress(stage=Stage.CHECKING))
        with self._measured(FlowStage.CHECK, order):
            checked = await self._check_in_time(order)
        report(Progress(stage=Stage.OPENING))
        with self._measured(FlowStage.OPEN, order, checked.media_type) as opening:
            opened = await self._decoder.open(
                checked.stored.path,
                checked.format,
                password=order.options.password,
                whole=order.options.page_range is None,
                pictures=order.options.force_ocr,
                deadline=order.deadline,
                spool_dir=order.spool.directory,
            )
            opening.pages = opened.page_count
            numbers = select_pages(opened.page_count, order.options.page_range, self._limits.pages_max)
        notices = (*checked.notices, *opened.notices)
        return _Opening(checked=checked, opened=opened, numbers=numbers, notices=notices)

    def _reading(self, order: Order, media_type: str) -> Reading:
        left_s = order.deadline.remaining_s()
        return Reading(
            media_type=media_type,
            options=order.options,
            deadline=order.deadline.less(min(ASSEMBLY_RESERVE_S, ASSEMBLY_SHARE * left_s)),
            language=order.language,
            request_id=order.request_id,
            allowance=TextAllowance(self._limits.text_characters_max),
        )

    @contextmanager
    def _measured(
        self, stage: FlowStage, order: Order, media_type: str = "", *, pages: int = 0
    ) -> Generator[_Measuring]:
        measuring = _Measuring(pages=pages)
        with tell_story(self._clock) as story:
            try:
                with story.measure(stage):
                    yield measuring
            finally:
                for ended in story.stages(request_id=order.request_id, pages=measuring.pages, media_type=media_type):
                    self._on_stage(ended)

    async def _check_in_time(self, order: Order) -> CheckedFile:
        patience = asyncio.timeout(order.deadline.remaining_s())
        try:
            async with patience:
                return await asyncio.to_thread(_let_out, self._admit, order.stored)
        except TimeoutError as error:
            if patience.expired():
                raise LimitReached(DEADLINE_EXCEEDED) from error
            raise

    def _admit(self, stored: StoredFile) -> CheckedFile:
        checked = self._check(stored)
        self._quarantine.require_free(stored.sha256)
        return checked


def _count_pages(pages: int, report: ReportProgress) -> Callable[[], None]:
    """Return what is to be called after each page; the stage of reading has begun."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        report(Progress(stage=Stage.READING, pages_done=done, pages=pages))

    report(Progress(stage=Stage.READING, pages=pages))
    return count


def _let_out(check: Callable[[StoredFile], CheckedFile], stored: StoredFile) -> CheckedFile:
    """Return what ``check`` returns. No future can carry a StopIteration: its waiter would wait for ever."""
    try:
        return check(stored)
    except StopIteration as error:
        raise RuntimeError("a stray StopIteration") from error


def select_pages(page_count: int, page_range: PageRange | None, pages_max: int) -> tuple[int, ...]:
    """Return the numbers of the pages to read.

    Raises:
        ValidationProblem: page-range-outside, when none of the pages asked for exists.
        LimitReached: too-many-pages.
    """
    numbers = tuple(range(1, page_count + 1)) if page_range is None else page_range.select(page_count)
    if page_range is not None and not numbers:
        detail = Detail(reason=PAGE_RANGE_OUTSIDE.reason, field="page_range", limit=page_count, unit=Unit.PAGES)
        raise ValidationProblem(PAGE_RANGE_OUTSIDE, details=(detail,))
    if len(numbers) > pages_max:
        detail = Detail(reason=TOO_MANY_PAGES.reason, limit=pages_max, actual=len(numbers), unit=Unit.PAGES)
        raise LimitReached(TOO_MANY_PAGES, details=(detail,))
    return numbers
