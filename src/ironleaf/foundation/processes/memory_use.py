"""How much memory is used of the nearest limit: the control group's, or else the machine's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROC: Final = Path("/proc")
CGROUPS: Final = Path("/sys/fs/cgroup")
PROCESSES_MAX: Final = 256
"""Below this one; more are not ours."""
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Memory at one moment."""

    used_bytes: int
    """Of the limit, without page cache that can be given back at once."""
    limit_bytes: int
    """0 where nothing is known."""
    tree_bytes: int
    """Resident, of this process and those below it; what they share is counted for each."""


def measure_memory(*, proc: Path = PROC, cgroups: Path = CGROUPS) -> MemoryUse:
    """Return the present use; zeros where the system does not tell."""
    machine = _read_table(proc / "meminfo", scale=1024)
    limit, used = machine.get("MemTotal", 0), machine.get("MemTotal", 0) - machine.get("MemAvailable", 0)
    for group_limit, group_used in _groups(proc / "self" / "cgroup", cgroups):
        if 0 < group_limit < limit:
            limit, used = group_limit, group_used
    return MemoryUse(used_bytes=used, limit_bytes=limit, tree_bytes=_measure_tree(proc))


def _groups(membership: Path, root: Path) -> Iterator[tuple[int, int]]:
    """Yield limit and use of our control groups and those around them, as far as they can be seen."""
    for line in _read(membership).splitlines():
        _, controllers, place = line.split(":", 2)
        if not controllers:
            directory = root / place.lstrip("/")
            for each in (directory, *directory.parents):
                if each.is_relative_to(root):
                    yield _judge(each, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            # In a container the place is the host's and the counters lie at the top.
            for each in (root / "memory" / place.lstrip("/"), root / "memory"):
                yield _judge(each, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _judge(group: Path, limit: str, use: str, cache: str) -> tuple[int, int]:
    cached = _read_table(group / "memory.stat").get(cache, 0)
    return _read_number(group / limit), max(0, _read_number(group / use) - cached)


def _measure_tree(proc: Path) -> int:
    pages, found, todo = 0, 0, ["self"]
    while todo and found < PROCESSES_MAX:
        process = proc / todo.pop()
        found += 1
        fields = _read(process / "statm").split()
        pages += int(fields[1]) if len(fields) > 1 else 0
        todo += _list_children(process)
    return pages * _PAGE_BYTES


def _list_children(process: Path) -> list[str]:
    try:
        threads = list((process / "task").iterdir())
    except OSError:  # it has ended meanwhile
        return []
    return [child for thread in threads for child in _read(thread / "children").split()]


def _read_table(path: Path, *, scale: int = 1) -> Mapping[str, int]:
    rows = (line.replace(":", " ").split() for line in _read(path).splitlines())
    return {row[0]: int(row[1]) * scale for row in rows if len(row) > 1 and row[1].isdigit()}


def _read_number(path: Path) -> int:
    text = _read(path).strip()
    return int(text) if text.isdigit() else 0


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""
