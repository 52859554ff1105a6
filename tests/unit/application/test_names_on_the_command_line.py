"""Names of files reach the terminal and new files without characters that act on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironleaf.application.cli.converting import name_output
from ironleaf.application.cli.exits import show


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("报告 v1.2.pdf", "报告 v1.2.pdf"),
        ("a\x1b[31m.txt", "a\ufffd[31m.txt"),
        ("a\u202etxt.exe", "a\ufffdtxt.exe"),
        ("one\ntwo.txt", "one\ufffdtwo.txt"),
        ("\udcff.txt", "\ufffd.txt"),
    ],
)
def test_a_name_does_nothing_to_a_terminal(name: str, shown: str) -> None:
    assert show(Path(name)) == shown


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("报告 v1.2.pdf", "报告 v1.2"),
        ("a: b?.pdf", "a: b?"),
        ("a\x1b[31m.txt", "a[31m"),
        ("a\u202etxt.exe", "atxt"),
        ("one\ntwo.txt", "one two"),
        ("\x01.txt", "document"),
    ],
)
def test_a_new_file_bears_its_source_s_name_without_control_characters(name: str, stem: str) -> None:
    assert name_output(Path(name)) == stem
