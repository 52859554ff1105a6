"""What the operators' page says of an incident, beside what the API says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.alerts import make_signal, tell_facts

from ironleaf.application.console.picture import _draw_incident
from ironleaf.foundation.alerting.board import Board
from ironleaf.foundation.alerting.card import Blast, make_card

if TYPE_CHECKING:
    from ironleaf.foundation.errors import Language


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            {
                "Again": "a person closed this as incident OLD, and it still happens",
                "Hits": "requests: 7, pages: 9, /v1/convert",
                "Ladder at that time": "reader down, embedded ready",
            },
        ),
        (
            "zh",
            {
                "再次发生": "此前的事件 OLD 已由人工关闭，但故障仍在发生",
                "影响范围": "7 个请求，9 页，/v1/convert",
                "当时的引擎状态": "reader 不可用、embedded 就绪",
            },
        ),
    ],
)
def test_a_card_says_whom_it_hits_by_which_route_and_that_it_goes_on(language: Language, words: dict[str, str]) -> None:
    board = Board()
    board.hear(make_signal(), "a#1")
    (incident,) = board.incidents.values()
    facts = replace(
        tell_facts(incident),
        blast=Blast(requests=7, pages=9, routes=("/v1/convert",)),
        ladder=(("reader", "down"), ("embedded", "ready")),
    )
    drawn = _draw_incident(replace(incident, reopens="OLD"), make_card(incident, facts, ()), language)
    said = {each["label"]: each["text"] for each in drawn["card"]}
    assert words.items() <= said.items()
