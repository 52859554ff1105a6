"""Promise: a login link works once and soon, and a session ends when nobody uses it, and at the day's end."""

from __future__ import annotations

import itertools

import pytest

from ironleaf.application.access import sessions
from ironleaf.application.access.keys import Scope
from ironleaf.application.access.sessions import SessionTable
from ironleaf.faults import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def table(clock: ManualClock) -> SessionTable:
    numbers = itertools.count()
    return SessionTable(clock, lambda: f"{next(numbers):040d}")


def log_in(table: SessionTable) -> str:
    secret = table.redeem(table.issue_link())
    assert secret is not None
    return secret


def test_a_link_works_once(table: SessionTable) -> None:
    token = table.issue_link()
    assert table.redeem(token) is not None
    assert table.redeem(token) is None


def test_a_link_grows_old(table: SessionTable, clock: ManualClock) -> None:
    early, late = table.issue_link(), table.issue_link()
    clock.advance(sessions.LINK_S - 0.1)
    assert table.redeem(early) is not None
    clock.advance(0.1)
    assert table.redeem(late) is None


@pytest.mark.parametrize("wrong", ["", "x", "ill_", "ill_" + "0" * 39, "\ud800", "密"])
def test_nothing_else_is_a_link(table: SessionTable, wrong: str) -> None:
    table.issue_link()
    assert table.redeem(wrong) is None
    assert table.find(wrong) is None


def test_a_link_is_no_session_and_a_session_no_link(table: SessionTable) -> None:
    token = table.issue_link()
    assert table.find(token) is None
    secret = log_in(table)
    assert table.redeem(secret) is None


def test_every_login_has_a_secret_of_its_own(table: SessionTable) -> None:
    first, second = log_in(table), log_in(table)
    assert first != second
    ones, others = table.find(first), table.find(second)
    assert ones is not None
    assert others is not None
    assert ones.name != others.name
    assert first not in repr(ones)


def test_an_idle_session_ends(table: SessionTable, clock: ManualClock) -> None:
    secret = log_in(table)
    clock.advance(sessions.IDLE_S - 1)
    assert table.find(secret) is not None
    clock.advance(sessions.IDLE_S - 1)
    assert table.find(secret) is not None, "a use begins the time anew"
    clock.advance(sessions.IDLE_S)
    assert table.find(secret) is None


def test_a_busy_session_ends_too(table: SessionTable, clock: ManualClock) -> None:
    secret = log_in(table)
    for _ in range(int(sessions.SESSION_S // 600) - 1):
        clock.advance(600)
        assert table.find(secret) is not None
    clock.advance(600)
    assert table.find(secret) is None


def test_logging_out_ends_one_session(table: SessionTable) -> None:
    mine, other = log_in(table), log_in(table)
    table.end(mine)
    table.end("unknown")
    assert table.find(mine) is None
    assert table.find(other) is not None


def test_their_number_is_bounded(table: SessionTable, clock: ManualClock) -> None:
    first = log_in(table)
    rest: list[str] = []
    for _ in range(sessions.SESSIONS_MAX):
        clock.advance(1)
        rest.append(log_in(table))
    assert table.find(first) is None
    assert all(table.find(secret) for secret in rest)
    tokens = [table.issue_link() for _ in range(sessions.LINKS_MAX + 1)]
    assert [table.redeem(token) is not None for token in tokens] == [False] + [True] * sessions.LINKS_MAX


def test_a_session_by_key_has_the_rights_of_its_key(table: SessionTable) -> None:
    by_link, by_key = table.find(log_in(table)), table.find(table.open(key_id="k1", scopes=frozenset({Scope.OPS})))
    assert by_link is not None
    assert by_key is not None
    assert (by_link.key_id, by_link.scopes) == ("", frozenset(Scope))
    assert (by_key.key_id, by_key.scopes) == ("k1", frozenset({Scope.OPS}))
