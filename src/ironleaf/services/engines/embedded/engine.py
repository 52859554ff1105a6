"""The embedded engine as the house sees it: draws the page, has a worker read it, cleans up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from ironleaf.document import EngineName, ImageEncoding, RenderSpec
from ironleaf.foundation.errors import LimitReached, ModelFailure
from ironleaf.foundation.processes import BusyReason, JobFailed, LossReason, PoolBusy, WorkerLost
from ironleaf.services.engines.base import Capabilities, discard
from ironleaf.services.engines.embedded.job import RecogniseJob
from ironleaf.services.engines.embedded.script import SCRIPTS_READ
from ironleaf.services.engines.errors import (
    DEADLINE_EXCEEDED,
    ENGINE_BUSY,
    ENGINE_FAILED,
    ENGINE_TIMEOUT,
    ENGINE_UNAVAILABLE,
)

if TYPE_CHECKING:
    from ironleaf.document import PageImage, PageResult, PageSource
    from ironleaf.foundation.errors import IronleafError
    from ironleaf.services.engines.base import RecogniseRequest
    from ironleaf.services.engines.settings import EmbeddedSettings

RETRY_AFTER_S: Final = 5.0
"""About the time of one dense page: after it a worker is likely to be free."""


class JobRunner(Protocol):
    """What the engine needs of a pool of worker processes."""

    async def call(self, job: Any, *, timeout_s: float, queue_timeout_s: float | None = None) -> Any:
        """Run the job in a free worker; see `ironleaf.foundation.processes.WorkerPool.call`."""
        ...


class EmbeddedEngine:
    """Reads pages on this machine, without any network.

    The runner belongs to whoever made it: `aclose` leaves it alone. A caller that
    is cancelled takes its worker's process along, so nothing goes on in secret.
    """

    def __init__(self, runner: JobRunner, settings: EmbeddedSettings) -> None:
        self._runner = runner
        self._settings = settings

    @property
    def name(self) -> EngineName:
        return EngineName.EMBEDDED

    @property
    def alias(self) -> str:
        return EngineName.EMBEDDED.value

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(needs_image=True, gives_regions=True, scripts=SCRIPTS_READ)

    async def recognise(self, page: PageSource, request: RecogniseRequest) -> PageResult:
        """Return what is written on the page.

        Raises:
            LimitReached: ``deadline-exceeded`` or ``engine-busy``.
            ModelFailure: ``engine-failed``, ``engine-timeout`` or ``engine-unavailable``.
            IronleafError: the page could not be drawn, as the files' catalogue says it.
        """
        if request.deadline.expired():
            raise LimitReached(DEADLINE_EXCEEDED)
        spec = RenderSpec(encoding=ImageEncoding.RAW_RGB, pixels_max=self._settings.page_pixels_max)
        image = await page.render(spec)
        try:
            return await self._read(image, request)
        finally:
            discard(image)

    async def aclose(self) -> None:
        """Do nothing: the workers belong to their pool."""

    async def _read(self, image: PageImage, request: RecogniseRequest) -> PageResult:
        remaining_s = request.deadline.remaining_s()
        job = RecogniseJob(path=image.path, languages=request.languages, ends_at_s=request.deadline.ends_at_s)
        try:
            result: PageResult = await self._runner.call(
                job,
                timeout_s=min(self._settings.page_timeout_s, remaining_s),
                queue_timeout_s=min(self._settings.queue_timeout_s, remaining_s),
            )
        except (WorkerLost, JobFailed, PoolBusy) as failure:
            raise translate(failure, late=request.deadline.expired()) from failure
        return replace(result, ink_share=image.ink_share)


def translate(failure: WorkerLost | JobFailed | PoolBusy, *, late: bool) -> IronleafError:
    """Return the catalogue's error for what befell a job; ``late`` = the request's own time is over."""
    if isinstance(failure, PoolBusy):
        return _translate_busy(failure, late=late)
    private = {"detail": failure.private_text, "stack": failure.private_stack, "noise": failure.private_noise}
    if isinstance(failure, JobFailed):
        return ModelFailure(ENGINE_FAILED, context={"exception": failure.exception_type, **private})
    context = {"loss": failure.reason.value, "exit_code": failure.exit_code, **private}
    if failure.reason is LossReason.TIMEOUT:
        return LimitReached(DEADLINE_EXCEEDED) if late else ModelFailure(ENGINE_TIMEOUT, context=context)
    if failure.reason is LossReason.CPU:
        return ModelFailure(ENGINE_TIMEOUT, context=context)
    if failure.reason is LossReason.START:
        return ModelFailure(ENGINE_UNAVAILABLE, retry_after_s=RETRY_AFTER_S, context=context)
    return ModelFailure(ENGINE_FAILED, context=context)


def _translate_busy(failure: PoolBusy, *, late: bool) -> IronleafError:
    context = {"busy": failure.reason.value}
    if failure.reason is BusyReason.CLOSED:
        return ModelFailure(ENGINE_UNAVAILABLE, retry_after_s=RETRY_AFTER_S, context=context)
    if failure.reason is BusyReason.QUEUE_TIMEOUT and late:
        return LimitReached(DEADLINE_EXCEEDED)
    return LimitReached(ENGINE_BUSY, retry_after_s=RETRY_AFTER_S, context=context)
