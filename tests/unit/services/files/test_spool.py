"""Files lie in private directories that are gone on every path, also after a kill."""

from __future__ import annotations

import errno
import shutil
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ironleaf.foundation.errors import StorageFailure
from ironleaf.services.files.spool import SpoolRoot, storage_failure, sweep

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, pathlib, signal, sys
from ironleaf.services.files.spool import SpoolRoot
root = SpoolRoot(pathlib.Path(sys.argv[1]), free_bytes_min=0)
root.open().new_path().write_bytes(b"left behind")
os.kill(os.getpid(), signal.SIGKILL)
"""


def everything_in(directory: Path) -> list[Path]:
    return list(directory.rglob("*"))


def test_a_spool_is_private_and_gone_at_its_end(tmp_path: Path) -> None:
    with SpoolRoot(tmp_path / "spool", free_bytes_min=0) as root:
        with root.open() as spool:
            path = spool.new_path(".npy")
            path.write_bytes(b"pixels")
            assert path != spool.new_path(".npy")
            assert stat.S_IMODE(spool.directory.stat().st_mode) == 0o700
        assert not path.exists()
        assert not spool.directory.exists()
    assert everything_in(tmp_path / "spool") == []


def test_a_spool_is_gone_after_an_error(tmp_path: Path) -> None:
    with SpoolRoot(tmp_path, free_bytes_min=0) as root:
        spool = root.open()
        spool.new_path().write_bytes(b"x")
        with pytest.raises(ZeroDivisionError), spool:
            raise ZeroDivisionError
        assert not spool.directory.exists()


def test_the_next_start_sweeps_what_a_killed_process_left(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert any(path.is_file() and path.read_bytes() == b"left behind" for path in everything_in(tmp_path))
    with SpoolRoot(tmp_path, free_bytes_min=0) as root:
        assert root.swept == 1
        assert not any(path.is_file() and path.stat().st_size for path in everything_in(tmp_path))


def test_a_living_process_keeps_its_files(tmp_path: Path) -> None:
    with SpoolRoot(tmp_path, free_bytes_min=0) as living, living.open() as spool:
        path = spool.new_path()
        path.write_bytes(b"in use")
        with SpoolRoot(tmp_path, free_bytes_min=0) as newcomer:
            assert newcomer.swept == 0
        assert path.read_bytes() == b"in use"


def test_other_names_are_not_swept(tmp_path: Path) -> None:
    mine = tmp_path / "house-notes"
    mine.mkdir()
    (tmp_path / "letter.txt").write_text("keep me")
    assert sweep(tmp_path) == 0
    assert mine.is_dir()


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    root = SpoolRoot(tmp_path, free_bytes_min=0)
    root.close()
    root.close()


def test_a_full_disk_is_said_before_anything_is_taken(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    with SpoolRoot(tmp_path, free_bytes_min=2 * free) as root, pytest.raises(StorageFailure) as caught:
        root.open()
    assert caught.value.entry.reason == "spool-full"
    with SpoolRoot(tmp_path, free_bytes_min=free * 3 // 4) as root:
        root.open().close()
        with pytest.raises(StorageFailure):
            root.open(expected_bytes=free // 2)


def test_a_declared_length_cannot_make_the_disk_look_full(tmp_path: Path) -> None:
    with SpoolRoot(tmp_path, free_bytes_min=1_000_000) as root:
        root.open(expected_bytes=2**80).close()


def test_a_link_is_no_spool(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(StorageFailure) as caught:
        SpoolRoot(tmp_path / "link")
    assert caught.value.entry.reason == "storage-failed"


def test_a_directory_that_others_may_change_is_no_spool(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(StorageFailure):
        SpoolRoot(shared)
    shared.chmod(0o1777)
    SpoolRoot(shared, free_bytes_min=0).close()


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "spool-full"), (errno.EDQUOT, "spool-full"), (errno.EIO, "storage-failed")]
)
def test_a_disk_that_fails_is_told_from_a_full_one(number: int, reason: str) -> None:
    assert storage_failure(OSError(number, "words of the system")).entry.reason == reason
