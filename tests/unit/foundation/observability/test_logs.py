"""One pipeline, one schema, redacted, for our lines and the libraries'."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from ironleaf.foundation.observability import LogSettings, Redactor, configure_logs, find_records, lend_logs

if TYPE_CHECKING:
    from pathlib import Path

REQUEST = "01JDA2B3C4D5E6F7G8H9J0K1M2"
SECRET = "topsecretvalue"


def configured(tmp_path: Path, **settings: Any) -> io.StringIO:
    console = io.StringIO()
    configure_logs(LogSettings(directory=tmp_path, **settings), Redactor(secrets=(SECRET,)), console=console)
    return console


def lines(tmp_path: Path) -> list[dict[str, Any]]:
    text = (tmp_path / "ironleaf.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_our_lines_and_the_libraries_share_one_schema(tmp_path: Path) -> None:
    configured(tmp_path)
    structlog.contextvars.bind_contextvars(request_id=REQUEST)
    structlog.get_logger("ours").info("page read", page=3)
    logging.getLogger("uvicorn.error").warning("listening on %s", "port 1")
    ours, theirs = lines(tmp_path)
    assert (ours["event"], ours["page"], ours["request_id"], ours["level"]) == ("page read", 3, REQUEST, "info")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("listening on port 1", "uvicorn.error", "warning")
    assert theirs["request_id"] == REQUEST
    assert ours["time"].endswith("Z")


def test_a_stack_is_data_without_local_variables_and_redacted(tmp_path: Path) -> None:
    configured(tmp_path)
    page_content = "the customer's page"
    try:
        int(f"password={SECRET}")
    except ValueError:
        structlog.get_logger("ours").exception("page failed", code=50030)
    assert page_content
    (record,) = lines(tmp_path)
    assert record["stack"][0]["type"] == "builtins.ValueError"
    assert any("test_a_stack_is_data" in frame for frame in record["stack"][0]["frames"])
    raw = (tmp_path / "ironleaf.jsonl").read_text(encoding="utf-8")
    assert SECRET not in raw
    assert page_content not in raw


def test_the_console_is_for_people(tmp_path: Path) -> None:
    console = configured(tmp_path)
    structlog.get_logger("ours").error("page failed", engine="embedded")
    assert "error   page failed  engine=embedded" in console.getvalue()


def test_lines_below_the_level_are_not_written(tmp_path: Path) -> None:
    configured(tmp_path, level="warning")
    structlog.get_logger("ours").info("quiet")
    logging.getLogger("x").info("quiet")
    assert lines(tmp_path) == []


def test_files_rotate_and_a_request_is_found_across_them_in_order(tmp_path: Path) -> None:
    configured(tmp_path, file_bytes_max=64 * 1024, files_max=3)
    log = structlog.get_logger("ours")
    log.info("first", request_id=REQUEST)
    for number in range(1500):
        log.info("filler", n=number)
    log.info("last", request_id=REQUEST)
    assert (tmp_path / "ironleaf.jsonl.1").exists()
    assert [record["event"] for record in find_records(tmp_path, REQUEST)] == ["first", "last"]


def test_only_a_request_id_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a request id"):
        find_records(tmp_path, "../../etc/passwd")


@pytest.mark.parametrize("wrong", [{"level": "loud"}, {"file_bytes_max": 1}, {"files_max": 0}])
def test_settings_are_checked_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LogSettings(**wrong)


def test_settings_say_what_is_wrong_and_allow_the_bounds() -> None:
    with pytest.raises(ValueError, match=r"^level: must be one of debug, info, warning, error$"):
        LogSettings(level="loud")
    with pytest.raises(ValueError, match=r"^file_bytes_max: must be at least 65536$"):
        LogSettings(file_bytes_max=65_535)
    with pytest.raises(ValueError, match=r"^files_max: must be at least 1$"):
        LogSettings(files_max=0)
    assert LogSettings(file_bytes_max=65_536, files_max=1, level="debug").files_max == 1


def test_logs_lie_in_the_users_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert LogSettings().directory == tmp_path / "ironleaf" / "logs"
    for unset in (lambda: monkeypatch.setenv("XDG_STATE_HOME", ""), lambda: monkeypatch.delenv("XDG_STATE_HOME")):
        unset()
        monkeypatch.setenv("HOME", str(tmp_path))
        assert LogSettings().directory == tmp_path / ".local" / "state" / "ironleaf" / "logs"


def write_log(path: Path, *lines: str) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_records_are_read_oldest_file_first_past_what_is_no_record(tmp_path: Path) -> None:
    def record(number: int) -> str:
        return json.dumps({"n": number, "request_id": REQUEST})

    write_log(
        tmp_path / "ironleaf.jsonl", f"{{broken {REQUEST}", record(5), json.dumps([REQUEST]), record(6), '{"n": 0}'
    )
    write_log(tmp_path / "ironleaf.jsonl.2", record(3))
    write_log(tmp_path / "ironleaf.jsonl.10", record(2))
    write_log(tmp_path / "ironleaf.jsonl.1", record(4))
    write_log(tmp_path / "ironleaf.jsonl.bak", record(99))
    write_log(tmp_path / "ironleaf.jsonl.1.gz", record(99))
    write_log(tmp_path / "other.jsonl", record(99))
    assert [each["n"] for each in find_records(tmp_path, REQUEST)] == [2, 3, 4, 5, 6]
    assert find_records(tmp_path, "0" * 26) == []
    assert find_records(tmp_path / "nowhere", REQUEST) == []


@pytest.mark.parametrize(("written", "first"), [(999, 0), (1000, 0), (1001, 1), (1500, 500)])
def test_the_last_thousand_records_are_shown(tmp_path: Path, written: int, first: int) -> None:
    lines = [json.dumps({"request_id": REQUEST, "n": number}) for number in range(written)]
    write_log(tmp_path / "ironleaf.jsonl.1", *lines[:500])
    write_log(tmp_path / "ironleaf.jsonl", *lines[500:])
    assert [each["n"] for each in find_records(tmp_path, REQUEST)] == list(range(first, written))


def test_a_caller_who_sends_the_id_of_another_request_stays_out_of_its_story(tmp_path: Path) -> None:
    mine = {"event": "request failed", "request_id": REQUEST, "client_request_id": "a"}
    stranger = {"event": "request failed", "request_id": "0" * 26, "client_request_id": REQUEST, "context": [REQUEST]}
    write_log(tmp_path / "ironleaf.jsonl", json.dumps(mine), json.dumps(stranger))
    assert find_records(tmp_path, REQUEST) == [mine]


def test_records_of_processes_that_write_beside_one_another_stand_in_the_order_of_time(tmp_path: Path) -> None:
    def record(time: str) -> str:
        return json.dumps({"time": time, "request_id": REQUEST})

    write_log(tmp_path / "ironleaf.jsonl.1", record("2026-01-01T00:00:02Z"), record("2026-01-01T00:00:03Z"))
    write_log(tmp_path / "ironleaf.jsonl", record("2026-01-01T00:00:01Z"))
    assert [each["time"][17:19] for each in find_records(tmp_path, REQUEST)] == ["01", "02", "03"]


@pytest.mark.parametrize("wrong", ["", "x", REQUEST[:-1], REQUEST + "0", REQUEST.lower(), REQUEST[:-1] + "U"])
def test_what_is_no_request_id_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^not a request id$"):
        find_records(tmp_path, wrong)


def test_what_the_web_kit_says_of_an_error_is_kept_as_data(tmp_path: Path) -> None:
    configure_logs(LogSettings(directory=tmp_path, console=False), Redactor())
    stack = [{"type": "ValueError", "message": "password=hunter2-canary", "frames": ["m:f:1"]}]
    extra = {"request_id": REQUEST, "code": 50030, "stack": stack, "of_a_stranger": 1}
    logging.getLogger("any.library").error("said", extra=extra)
    (record,) = find_records(tmp_path, REQUEST)
    assert (record["event"], record["code"], "of_a_stranger" in record) == ("said", 50030, False)
    assert record["stack"] == [{"type": "ValueError", "message": "password=<secret>", "frames": ["m:f:1"]}]


def fail_with_a_secret_in_a_local_variable() -> None:
    kept = "canary-of-a-local-variable"
    raise ValueError(f"api_key={kept}")


def test_in_a_host_without_logs_nothing_is_printed_and_its_log_is_redacted(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    lend_logs(Redactor())
    structlog.get_logger("ironleaf").debug("of no use to a host")
    try:
        fail_with_a_secret_in_a_local_variable()
    except ValueError as error:
        structlog.get_logger("ironleaf").error("page failed", code=50030, context={"token": "canary"}, exc_info=error)
    (record,) = caplog.records
    assert record.getMessage().startswith('page failed  code=50030 context={"token":"<secret>"}\n')
    assert "ValueError: api_key=<secret>\n" in record.getMessage()
    assert "fail_with_a_secret_in_a_local_variable:" in record.getMessage()
    assert "canary" not in record.getMessage()
    assert capsys.readouterr() == ("", "")


def test_a_host_that_has_set_up_its_logs_keeps_them(tmp_path: Path) -> None:
    configure_logs(LogSettings(directory=tmp_path, console=False), Redactor())
    before = structlog.get_config()["processors"]
    lend_logs(Redactor())
    assert structlog.get_config()["processors"] is before
