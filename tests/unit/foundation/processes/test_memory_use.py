"""Memory against the nearest limit, read from files as the kernel writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ironleaf.foundation.processes.memory_use import measure_memory

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024**2


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "ascii")


def make_proc(root: Path, membership: str) -> Path:
    write(root, meminfo="MemTotal: 2048 kB\nMemFree: 10 kB\nMemAvailable: 512 kB\n", self__cgroup=membership)
    write(root, self__statm="900 100 50 1 0 1 0", self__task__1__children="7 8 ")
    (root / "7").mkdir()
    (root / "7" / "statm").write_text("900 11 50 1 0 1 0", "ascii")
    return root


def test_the_machine_is_the_limit_where_there_is_no_group(tmp_path: Path) -> None:
    use = measure_memory(proc=make_proc(tmp_path / "proc", "0::/\n"), cgroups=tmp_path / "none")
    assert (use.limit_bytes, use.used_bytes) == (2 * MIB, 1.5 * MIB)


def test_the_tree_is_this_process_and_those_below_it_that_still_live(tmp_path: Path) -> None:
    use = measure_memory(proc=make_proc(tmp_path / "proc", "0::/\n"), cgroups=tmp_path)
    assert use.tree_bytes == 111 * 4096


def test_the_group_is_the_limit_and_its_page_cache_is_not_used_up(tmp_path: Path) -> None:
    group = tmp_path / "cgroups" / "a" / "b"
    write(group, **{"memory.max": "max\n", "memory.current": "5"})
    write(
        group.parent,
        **{"memory.max": f"{MIB}\n", "memory.current": "600000\n", "memory.stat": "anon 5\ninactive_file 100000\n"},
    )
    use = measure_memory(proc=make_proc(tmp_path / "proc", "0::/a/b\n"), cgroups=tmp_path / "cgroups")
    assert (use.limit_bytes, use.used_bytes) == (MIB, 500_000)


def test_groups_of_the_old_kind_are_known_too(tmp_path: Path) -> None:
    write(
        tmp_path / "cgroups" / "memory",
        **{
            "memory.limit_in_bytes": f"{MIB}",
            "memory.usage_in_bytes": "9000",
            "memory.stat": "total_inactive_file 1000",
        },
    )
    proc = make_proc(tmp_path / "proc", "4:memory:/docker/x\n1:cpu:/docker/x\n")
    use = measure_memory(proc=proc, cgroups=tmp_path / "cgroups")
    assert (use.limit_bytes, use.used_bytes) == (MIB, 8000)


def test_a_system_that_tells_nothing_has_no_limit(tmp_path: Path) -> None:
    use = measure_memory(proc=tmp_path, cgroups=tmp_path)
    assert (use.limit_bytes, use.used_bytes, use.tree_bytes) == (0, 0, 0)


def test_this_machine_tells() -> None:
    use = measure_memory()
    assert use.tree_bytes > 0
    assert 0 < use.used_bytes < use.limit_bytes
