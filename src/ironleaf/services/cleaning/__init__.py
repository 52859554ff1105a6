"""From an engine's words to a page's text, and from pages to a document. All pure."""

from ironleaf.services.cleaning.assembly import assemble_html, assemble_markdown, assemble_text
from ironleaf.services.cleaning.pipeline import clean_page

__all__ = ["assemble_html", "assemble_markdown", "assemble_text", "clean_page"]
