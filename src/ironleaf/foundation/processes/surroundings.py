"""What a worker process sees around itself: next to nothing."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ironleaf.foundation.processes.limits import open_descriptors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_KEPT_NAMES: Final = frozenset({"PATH", "LANG", "TZ"})
_KEPT_PREFIXES: Final = ("LC_", "OPENBLAS_")
_HOME: Final = "/nonexistent"
_LINE_BYTES_MAX: Final = 4_096
"""More than this of one write is noise; the pipe that takes it is small."""
_IGNORED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals to the whole process group: the parent decides when a worker ends."""
_DEADLY: Final = (signal.SIGXCPU, signal.SIGXFSZ)
"""Python ignores SIGXFSZ; a limit must end the worker instead, so that it can be told apart."""
_STAT_ENV_START: Final = 47
"""Place of env_start in /proc/self/stat, counted after the command's closing bracket."""


class _LossyText(io.TextIOBase):
    """A text stream that never blocks and never fails: what does not fit is lost."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            os.write(self._fd, text.encode("utf-8", "replace")[:_LINE_BYTES_MAX])
        return len(text)


def scrub(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the few variables of ``environment`` that a worker may know."""
    kept = {
        name: value for name, value in environment.items() if name in _KEPT_NAMES or name.startswith(_KEPT_PREFIXES)
    }
    # One thread per process: the pool is the parallelism.
    return {**kept, "HOME": _HOME, "OMP_NUM_THREADS": "1"}


def settle_in(noise_fd: int, *, keep: Collection[int]) -> None:
    """Leave the parent's surroundings: environment, folder, streams, signals, open files.

    Promises: afterwards only ``keep`` and the three standard streams are open, and
    everything written to the latter goes to ``noise_fd`` or is lost.
    """
    _point_streams(noise_fd)
    _close_others({0, 1, 2, *keep})
    _replace_environment()
    os.chdir("/")
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    for number in _DEADLY:
        signal.signal(number, signal.SIG_DFL)


def _point_streams(noise_fd: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(noise_fd, 1)
    os.dup2(noise_fd, 2)
    sys.stdout = sys.__stdout__ = _LossyText(1)
    sys.stderr = sys.__stderr__ = _LossyText(2)
    faulthandler.enable(file=2, all_threads=False)


def _close_others(keep: set[int]) -> None:
    # Among them the fork server's own pipe: a worker that held it would keep the server alive.
    for fd in open_descriptors():
        if fd not in keep:
            with contextlib.suppress(OSError):
                os.close(fd)


def _replace_environment() -> None:
    scrubbed = scrub(os.environ)
    os.environ.clear()
    _erase_first_environment()
    os.environ.update(scrubbed)


def _erase_first_environment() -> None:
    """Overwrite the strings that the kernel still shows as /proc/self/environ."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        start, end = int(fields[_STAT_ENV_START]), int(fields[_STAT_ENV_START + 1])
        if 0 < start < end:
            ctypes.memset(start, 0, end - start)
