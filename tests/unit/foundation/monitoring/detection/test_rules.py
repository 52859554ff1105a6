"""The closed list of rules: what runbooks, silences and kept incidents rely on."""

from __future__ import annotations

import re

import pytest

from ironleaf.foundation.errors.entry import LANGUAGES
from ironleaf.foundation.monitoring.detection import RULES, Rule

EVERY_RULE = list(RULES.values())


@pytest.mark.parametrize("rule", EVERY_RULE, ids=lambda rule: rule.name)
def test_a_rule_has_a_name_that_can_be_a_page_and_a_sentence_in_both_languages(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.name)
    assert RULES[rule.name] is rule
    for language in LANGUAGES:
        assert rule.sentence.in_language(language).endswith((".", "。"))


def test_no_rule_stands_twice() -> None:
    assert len({rule.sentence.en for rule in EVERY_RULE}) == len(EVERY_RULE) == 14
