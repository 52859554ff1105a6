"""What stands beside the main text of Office files: headers, footers, notes, comments, diagrams, charts, text boxes."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import docx
import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

if TYPE_CHECKING:
    from pathlib import Path

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
BODY = b"<w:sectPr"


def add_parts(path: Path, *, body: str = "", rows: str = "", **parts: str) -> Path:
    """Write the document again, with more in its body, its first table, or in parts of its own."""
    changed = path.with_name(f"more-{path.name}")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                data = data.replace(BODY, body.encode() + BODY, 1).replace(b"</w:tbl>", rows.encode() + b"</w:tbl>", 1)
            target.writestr(name, data)
        for name, text in parts.items():
            target.writestr(f"word/{name}.xml", text)
    return changed


def read(bench: Any, path: Path, file_format: str = "docx", number: int = 1) -> list[tuple[str, str]]:
    layer = bench.describe(path, file_format, number=number).text_layer
    return [(block.kind.value, block.text) for block in layer.blocks]


def write_words(path: Path) -> Path:
    document = docx.Document()
    document.add_paragraph("The text.")
    document.save(str(path))
    return path


def test_headers_come_first_and_footers_last_each_once(tmp_path: Path, bench: Any) -> None:
    document = docx.Document()
    section = document.sections[0]
    section.different_first_page_header_footer = True
    section.header.paragraphs[0].text = "Company"
    section.first_page_header.paragraphs[0].text = "Company"
    section.footer.paragraphs[0].text = "Page 1"
    document.add_section().header.is_linked_to_previous = False
    document.sections[1].header.paragraphs[0].text = "Annex"
    document.add_paragraph("The text.")
    document.save(str(tmp_path / "in.docx"))
    assert read(bench, tmp_path / "in.docx") == [
        ("header", "Company"),
        ("header", "Annex"),
        ("paragraph", "The text."),
        ("footer", "Page 1"),
    ]


def test_notes_and_comments_stand_behind_the_text(tmp_path: Path, bench: Any) -> None:
    note = f'<w:{{0}}s {W}><w:{{0}} w:id="2"><w:p><w:r><w:t>A {{0}}.</w:t></w:r></w:p>{{1}}</w:{{0}}></w:{{0}}s>'
    table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>in it</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    path = add_parts(
        write_words(tmp_path / "in.docx"),
        footnotes=note.format("footnote", ""),
        endnotes=note.format("endnote", table),
        comments=note.format("comment", ""),
    )
    assert read(bench, path) == [
        ("paragraph", "The text."),
        ("note", "A footnote."),
        ("note", "A endnote."),
        ("table", "in it"),
        ("note", "A comment."),
    ]


@pytest.mark.parametrize("part", ["footnotes", "header9"])
def test_a_damaged_margin_costs_only_itself(tmp_path: Path, bench: Any, part: str) -> None:
    path = add_parts(write_words(tmp_path / "in.docx"), **{part: f"<w:hdr {W}><w:p>"})
    info = bench.describe(path, "docx")
    assert info.text_layer.text == "The text."
    assert info.notices == ("office-repaired",)


def test_rows_and_cells_may_be_wrapped_and_hold_text_boxes(tmp_path: Path, bench: Any) -> None:
    document = docx.Document()
    document.add_table(rows=1, cols=1).cell(0, 0).text = "first"
    document.save(str(tmp_path / "in.docx"))
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    boxed = (
        "<w:tc><w:p><w:r><w:pict><shape><textbox><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p>"
        "</w:txbxContent></textbox></shape></w:pict></w:r></w:p></w:tc>"
    )
    rows = (
        f"<w:sdt><w:sdtContent><w:tr>{cell.format('second')}</w:tr></w:sdtContent></w:sdt>"
        f"<w:tr><w:sdt><w:sdtContent>{cell.format('third')}</w:sdtContent></w:sdt>{boxed}</w:tr>"
    )
    assert read(bench, add_parts(tmp_path / "in.docx", rows=rows)) == [("table", "first\nsecond\nthird\tboxed")]


def test_wrapped_blocks_and_words_drawn_within_a_line_are_read(tmp_path: Path, bench: Any) -> None:
    body = (
        "<w:customXml><w:p><w:r><w:t>marked</w:t></w:r></w:p></w:customXml>"
        "<w:p><w:r><w:t>around</w:t></w:r><w:r><w:drawing><sp><txBody><w:p><w:r><w:t>drawn</w:t></w:r></w:p></txBody>"
        "</sp></w:drawing></w:r></w:p>"
    )
    assert read(bench, add_parts(write_words(tmp_path / "in.docx"), body=body)) == [
        ("paragraph", "The text."),
        ("paragraph", "marked"),
        ("paragraph", "around"),
        ("paragraph", "drawn"),
    ]


def test_speakers_notes_belong_to_their_slide(tmp_path: Path, bench: Any) -> None:
    deck = pptx.Presentation()
    for number in (1, 2):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = f"Slide {number}"
    slide.notes_slide.notes_text_frame.text = "Say hello\nand smile"
    slide.notes_slide.placeholders[0]  # the picture of the slide, and its number: nobody says them
    deck.save(str(tmp_path / "in.pptx"))
    assert read(bench, tmp_path / "in.pptx", "pptx") == [("heading", "Slide 1")]
    assert read(bench, tmp_path / "in.pptx", "pptx", 2) == [("heading", "Slide 2"), ("note", "Say hello\nand smile")]


def test_the_words_of_a_chart_are_read(tmp_path: Path, bench: Any) -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    data = CategoryChartData()
    data.categories = ["a", "b"]
    data.add_series("Sales", (1, 2))
    chart = slide.shapes.add_chart(XL_CHART_TYPE.PIE, Inches(1), Inches(1), Inches(3), Inches(3), data).chart
    chart.chart_title.text_frame.text = "How we grew"
    deck.save(str(tmp_path / "in.pptx"))
    assert read(bench, tmp_path / "in.pptx", "pptx") == [("paragraph", "How we grew")]


def test_a_long_text_that_all_cells_refer_to_is_cut_while_it_is_read(tmp_path: Path, bench: Any) -> None:
    row = f"<row>{'<c t=%s><v>0</v></c>' * 100}</row>".replace("%s", '"s"')
    parts = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": "<workbook><sheets><sheet name='S'/></sheets></workbook>",
        "xl/worksheets/sheet1.xml": f"<worksheet><sheetData>{row * 1_000}</sheetData></worksheet>",
        "xl/sharedStrings.xml": f"<sst><si><t>{'x' * 1_000_000}</t></si></sst>",  # 100 GB in a file of 2 MB
    }
    with zipfile.ZipFile(tmp_path / "in.xlsx", "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    info = bench.describe(tmp_path / "in.xlsx", "xlsx")
    assert len(info.text_layer.text) < 4_001_000
    assert info.notices == ("text-truncated",)
