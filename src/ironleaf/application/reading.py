"""From page sources to pages: several at a time, each with its own end, none lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from ironleaf.application.allowance import TextAllowance
from ironleaf.application.errors import ENGINE_NOT_CONFIGURED, PAGE_WITHOUT_IMAGE, as_known
from ironleaf.application.options import ConvertOptions, EngineChoice
from ironleaf.application.pages import (
    PAGE_IMAGES_MAX,
    attach_image,
    leave_image_out,
    make_failed_page,
    make_page,
)
from ironleaf.application.stages import FlowStage, PageEnded, Story, ignore, tell_story
from ironleaf.document import Page, PageImage, PageResult, PageSource, Quality, RenderSpec
from ironleaf.foundation.clock import Deadline
from ironleaf.foundation.errors import (
    Detail,
    IronleafError,
    Language,
    ProcessingFailure,
    SystemFault,
    ValidationProblem,
)
from ironleaf.foundation.errors.policy import POLICY
from ironleaf.services.engines.base import Engine, RecogniseRequest
from ironleaf.services.engines.errors import DEADLINE_EXCEEDED

_READ_IMAGES: Final = frozenset({EngineChoice.VL, EngineChoice.EMBEDDED})
_log = structlog.get_logger(__name__)


class OpenedPages(Protocol):
    """An opened file, as far as reading it needs to know."""

    async def page(self, number: int) -> PageSource:
        """Return one page. Raises the files' catalogue errors."""
        ...

    def warnings_of(self, number: int) -> tuple[str, ...]:
        """Return the reasons of warnings about a page so far; drawing it may have added some."""
        ...


class GradeResult(Protocol):
    """Says how far a reading may be trusted, also by the warnings about its page."""

    def __call__(self, result: PageResult, /, *, warnings: tuple[str, ...]) -> Quality: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What holds for all pages of one conversion."""

    options: ConvertOptions
    deadline: Deadline
    language: Language
    request_id: str
    allowance: TextAllowance
    media_type: str = ""


class PageReader:
    """Reads pages with the engines, at most ``parallel`` of one file at a time."""

    def __init__(
        self,
        *,
        engines: Mapping[EngineChoice, Engine],
        clean: Callable[[PageResult, Deadline], Awaitable[PageResult]],
        grade: GradeResult,
        parallel: int,
        on_page_end: Callable[[PageEnded], None] = ignore,
    ) -> None:
        self._engines = engines
        self._clean = clean
        self._grade = grade
        self._parallel = parallel
        self._on_page_end = on_page_end

    def require(self, engine: EngineChoice) -> None:
        """Return if this configuration has the engine.

        Raises:
            ValidationProblem: engine-not-configured.
        """
        if engine not in self._engines:
            detail = Detail(reason=ENGINE_NOT_CONFIGURED.reason, field="engine", allowed=tuple(self._engines))
            raise ValidationProblem(ENGINE_NOT_CONFIGURED, details=(detail,))

    async def read(
        self,
        opened: OpenedPages,
        numbers: tuple[int, ...],
        reading: Reading,
        *,
        on_page: Callable[[], None] = lambda: None,
    ) -> tuple[Page, ...]:
        """Return one page for each number, in that order, whatever happens to each; ``on_page`` hears of each end.

        Cancelling it cancels every page under way.
        """
        turns = asyncio.Semaphore(self._parallel)
        pictured = frozenset(numbers[:PAGE_IMAGES_MAX])

        async def take_turn(number: int) -> Page:
            async with turns:
                page = await self._read_page(opened, number, reading, pictured=number in pictured)
            on_page()
            return page

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(take_turn(number)) for number in numbers]
        return tuple(task.result() for task in tasks)

    async def _read_page(self, opened: OpenedPages, number: int, reading: Reading, *, pictured: bool) -> Page:
        failure = None
        with structlog.contextvars.bound_contextvars(page=number), tell_story(reading.deadline.clock) as story:
            try:
                async with asyncio.timeout(reading.deadline.remaining_s()):
                    page = await self._recognise(opened, number, reading, story, pictured=pictured)
            except (Exception, SystemExit) as error:  # noqa: BLE001  (what one page meets must not cost the others)
                failure = _as_failure(error)
                log_failure(failure)
                page = make_failed_page(number, failure, reading.language)
        self._on_page_end(_end(page, failure, reading, story))
        return page

    async def _recognise(
        self, opened: OpenedPages, number: int, reading: Reading, story: Story, *, pictured: bool
    ) -> Page:
        options = reading.options
        with story.measure(FlowStage.PREPARE):
            source = await opened.page(number)
        source = replace(source, render=_measured(source, story))
        _require_image(source, options.engine)
        if options.force_ocr and source.has_image:
            source = replace(source, text_layer=None)
        request = RecogniseRequest(
            deadline=reading.deadline,
            languages=options.languages,
            prompt=options.prompt,
            request_id=reading.request_id,
        )
        with story.measure(FlowStage.RECOGNISE):
            result = await self._engines[options.engine].recognise(source, request)
        with story.measure(FlowStage.CLEAN):
            result = reading.allowance.spend(await self._clean(result, reading.deadline))
        source = replace(source, warnings=(*source.warnings, *opened.warnings_of(number)))
        with story.measure(FlowStage.VERIFY):
            quality = self._grade(result, warnings=source.warnings)
        page = make_page(source, result, quality)
        if not options.include_images:
            return page
        return await attach_image(page, source) if pictured else leave_image_out(page)


def _measured(source: PageSource, story: Story) -> Callable[[RenderSpec], Awaitable[PageImage]]:
    async def render(spec: RenderSpec) -> PageImage:
        with story.measure(FlowStage.PREPARE):
            return await source.render(spec)

    return render


def _end(page: Page, failure: IronleafError | None, reading: Reading, story: Story) -> PageEnded:
    return PageEnded(
        page=page,
        failure=failure,
        request_id=reading.request_id,
        media_type=reading.media_type,
        stages=story.stages(request_id=reading.request_id, pages=1, media_type=reading.media_type),
        asked=tuple(story.asked),
        retried=tuple(story.retried),
        attempts=tuple(story.attempts),
    )


def _require_image(source: PageSource, engine: EngineChoice) -> None:
    if engine in _READ_IMAGES and not source.has_image:
        detail = Detail(reason=PAGE_WITHOUT_IMAGE.reason, page=source.number)
        raise ValidationProblem(PAGE_WITHOUT_IMAGE, details=(detail,))


def _as_failure(error: Exception | SystemExit) -> IronleafError:
    if not isinstance(error, TimeoutError):
        return as_known(error)
    failure = ProcessingFailure(DEADLINE_EXCEEDED)
    failure.__cause__ = error
    return failure


def log_failure(failure: IronleafError) -> None:
    """Write why a page could not be read, as its level demands."""
    policy = POLICY[failure.entry.level]
    _log.log(
        policy.log_level,
        "page failed",
        code=failure.entry.code,
        reason=failure.entry.reason,
        error_level=failure.entry.level.value,
        context=failure.context,
        exc_info=failure if policy.with_stack and isinstance(failure, SystemFault) else None,
    )
