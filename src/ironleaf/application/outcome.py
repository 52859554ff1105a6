"""What a file's pages say about the whole: read, partly read, or not at all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ironleaf.application.errors import CONVERSION_FAILED
from ironleaf.document import DocumentStatus, Page, PageStatus
from ironleaf.foundation.errors import Catalogue, Detail, Entry, Kind, Problem, ProcessingFailure
from ironleaf.services.engines.errors import LINES_LEFT_OUT
from ironleaf.services.files.errors import DECODER_FAILED, DECODER_MEMORY, DECODER_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNREAD: Final = frozenset({PageStatus.FAILED, PageStatus.SKIPPED})
_OF_THE_FILE: Final = frozenset({Kind.INVALID_INPUT, Kind.UNSUPPORTED, Kind.TOO_LARGE, Kind.FORBIDDEN})
"""Kinds of errors that the same page meets again."""
_BROKEN_DECODERS: Final = frozenset(entry.reason for entry in (DECODER_FAILED, DECODER_MEMORY, DECODER_TIMEOUT))


class PagesFailed(ProcessingFailure):
    """No page of the file could be read. Each has been logged with its own cause; this only sums them up."""


def judge_pages(pages: tuple[Page, ...]) -> DocumentStatus:
    """Return the document's status; at least one page was read, if only in part."""
    if any(page.status in _UNREAD or _is_cut(page) for page in pages):
        return DocumentStatus.PARTIALLY_SUCCEEDED
    return DocumentStatus.SUCCEEDED


def _is_cut(page: Page) -> bool:
    return any(warning.reason == LINES_LEFT_OUT.reason for warning in page.warnings)


def require_some_read(pages: tuple[Page, ...], catalogue: Catalogue) -> None:
    """Return if at least one page was read, or if there was none to read.

    Raises:
        PagesFailed: with the entry that all pages share, or the commonest if the
            file is to blame for all, else ``conversion-failed``; one detail a page.
            (Of failed and skipped pages together the failures speak: they say more
            than "no time".)
    """
    problems = [(page, page.error) for page in pages if page.status in _UNREAD and page.error is not None]
    if len(problems) < len(pages) or not pages:
        return
    failed = [problem for page, problem in problems if page.status is PageStatus.FAILED]
    entry = _choose_entry(failed or [problem for _, problem in problems], catalogue)
    details = tuple(_explain(page, problem) for page, problem in problems)
    waits = [problem.retry_after_s for _, problem in problems if problem.retry_after_s]
    raise PagesFailed(entry or CONVERSION_FAILED, details=details, retry_after_s=max(waits, default=None))


def _choose_entry(problems: Sequence[Problem], catalogue: Catalogue) -> Entry | None:
    """Return the entry that speaks for all pages, if one can.

    Pages that are damaged in different ways are a damaged file, not a failure of
    ours; those that broke a decoder beside them do not change that.
    """
    damages = [problem.reason for problem in problems if problem.kind in _OF_THE_FILE]
    breaks = [problem.reason for problem in problems if problem.reason in _BROKEN_DECODERS]
    reasons = [problem.reason for problem in problems]
    if len(damages) + len(breaks) == len(problems):
        reasons = damages or breaks
    elif len(set(reasons)) > 1:
        return None
    return catalogue.find(Counter(reasons).most_common(1)[0][0])


def _explain(page: Page, problem: Problem) -> Detail:
    first = problem.details[0] if problem.details else None
    return Detail(
        reason=problem.reason,
        page=page.number,
        limit=first.limit if first else None,
        actual=first.actual if first else None,
        unit=first.unit if first else None,
    )
