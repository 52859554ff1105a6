"""Which locks hold a worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReport:
    """What the kernel granted to one worker; True means active."""

    seccomp: bool
    """Sockets, new processes and everything that reaches other processes are denied."""
    landlock: bool
    """Files outside the given roots are denied."""
    rlimits: bool
    """Memory, open files and output are bounded."""
    audit: bool
    """The interpreter itself refuses sockets and processes: weaker, where seccomp is missing."""
