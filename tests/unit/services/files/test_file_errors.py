"""The files' part of the catalogue is complete, and keeps to its own range of codes."""

from __future__ import annotations

import re

import pytest

from ironleaf.foundation.errors import Catalogue, Entry, NoticeEntry, Text
from ironleaf.services.files import errors
from ironleaf.services.files.errors import ENTRIES, NOTICES

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_every_entry_is_in_the_list() -> None:
    named = [value for value in vars(errors).values() if isinstance(value, Entry)]
    assert sorted(entry.code for entry in named) == [entry.code for entry in Catalogue(ENTRIES)]


def test_every_notice_is_in_the_list() -> None:
    named = {value.reason for value in vars(errors).values() if isinstance(value, NoticeEntry)}
    assert named == {notice.reason for notice in NOTICES}
    assert len(named) == len(NOTICES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.reason)
def test_an_entry_speaks_both_languages_in_its_own_range(entry: Entry) -> None:
    assert 1 <= entry.code % 100 <= 29
    for text in (entry.message, entry.user_advice, entry.operator_advice):
        assert_speaks(text)


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.reason)
def test_a_notice_speaks_both_languages(notice: NoticeEntry) -> None:
    assert_speaks(notice.message)


def assert_speaks(text: Text) -> None:
    assert text.en.endswith(".")
    assert not CHINESE.search(text.en)
    assert text.zh.endswith("。")
    assert CHINESE.search(text.zh)


def test_the_code_of_a_page_that_is_too_large_is_fixed() -> None:
    assert errors.PAGE_TOO_LARGE.code == 42207
