"""Whatever is logged, the caller goes on, the record is written as far as it can be, and nothing gets out."""

# ruff: noqa: TRY301 - raised to be logged

from __future__ import annotations

import io
import json
import logging
import re
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any, TextIO
from uuid import UUID

import pytest
import structlog

from ironleaf.foundation.observability import LogSettings, Redactor, configure_logs

SECRET = "topsecretvalue"


class Mute(Exception):
    """Fails while it is asked what it is."""

    def __str__(self) -> str:
        raise RuntimeError(SECRET)


class Broken(dict[str, object]):
    """Fails while it is read."""

    def items(self) -> Any:
        raise RuntimeError(SECRET)


class Opaque:
    def __str__(self) -> str:
        raise RuntimeError(SECRET)

    __repr__ = __str__


class Color(Enum):
    RED = "red"


class Logs:
    def __init__(self, directory: Path, **settings: Any) -> None:
        self.directory = directory
        self.console = io.StringIO()
        self.settings = LogSettings(directory=directory, **settings)
        configure_logs(self.settings, Redactor(secrets=(SECRET,)), console=self.console)

    @property
    def ours(self) -> Any:
        self._stay_alone()
        return structlog.get_logger("ours")

    @property
    def theirs(self) -> logging.Logger:
        self._stay_alone()
        return logging.getLogger("theirs")

    def _stay_alone(self) -> None:
        # pytest listens too, and raises where a service must not.
        root = logging.getLogger()
        root.handlers[:] = [each for each in root.handlers if not type(each).__module__.startswith("_pytest")]

    def records(self) -> list[dict[str, Any]]:
        text = (self.directory / "ironleaf.jsonl").read_text(encoding="utf-8")
        assert SECRET not in text
        assert SECRET not in self.console.getvalue()
        return [json.loads(line) for line in text.splitlines()]

    def facts(self) -> list[dict[str, Any]]:
        fixed = ("time", "level", "logger")
        return [{name: value for name, value in record.items() if name not in fixed} for record in self.records()]


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def test_an_exception_without_words_is_recorded(logs: Logs) -> None:
    logs.ours.error("failed", exc_info=Mute())
    logs.theirs.error("failed", exc_info=Mute())
    stack = [{"type": f"{__name__}.Mute", "message": "<no words>", "frames": []}]
    assert logs.facts() == [{"event": "failed", "stack": stack}] * 2
    assert logs.console.getvalue().count(f"    {__name__}.Mute: <no words>") == 2


def test_a_group_shows_its_members(logs: Logs) -> None:
    logs.ours.error("failed", exc_info=ExceptionGroup("both", [ValueError(SECRET), KeyError("two")]))
    (record,) = logs.facts()
    assert [(link["type"], link["message"]) for link in record["stack"]] == [
        ("builtins.ExceptionGroup", "both (2 sub-exceptions)"),
        ("builtins.ValueError", "<secret>"),
        ("builtins.KeyError", "'two'"),
    ]


def test_arguments_that_do_not_fit_their_sentence_stop_nobody(logs: Logs) -> None:
    logs.ours.error("%d pages", f"x {SECRET}", page=2)
    logs.ours.info("read %d of %d", 1, 2)
    logs.ours.info("100 % done")
    logs.theirs.error("%d pages", f"x {SECRET}")
    logs.theirs.error("seen: %s", Opaque())
    logs.theirs.error(Opaque())
    own, fitting, without, foreign, opaque, bare = logs.facts()
    assert own == {"event": "%d pages", "arguments": ["x <secret>"], "log_failure": "TypeError", "page": 2}
    assert fitting == {"event": "read 1 of 2"}
    assert without == {"event": "100 % done"}
    assert (foreign["event"], foreign["log_failure"]) == ("%d pages", "TypeError")
    assert (opaque["event"], opaque["log_failure"]) == ("seen: %s", "RuntimeError")
    assert (bare["event"], bare["log_failure"]) == ("Opaque", "RuntimeError")
    assert isinstance(bare["line"], int)


def test_what_cannot_be_formatted_says_where_and_when(logs: Logs) -> None:
    logs.theirs.warning(f"{SECRET} %d", "x")
    (record,) = logs.records()
    assert (record["event"], record["level"], record["logger"]) == ("<secret> %d", "warning", "theirs")
    written = datetime.fromisoformat(record["time"])
    assert record["time"].endswith("Z")
    assert abs(datetime.fromtimestamp(time.time(), UTC) - written) < timedelta(minutes=1)


def test_huge_strange_and_endless_values_are_written(logs: Logs) -> None:
    cycle: dict[str, object] = {}
    cycle["again"] = cycle
    logs.ours.error("x" * 10_000_000, much="y" * 10_000_000)
    logs.ours.error("half \ud800", **{"n\udfff": "\ud800"}, request_id="\ud800")
    logs.ours.error("numbers", a=float("nan"), b=[float("inf")], c=2**70, d=10**6000, code=2**64)
    logs.ours.error("cycle", a=cycle, b=Broken(x=1), c=Opaque(), d={Opaque(): 1}, e=(number for number in "ab"))
    logs.ours.error("kinds", a={1: None}, b=Color.RED, c=UUID(int=5), d=PurePosixPath("/x"), e=b"ab", f=bytearray(3))
    logs.ours.error(Opaque())
    logs.ours.error(b"ab")
    huge, half, numbers, endless, kinds, opaque, raw = logs.facts()
    assert (huge["event"][:1002], huge["much"][-13:]) == ("x" * 1000 + "<c", "<cut 9999000>")
    assert half == {"event": "half ?", "n?": "?", "request_id": "?"}
    assert numbers == {
        "event": "numbers",
        "a": "nan",
        "b": ["inf"],
        "c": "<number of 71 bits>",
        "d": "<number of 19932 bits>",
        "code": "<number of 65 bits>",
    }
    assert "<deep>" in repr(endless["a"])
    assert [endless[name] for name in "bcde"] == ["<unreadable>", "<Opaque>", "<unreadable>", "<generator>"]
    assert kinds == {
        "event": "kinds",
        "a": {"1": None},
        "b": "Color.RED",
        "c": "00000000-0000-0000-0000-000000000005",
        "d": "/x",
        "e": "<bytes 2>",
        "f": "<bytes 3>",
    }
    assert (opaque["event"], raw["event"]) == ("<Opaque>", "<bytes 2>")


@pytest.mark.parametrize("given", [(), (None, None, None), "yes", None, False, 0])
def test_no_exception_is_no_stack(logs: Logs, given: object) -> None:
    logs.ours.error("failed", exc_info=given, stack_info="long")
    assert logs.facts() == [{"event": "failed"}]


def test_the_exception_at_hand_is_taken(logs: Logs) -> None:
    try:
        raise ValueError("at hand")
    except ValueError as error:
        logs.ours.error("a", exc_info=True)
        logs.ours.exception("b")
        logs.ours.error("c", exc_info=error)
        logs.ours.error("d", exc_info=sys.exc_info())
        logs.theirs.exception("e", stack_info=True)
    for record in logs.facts():
        assert set(record) == {"event", "stack"}
        assert (record["stack"][0]["type"], record["stack"][0]["message"]) == ("builtins.ValueError", "at hand")
        assert re.search(r":test_the_exception_at_hand_is_taken:\d+$", record["stack"][0]["frames"][0])


def test_a_line_for_people_is_one_line_and_moves_no_cursor(logs: Logs) -> None:
    logs.ours.error("two\nlines", label="a\x1b[31m\r\x7f\x85\u2028b", none=None, many=[1, "x"], some={"a": 1})
    line = logs.console.getvalue()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3} error   two\\x0alines  "
        r'label=a\\x1b\[31m\\x0d\\x7f\\x85\\x2028b many=\[1,"x"\] some=\{"a":1\}\n',
        line,
    )


def test_a_stack_stands_below_its_line(logs: Logs) -> None:
    try:
        raise ValueError("why\nnot")
    except ValueError:
        logs.ours.exception("failed")
    first, second, third = logs.console.getvalue().splitlines()
    assert re.fullmatch(r"[\d:.]{12} error   failed", first)
    assert second == r"    builtins.ValueError: why\x0anot"
    assert re.fullmatch(rf"      {re.escape(__name__)}:test_a_stack_stands_below_its_line:\d+", third)


def test_the_console_speaks_json_when_asked(tmp_path: Path) -> None:
    logs = Logs(tmp_path, console_json=True, file=False)
    logs.ours.warning("read", page=1)
    record = json.loads(logs.console.getvalue())
    assert (record["event"], record["page"], record["level"], record["logger"]) == ("read", 1, "warning", "ours")
    assert not (tmp_path / "ironleaf.jsonl").exists()


def test_times_are_utc_and_iso(logs: Logs) -> None:
    logs.ours.info("now")
    (record,) = logs.records()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["time"])
    elsewhere = datetime.fromtimestamp(time.time(), timezone(timedelta(hours=5)))
    assert abs(datetime.fromisoformat(record["time"]) - elsewhere) < timedelta(minutes=1)


class Full(io.StringIO):
    """A disk without room."""

    behind: TextIO | None = None
    """The file on it, kept open."""

    def close(self) -> None:
        super().close()
        if self.behind is not None:
            self.behind.close()

    def write(self, _text: str) -> int:
        raise OSError(28, SECRET)


def fill_disk() -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            full = Full()
            full.fileno = handler.stream.fileno  # type: ignore[method-assign]
            full.behind = handler.stream
            handler.stream = full  # type: ignore[assignment]


def test_a_lost_record_is_reported_without_its_words(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(logs.settings, Redactor(), console=Full())
    logs.ours.error("failed", value=SECRET)
    assert capsys.readouterr().err == "a log record of ours was lost: OSError\n"


def test_a_full_disk_costs_the_file_only(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    fill_disk()
    logs.ours.error("failed", value=SECRET)
    assert capsys.readouterr().err == "a log record of ours was lost: OSError\n"
    assert "failed" in logs.console.getvalue()


def test_nothing_is_said_when_nobody_can_hear(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_disk()
    monkeypatch.setattr(sys, "stderr", None)
    logs.ours.error("failed")
    monkeypatch.undo()
    assert "failed" in logs.console.getvalue()


def test_a_second_configuration_replaces_the_first(tmp_path: Path) -> None:
    first = Logs(tmp_path / "a")
    foreign = logging.NullHandler()
    logging.getLogger().addHandler(foreign)
    second = Logs(tmp_path / "b")
    second.ours.info("once")
    assert first.records() == []
    assert len(second.records()) == 1
    assert foreign not in logging.getLogger().handlers
    assert len(logging.getLogger().handlers) == 3


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error", "uvicorn.access"])
def test_the_server_logs_through_us_alone(tmp_path: Path, name: str) -> None:
    library = logging.getLogger(name)
    library.addHandler(logging.StreamHandler(io.StringIO()))
    library.propagate = False
    logs = Logs(tmp_path)
    library.warning("from the server")
    assert library.handlers == []
    assert [record["logger"] for record in logs.records()] == [name]


@pytest.mark.parametrize(
    "name", ["PIL", "alembic", "asyncio", "httpcore", "httpx", "multipart", "python_multipart", "urllib3"]
)
def test_talkative_libraries_are_heard_from_warnings_on(tmp_path: Path, name: str) -> None:
    logs = Logs(tmp_path, level="debug")
    logging.getLogger(name).info("chatter")
    logging.getLogger(name).warning("trouble")
    logs.theirs.debug("detail")
    logs.ours.debug("ours")
    assert [record["event"] for record in logs.records()] == ["trouble", "detail", "ours"]


def test_without_any_output_nothing_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = Logs(tmp_path, console=False, file=False)
    logs.ours.error("failed")
    logs.theirs.error("failed")
    assert logs.console.getvalue() == ""
    assert capsys.readouterr().err == ""


def test_standard_error_is_the_console_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogSettings(directory=tmp_path, file=False), Redactor())
    structlog.get_logger("ours").error("failed")
    assert "error   failed" in capsys.readouterr().err


def test_the_directory_is_private_and_made_with_its_parents(tmp_path: Path) -> None:
    Logs(tmp_path / "a" / "b").ours.info("密")
    directory = tmp_path / "a" / "b"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert "密" in (directory / "ironleaf.jsonl").read_text(encoding="utf-8")
    Logs(directory)  # once more is no error


def test_a_new_level_holds_for_loggers_already_made(tmp_path: Path) -> None:
    logs = Logs(tmp_path, level="warning")
    made = logs.ours
    made.warning("first")
    made.info("quiet")
    configure_logs(LogSettings(directory=tmp_path), Redactor(), console=logs.console)
    made.info("heard")
    assert [record["event"] for record in logs.records()] == ["first", "heard"]


def test_files_are_utf_8_whatever_the_locale(logs: Logs) -> None:
    (handler,) = [each for each in logging.getLogger().handlers if isinstance(each, logging.FileHandler)]
    assert (handler.encoding or "").lower() == "utf-8"


def test_a_loss_without_an_exception_is_reported(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    (handler,) = [each for each in logging.getLogger().handlers if isinstance(each, logging.FileHandler)]
    handler.handleError(logging.makeLogRecord({"name": "ours"}))
    assert capsys.readouterr().err == "a log record of ours was lost: unknown\n"
