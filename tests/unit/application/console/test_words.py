"""The console's words: both languages say the same things with the same slots, and every state has a sentence."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest

from ironleaf.application.catalogue import build_notices
from ironleaf.application.console.ops_words import OPS_PAGE, OPS_SCRIPT
from ironleaf.application.console.pages import embed_json
from ironleaf.application.console.words import PAGE, SCRIPT, STATE, choose_notices
from ironleaf.application.progress import Stage
from ironleaf.document import EngineName, Grade
from ironleaf.foundation.alerting.incidents import IncidentState
from ironleaf.foundation.health import HealthStatus
from ironleaf.foundation.monitoring import Urgency
from ironleaf.services.engines.examination import Finding
from ironleaf.services.engines.ledger import HealingOutcome
from ironleaf.services.engines.probe import Standing

ALL = {**PAGE, **SCRIPT, **STATE, **OPS_PAGE, **OPS_SCRIPT}
SAME = {"other", "p50", "p95", "p99", "none"}
SLOT = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize("name", ALL)
def test_both_languages_fill_the_same_slots(name: str) -> None:
    assert sorted(SLOT.findall(ALL[name].en)) == sorted(SLOT.findall(ALL[name].zh))
    assert re.search(r"[\u4e00-\u9fff]", ALL[name].zh) or name in SAME


def test_every_stage_engine_and_grade_has_words() -> None:
    assert {f"stage_{stage}" for stage in Stage} <= set(SCRIPT)
    assert {f"engine_{engine}" for engine in EngineName} <= set(SCRIPT)
    assert {f"grade_{grade}" for grade in Grade} <= set(SCRIPT)


def test_the_script_says_only_what_there_are_words_for() -> None:
    script = files("ironleaf.application.console").joinpath("assets", "home.js").read_text(encoding="utf-8")
    assert set(re.findall(r'say\("(\w+)"[,)]', script)) <= set(SCRIPT)


def test_the_operators_script_says_only_what_there_are_words_for() -> None:
    script = files("ironleaf.application.console").joinpath("assets", "ops.js").read_text(encoding="utf-8")
    assert set(re.findall(r'say\("(\w+)"[,)]', script)) <= set(OPS_SCRIPT)
    for listed in re.findall(r"\[([^\[\]]*)\]\.map\(say\)", script):
        assert set(re.findall(r'"(\w+)"', listed)) <= set(OPS_SCRIPT)


def test_every_state_of_a_closed_list_has_words() -> None:
    states = [*Standing, *Finding, *HealthStatus, *HealingOutcome, *Urgency, *IncidentState]
    assert {state.value for state in states} <= set(OPS_SCRIPT)


def test_every_warning_is_said_in_both_languages() -> None:
    notices = build_notices()
    assert set(choose_notices(notices, "en")) == set(choose_notices(notices, "zh")) == {n.reason for n in notices}


def test_embedded_data_cannot_end_its_element() -> None:
    data = {"a": "</script><!--"}
    embedded = str(embed_json(data))
    assert "<" not in embedded
    assert json.loads(embedded) == data
