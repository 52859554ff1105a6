"""What a worker process may use, and how the kernel is told."""

from __future__ import annotations

import contextlib
import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_GIB: Final = 1 << 30
_MIB: Final = 1 << 20
_PAGE_BYTES: Final = resource.getpagesize()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimits:
    """The bounds of every worker of a pool.

    Why these numbers: recognition of one page peaks at 1.03 GiB of address space
    and 0.54 GiB resident, a 100-megapixel picture at 0.8 GiB resident.
    """

    address_space_bytes: int = 2 * _GIB
    cpu_s: int = 60
    """Processor time of one job, over all its threads; up to one second more."""
    open_files: int = 256
    output_file_bytes: int = _GIB
    """Largest single file that a worker may write: 100 Mpx with four bytes each, and room."""
    jobs_max: int = 1_000
    """A worker is renewed after so many jobs, against slow leaks in native code."""
    resident_growth_bytes: int = 768 * _MIB
    """A worker is renewed once it holds so much more than when it became ready."""
    start_timeout_s: float = 30.0


def apply_limits(limits: ProcessLimits) -> bool:
    """Bind this process to ``limits`` for good; tell whether the kernel took them all."""
    wanted = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.address_space_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_FSIZE, limits.output_file_bytes),
    )
    taken = [_bound(kind, value) for kind, value in wanted]
    return all(taken)


def _bound(kind: int, value: int) -> bool:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError):
        return False
    return True


def arm_cpu(budget_s: int) -> None:
    """Give the next job ``budget_s`` seconds of processor time; SIGXCPU ends the process.

    The kernel counts from the start of the process, so the soft limit moves ahead
    with each job and the hard one stays open.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime) + 1 + budget_s
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def resident_bytes() -> int:
    """Return the memory that this process holds now, or 0 where the kernel does not say."""
    try:
        fields = Path("/proc/self/statm").read_bytes().split()
    except OSError:
        return 0
    return int(fields[1]) * _PAGE_BYTES


def open_descriptors() -> tuple[int, ...]:
    """Return the file descriptors that this process holds (Linux and macOS)."""
    return tuple(int(name) for name in os.listdir("/dev/fd"))  # noqa: PTH208 - names only
