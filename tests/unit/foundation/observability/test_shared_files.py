"""Several processes write one log: nothing is lost when the file is full."""

from __future__ import annotations

import logging
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ironleaf.foundation.observability.shared_files import SharedRotatingFileHandler

if TYPE_CHECKING:
    from pathlib import Path

LINE_BYTES = 20


def make(path: Path, *, files_max: int = 9) -> SharedRotatingFileHandler:
    return SharedRotatingFileHandler(path, maxBytes=10 * LINE_BYTES, backupCount=files_max, encoding="utf-8")


def write(handler: logging.Handler, who: str, number: int) -> None:
    handler.emit(logging.makeLogRecord({"msg": f"{who} {number:05d}".ljust(LINE_BYTES - 1)}))


def read(directory: Path) -> list[str]:
    return [line.strip() for path in directory.glob("x.log*") for line in path.read_text().splitlines()]


def test_two_writers_move_a_full_file_aside_once(tmp_path: Path) -> None:
    first, second = make(tmp_path / "x.log"), make(tmp_path / "x.log")
    for number in range(25):
        write(first, "a", number)
        write(second, "b", number)
    first.close()
    second.close()
    assert sorted(read(tmp_path)) == sorted(f"{who} {number:05d}" for who in "ab" for number in range(25))
    sizes = sorted(len(path.read_text().splitlines()) for path in tmp_path.glob("x.log*") if path.suffix != ".lock")
    assert sizes[:3] >= [5, 9, 9]
    assert len(sizes) <= 6  # 50 lines of 10 a file: none was moved aside half empty
    assert stat.S_IMODE((tmp_path / "x.log.lock").stat().st_mode) == 0o600


def test_a_file_that_somebody_moved_away_is_begun_anew(tmp_path: Path) -> None:
    handler = make(tmp_path / "x.log")
    write(handler, "a", 1)
    (tmp_path / "x.log").rename(tmp_path / "x.log.old")
    write(handler, "a", 2)
    handler.close()
    assert (tmp_path / "x.log").read_text().split() == ["a", "00002"]


def test_a_directory_that_is_gone_costs_the_record_and_not_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    handler = make(folder / "x.log")
    lost: list[logging.LogRecord] = []
    monkeypatch.setattr(handler, "handleError", lost.append)
    write(handler, "a", 1)
    (folder / "x.log").unlink()
    folder.rmdir()
    write(handler, "a", 2)
    assert len(lost) == 1
    folder.mkdir()
    write(handler, "a", 3)
    handler.close()
    assert (folder / "x.log").read_text().split() == ["a", "00003"]


PROGRAM = """
import logging, sys
from ironleaf.foundation.observability.shared_files import SharedRotatingFileHandler
handler = SharedRotatingFileHandler(sys.argv[1], maxBytes=4000, backupCount=99)
sys.stdin.readline()
for number in range(2000):
    handler.emit(logging.makeLogRecord({"msg": f"{sys.argv[2]} {number:05d}".ljust(19)}))
"""


@pytest.mark.slow
def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path / "x.log"), who], stdin=subprocess.PIPE)
        for who in "abcd"
    ]
    for writer in writers:
        writer.communicate(b"go\n", timeout=60)
    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    assert sorted(read(tmp_path)) == sorted(f"{who} {number:05d}" for who in "abcd" for number in range(2000))
