"""Cleaning is idempotent and total; assembled HTML holds no tag but our own."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from ironleaf.document import Block, BlockKind, Page, PageStatus
from ironleaf.services.cleaning import assemble_html, assemble_markdown, assemble_text, clean_page

PIECES = st.sampled_from(
    (
        ["```", "```markdown\n", "~~~\n", "\n", "\n\n", "-\n", "recog-\nnition ", "ab-\n", "cd-\n", "text "],
        ["Sure!\n", "好的，\n", "希望对您有帮助！", "Here is the text:\n", "Let me know if you like.\n"],
        ["\u200d", "\u200b", "\u202e", "\r", "\x0c", "e\u0301", "\u0301", "\ud800", " ", "- ", "# ", "1. "],
        ["| a |", "|---|", "<b>", "&", '"'],
    )
).flatmap(st.sampled_from)
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=40).map("".join))
BLOCKS = st.builds(Block, kind=st.sampled_from(BlockKind), text=TEXTS, level=st.one_of(st.none(), st.integers(-3, 99)))
OURS = re.compile(
    r'</?(?:h[1-6]|p|ul|ol|li|table|thead|tbody|tr|th|td|pre|code|section|blockquote)>|<br>|<section data-page="\d+">'
)


def make_page(text: str, blocks: list[Block]) -> Page:
    return Page(
        number=1,
        status=PageStatus.SUCCEEDED,
        engine="vl",
        model=None,
        degraded=False,
        degraded_reason=None,
        error=None,
        text=text,
        blocks=tuple(blocks),
        width_px=None,
        height_px=None,
        rotation_deg=0,
        language=None,
        quality=None,
    )


@given(text=TEXTS, generated=st.booleans())
@settings(max_examples=400, deadline=None)
def test_cleaning_twice_is_cleaning_once(text: str, generated: bool) -> None:
    cleaned = clean_page(text, generated=generated)
    assert clean_page(cleaned, generated=generated) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    cleaned.encode("utf-8")
    assert not re.search("[\u200b\u202a-\u202e\u2066-\u2069\ufeff\x00-\x08\r]|[ \t]$", cleaned, re.MULTILINE)


@given(text=st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=80))
@settings(max_examples=100, deadline=None)
def test_letters_and_digits_are_never_lost(text: str) -> None:
    assert clean_page(text, generated=True) == unicodedata.normalize("NFC", text)


@given(text=TEXTS, blocks=st.lists(BLOCKS, max_size=6))
@settings(max_examples=200, deadline=None)
def test_html_holds_only_our_own_tags(text: str, blocks: list[Block]) -> None:
    page = make_page(text, blocks)
    rest = OURS.sub("", assemble_html([page]))
    assert not set(rest) & set("<>\"'")
    assert isinstance(assemble_markdown([page]), str)
    assert isinstance(assemble_text([page]), str)
