"""Promise: `ironleaf keys` makes, lists and ends keys, and shows a secret once, on standard output alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from ironleaf.application.access.key_store import DatabaseKeys
from ironleaf.application.access.keys import Scope, proves, read_key
from ironleaf.application.cli import keys
from ironleaf.faults import ManualClock
from ironleaf.foundation.database import Database, DatabaseSettings, DatabaseUnavailable, migrating

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseKeys]:
    url = f"sqlite:///{tmp_path / 'keys.db'}"
    monkeypatch.setenv("IRONLEAF_DATABASE__URL", url)
    monkeypatch.setenv("IRONLEAF_LOGS__DIRECTORY", str(tmp_path / "logs"))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ironleaf.application.cli.opening.configure_logs", lambda *_: None)
    database = Database(DatabaseSettings(url=url), clock=ManualClock())
    yield DatabaseKeys(database)
    database.close()


def run(*words: str) -> Result:
    return CliRunner().invoke(keys.app, list(words))


def test_the_key_alone_is_on_standard_output(store: DatabaseKeys) -> None:
    result = run("create", "Ada", "--scope", "ops", "--scope", "convert", "--days", "7", "--requests-per-minute", "9")
    assert result.exit_code == 0
    presented = read_key(result.stdout.removesuffix("\n"))
    assert presented is not None
    (record,) = store.list()
    assert proves(presented, record)
    assert (record.name, record.scopes, record.requests_per_minute) == ("Ada", frozenset(Scope), 9)
    assert record.expires_at is not None
    assert (record.expires_at - record.created_at).days == 7
    assert presented.secret not in result.stderr
    assert record.id in result.stderr


def test_looking_makes_no_database(tmp_path: Path) -> None:
    listed, revoked = run("list"), run("revoke", "0123456789ab")
    assert (listed.exit_code, revoked.exit_code) == (0, keys.EXIT_UNKNOWN)
    assert "There is no key yet" in listed.stderr
    assert json.loads(run("list", "--json").stdout) == []
    assert list(tmp_path.glob("keys.db*")) == []


def test_looking_changes_no_schema(tmp_path: Path) -> None:
    database = Database(DatabaseSettings(url=f"sqlite:///{tmp_path / 'keys.db'}"), clock=ManualClock())
    database.alter(lambda connection: migrating.upgrade(connection, "20261124_baseline"))
    assert isinstance(run("list").exception, DatabaseUnavailable)
    assert isinstance(run("revoke", "0123456789").exception, DatabaseUnavailable)
    assert database.transact(migrating.read_version, read_only=True) == "20261124_baseline"
    run("create", "Ada")
    assert "Ada" in run("list").stdout
    database.close()


def test_a_key_is_for_converting_and_a_year_unless_said_otherwise(store: DatabaseKeys) -> None:
    run("create", "Ada")
    run("create", "Bob", "--for-ever")
    bob, ada = sorted(store.list(), key=lambda key: key.name, reverse=True)
    assert ada.scopes == {Scope.CONVERT}
    assert ada.expires_at is not None
    assert (ada.expires_at - ada.created_at).days == keys.DAYS_DEFAULT
    assert bob.expires_at is None


def test_for_programs_there_is_json(store: DatabaseKeys) -> None:
    made = json.loads(run("create", "财务", "--json").stdout)
    assert read_key(made["key"]) is not None
    assert made["name"] == "财务"
    listed = json.loads(run("list", "--json").stdout)
    assert [line["id"] for line in listed] == [made["id"]]
    assert listed[0]["state"] == "active"
    assert "key" not in listed[0]
    assert json.loads(run("revoke", made["id"], "--json").stdout) == {"id": made["id"], "state": "revoked"}
    assert json.loads(run("list", "--json").stdout)[0]["state"] == "revoked"


@pytest.mark.parametrize(
    ("language", "head", "state"), [("en_US.UTF-8", "last used", "active"), ("zh_CN.UTF-8", "最近使用", "有效")]
)
def test_a_list_shows_no_secret(language: str, head: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", language)
    monkeypatch.setenv("COLUMNS", "160")
    key = run("create", "Ada").stdout.strip()
    presented = read_key(key)
    assert presented is not None
    shown = run("list").stdout
    assert presented.secret not in shown
    for word in (head, state, presented.id, "Ada"):
        assert word in shown


def test_a_key_is_revoked_by_id_or_by_itself(store: DatabaseKeys) -> None:
    first, second = run("create", "Ada").stdout.strip(), run("create", "Bob").stdout.strip()
    presented = read_key(first)
    assert presented is not None
    assert run("revoke", presented.id).exit_code == 0
    assert run("revoke", second).exit_code == 0
    assert all(key.revoked_at for key in store.list())


@pytest.mark.parametrize("wrong", ["0000000000", "x", "", "ilk_short", "%s' or 1=1"])
def test_what_is_no_key_cannot_be_revoked(wrong: str, store: DatabaseKeys) -> None:
    run("create", "Ada")
    result = run("revoke", wrong)
    assert result.exit_code == 7
    assert "no key of this id" in result.stderr
    assert store.list()[0].revoked_at is None


@pytest.mark.parametrize("language", ["en_US.UTF-8", "zh_CN.UTF-8"])
def test_an_empty_list_says_what_to_do(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", language)
    result = run("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "keys create" in result.stderr


@pytest.mark.parametrize("name", ["", "a\x1b[31m", "x" * 61, " a"])
def test_a_name_must_be_plain(name: str, store: DatabaseKeys) -> None:
    assert run("create", "--", name).exit_code == 2
    assert run("list").stdout == ""


def test_a_database_that_is_away_is_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IRONLEAF_DATABASE__URL", f"sqlite:///{tmp_path}/no/such/{'x' * 300}/keys.db")
    assert isinstance(run("create", "Ada").exception, DatabaseUnavailable)
