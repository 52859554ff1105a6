"""Promise: `ironleaf quarantine` shows which files are refused, wherever that is kept, and lets one in again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.application.cli import commands
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database, DatabaseSettings
from ironleaf.foundation.database.statements import insert_new
from ironleaf.foundation.processes import LossReason
from ironleaf.services.files.quarantine import FileQuarantine
from ironleaf.services.files.quarantine_store import LOSSES, read_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = SystemClock().now()
BY_SERVICE = "5e" * 32
BY_COMMAND = "c0" * 32


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'ironleaf.db'}"
    monkeypatch.setenv("IRONLEAF_DATABASE__URL", url)
    monkeypatch.setenv("IRONLEAF_LOGS__DIRECTORY", str(tmp_path / "logs"))
    monkeypatch.setenv("IRONLEAF_FILES__QUARANTINE__DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    database = Database(DatabaseSettings(url=url), clock=SystemClock())
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def by_command(tmp_path: Path) -> FileQuarantine:
    return FileQuarantine(tmp_path / "state", SystemClock())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run_command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["ironleaf", "quarantine", *words])
        with pytest.raises(SystemExit) as left:
            commands.run()
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run_command


def lose(database: Database, sha256: str, times: int = 2) -> None:
    rows = [{"sha256": sha256, "reason": "crash", "at": NOW - timedelta(minutes=each)} for each in range(times)]
    database.transact(lambda connection: insert_new(connection, LOSSES, rows))


def test_nothing_held_is_said_and_is_no_failure(run: Callable[..., Any], database: Database) -> None:
    lose(database, BY_SERVICE, times=1)
    assert run("list") == (0, "", "No file is in quarantine.\n")
    assert run("list", "--json")[:2] == (0, "[]\n")


def test_looking_makes_no_database(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_command: FileQuarantine
) -> None:
    path = tmp_path / "elsewhere" / "ironleaf.db"
    monkeypatch.setenv("IRONLEAF_DATABASE__URL", f"sqlite:///{path}")
    assert run("list") == (0, "", "No file is in quarantine.\n")
    for _ in range(2):
        by_command.record(BY_COMMAND, LossReason.CRASH)
    assert run("release", BY_COMMAND)[0] == 0
    assert by_command.list_held() == ()
    assert not path.parent.exists()


def test_files_of_services_and_of_commands_are_listed(
    run: Callable[..., Any], database: Database, by_command: FileQuarantine
) -> None:
    lose(database, BY_SERVICE)
    by_command.record(BY_COMMAND, LossReason.MEMORY)
    by_command.record(BY_COMMAND, LossReason.MEMORY)
    code, table, _ = run("list")
    assert code == 0
    assert [line.split()[0] for line in table.splitlines()[1:]] == [BY_SERVICE[:12], BY_COMMAND[:12]]
    assert "too much memory" in table
    assert BY_SERVICE not in table  # hashes are shown shortened
    told = json.loads(run("list", "--json")[1])
    assert [(each["sha256"], each["reason"], each["kept"]) for each in told] == [
        (BY_SERVICE, "crash", "database"),
        (BY_COMMAND, "memory", "file"),
    ]


def test_it_speaks_chinese(run: Callable[..., Any], database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert run("list")[2] == "没有被隔离的文件。\n"
    lose(database, BY_SERVICE)
    assert "崩溃" in run("list")[1]


def test_a_release_holds_wherever_losses_are_kept(
    run: Callable[..., Any], database: Database, by_command: FileQuarantine
) -> None:
    lose(database, BY_SERVICE)
    lose(database, BY_COMMAND)
    by_command.record(BY_COMMAND, LossReason.CRASH)
    code, out, err = run("release", BY_COMMAND[:8].upper())
    assert (code, out) == (0, "")
    assert "released" in err
    assert not by_command.release(BY_COMMAND)
    assert {loss.sha256 for loss in database.transact(read_kept)} == {BY_SERVICE}
    assert json.loads(run("release", BY_SERVICE, "--json")[1]) == {"sha256": BY_SERVICE, "released": True}
    assert run("list")[1] == ""


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ("5e5e", 2, "8 to 64"),  # too short
        ("not-a-hash-at-all", 2, "8 to 64"),
        ("12345678", 7, "No file in quarantine"),
        ("5e5e5e5e", 2, "Several"),
    ],
)
def test_what_names_no_single_file_releases_none(
    given: str, code: int, said: str, run: Callable[..., Any], database: Database
) -> None:
    lose(database, BY_SERVICE)
    lose(database, "5e" * 31 + "00")
    left, out, err = run("release", given)
    assert (left, out) == (code, "")
    assert said in err
    assert len(database.transact(read_kept)) == 4
