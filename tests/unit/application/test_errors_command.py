"""What the operator is told of a request, and what the command line says when it cannot."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from ironleaf.application.cli import catalogue, commands
from ironleaf.application.cli.opening import set_up_logs
from ironleaf.application.settings import Settings, SettingsRefused
from ironleaf.foundation.observability import LogSettings

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = "01JDA2B3C4D5E6F7G8H9J0K1M2"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(commands.app, ["errors", *map(str, arguments)], env={"LC_ALL": "en_US.UTF-8"})


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    record = {"time": "t", "event": "request failed", "request_id": REQUEST, "code": 50030, "context": {"x": "y"}}
    (tmp_path / "ironleaf.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    return tmp_path


def test_a_request_id_may_be_copied_with_spaces_and_in_small_letters(logs: Path) -> None:
    told = run("explain", f" {REQUEST.lower()} ", "--directory", logs)
    assert told.exit_code == 0
    assert "50030 internal-error" in told.output


def test_a_bundle_is_redacted_by_itself_and_for_its_owner_only(logs: Path) -> None:
    line = {"request_id": REQUEST, "event": "e", "context": {"password": "hunter2-in-an-old-log"}}
    with (logs / "ironleaf.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    bundle = logs / "bundle.json"
    assert run("explain", REQUEST, "--directory", logs, "--bundle", bundle).exit_code == 0
    written = bundle.read_text(encoding="utf-8")
    assert len(json.loads(written)["records"]) == 2
    assert "hunter2" not in written
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600


def test_what_cannot_be_read_or_written_is_no_failure_of_ours(logs: Path) -> None:
    told = run("explain", REQUEST, "--directory", logs, "--bundle", logs / "nowhere" / "bundle.json")
    assert told.exit_code == 2
    assert "cannot be written" in told.output
    assert run("classify", "--jsonl", logs / "nothing").exit_code == 2
    (logs / "ironleaf.jsonl").unlink()
    (logs / "ironleaf.jsonl").mkdir()
    told = run("explain", REQUEST, "--directory", logs)
    assert told.exit_code == 6
    assert "cannot be read" in told.output


@pytest.mark.parametrize("wrong", ["\u00b2", "9" * 5000, "999", "no-such-error"])
def test_an_error_that_does_not_exist_is_not_found(wrong: str) -> None:
    assert run("show", wrong).exit_code == catalogue.EXIT_UNKNOWN


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("errors", "show", "no-such-error"), "没有这个错误"),
        (("errors", "explain", "nothing"), "请求编号"),
        (("errors", "explain", REQUEST), "没有该请求的记录"),
        (("db", "downgrade", "base"), "请先停止服务"),
    ],
    ids=["an error", "no id", "a request", "a schema"],
)
def test_what_cannot_be_done_is_said_in_chinese_too(
    arguments: tuple[str, ...], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    told = CliRunner().invoke(commands.app, [*arguments], env={"LC_ALL": "zh_CN.UTF-8"})
    assert told.exit_code != 0
    assert word in told.output


def test_an_error_is_shown_by_its_code_and_by_its_reason() -> None:
    assert run("show", "50030").output == run("show", "internal-error").output


def test_a_log_directory_that_cannot_be_made_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "secret-place").touch()
    settings = Settings(logs=LogSettings(directory=tmp_path / "secret-place" / "logs"))
    with pytest.raises(SettingsRefused) as refused:
        set_up_logs(settings)
    assert str(refused.value).startswith("logs.directory (IRONLEAF_LOGS__DIRECTORY): the directory cannot be made")
    assert "secret-place" not in str(refused.value)


class Panic(BaseException):
    """As a library written in Rust ends: no ``Exception``."""


def test_a_panic_shows_no_stack(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_: object) -> None:
        raise Panic("10.83.7.21")

    monkeypatch.setattr(commands, "app", fail)
    with pytest.raises(SystemExit) as left:
        commands.run()
    assert left.value.code == 15
    assert "10.83.7.21" not in "".join(capsys.readouterr())


def test_the_verdict_says_where_it_was_and_what_lay_at_the_bottom(logs: Path) -> None:
    link = {"type": "builtins.ConnectionResetError", "message": "by\npeer", "frames": []}
    upstream = {"address": "http://10.1.2.3:8000/v1", "http_status": None, "rule": "server-internal", "answer": "x"}
    known = {"request_id": REQUEST, "code": 50265, "context": upstream, "stack": [{"type": "E", "message": ""}, link]}
    events = [
        {**known, "time": "a", "event": "engine failed", "engine": "reader-1"},
        {**known, "time": "b", "event": "page failed", "page": 3},
        {"request_id": REQUEST, "time": "c", "event": "request failed", "code": 50265, "route": "/v1/convert"},
    ]
    (logs / "ironleaf.jsonl").write_text("".join(json.dumps(each) + "\n" for each in events), encoding="utf-8")
    lines = run("explain", REQUEST, "--directory", logs).output.splitlines()
    assert lines[1] == "At fault: the service, or something it stands on."
    assert lines[2] == "Where: engine reader-1, page 3, address http://10.1.2.3:8000/v1, rule server-internal"
    assert lines[3] == "Cause: builtins.ConnectionResetError: by peer"
    told = {"request_id": REQUEST, "event": "request failed", "code": 42230, "details": ["bad-option: field engine"]}
    (logs / "ironleaf.jsonl").write_text(json.dumps(told) + "\n", encoding="utf-8")
    assert "Where: bad-option: field engine\n" in run("explain", REQUEST, "--directory", logs).output
