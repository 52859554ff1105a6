"""Numbered paragraphs of Word come with the numbers that everybody sees."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import docx
import pytest

from ironleaf.services.files.formats.office_numbering import Level, Numbering

if TYPE_CHECKING:
    from pathlib import Path

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
LEVEL = '<w:lvl w:ilvl="{0}"><w:start w:val="{1}"/><w:numFmt w:val="{2}"/><w:lvlText w:val="{3}"/></w:lvl>'
CLAUSES = (
    LEVEL.format(0, 1, "decimal", "%1.") + LEVEL.format(1, 1, "decimal", "%1.%2") + LEVEL.format(2, 1, "bullet", "·")
)
ANEW = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'
PART = (
    f'<w:numbering {W}><w:abstractNum w:abstractNumId="3">{CLAUSES}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="3"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="3"/></w:num>'
    f'<w:num w:numId="5"><w:abstractNumId w:val="3"/>{ANEW}</w:num></w:numbering>'
)


def write(path: Path, *paragraphs: tuple[str, int, str], part: str = PART) -> Path:
    """Write a document of paragraphs: the list each is in, its depth there, its text."""
    plain = path.with_name("plain.docx")
    docx.Document().save(str(plain))
    body = "".join(
        f'<w:p><w:pPr><w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr></w:pPr>'
        f"<w:r><w:t>{text}</w:t></w:r></w:p>"
        for number, depth, text in paragraphs
    )
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                data = data.replace(b"<w:sectPr", body.encode() + b"<w:sectPr", 1)
            target.writestr(name, part.encode() if name == "word/numbering.xml" else data)
    return path


def read(bench: Any, path: Path) -> list[str]:
    return [block.text for block in bench.describe(path, "docx").text_layer.blocks]


def test_clauses_are_counted_on_every_level(tmp_path: Path, bench: Any) -> None:
    path = write(tmp_path / "in.docx", ("1", 0, "a"), ("1", 1, "b"), ("1", 1, "c"), ("1", 0, "d"), ("1", 1, "e"))
    assert read(bench, path) == ["1. a", "1.1 b", "1.2 c", "2. d", "2.1 e"]


def test_bullets_have_no_number_and_who_is_in_no_list_neither(tmp_path: Path, bench: Any) -> None:
    path = write(tmp_path / "in.docx", ("1", 2, "a"), ("0", 0, "b"), ("99", 0, "c"))
    assert read(bench, path) == ["a", "b", "c"]
    kinds = [block.kind.value for block in bench.describe(path, "docx").text_layer.blocks]
    assert kinds == ["list_item", "paragraph", "list_item"]


def test_lists_of_one_kind_count_on_unless_one_begins_anew(tmp_path: Path, bench: Any) -> None:
    path = write(tmp_path / "in.docx", ("1", 0, "a"), ("2", 0, "b"), ("5", 0, "c"), ("5", 0, "d"), ("1", 0, "e"))
    assert read(bench, path) == ["1. a", "2. b", "7. c", "8. d", "3. e"]


@pytest.mark.parametrize("part", ["", "<w:numbering", PART.replace('w:val="1"/><w:numFmt', 'w:val="x"/><w:numFmt')])
def test_a_damaged_part_costs_the_numbers_at_most(part: str, tmp_path: Path, bench: Any) -> None:
    assert read(bench, write(tmp_path / "in.docx", ("1", 0, "a"), part=part)) in (["a"], ["1. a"])


@pytest.mark.parametrize(
    ("way", "start", "shown"),
    [
        ("decimal", 3, "3)"),
        ("lowerLetter", 2, "b)"),
        ("upperLetter", 27, "AA)"),
        ("lowerRoman", 14, "xiv)"),
        ("upperRoman", 1_999, "MCMXCIX)"),
        ("decimalZero", 4, "04)"),
        ("chineseCounting", 1, "一)"),
        ("chineseCountingThousand", 10, "十)"),
        ("japaneseCounting", 21, "二十一)"),
        ("unheardOf", 5, "5)"),
        ("upperRoman", 900_000, "900000)"),
        ("lowerLetter", 0, "0)"),
    ],
)
def test_each_way_of_counting(way: str, start: int, shown: str) -> None:
    numbering = Numbering(lists={"1": ("x", {0: Level(way=way, pattern="%1)", start=start)})})
    assert numbering.count("1", 0) == shown
