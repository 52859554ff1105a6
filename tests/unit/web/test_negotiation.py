"""Language and format by what the caller accepts."""

from __future__ import annotations

import pytest

from ironleaf.web.negotiation import choose_language, wants_problem_json


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN", "zh"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-Hant-HK", "zh"),
        ("en;q=0.5, zh;q=0.9", "zh"),
        ("en, zh", "en"),
        ("fr, de;q=0.9", "en"),
        ("fr, zh;q=0.1", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=0", "en"),
        ("zh;q=nonsense, en;q=0.1", "en"),
        ("zh;q=nan, en;q=0.1", "en"),
        ("zhuang", "en"),
        ("*", "en"),
        (";;;,,,q=", "en"),
        ("x," * 10_000 + "zh", "en"),
    ],
)
def test_language(header: str | None, language: str) -> None:
    assert choose_language(header) == language


def test_the_default_language_can_be_chinese() -> None:
    assert choose_language("fr", default="zh") == "zh"
    assert choose_language("en", default="zh") == "en"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("application/problem+json", True),
        ("application/json, application/problem+json", True),
        ("application/json, application/problem+json;q=0.5", False),
        ("application/problem+json;q=0", False),
        ("APPLICATION/PROBLEM+JSON; q=0.2", True),
    ],
)
def test_format(header: str | None, wanted: bool) -> None:
    assert wants_problem_json(header) is wanted
