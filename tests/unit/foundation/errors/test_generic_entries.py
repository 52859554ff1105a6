"""The generic entries, what a bare status becomes, and the table of levels in the documentation."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from ironleaf.foundation.errors import AlertRule, Catalogue, Kind, Level
from ironleaf.foundation.errors.foreign import find_entry_by_status
from ironleaf.foundation.errors.policy import POLICY
from ironleaf.foundation.errors.protocol import CLIENT_CLOSED, ENTRIES

CATALOGUE = Catalogue(ENTRIES)
KINDS = {
    401: Kind.UNAUTHENTICATED,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    410: Kind.GONE,
    413: Kind.TOO_LARGE,
    504: Kind.TIMEOUT,
}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.reason)
def test_codes_lie_in_their_range_and_agree_with_kind_and_level(entry: Any) -> None:
    assert 30 <= entry.code % 100 <= 49
    assert entry.kind is KINDS.get(entry.http_status, entry.kind)
    if entry.http_status < 500:
        assert entry.level in {Level.L1, Level.L2}
    if entry.level is Level.L3:
        assert entry.alert is AlertRule.RATE


@pytest.mark.parametrize("status", range(400, 600))
def test_a_status_becomes_an_entry_of_its_own_class_that_can_be_answered(status: int) -> None:
    entry = find_entry_by_status(status, CATALOGUE)
    assert entry is not CLIENT_CLOSED
    assert entry.http_status // 100 == status // 100
    if status in {entry.http_status for entry in ENTRIES} - {499}:
        assert entry.http_status == status


def test_the_table_of_levels_in_the_documentation_is_true() -> None:
    page = Path(__file__).parents[4] / "docs" / "howto" / "error-kit.md"
    rows = [line.split("|") for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| L")]
    told = {row[1].strip(): tuple(cell.strip() for cell in row[3:7]) for row in rows}
    assert told == {
        level.value: (
            logging.getLevelName(policy.log_level),
            "yes" if policy.with_stack else "no",
            "yes" if policy.counted else "no",
            policy.alert.value,
        )
        for level, policy in POLICY.items()
    }
