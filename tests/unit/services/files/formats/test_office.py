"""Office files: what they say, in order, with what is missing told."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import docx
import openpyxl
import pptx
import pytest
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image as SheetImage
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from PIL import Image
from pptx.util import Inches

from ironleaf.foundation.errors import IronleafError
from ironleaf.services.files.formats.office_sheets import COLUMNS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def picture() -> io.BytesIO:
    data = io.BytesIO()
    Image.new("RGB", (20, 20)).save(data, format="PNG")
    data.seek(0)
    return data


def write_words(path: Path) -> Path:
    document = docx.Document()
    document.add_heading("The report", 0)
    document.add_heading("First part", 2)
    paragraph = document.add_paragraph("Plain ")
    paragraph.add_run("and bold").bold = True
    paragraph.add_run("\tafter a tab")
    document.add_paragraph("an item", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row in range(2):
        for column in range(2):
            table.cell(row, column).text = f"cell {row}{column}"
    document.add_paragraph("The end.")
    document.save(str(path))
    return path


def rewrite(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """Write the archive again, with parts changed or, for None, left out."""
    changed = path.with_name("changed-" + path.name)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = change(name, source.read(name))
            if data is not None:
                target.writestr(name, data)
    return changed


def test_words(tmp_path: Path, bench: Any) -> None:
    path = write_words(tmp_path / "in.docx")
    assert bench.open(path, "docx").page_count == 1
    info = bench.describe(path, "docx")
    assert (info.has_image, info.width_px, info.text_layer.native) == (False, None, True)
    assert [(block.kind.value, block.text, block.level) for block in info.text_layer.blocks] == [
        ("heading", "The report", 1),
        ("heading", "First part", 2),
        ("paragraph", "Plain and bold after a tab", None),
        ("list_item", "an item", 1),
        ("table", "cell 00\tcell 01\ncell 10\tcell 11", None),
        ("paragraph", "The end.", None),
    ]
    assert info.text_layer.text.startswith("The report\n\nFirst part\n\nPlain and bold")


def test_numbered_paragraphs_are_list_items(tmp_path: Path, bench: Any) -> None:
    path = write_words(tmp_path / "in.docx")
    properties = b'<w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr>'

    def number(name: str, data: bytes) -> bytes:
        if name != "word/document.xml":
            return data
        return re.sub(rb'<w:pPr><w:pStyle w:val="ListBullet"/></w:pPr>', properties, data)

    blocks = bench.describe(rewrite(path, number), "docx").text_layer.blocks
    assert [(block.text, block.level) for block in blocks if block.kind == "list_item"] == [("an item", 2)]


def test_deleted_text_and_second_tellings_are_left_out(tmp_path: Path, bench: Any) -> None:
    path = write_words(tmp_path / "in.docx")
    extra = (
        b"<w:p><w:del><w:r><w:t>gone</w:t></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins>"
        b"<w:r><AlternateContent><Choice><w:t> once</w:t></Choice><Fallback><w:t> twice</w:t></Fallback>"
        b"</AlternateContent></w:r></w:p><w:sectPr"
    )
    changed = rewrite(
        path, lambda name, data: data.replace(b"<w:sectPr", extra, 1) if name == "word/document.xml" else data
    )
    assert bench.describe(changed, "docx").text_layer.blocks[-1].text == "new once"


def test_missing_styles_cost_the_headings_only(tmp_path: Path, bench: Any) -> None:
    path = write_words(tmp_path / "in.docx")
    changed = rewrite(path, lambda name, data: None if name == "word/styles.xml" else data)
    blocks = bench.describe(changed, "docx").text_layer.blocks
    assert blocks[0].text == "The report"
    assert blocks[0].kind == "paragraph"


def test_pictures_are_told(tmp_path: Path, bench: Any) -> None:
    document = docx.Document()
    document.add_paragraph("before")
    document.add_picture(picture())
    path = tmp_path / "in.docx"
    document.save(str(path))
    assert bench.describe(path, "docx").notices == ("embedded-pictures-skipped",)


def test_a_text_that_breaks_off_is_read_so_far(tmp_path: Path, bench: Any) -> None:
    path = write_words(tmp_path / "in.docx")
    changed = rewrite(path, lambda name, data: data[:-400] if name == "word/document.xml" else data)
    info = bench.describe(changed, "docx")
    assert info.notices == ("office-repaired",)
    assert info.text_layer.text.startswith("The report")


def test_a_file_without_its_main_part_is_damaged(tmp_path: Path, bench: Any) -> None:
    path = write_words(tmp_path / "in.docx")
    changed = rewrite(path, lambda name, data: None if name == "word/document.xml" else data)
    with pytest.raises(IronleafError) as caught:
        bench.open(changed, "docx")
    assert caught.value.entry.reason == "damaged-office"


@pytest.mark.parametrize("main", [b"", b"\x00\xff junk"])
def test_of_a_file_whose_text_is_gone_the_header_alone_is_no_reading(main: bytes, tmp_path: Path, bench: Any) -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Company"
    document.add_paragraph("The text.")
    document.save(str(tmp_path / "in.docx"))
    changed = rewrite(tmp_path / "in.docx", lambda name, data: main if name == "word/document.xml" else data)
    with pytest.raises(IronleafError) as caught:
        bench.describe(changed, "docx")
    assert caught.value.entry.reason == "damaged-office"


def test_a_slide_that_is_gone_is_damaged_and_not_blank(tmp_path: Path, bench: Any) -> None:
    show = pptx.Presentation()
    for title in ("One", "Two"):
        show.slides.add_slide(show.slide_layouts[5]).shapes.title.text = title
    show.save(str(tmp_path / "in.pptx"))
    changed = rewrite(tmp_path / "in.pptx", lambda name, data: None if name == "ppt/slides/slide1.xml" else data)
    with pytest.raises(IronleafError) as caught:
        bench.describe(changed, "pptx", 1)
    assert caught.value.entry.reason == "damaged-office"
    assert bench.describe(changed, "pptx", 2).text_layer.text == "Two"


def test_an_entity_bomb_is_refused(tmp_path: Path, bench: Any) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    changed = rewrite(
        write_words(tmp_path / "in.docx"), lambda name, data: bomb if name == "word/document.xml" else data
    )
    with pytest.raises(IronleafError) as caught:
        bench.open(changed, "docx")
    assert caught.value.entry.reason == "xml-bomb"


def test_sheets(tmp_path: Path, bench: Any) -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Prices"
    for row in (
        ["Item", "Price", "Since"],
        ["Paper | A4", 4.9, date(2026, 5, 3)],
        ["Toner", 79, None],
        [True, 0.1, "x"],
    ):
        first.append(row)
    second = book.create_sheet("Notes")
    second["C3"] = "far away"
    path = tmp_path / "in.xlsx"
    book.save(path)
    assert bench.open(path, "xlsx").page_count == 2
    heading, table = bench.describe(path, "xlsx", 1).text_layer.blocks
    assert (heading.kind, heading.text) == ("heading", "Prices")
    assert table.text == "Item\tPrice\tSince\nPaper | A4\t4.9\t2026-05-03\nToner\t79\nTRUE\t0.1\tx"
    assert bench.describe(path, "xlsx", 2).text_layer.blocks[1].text == "\t\tfar away"


@pytest.mark.parametrize(
    ("value", "number_format", "shown"),
    [
        (timedelta(hours=27, minutes=5), "[h]:mm:ss", "27:05:00"),
        (time(9, 5), "hh:mm", "09:05:00"),
        (datetime(2026, 3, 15, 14, 30), "yyyy-mm-dd hh:mm", "2026-03-15 14:30:00"),  # noqa: DTZ001
        (0.125, "0.0%", "12.5%"),
        (0.5, '[Red]0"%"', "0.5"),
        (7, '"days" 0', "7"),
        (99.5, "[$€-407] 0.00", "99.5"),
        ("=SUM(A2:A9)", "General", "=SUM(A2:A9)"),  # its result was never stored
    ],
)
def test_a_cell_shows_what_its_format_makes_of_it(
    value: Any, number_format: str, shown: str, tmp_path: Path, bench: Any
) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = value
    book.active["A1"].number_format = number_format
    path = tmp_path / "in.xlsx"
    book.save(path)
    assert bench.describe(path, "xlsx").text_layer.blocks[1].text == shown


def test_a_stored_result_is_shown_and_not_its_formula(tmp_path: Path, bench: Any) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "=SUM(A2:A9)"
    path = tmp_path / "in.xlsx"
    book.save(path)
    stored = re.compile(rb"</f><v\s*/?>(?:</v>)?")
    changed = rewrite(path, lambda _, data: stored.sub(b"</f><v>41.5</v>", data))
    assert bench.describe(changed, "xlsx").text_layer.blocks[1].text == "41.5"


@pytest.mark.parametrize(("far", "notices"), [("far out", ("text-truncated",)), (None, ())])
def test_cells_too_far_out_are_told_if_they_say_anything(
    far: str | None, notices: tuple[str, ...], tmp_path: Path, bench: Any
) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "near"
    book.active.cell(1, COLUMNS_MAX + 1, far).number_format = "0.00"
    path = tmp_path / "in.xlsx"
    book.save(path)
    page = bench.describe(path, "xlsx")
    assert (page.text_layer.blocks[1].text, page.notices) == ("near", notices)


def test_days_may_count_from_1904(tmp_path: Path, bench: Any) -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active["A1"] = date(2026, 3, 14)
    path = tmp_path / "in.xlsx"
    book.save(path)
    assert bench.describe(path, "xlsx").text_layer.blocks[1].text == "2026-03-14"


def test_comments_and_pictures_of_a_sheet_are_not_lost(tmp_path: Path, bench: Any) -> None:
    book = openpyxl.Workbook()
    book.active["B3"] = "Rose"
    book.active["B3"].comment = Comment("Check the price", "Ann")
    picture = tmp_path / "in.png"
    Image.new("RGB", (90, 40), "white").save(picture)
    book.create_sheet("Two").add_image(SheetImage(str(picture)), "A1")
    path = tmp_path / "in.xlsx"
    book.save(path)
    note = bench.describe(path, "xlsx", 1).text_layer.blocks[-1]
    assert (note.kind, note.text) == ("note", "B3: Check the price")
    assert bench.describe(path, "xlsx", 1).notices == ()
    assert bench.describe(path, "xlsx", 2).notices == ("embedded-pictures-skipped",)


def test_where_there_are_threads_of_comments_they_speak(tmp_path: Path, bench: Any) -> None:
    book = openpyxl.Workbook()
    book.active["B3"] = "Rose"
    book.active["B3"].comment = Comment("[Threaded comment] Check the price", "Ann")
    path = tmp_path / "in.xlsx"
    book.save(path)
    thread = b'<ThreadedComments xmlns="urn:x"><threadedComment ref="B3"><text>Check it</text></threadedComment>'
    thread += b'<threadedComment ref="B3"><text>Done</text></threadedComment></ThreadedComments>'
    related = b'<Relationship Id="t" Type="urn:x" Target="/xl/threadedComments/threadedComment1.xml"/></Relationships>'
    rels = "xl/worksheets/_rels/sheet1.xml.rels"
    changed = rewrite(path, lambda name, data: data.replace(b"</Relationships>", related) if name == rels else data)
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr("xl/threadedComments/threadedComment1.xml", thread)
    blocks = bench.describe(changed, "xlsx").text_layer.blocks
    assert [block.text for block in blocks if block.kind == "note"] == ["B3: Check it", "B3: Done"]


def test_a_damaged_comment_costs_itself_only(tmp_path: Path, bench: Any) -> None:
    book = openpyxl.Workbook()
    book.active["B3"] = "Rose"
    book.active["B3"].comment = Comment("Check the price", "Ann")
    path = tmp_path / "in.xlsx"
    book.save(path)
    changed = rewrite(path, lambda name, data: data[:-40] if "/comments" in name else data)
    page = bench.describe(changed, "xlsx")
    assert ("Rose" in page.text_layer.text, page.notices) == (True, ("office-repaired",))


def test_a_missing_sheet_costs_itself_only(tmp_path: Path, bench: Any) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "one"
    book.create_sheet("Two")["A1"] = "two"
    path = tmp_path / "in.xlsx"
    book.save(path)
    changed = rewrite(path, lambda name, data: None if name == "xl/worksheets/sheet1.xml" else data)
    assert bench.describe(changed, "xlsx", 1).notices == ("office-repaired",)
    assert "two" in bench.describe(changed, "xlsx", 2).text_layer.text


def test_slides(tmp_path: Path, bench: Any) -> None:
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Where we stand"
    body = slide.placeholders[1].text_frame
    body.text = "first point"
    deeper = body.add_paragraph()
    deeper.text, deeper.level = "a detail", 1
    second = show.slides.add_slide(show.slide_layouts[6])
    table = second.shapes.add_table(1, 2, Inches(1), Inches(1), Inches(4), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    second.shapes.add_picture(picture(), Inches(1), Inches(3))
    path = tmp_path / "in.pptx"
    show.save(str(path))
    assert bench.open(path, "pptx").page_count == 2
    blocks = bench.describe(path, "pptx", 1).text_layer.blocks
    assert [(block.kind.value, block.text, block.level) for block in blocks] == [
        ("heading", "Where we stand", 1),
        ("list_item", "first point", 1),
        ("list_item", "a detail", 2),
    ]
    info = bench.describe(path, "pptx", 2)
    assert info.text_layer.text == "left\tright"
    assert info.notices == ("embedded-pictures-skipped",)


def test_a_show_without_slides_is_one_empty_page(tmp_path: Path, bench: Any) -> None:
    path = tmp_path / "in.pptx"
    pptx.Presentation().save(str(path))
    assert bench.open(path, "pptx").page_count == 1
    assert bench.describe(path, "pptx").text_layer.text == ""


def test_long_texts_are_cut(tmp_path: Path, make_bench: Any) -> None:
    from ironleaf.services.files.settings import FileLimits  # noqa: PLC0415

    bench = make_bench(files=FileLimits(text_characters_max=14))
    info = bench.describe(write_words(tmp_path / "in.docx"), "docx")
    assert [block.text for block in info.text_layer.blocks] == ["The report", "Firs"]
    assert info.notices == ("text-truncated",)
