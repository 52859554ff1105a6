from __future__ import annotations

import pytest

from ironleaf.services.engines.profiles import load_profile
from ironleaf.services.engines.vision_language.reply import PageReply, read_reply

GENERIC = load_profile("generic")
OLMOCR = load_profile("olmocr")
FACTS = "---\nprimary_language: de\nis_rotation_valid: {valid}\nrotation_correction: {turn}\nis_table: False\n---\n"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("# Title\n\nText", "# Title\n\nText"),
        ("```markdown\n# Title\n```", "# Title"),
        ("\n~~~\nText\n~~~\n", "Text"),
        ("```\nfirst\n```\nbetween\n```\nsecond\n```", "```\nfirst\n```\nbetween\n```\nsecond\n```"),
        ("Before\n```\ncode\n```", "Before\n```\ncode\n```"),
        ("<think>hm, a page</think>\nText", "Text"),
        ("```", "```"),
        ("", ""),
    ],
)
def test_habits_are_taken_off_and_nothing_else(raw: str, text: str) -> None:
    assert read_reply(raw, GENERIC) == PageReply(text=text)


def test_front_matter_is_read_and_taken_off() -> None:
    raw = FACTS.format(valid="True", turn=0) + "# Rechnung\n---\nEnde"
    assert read_reply(raw, OLMOCR) == PageReply(text="# Rechnung\n---\nEnde", language="de")


@pytest.mark.parametrize(("valid", "turn", "expected"), [("False", 90, 90), ("true", 90, 0), ("False", 45, 0)])
def test_a_turn_is_asked_for_only_in_quarters_and_only_if_needed(valid: str, turn: int, expected: int) -> None:
    assert read_reply(FACTS.format(valid=valid, turn=turn) + "x", OLMOCR).turn_deg == expected


def test_the_same_as_json() -> None:
    raw = '{"primary_language": "en", "is_rotation_valid": false, "rotation_correction": 270, "natural_text": "Text"}'
    assert read_reply(raw, OLMOCR) == PageReply(text="Text", language="en", turn_deg=270)
    assert read_reply('{"natural_text": null, "primary_language": null}', OLMOCR) == PageReply(text="")


@pytest.mark.parametrize("raw", ["Plain words", '{"half": ', '{"other": 1}', "---\nno end", "---\n---\nText"])
def test_another_form_is_taken_as_it_is(raw: str) -> None:
    reply = read_reply(raw, OLMOCR)
    assert reply.turn_deg == 0
    assert reply.text in {raw.strip(), "Text"}


def test_a_language_that_is_none_is_dropped() -> None:
    assert read_reply("---\nprimary_language: all of them\n---\nx", OLMOCR).language is None


def test_a_page_of_fences_takes_no_time() -> None:
    raw = "```\n" * 20_000 + "x"
    assert read_reply(raw, GENERIC).text == raw.strip()
