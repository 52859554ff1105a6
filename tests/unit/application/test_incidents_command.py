"""Promise: `ironleaf incidents` shows what is wrong and takes orders about it: redacted, with exit codes."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ironleaf.application.cli import commands
from ironleaf.application.cli.exits import EXIT_CODES
from ironleaf.foundation.alerting.board import Board, IncidentPolicy
from ironleaf.foundation.alerting.deliveries import Delivery
from ironleaf.foundation.alerting.incidents import IncidentState, NoticeKind
from ironleaf.foundation.alerting.silences import SILENCES_MAX, Silence
from ironleaf.foundation.alerting.store import DatabaseStore
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.database import Database, DatabaseSettings
from ironleaf.foundation.errors import Kind
from ironleaf.foundation.monitoring import Signal, SignalState, Urgency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECRET = "pw-canary-5f1d-long-enough"
UNKNOWN = "01JDA2B3C4D5E6F7G8H9J0K1M2"
NOW = SystemClock().now()


class Desk:
    """The database of a service, as the service itself would move it."""

    def __init__(self, url: str) -> None:
        self.database = Database(DatabaseSettings(url=url), clock=SystemClock())
        self.database.migrate()
        self.store = DatabaseStore(self.database, IncidentPolicy(group_wait_s=0.0))

    def step(self, act: Callable[[Board], Any]) -> Any:
        now = SystemClock().now()
        return asyncio.run(self.store.step(lambda board: (act(board), ()), now))[0]

    def open(self, cause: str = "engine-failed") -> str:
        """Return the number of an incident that is open and told."""
        signal = Signal(
            rule="fault-onset",
            component="backend:reader",
            cause=cause,
            state=SignalState.FIRING,
            urgency=Urgency.PAGE,
            at=NOW,
            since=NOW - timedelta(seconds=90),
        )

        def act(board: Board) -> str:
            board.see_replica("host#1", NOW)
            board.hear(signal, "host#1")
            return next(each.id for each in board.incidents.values() if each.cause == cause)

        number = self.step(act)
        told = Delivery(incident_id=number, kind=NoticeKind.OPENED, channel="on-call", created_at=NOW, next_at=NOW)
        asyncio.run(self.store.step(lambda _: (None, (told,)), NOW))
        return number

    def find(self, number: str) -> Any:
        found = asyncio.run(self.store.find(number))
        assert found is not None
        return found


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    url = f"sqlite:///{tmp_path / 'ironleaf.db'}"
    monkeypatch.setenv("IRONLEAF_DATABASE__URL", url)
    monkeypatch.setenv("IRONLEAF_LOGS__DIRECTORY", str(tmp_path / "logs"))
    channel = {"name": "on-call", "kind": "webhook", "url": "https://hook.example/x", "secret": SECRET}
    monkeypatch.setenv("IRONLEAF_ALERTS__CHANNELS", json.dumps([channel]))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LOGNAME", "wei")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ironleaf.application.cli.opening.configure_logs", lambda *_: None)
    desk = Desk(url)
    yield desk
    desk.database.close()


class Terminal:
    """What a command leaves: its exit code and what it wrote."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def run(self, *words: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr("sys.argv", ["ironleaf", "incidents", *words])
        with pytest.raises(SystemExit) as left:
            commands.run()
        told = self._capsys.readouterr()
        assert isinstance(left.value.code, int)
        return left.value.code, told.out, told.err

    def read(self, *words: str) -> Any:
        code, out, err = self.run(*words, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(monkeypatch, capsys)


def test_looking_makes_no_database(tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRONLEAF_DATABASE__URL", f"sqlite:///{tmp_path / 'elsewhere' / 'ironleaf.db'}")
    assert terminal.run("list")[:2] == (0, "")
    assert terminal.read("list") == []
    for order in ("show", "acknowledge", "resolve", "silence"):
        assert terminal.run(order, UNKNOWN)[0] == EXIT_CODES[Kind.NOT_FOUND], order
    assert not (tmp_path / "elsewhere").exists()


def test_incidents_are_listed_the_newest_first_and_by_their_state(desk: Desk, terminal: Terminal) -> None:
    first, second = desk.open("engine-failed"), desk.open("engine-timeout")
    assert {line["id"] for line in terminal.read("list")} == {first, second}
    terminal.run("acknowledge", first)
    assert [line["id"] for line in terminal.read("list", "--state", "acknowledged")] == [first]
    assert [line["id"] for line in terminal.read("list", "--state", "open")] == [second]
    assert len(terminal.read("list", "--limit", "1")) == 1
    code, out, _ = terminal.run("list")
    assert code == 0
    assert first in out
    assert "engine-timeout" in out


def test_without_incidents_the_list_says_so(terminal: Terminal) -> None:
    assert terminal.run("list") == (0, "", "There is no incident.\n")
    assert terminal.read("list") == []


def test_an_incident_is_shown_with_its_history_and_who_was_told(
    desk: Desk, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = desk.open()
    terminal.run("acknowledge", number.lower(), "--by", f"Wei {SECRET}\n\x1b[31m")
    story = terminal.read("show", number)
    assert story["incident"]["component"] == "backend:reader"
    assert [each["channel"] for each in story["deliveries"]] == ["on-call"]
    assert story["history"][-1]["act"] == "acknowledged"
    assert story["history"][-1]["by"].startswith("Wei ")
    for language, words in (
        ("en_US", ("Cause: engine-failed", "History", "told", "on-call  not sent yet")),
        ("zh_CN", ("根因：engine-failed", "经过", "已确认  Wei", "告警  on-call  待发送")),
    ):
        monkeypatch.setenv("LC_ALL", f"{language}.UTF-8")
        code, out, _ = terminal.run("show", number)
        assert code == 0
        assert all(word in out for word in words)
        assert SECRET not in out + json.dumps(story)
        assert "\x1b" not in out


def test_orders_are_carried_out_and_remember_who_gave_them(desk: Desk, terminal: Terminal) -> None:
    number = desk.open()
    assert terminal.read("acknowledge", number)["acknowledged_by"] == "wei (command line)"
    quiet = terminal.read("silence", number, "--duration-s", "600", "--why", "known")
    assert (quiet["component"], quiet["cause"], quiet["why"]) == ("backend:reader", "engine-failed", "known")
    ends, starts = (datetime.fromisoformat(quiet[name]) for name in ("ends_at", "starts_at"))
    assert ends - starts == timedelta(seconds=600)
    line = terminal.read("resolve", number, "--by", "Lin", "--why", "card replaced")
    assert (line["state"], line["resolved_by"]) == ("resolved", "Lin (command line)")
    incident, steps, _ = desk.find(number)
    assert incident.state is IncidentState.RESOLVED
    assert steps[-1].why == "card replaced"


def test_orders_say_what_they_did_in_the_terminals_language(
    desk: Desk, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = desk.open()
    code, _, err = terminal.run("silence", number)
    assert (code, err.splitlines()[-1]) == (0, "Nobody is told of this cause until then.")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    code, out, _ = terminal.run("acknowledge", number)
    assert code == 0
    assert "已确认" in out


@pytest.mark.parametrize("order", ["show", "acknowledge", "resolve", "silence"])
@pytest.mark.parametrize("number", [UNKNOWN, "canary-7f3a", "../etc", "' OR 1=1"])
def test_a_number_that_is_none_is_not_found_and_not_repeated(terminal: Terminal, order: str, number: str) -> None:
    code, out, err = terminal.run(order, number)
    assert (code, out) == (7, "")
    assert err == "ironleaf: There is no incident or silence of this number. [incident-not-found]\n"


def test_what_is_over_takes_no_order(desk: Desk, terminal: Terminal) -> None:
    number = desk.open()
    closed = SystemClock().now() + timedelta(days=2)
    terminal.run("resolve", number)
    asyncio.run(desk.store.step(lambda board: (board.move(closed), ()), closed))
    code, _, err = terminal.run("acknowledge", number)
    assert code == 9
    assert "[incident-closed]" in err


def test_too_many_silences_are_refused(desk: Desk, terminal: Terminal) -> None:
    number = desk.open()

    def fill(board: Board) -> None:
        for each in range(SILENCES_MAX):
            name = f"{each:026d}"
            ends_at = NOW + timedelta(days=1)
            silence = Silence(
                id=name, rule="*", component="*", cause=name, starts_at=NOW, ends_at=ends_at, by="", why=""
            )
            board.silence(silence, NOW)

    desk.step(fill)
    code, _, err = terminal.run("silence", number)
    assert code == 9
    assert "[too-many-silences]" in err


@pytest.mark.parametrize("order", ["list", "show", "acknowledge", "resolve", "silence"])
def test_a_database_that_is_away_is_said_and_nothing_is_pretended(
    terminal: Terminal, order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("IRONLEAF_DATABASE__URL", f"sqlite:///{tmp_path}/file/ironleaf.db")
    code, out, err = terminal.run(order, *(() if order == "list" else (UNKNOWN,)))
    assert (code, out) == (12, "")
    assert "[database-unavailable]" in err
    assert str(tmp_path) not in err
