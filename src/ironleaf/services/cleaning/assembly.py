"""A document's text from its pages, in the format that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ironleaf.document import BlockKind
from ironleaf.services.cleaning.markup import blocks_to_markdown, markdown_to_html

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ironleaf.document import Page

PAGE_BREAK: Final = "\n\n"
"""Between pages: a blank line, so that the text reads on."""


def assemble_text(pages: Iterable[Page]) -> str:
    """Return the pages' texts, one after the other; pages without text leave no trace."""
    return PAGE_BREAK.join(text for page in pages if (text := page.text.strip("\n")).strip())


def assemble_markdown(pages: Iterable[Page]) -> str:
    """Return the pages as Markdown: from their blocks where these say what they are, else their text as it is."""
    return PAGE_BREAK.join(markdown for page in pages if (markdown := page_to_markdown(page)).strip())


def assemble_html(pages: Iterable[Page]) -> str:
    """Return the pages as a piece of HTML, a section for each page with text; all text in it is escaped."""
    sections = ((page.number, markdown_to_html(page_to_markdown(page))) for page in pages)
    return "\n".join(f'<section data-page="{number:d}">\n{body}\n</section>' for number, body in sections if body)


def page_to_markdown(page: Page) -> str:
    """Return one page as Markdown."""
    # Lines alone carry no structure that the text has not; and models write Markdown as their text already.
    if all(block.kind is BlockKind.LINE for block in page.blocks):
        return page.text.strip("\n")
    return blocks_to_markdown(page.blocks)
