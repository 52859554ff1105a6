"""Promise: what the database keeps of keys is what was put in, on both dialects."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ironleaf.application.access import key_table
from ironleaf.application.access.key_store import DatabaseKeys
from ironleaf.application.access.keys import ApiKey, KeyOrder, Scope, make_key

if TYPE_CHECKING:
    from ironleaf.foundation.database import Database

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def make(seed: int, *, now: datetime = NOW, days: int | None = 30) -> ApiKey:
    order = KeyOrder(name=f"财务 {seed}", scopes=frozenset(Scope), days=days, requests_per_minute=7)
    return make_key(order, now=now, choose=random.Random(seed).choice)[1]


@pytest.fixture
def store(database: Database) -> DatabaseKeys:
    return DatabaseKeys(database)


async def test_a_key_comes_back_as_it_was(store: DatabaseKeys) -> None:
    lasting, ending = make(1, days=None), make(2, now=NOW + timedelta(seconds=1))
    assert store.add(lasting)
    assert store.add(ending)
    assert store.list() == (ending, lasting)
    assert await store.load() == store.list()


async def test_the_table_holds_no_secret(store: DatabaseKeys, database: Database) -> None:
    text, key = make_key(KeyOrder(name="a", scopes=frozenset({Scope.OPS})), now=NOW, choose=random.Random(3).choice)
    store.add(key)
    rows = database.transact(lambda connection: connection.execute(key_table.API_KEYS.select()).all())
    assert text.rpartition("_")[2] not in str(rows)


async def test_a_newer_versions_scope_opens_nothing(store: DatabaseKeys, database: Database) -> None:
    store.add(make(1))
    change = key_table.API_KEYS.update().values(scopes="admin convert")
    database.transact(lambda connection: connection.execute(change))
    assert [key.scopes for key in store.list()] == [{Scope.CONVERT}]


async def test_a_key_is_revoked_once(store: DatabaseKeys) -> None:
    key = make(1)
    store.add(key)
    assert store.revoke(key.id, NOW)
    assert store.revoke(key.id, NOW + timedelta(days=1))
    assert store.list() == (replace(key, revoked_at=NOW),)
    assert not store.revoke("0000000000", NOW)


async def test_the_latest_use_is_kept(store: DatabaseKeys) -> None:
    first, second = make(1), make(2)
    store.add(first)
    store.add(second)
    await store.note_uses({first.id: NOW, "0000000000": NOW})
    await store.note_uses({first.id: NOW - timedelta(minutes=5), second.id: NOW})
    await store.note_uses({second.id: NOW + timedelta(minutes=5)})
    assert {key.id: key.last_used_at for key in store.list()} == {
        first.id: NOW,
        second.id: NOW + timedelta(minutes=5),
    }


async def test_what_ended_long_ago_is_forgotten(store: DatabaseKeys) -> None:
    expired, revoked, lasting = make(1, days=1), make(2), make(3, days=None)
    for key in (expired, revoked, lasting):
        store.add(key)
    store.revoke(revoked.id, NOW)
    store.add(make(4, now=NOW + timedelta(days=key_table.ENDED_KEPT_DAYS)))
    assert len(store.list()) == 4
    late = make(5, now=NOW + timedelta(days=key_table.ENDED_KEPT_DAYS + 2))
    store.add(late)
    assert {key.id for key in store.list()} == {lasting.id, make(4).id, late.id}


async def test_their_number_is_bounded(store: DatabaseKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_table, "KEYS_MAX", 2)
    assert [store.add(make(seed)) for seed in (1, 2, 3)] == [True, True, False]
    assert len(store.list()) == 2
