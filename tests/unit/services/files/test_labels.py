"""A caller's file name changes nothing but the label, which is tidy."""

from __future__ import annotations

import pytest

from ironleaf.services.files.labels import LABEL_BYTES_MAX, clean_label, extension_of


@pytest.mark.parametrize(
    ("filename", "label"),
    [
        ("invoice.pdf", "invoice.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\scan.tif", "scan.tif"),
        ("a\x00b\r\n.pdf", "ab .pdf"),
        ("safe\u202efdp.exe", "safefdp.exe"),
        (".htaccess", "htaccess"),
        ("  two   words .txt ", "two words .txt"),
        ("CON", "_CON"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("COM1.txt", "_COM1.txt"),
        ('a<b>:"c|?*.png', "a_b___c___.png"),
        ("收据 第一页.jpg", "收据 第一页.jpg"),
        ("cafe\u0301.pdf", "café.pdf"),
        ("", None),
        ("..", None),
        ("/", None),
        ("\u200b\u202e", None),
        (None, None),
    ],
)
def test_only_a_tidy_name_is_left(filename: str | None, label: str | None) -> None:
    assert clean_label(filename) == label


def test_a_name_of_ten_thousand_characters_keeps_its_extension() -> None:
    label = clean_label("长" * 10_000 + ".pdf")
    assert label is not None
    assert label.endswith("长.pdf")
    assert len(label.encode()) <= LABEL_BYTES_MAX


def test_a_long_ending_is_no_extension() -> None:
    label = clean_label("a." + "b" * 1_000)
    assert label is not None
    assert len(label.encode()) == LABEL_BYTES_MAX
    assert extension_of(label) == ""


@pytest.mark.parametrize(
    ("label", "extension"), [("A.PDF", "pdf"), ("archive.tar.GZ", "gz"), ("plain", ""), (None, "")]
)
def test_an_extension_is_read_in_lower_case(label: str | None, extension: str) -> None:
    assert extension_of(label) == extension
