"""The way of a file through the house."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ironleaf.application.admission import Admission
from ironleaf.application.bootstrap.workers import count_recognisers
from ironleaf.application.conversions import Conversions
from ironleaf.application.flow import ConversionFlow
from ironleaf.application.options import EngineChoice
from ironleaf.application.progress import ProgressBoard
from ironleaf.application.quality import grade_result
from ironleaf.application.reading import PageReader
from ironleaf.application.rungs import foresee
from ironleaf.application.settings import ServerSettings, Settings, SettingsRefused
from ironleaf.application.subscriptions import (
    log_document,
)
from ironleaf.application.texts import TEXT_S_MAX, TextDesk
from ironleaf.application.watching import Watching
from ironleaf.foundation.clock import Clock
from ironleaf.foundation.errors import Catalogue, StorageFailure
from ironleaf.foundation.processes import WorkerPool
from ironleaf.services.engines.base import Engine
from ironleaf.services.engines.embedded.grading import grade_confidence
from ironleaf.services.files.checked import EVERY_FORMAT, CheckedFile, check_file
from ironleaf.services.files.decoding import Decoder
from ironleaf.services.files.filetypes import FileFormat
from ironleaf.services.files.quarantine import BlamingRunner, Quarantine
from ironleaf.services.files.second_opinion import Opinion, load_libmagic
from ironleaf.services.files.settings import FileLimits, FileSettings
from ironleaf.services.files.spool import SpoolRoot
from ironleaf.services.files.stored import StoredFile


def build_flow(
    settings: Settings,
    decoders: WorkerPool[Any, Any],
    engines: dict[EngineChoice, Engine],
    quarantine: Quarantine,
    catalogue: Catalogue,
    watching: Watching,
    clock: Clock,
) -> ConversionFlow:
    """Return the way of one file, from its check to its text."""
    decode_s_max = settings.files.limits.decode_s_max
    texts = TextDesk(BlamingRunner(decoders, quarantine, job_s_max=TEXT_S_MAX))
    return ConversionFlow(
        check=make_check(settings.files.limits, settings.files.formats, load_libmagic()),
        quarantine=quarantine,
        decoder=Decoder(BlamingRunner(decoders, quarantine, job_s_max=decode_s_max), decode_s_max=decode_s_max),
        reader=PageReader(
            engines=engines,
            clean=texts.clean,
            grade=partial(grade_result, grade_confidence=grade_confidence),
            parallel=count_recognisers(settings) + 1,
            on_page_end=watching.hear_page,
        ),
        texts=texts,
        foresee=partial(foresee, has_vl=EngineChoice.VL in engines),
        limits=settings.files.limits,
        catalogue=catalogue,
        clock=clock,
        on_stage=watching.hear_stage,
    )


def build_admission(settings: ServerSettings, clock: Clock) -> Admission:
    """Return the turnstile before the flow."""
    return Admission(running_max=settings.conversions_max, queued_max=settings.conversions_queued_max, clock=clock)


def build_conversions(
    settings: Settings,
    flow: ConversionFlow,
    spools: SpoolRoot,
    admission: Admission,
    progress: ProgressBoard,
    watching: Watching,
    clock: Clock,
) -> Conversions:
    """Return the one door to the flow."""
    return Conversions(
        flow=flow,
        spools=spools,
        limits=settings.files.limits,
        admission=admission,
        clock=clock,
        progress=progress,
        passes_traces=settings.tracing.continue_callers,
        on_document=log_document,
        on_stage=watching.hear_stage,
    )


def make_check(
    limits: FileLimits, formats: tuple[str, ...], second_opinion: Opinion | None
) -> Callable[[StoredFile], CheckedFile]:
    """Return the check of a stored file against these limits; no ``formats`` means every one."""
    enabled = frozenset(FileFormat(name) for name in formats) if formats else EVERY_FORMAT

    def check(stored: StoredFile) -> CheckedFile:
        return check_file(stored, limits=limits, enabled=enabled, second_opinion=second_opinion)

    return check


def open_spools(settings: FileSettings) -> SpoolRoot:
    """Return the place of the spools.

    Raises:
        SettingsRefused: its directory cannot be made, or belongs to somebody else.
    """
    try:
        return SpoolRoot(settings.spool_directory, free_bytes_min=settings.spool_free_bytes_min)
    except StorageFailure as error:
        where = "files.spool_directory (IRONLEAF_FILES__SPOOL_DIRECTORY)"
        raise SettingsRefused((f"{where}: the directory cannot be made, or belongs to somebody else",)) from error
