"""What a file's pages say about the whole: read, partly read, or not at all."""

from __future__ import annotations

from typing import Final

from ironleaf.application.errors import CONVERSION_FAILED
from ironleaf.document import DocumentStatus, Page, PageStatus
from ironleaf.foundation.errors import Catalogue, Detail, Problem, ProcessingFailure

_UNREAD: Final = frozenset({PageStatus.FAILED, PageStatus.SKIPPED})


class PagesFailed(ProcessingFailure):
    """No page of the file could be read. Each has been logged with its own cause; this only sums them up."""


def judge_pages(pages: tuple[Page, ...]) -> DocumentStatus:
    """Return the document's status; at least one page was read."""
    if any(page.status in _UNREAD for page in pages):
        return DocumentStatus.PARTIALLY_SUCCEEDED
    return DocumentStatus.SUCCEEDED


def require_some_read(pages: tuple[Page, ...], catalogue: Catalogue) -> None:
    """Return if at least one page was read, or if there was none to read.

    Raises:
        PagesFailed: with the entry that all pages share, else
            ``conversion-failed``; one detail a page. (Of failed and skipped pages
            together the failures speak: they say more than "no time".)
    """
    problems = [(page, page.error) for page in pages if page.status in _UNREAD and page.error is not None]
    if len(problems) < len(pages) or not pages:
        return
    failed = [problem for page, problem in problems if page.status is PageStatus.FAILED]
    reasons = {problem.reason for problem in failed or [problem for _, problem in problems]}
    entry = catalogue.find(reasons.pop()) if len(reasons) == 1 else None
    details = tuple(_explain(page, problem) for page, problem in problems)
    waits = [problem.retry_after_s for _, problem in problems if problem.retry_after_s]
    raise PagesFailed(entry or CONVERSION_FAILED, details=details, retry_after_s=max(waits, default=None))


def _explain(page: Page, problem: Problem) -> Detail:
    first = problem.details[0] if problem.details else None
    return Detail(
        reason=problem.reason,
        page=page.number,
        limit=first.limit if first else None,
        actual=first.actual if first else None,
        unit=first.unit if first else None,
    )
