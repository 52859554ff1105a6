"""Files that a worker may reach (Linux 5.13 and later, no privilege needed)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
"""The same on every architecture."""
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

_READ_FILE: Final = 1 << 2
_READ_FOLDER: Final = 1 << 3
_READ: Final = _READ_FILE | _READ_FOLDER
_RIGHTS_OF_FILES: Final = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14) | (1 << 15)
_EXECUTE: Final = 1 << 0
_MAKE_DEVICES: Final = (1 << 6) | (1 << 11)
_DEVICE_CONTROL: Final = 1 << 15
_RIGHTS_BY_VERSION: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights over files that a kernel of that version can deny."""

_SYSTEM_PATHS: Final = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/usr/share/fonts", "/usr/local/share/fonts", "/etc/fonts"),  # PDF pages that embed none
    *("/usr/share/zoneinfo", "/etc/localtime", "/etc/mime.types"),
    *("/dev/null", "/dev/zero", "/dev/urandom"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),  # thread counts
)


def deny_other_files(read_roots: Iterable[Path], write_roots: Iterable[Path]) -> bool:
    """Deny this thread, and those it will start, all files but the interpreter's and the given ones.

    Returns whether the kernel did so. A root that does not exist is left out.
    """
    rights = _known_rights()
    if rights == 0:
        return False
    library = ctypes.CDLL(None, use_errno=True)
    attributes = ctypes.create_string_buffer(struct.pack("=Q", rights), 8)
    ruleset: int = library.syscall(ctypes.c_long(_CREATE_RULESET), attributes, ctypes.c_size_t(8), 0)
    if ruleset < 0:
        return False
    try:
        for path in (*_interpreter_paths(), *map(Path, _SYSTEM_PATHS), *read_roots):
            _allow(ruleset, path, _READ & rights)
        for path in write_roots:
            _allow(ruleset, path, rights & ~(_EXECUTE | _MAKE_DEVICES | _DEVICE_CONTROL))
        _allow(ruleset, Path(os.devnull), (_READ_FILE | (1 << 1)) & rights)
        if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            return False
        return library.syscall(ctypes.c_long(_RESTRICT_SELF), ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _known_rights() -> int:
    if os.uname().sysname != "Linux":
        return 0
    library = ctypes.CDLL(None, use_errno=True)
    version: int = library.syscall(ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), _ASK_VERSION)
    return max((rights for since, rights in _RIGHTS_BY_VERSION.items() if since <= version), default=0)


def _interpreter_paths() -> set[Path]:
    return {Path(entry) for entry in (sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path) if entry}


def _allow(ruleset: int, path: Path, rights: int) -> None:
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            granted = rights if path.is_dir() else rights & _RIGHTS_OF_FILES
            rule = ctypes.create_string_buffer(struct.pack("=Qi", granted, fd), 12)
            library = ctypes.CDLL(None, use_errno=True)
            library.syscall(ctypes.c_long(_ADD_RULE), ruleset, _PATH_BENEATH, rule, 0)
        finally:
            os.close(fd)
