"""Promise: the command line reads files without a server, and its exit codes and words can be relied on."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.fixtures.service import EXAMPLES, Service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Run = "Callable[..., subprocess.CompletedProcess[str]]"


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    wait = functools.partial(subprocess.run, capture_output=True, text=True, timeout=120, check=False)

    def start(*arguments: str | Path, begin: Callable[..., Any] = wait, **environ: str) -> Any:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("IRONLEAF_", "LC_", "LANG"))}
        own = {
            "IRONLEAF_FILES__SPOOL_DIRECTORY": str(tmp_path / "spool"),
            "IRONLEAF_LOGS__DIRECTORY": str(tmp_path / "logs"),
        }
        command = [sys.executable, "-m", "ironleaf", *map(str, arguments)]
        return begin(command, cwd=tmp_path, env={**clean, **own, **environ})

    return start


def test_a_file_becomes_text_on_standard_output(run: Run) -> None:
    done = run("convert", EXAMPLES / "born_digital.pdf")
    assert done.returncode == 0, done.stderr
    assert "Field Guide to Quiet Machines" in done.stdout
    assert done.stderr == ""


def test_files_become_files_and_a_clash_gets_a_number(run: Run, tmp_path: Path) -> None:
    pdf = EXAMPLES / "born_digital.pdf"
    done = run("convert", pdf, pdf, "-o", tmp_path / "out", "--output-format", "text", "--page-range", "2")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["born_digital-2.txt", "born_digital.txt"]
    assert "Keeping a Log" in (tmp_path / "out" / "born_digital.txt").read_text(encoding="utf-8")
    assert done.stdout == ""


def test_being_asked_to_end_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    def spooled() -> list[Path]:
        return [path for path in (tmp_path / "spool").rglob("*") if path.is_file() and path.suffix != ".lock"]

    begin = functools.partial(subprocess.Popen, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with run("convert", EXAMPLES / "scanned.pdf", begin=begin) as process:
        while not spooled() and process.poll() is None:
            pass
        process.terminate()
        words = process.communicate(timeout=60)
    assert (process.returncode, words) == (143, ("", ""))
    assert spooled() == []


def test_json_is_one_document_a_line(run: Run) -> None:
    done = run("convert", EXAMPLES / "born_digital.pdf", "--output-format", "json")
    assert json.loads(done.stdout)["pages_requested"] == 2


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (b"", 2, "empty-file"),
        (b"\x00\x01\x02\x03" * 300, 3, "unsupported-type"),
        (None, 2, "unreadable-path"),
    ],
)
def test_failures_that_share_a_kind_exit_with_its_code(
    run: Run, tmp_path: Path, content: bytes | None, code: int, reason: str
) -> None:
    path = tmp_path / "file.bin"
    if content is not None:
        path.write_bytes(content)
    done = run("convert", path)
    assert done.returncode == code, done.stderr
    assert f"[{reason} · " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_mixed_failures_exit_with_one_and_good_files_are_read_all_the_same(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "junk.bin").write_bytes(b"\x00\x01\x02\x03" * 300)
    done = run("convert", tmp_path / "empty.png", tmp_path / "junk.bin", EXAMPLES / "born_digital.pdf")
    assert done.returncode == 1
    assert "Quiet Machines" in done.stdout


def test_a_chinese_terminal_is_spoken_to_in_chinese(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    done = run("convert", tmp_path / "empty.png", LANG="zh_CN.UTF-8")
    assert any("一" <= char <= "鿿" for char in done.stderr)


def test_a_wrong_setting_is_refused_by_name(run: Run) -> None:
    done = run("serve", IRONLEAF_SERVER__PORT="secret-value")
    assert done.returncode == 78
    assert "IRONLEAF_SERVER__PORT" in done.stderr
    assert "secret-value" not in done.stderr


def test_a_public_address_is_refused_unless_it_is_meant(run: Run) -> None:
    done = run("serve", "--host", "0.0.0.0")  # noqa: S104
    assert done.returncode == 78
    assert "IRONLEAF_SERVER__ALLOW_PUBLIC" in done.stderr


def test_the_catalogue_is_listed_and_shown(run: Run) -> None:
    assert "page-too-large" in run("errors", "list").stdout
    shown = run("errors", "show", "42207").stdout
    assert shown == run("errors", "show", "page-too-large").stdout
    assert "HTTP 422" in shown
    assert run("errors", "show", "no-such").returncode == 7


def test_upstream_answers_are_judged_line_by_line(run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "answers.jsonl"
    gone = {"http_status": 400, "headers": {}, "body": '{"detail": "Model not found, uid: m-0"}', "exception": None}
    lines.write_text(json.dumps(gone) + "\nnot json\n", encoding="utf-8")
    first, second = (json.loads(line) for line in run("errors", "classify", "--jsonl", lines).stdout.splitlines())
    assert (first["kind"], first["retry_same_backend"], first["level"]) == ("model_not_found", False, "L3")
    assert set(second) == {"kind", "caused_by", "retry_same_backend", "fallback_other_backend", "level", "reason"}


def test_a_request_is_explained_from_its_number_alone(run: Run, service: Service, tmp_path: Path) -> None:
    request_id = service.convert(EXAMPLES / "born_digital.pdf", engine="nonsense").json()["request_id"]
    done = run("errors", "explain", request_id, "--directory", service.directory / "logs", "--bundle", "bundle.json")
    assert done.returncode == 0, done.stderr
    assert "42230 bad-option · HTTP 422 · L1" in done.stdout
    assert "At fault: the caller's request." in done.stdout
    assert json.loads((tmp_path / "bundle.json").read_text(encoding="utf-8"))["request_id"] == request_id


def test_an_unknown_number_is_said_to_be_unknown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    assert run("errors", "explain", "01JDA2B3C4D5E6F7G8H9J0K1M2").returncode == 7
    assert run("errors", "explain", "../../etc/passwd").returncode == 2
