"""Pages into a document: text, Markdown, and HTML in which nothing but our own tags is a tag."""

# ruff: noqa: E501 (a table reads best with one case a line)

from __future__ import annotations

import pytest

from ironleaf.document import Block, BlockKind, Page, PageStatus
from ironleaf.services.cleaning import assemble_html, assemble_markdown, assemble_text

K = BlockKind


def make_page(number: int, text: str = "", *blocks: Block) -> Page:
    return Page(
        number=number,
        status=PageStatus.SUCCEEDED,
        engine="vl",
        model=None,
        degraded=False,
        degraded_reason=None,
        error=None,
        text=text,
        blocks=blocks,
        width_px=None,
        height_px=None,
        rotation_deg=0,
        language=None,
        quality=None,
    )


BLOCKS = (
    Block(kind=K.HEADING, text="Annual\nreport", level=2),
    Block(kind=K.PARAGRAPH, text="Two lines\nof text."),
    Block(kind=K.LIST_ITEM, text="first"),
    Block(kind=K.LIST_ITEM, text="nested", level=2),
    Block(kind=K.LIST_ITEM, text="3. kept number"),
    Block(kind=K.TABLE, text="item\tamount\nrent\t1|2\nheat"),
    Block(kind=K.CODE, text="a ``` b"),
    Block(kind=K.PICTURE, text=" "),
    Block(kind=K.LINE, text="last"),
    Block(kind=K.LINE, text="lines"),
)


def test_text_joins_pages_and_leaves_out_the_blank() -> None:
    assert assemble_text([make_page(1, "one\n"), make_page(2, " "), make_page(3, "\nthree")]) == "one\n\nthree"
    assert assemble_text([]) == ""


def test_blocks_become_markdown() -> None:
    assert assemble_markdown([make_page(1, "unused", *BLOCKS)]) == (
        "## Annual report\n\nTwo lines\nof text.\n\n- first\n  - nested\n3. kept number\n\n"
        "| item | amount |\n| --- | --- |\n| rent | 1\\|2 |\n| heat |  |\n\n"
        "````\na ``` b\n````\n\nlast\nlines"
    )


def test_lines_alone_say_no_more_than_the_text() -> None:
    page = make_page(1, "# The text\n\nas it is", Block(kind=K.LINE, text="a"), Block(kind=K.LINE, text="b"))
    assert assemble_markdown([page, make_page(2)]) == "# The text\n\nas it is"


def test_markdown_becomes_html() -> None:
    page = make_page(
        4,
        "# Title #\nline one\nline two\n\n- a\n* b\n1. c\n2) d\n\n| h | i |\n|:--|--:|\n| 1 | x \\| y |\n\n```py\nif a < b:\n```\nend",
    )
    assert assemble_html([make_page(1), page]) == (
        '<section data-page="4">\n<h1>Title</h1>\n<p>line one<br>line two</p>\n'
        "<ul><li>a</li><li>b</li></ul>\n<ol><li>c</li><li>d</li></ol>\n"
        "<table><thead><tr><th>h</th><th>i</th></tr></thead><tbody><tr><td>1</td><td>x | y</td></tr></tbody></table>\n"
        "<pre><code>if a &lt; b:</code></pre>\n<p>end</p>\n</section>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "# <img src=x onerror=alert(1)>",
        "- <b>x</b>",
        "| <i> | b |\n|---|---|\n| </td><script> | 2 |",
        "```\n</code></pre><script>\n```",
        "a \"quoted\" & 'single'",
        "[link](javascript:alert(1))",
    ],
)
def test_no_tag_of_the_page_is_a_tag(text: str) -> None:
    html = assemble_html([make_page(1, text)])
    for raw in ("<script", "<img", "<b>", "<i>", '"quoted"', "href"):
        assert raw not in html


@pytest.mark.parametrize(
    ("line", "html"),
    [
        ("## C#", "<h2>C#</h2>"),
        ("# A ##  ", "<h1>A</h1>"),
        ("# ##", "<h1></h1>"),
        ("#hash", "<p>#hash</p>"),
        ("####### 7", "<p>####### 7</p>"),
    ],
)
def test_headings(line: str, html: str) -> None:
    assert html in assemble_html([make_page(1, line)])


def test_blocks_of_blanks_give_nothing() -> None:
    assert assemble_html([make_page(1, "", Block(kind=K.PARAGRAPH, text="\n"))]) == ""
