"""Where files lie while they are read: one private directory per request, gone on every path.

A process holds a lock file beside its directory for as long as it lives; the kernel
lets the lock go even after kill -9. So whoever can take a lock may sweep what it
guarded, in any container that shares the disk, where process numbers would mislead.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final, Self

from ironleaf.foundation.errors import StorageFailure
from ironleaf.services.files.errors import SPOOL_FULL, STORAGE_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

PRIVATE: Final = 0o700
"""Mode of every spool directory: other users' files are not our callers' business, nor the reverse."""
FREE_BYTES_MIN: Final = 512 * 1024 * 1024
"""Bytes that must stay free on the disk: the pages of one file must still fit."""
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_HOUSE: Final = re.compile(r"house-[0-9a-f]{16}")
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def storage_failure(error: OSError) -> StorageFailure:
    """Return what a failed disk operation means to a caller: no room, or a broken disk."""
    entry = SPOOL_FULL if error.errno in _NO_ROOM else STORAGE_FAILED
    return StorageFailure(entry, context={"errno": error.errno})


@dataclass(frozen=True, slots=True)
class Spool:
    """A request's private directory. Leaving the context deletes it with all that is in it."""

    directory: Path
    _numbers: Iterator[int] = field(default_factory=count, repr=False, compare=False)

    def new_path(self, suffix: str = "") -> Path:
        """Return a path in the spool that nobody has been given yet; the file is not made."""
        return self.directory / f"{next(self._numbers):04d}{suffix}"

    def close(self) -> None:
        """Delete the directory. What cannot be deleted now is swept at the next start."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SpoolRoot:
    """A process's place under the spool directory.

    Opening it sweeps what dead processes left.

    Raises:
        StorageFailure: storage-failed if the directory cannot be made, is a link or belongs to another user.
    """

    def __init__(self, directory: Path, *, free_bytes_min: int = FREE_BYTES_MIN) -> None:
        self._root = directory
        self._free_bytes_min = free_bytes_min
        try:
            _make(directory)
            self.swept = sweep(directory)
            self._house, self._lock = _settle(directory)
        except OSError as error:
            raise storage_failure(error) from error

    def open(self, *, expected_bytes: int = 0) -> Spool:
        """Return a new spool.

        Raises:
            StorageFailure: spool-full if ``expected_bytes`` would leave less free than must stay free.
        """
        try:
            free = shutil.disk_usage(self._house).free
            # A declared length is a claim: believed up to the reserve, it cannot make a healthy disk look full.
            if free - min(expected_bytes, self._free_bytes_min) < self._free_bytes_min:
                raise StorageFailure(SPOOL_FULL, context={"free_bytes": free})
            directory = self._house / secrets.token_hex(8)
            directory.mkdir(mode=PRIVATE)
        except OSError as error:
            raise storage_failure(error) from error
        return Spool(directory)

    def close(self) -> None:
        """Delete everything of this process and let its lock go. A second call does nothing."""
        if self._lock < 0:
            return
        shutil.rmtree(self._house, ignore_errors=True)
        _lock_path(self._house).unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sweep(directory: Path) -> int:
    """Delete what dead processes left under a spool directory; return how many there were.

    Only names that this module makes are touched, and none whose lock is held.
    """
    swept = 0
    for house in _houses(directory):
        descriptor = _take_lock(_lock_path(house))
        if descriptor is None:
            continue
        # The directory first: as long as the lock file is there, nobody else can settle under this name.
        shutil.rmtree(house, ignore_errors=True)
        _lock_path(house).unlink(missing_ok=True)
        os.close(descriptor)
        swept += 1
    return swept


def _houses(directory: Path) -> set[Path]:
    names = {path.name.removesuffix(".lock") for path in directory.iterdir()}
    return {directory / name for name in names if _HOUSE.fullmatch(name)}


def _lock_path(house: Path) -> Path:
    return house.with_name(f"{house.name}.lock")


def _take_lock(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except PermissionError:  # another user's
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A sweeper may have deleted the file between our opening and our locking it.
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except OSError:  # held by a living process, or deleted meanwhile
        pass
    os.close(descriptor)
    return None


def _settle(directory: Path) -> tuple[Path, int]:
    while True:
        house = directory / f"house-{secrets.token_hex(8)}"
        descriptor = _take_lock(_lock_path(house))
        if descriptor is not None:
            house.mkdir(mode=PRIVATE)
            return house, descriptor


def _make(directory: Path) -> None:
    directory.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    found = directory.lstat()
    ours = found.st_uid == os.geteuid() and not found.st_mode & _OTHERS_MAY_WRITE
    # A directory like /tmp will do as well: its sticky bit keeps others from our names.
    if not stat.S_ISDIR(found.st_mode) or not (ours or found.st_mode & stat.S_ISVTX):
        raise PermissionError(errno.EPERM, "the spool directory is a link, or others may change what is in it")
