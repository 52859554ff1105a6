"""What worker processes are made of: one top-level factory per pool, imported by the child under its name.

With `bootstrap` the only file that names concrete classes. Imports are local, so
that a decoder never loads the recognition model, nor the other way round.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ironleaf.application.texts import TextJob
    from ironleaf.document import PageResult
    from ironleaf.services.engines.embedded.handler import RecogniseJob
    from ironleaf.services.engines.settings import EmbeddedSettings
    from ironleaf.services.files.formats.base import DecodeLimits, Job, Outcome
    from ironleaf.services.files.workshop import DecodingWorkshop


def make_decoding_worker(limits: DecodeLimits) -> Callable[[Job | TextJob], Outcome | PageResult | str]:
    """Return the handler of a process that opens files, draws pages and tidies long texts."""
    from ironleaf.application.texts import AssembleJob, CleanJob, do_text_job

    workshop = make_workshop(limits)

    def handle(job: Job | TextJob) -> Outcome | PageResult | str:
        return do_text_job(job) if isinstance(job, CleanJob | AssembleJob) else workshop(job)

    return handle


def make_workshop(limits: DecodeLimits) -> DecodingWorkshop:
    """Return what opens files of every format. A new format is a line here."""
    from ironleaf.services.files.formats.html import HtmlDecoder
    from ironleaf.services.files.formats.image import ImageDecoder
    from ironleaf.services.files.formats.mail import MailDecoder
    from ironleaf.services.files.formats.office import OfficeDecoder
    from ironleaf.services.files.formats.pdf import PdfDecoder
    from ironleaf.services.files.formats.plain import PlainDecoder
    from ironleaf.services.files.workshop import DecodingWorkshop

    decoders = (ImageDecoder(), PdfDecoder(), OfficeDecoder(), HtmlDecoder(), PlainDecoder(), MailDecoder())
    return DecodingWorkshop(decoders, limits)


def make_recognition_worker(settings: EmbeddedSettings) -> Callable[[RecogniseJob], PageResult]:
    """Return the handler of a process that reads pictures with the embedded engine."""
    from ironleaf.services.engines.embedded.handler import build_recogniser

    return build_recogniser(settings)
