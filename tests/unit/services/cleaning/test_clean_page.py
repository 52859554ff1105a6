"""What cleaning takes off, and what it must leave alone."""

from __future__ import annotations

import time

import pytest

from ironleaf.services.cleaning import clean_page


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\r\nb\rc\u2028d\x0ce", "a\nb\nc\nd\ne"),
        ("e\u0301te\u0301", "été"),
        ("zero\u200bwidth\ufeff and soft\u00adhyphen", "zerowidth and softhyphen"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("bell\x07 null\x00 del\x7f", "bell null del"),
        ("1\u00a0200\u202f€", "1 200 €"),
        ("private \ue000 stays", "private \ue000 stays"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200d edge \u200c", " edge"),
        ("half \ud800 pair", "half  pair"),
        ("trailing   \nspace\t\n", "trailing\nspace"),
        ("\n\na\n\n\n\n\n\nb\n\n", "a\n\n\nb"),
        ("a\n\n\nb", "a\n\n\nb"),
        ("  indented stays", "  indented stays"),
    ],
)
def test_characters_and_space(before: str, after: str) -> None:
    assert clean_page(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("the recog-\nnition of text", "the recognition\nof text"),
        ("inter-\nnatio-\nnal law", "international\nlaw"),
        ("the end-\n\nnext", "the end-\n\nnext"),
        ("a well-\nknown fact", "a well-\nknown fact"),
        ("Anna-\nMaria", "Anna-\nMaria"),
        ("pages 3-\n5", "pages 3-\n5"),
        ("- item\n- other", "- item\n- other"),
        ("```\nfoo-\nbar\n```", "```\nfoo-\nbar\n```"),
        ("recog-  \nnition.", "recognition."),
        ("Ärz-\nte und Pfle-\nger", "Ärzte\nund Pfleger"),
    ],
)
def test_words_cut_at_a_lines_end(before: str, after: str) -> None:
    assert clean_page(before) == after


@pytest.mark.parametrize(
    "wrapped",
    [
        "```markdown\n{}\n```",
        "```\n{}\n```",
        "~~~text\n{}\n~~~",
        "```md\n{}",
        "Here is the extracted text:\n\n{}",
        "Sure! Here's the text from the image:\n```\n{}\n```",
        "Certainly!\n\n{}",
        "The text in the image is as follows:\n{}",
        "以下是图片中的文字内容：\n{}",
        "好的，以下是识别结果：\n\n{}",
        "图片中的文字如下：\n{}\n\n希望对您有帮助！",
        "{}\n\nLet me know if you need anything else!",
    ],
)
def test_a_models_wrapping_comes_off_only_where_a_model_wrote(wrapped: str) -> None:
    page = "# Invoice\n\nTotal: 12.40"
    assert clean_page(wrapped.format(page), generated=True) == page
    assert clean_page(wrapped.format(page)) == wrapped.format(page)


@pytest.mark.parametrize(
    "page",
    [
        "```python\nprint(1)\n```",
        "```\ncode\n```\n\nprose\n\n```\nmore\n```\n\nend",
        "Here is the plan: walk home.",
        "Sure is a word.",
        "Certainly!",
        "Okay. That was that.",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ],
)
def test_a_page_that_only_looks_wrapped_stays(page: str) -> None:
    assert clean_page(page, generated=True) == page


def test_a_code_block_inside_the_outer_fence_stays() -> None:
    inner = "Text\n\n```sql\nselect 1\n```\n\nmore"
    assert clean_page(f"```markdown\n{inner}\n```", generated=True) == inner


@pytest.mark.parametrize("piece", ["a", " ", "\n", "\u200d", "-\n", "ab-\n", "```\n", "|", "Sure! "])
def test_long_pages_take_no_long_time(piece: str) -> None:
    started = time.process_time()
    clean_page(piece * (300_000 // len(piece)), generated=True)
    assert time.process_time() - started < 2.0
