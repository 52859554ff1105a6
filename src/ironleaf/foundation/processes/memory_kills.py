"""How often the kernel has killed for lack of memory in our control group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def count_memory_kills(membership: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the kernel's own count, or 0 where it keeps none (no control groups, or none limited).

    Workers share the group of their parent: a worker that died by SIGKILL, not
    ours, while this grew died for lack of memory.
    """
    return max((_kills_in(path) for path in _counters(membership, root)), default=0)


def _counters(membership: Path, root: Path) -> Iterator[Path]:
    try:
        lines = membership.read_text("ascii", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, place = line.split(":", 2)
        if not controllers:
            yield root / place.lstrip("/") / "memory.events"
        elif "memory" in controllers.split(","):
            # In a container the place is the host's and the counter lies at the top.
            yield root / "memory" / place.lstrip("/") / "memory.oom_control"
            yield root / "memory" / "memory.oom_control"


def _kills_in(path: Path) -> int:
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    for line in lines:
        name, _, number = line.partition(" ")
        if name == "oom_kill" and number.isdigit():
            return int(number)
    return 0
