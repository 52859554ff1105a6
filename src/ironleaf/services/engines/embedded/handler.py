"""The recognition worker's side: one job in, one page result out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from ironleaf.document import Block, BlockKind, EngineName, PageResult, Region
from ironleaf.foundation.clock import SystemClock
from ironleaf.services.engines.embedded.grading import FAIR_MIN
from ironleaf.services.engines.embedded.job import RecogniseJob
from ironleaf.services.engines.embedded.pipeline import PageReading, Recogniser
from ironleaf.services.engines.embedded.reading_order import Paragraph, arrange
from ironleaf.services.engines.embedded.script import guess_language, is_unsupported, measure_leftover
from ironleaf.services.engines.errors import LINES_LEFT_OUT, LOW_CONFIDENCE, ROTATION_CORRECTED, SCRIPT_NOT_SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ironleaf.services.engines.embedded.lines import Line
    from ironleaf.services.engines.settings import EmbeddedSettings

__all__ = ["RecogniseJob", "build_recogniser", "make_result"]

DECIMALS: Final = 4
"""Of a confidence: more would only make answers longer."""
KEPT_BACK_S: Final = 1.0
"""No line is begun so shortly before the end: the longest takes 0.1 s, under load several times that, and what was
read must still be put in order and handed over."""


def build_recogniser(settings: EmbeddedSettings) -> Callable[[RecogniseJob], PageResult]:
    """Return the handler of one worker process; loading takes about half a second.

    Raises:
        ModelFailure: ``model-files-damaged``.
    """
    cv2.setNumThreads(1)
    recogniser = Recogniser(settings)
    clock = SystemClock()

    def recognise(job: RecogniseJob) -> PageResult:
        picture = np.load(job.path, mmap_mode="r", allow_pickle=False)
        ends_at_s = min(job.ends_at_s, clock.monotonic() + settings.page_timeout_s) - KEPT_BACK_S
        reading = recogniser.read(picture, has_time=lambda: clock.monotonic() < ends_at_s)
        return make_result(reading, score_min=settings.score_min, languages=job.languages)

    return recognise


def make_result(reading: PageReading, *, score_min: float, languages: Sequence[str] = ()) -> PageResult:
    """Return a page's lines in reading order, with their confidence and what must be said about them."""
    unsupported = is_unsupported(reading.lines, languages=languages)
    kept = [line for line in reading.lines if line.text and (unsupported or line.confidence >= score_min)]
    paragraphs = arrange(kept)
    confidence = _weigh(kept, leftover=measure_leftover(reading.lines))
    return PageResult(
        engine=EngineName.EMBEDDED,
        text=_join(paragraphs),
        blocks=tuple(_make_block(paragraph) for paragraph in paragraphs),
        width_px=reading.width_px,
        height_px=reading.height_px,
        rotation_deg=reading.turn_deg,
        language=None if unsupported else guess_language(kept),
        confidence=confidence,
        warnings=_warn(reading, unsupported=unsupported, confidence=confidence),
    )


def _warn(reading: PageReading, *, unsupported: bool, confidence: float | None) -> tuple[str, ...]:
    doubtful = confidence is not None and confidence < FAIR_MIN
    said = (
        (SCRIPT_NOT_SUPPORTED, unsupported),
        (LOW_CONFIDENCE, doubtful and not unsupported),
        (ROTATION_CORRECTED, bool(reading.turn_deg)),
        (LINES_LEFT_OUT, reading.left_out),
    )
    return tuple(notice.reason for notice, applies in said if applies)


def _weigh(lines: Sequence[Line], *, leftover: float) -> float | None:
    """Return the mean over characters, less what could not be read; None where nothing is written."""
    characters = sum(len(line.text) for line in lines)
    if not characters:
        return 0.0 if leftover else None
    mean = sum(line.confidence * len(line.text) for line in lines) / characters
    return round(mean * (1 - leftover), DECIMALS)


def _make_block(paragraph: Paragraph) -> Block:
    lines = paragraph.lines
    characters = sum(len(line.text) for line in lines)
    mean = sum(line.confidence * len(line.text) for line in lines) / characters
    return Block(
        kind=BlockKind.PARAGRAPH if len(paragraph.rows) > 1 else BlockKind.LINE,
        text=paragraph.text,
        region=_enclose(lines),
        confidence=round(mean, DECIMALS),
    )


def _enclose(lines: Sequence[Line]) -> Region:
    return Region(
        min(line.region.x0 for line in lines),
        min(line.region.y0 for line in lines),
        max(line.region.x1 for line in lines),
        max(line.region.y1 for line in lines),
    )


def _join(paragraphs: Sequence[Paragraph]) -> str:
    """Return the page's text: single lines follow each other, paragraphs stand apart."""
    parts: list[str] = []
    single_before = True
    for paragraph in paragraphs:
        single = len(paragraph.rows) == 1
        if parts:
            parts.append("\n" if single and single_before else "\n\n")
        parts.append(paragraph.text)
        single_before = single
    return "".join(parts)
