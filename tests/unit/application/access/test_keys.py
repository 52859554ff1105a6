"""Promise: a key opens what it was made for, to whoever has its secret, until it ends."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironleaf.application.access.keys import (
    KEY_PREFIX,
    ApiKey,
    KeyOrder,
    PresentedKey,
    Scope,
    Standing,
    any_active,
    digest,
    is_key_id,
    make_key,
    proves,
    read_key,
)
from ironleaf.foundation.observability import Redactor

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ORDER = KeyOrder(name="Ada", scopes=frozenset({Scope.CONVERT}), days=30)


def make(seed: int = 1, order: KeyOrder = ORDER) -> tuple[str, ApiKey]:
    return make_key(order, now=NOW, choose=random.Random(seed).choice)


def test_a_new_key_proves_itself() -> None:
    text, record = make()
    presented = read_key(text)
    assert presented is not None
    assert presented.id == record.id
    assert is_key_id(record.id)
    assert proves(presented, record)


def test_nothing_else_does() -> None:
    text, record = make()
    _, other = make(2)
    presented = read_key(text)
    assert presented is not None
    assert not proves(presented, other)
    assert not proves(presented, None)
    assert not proves(replace(presented, secret="0" * 32), record)
    assert not proves(replace(presented, id=other.id), replace(other, digest=record.digest))
    assert not proves(PresentedKey(id="0" * 10, secret="0" * 32), None)


def test_the_secret_is_kept_nowhere() -> None:
    text, record = make()
    secret = text.rpartition("_")[2]
    assert len(set(secret)) > 10
    for shown in (repr(record), str(record), record.digest, repr(read_key(text))):
        assert secret not in shown
    assert record.digest not in repr(record)
    assert record.digest == digest(PresentedKey(id=record.id, secret=secret))


def test_a_secret_has_at_least_160_random_bits() -> None:
    drawn: list[str] = []

    def choose(alphabet: str) -> str:
        drawn.append(alphabet)
        return alphabet[0]

    text, _ = make_key(ORDER, now=NOW, choose=choose)
    secret_letters = drawn[-len(text.rpartition("_")[2]) :]
    bits = 1
    for alphabet in secret_letters:
        bits *= len(set(alphabet))
    assert bits >= 2**160


@given(seed=st.integers())
def test_logs_know_every_key(seed: int) -> None:
    text, record = make(seed)
    redactor = Redactor()
    for around in ("{}", "the key {} is wrong", "X-API-Key:{}", "['{}']", "/v1/{}/x"):
        shown = redactor.redact_text(around.format(text))
        assert text.rpartition("_")[2] not in shown
        assert "<" in shown
    assert redactor.redact_event({"key_id": record.id}) == {"key_id": record.id}
    assert redactor.redact_text(f"{KEY_PREFIX}_{record.id}") == f"{KEY_PREFIX}_{record.id}"


@pytest.mark.parametrize("cut", [1, 5, 20])
def test_logs_know_a_key_that_was_cut(cut: int) -> None:
    text, _ = make()
    assert text[-cut - 8 : -cut] not in Redactor().redact_text(f"seen {text[:-cut]} there")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    assert read_key(text) is None


@pytest.mark.parametrize("change", ["{}x", " {}", "{}\n", "x{}", "{}_"])
def test_nothing_may_stand_around_a_key(change: str) -> None:
    text, _ = make()
    assert read_key(change.format(text)) is None
    assert read_key(text.upper()) is None


def test_a_key_ends_in_time_or_by_hand() -> None:
    _, record = make()
    assert record.standing(NOW) is Standing.ACTIVE
    assert record.standing(NOW + timedelta(days=30, seconds=-1)) is Standing.ACTIVE
    assert record.standing(NOW + timedelta(days=30)) is Standing.EXPIRED
    revoked = replace(record, revoked_at=NOW)
    assert revoked.standing(NOW) is Standing.REVOKED
    assert revoked.standing(NOW + timedelta(days=31)) is Standing.REVOKED
    assert any_active((revoked, record), NOW)
    assert not any_active((revoked,), NOW)
    assert not any_active((record,), NOW + timedelta(days=30))


def test_a_key_may_last() -> None:
    _, record = make(order=replace(ORDER, days=None))
    assert record.standing(NOW + timedelta(days=100_000)) is Standing.ACTIVE


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "\x1b[31mred"}, "name"),
        ({"scopes": frozenset()}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": 4_000}, "days"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"requests_per_minute": 60_001}, "requests_per_minute"),
    ],
)
def test_an_order_must_make_sense(change: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}$"):
        replace(ORDER, **change)


def test_names_may_be_chinese() -> None:
    assert replace(ORDER, name="财务部 第 2 组").name
