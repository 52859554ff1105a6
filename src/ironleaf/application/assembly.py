"""Puts the pages together into the one document that is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ironleaf.application.options import OutputFormat
from ironleaf.application.outcome import judge_pages
from ironleaf.document import Document, Notice, Page, Timing
from ironleaf.services.cleaning.assembly import assemble_html, assemble_markdown, assemble_text

_ASSEMBLERS: Final[dict[OutputFormat, Callable[[tuple[Page, ...]], str]]] = {
    OutputFormat.TEXT: assemble_text,
    OutputFormat.MARKDOWN: assemble_markdown,
    OutputFormat.HTML: assemble_html,
}


def assemble_pages(pages: tuple[Page, ...], output_format: OutputFormat) -> str:
    """Return the pages' text in one format; nothing for ``json``, where the pages alone are the answer."""
    assembler = _ASSEMBLERS.get(output_format)
    return "" if assembler is None else assembler(pages)


def assemble_document(
    pages: tuple[Page, ...],
    *,
    text: str,
    document_id: str,
    filename: str | None,
    media_type: str,
    page_count: int,
    notices: tuple[str, ...],
    output_format: OutputFormat,
    timing: Timing,
) -> Document:
    """Return the document with ``text`` in the one field that was asked for (``json``: the pages alone)."""
    filled = {output_format.value: text} if output_format in _ASSEMBLERS else {}
    return Document(
        id=document_id,
        filename=filename,
        media_type=media_type,
        status=judge_pages(pages),
        page_count=page_count,
        pages_requested=len(pages),
        pages=pages,
        degraded=any(page.degraded for page in pages),
        warnings=(
            *(Notice(reason=reason) for reason in dict.fromkeys(notices)),
            *(warning for page in pages for warning in page.warnings),
        ),
        timing=timing,
        **filled,
    )
