"""What a worker can reach: its pipe, its files, its threads."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from ironleaf.faults.handlers import FaultyJob, FaultySettings, make_faulty_handler
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.processes import (
    JobFailed,
    ProcessLimits,
    SandboxMissing,
    SandboxReport,
    WorkerPool,
    WorkerSpec,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="the kernel's locks are Linux's"),
]


def make_pool(
    *,
    read_roots: tuple[Path, ...] | None = None,
    write_roots: tuple[Path, ...] | None = None,
    require_sandbox: bool = True,
) -> WorkerPool[FaultyJob, object]:
    spec = WorkerSpec("locked", make_faulty_handler, FaultySettings(), read_roots=read_roots, write_roots=write_roots)
    return WorkerPool(spec, size=1, limits=ProcessLimits(), clock=SystemClock(), require_sandbox=require_sandbox)


async def test_a_worker_has_no_network_no_processes_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRONLEAF_CANARY", "canary-5521")
    pool = make_pool()
    await pool.start()
    try:
        outcomes = {
            (act, number): await pool.call(FaultyJob(act, number), timeout_s=10)
            for act, number in (
                ("open_socket", socket.AF_INET),
                ("open_socket", socket.AF_INET6),
                ("open_socket", socket.AF_UNIX),
                ("open_socket", socket.AF_NETLINK),
                ("look_up", 0),
                ("execute", 0),
                ("fork", 0),
                ("kill", os.getpid()),
                ("kill", 0),
            )
        }
        assert outcomes.pop(("look_up", 0)) == "gaierror"
        assert set(outcomes.values()) == {"PermissionError"}
        assert await pool.call(FaultyJob("start_thread"), timeout_s=10) == "done"
        # The standard streams, the job pipe and the lifeline.
        assert await pool.call(FaultyJob("open_files"), timeout_s=10) == 5
        environment = await pool.call(FaultyJob("environment"), timeout_s=10)
        assert isinstance(environment, str)
        assert "OMP_NUM_THREADS" in environment
        assert "IRONLEAF" not in environment
        assert "PYTEST" not in environment
    finally:
        await pool.aclose()


async def test_with_roots_a_worker_reaches_only_them(tmp_path: Path) -> None:
    given, spool, other = tmp_path / "given", tmp_path / "spool", tmp_path / "other"
    for folder in (given, spool, other):
        folder.mkdir()
        (folder / "file").write_bytes(b"12345")
    pool = make_pool(read_roots=(given, tmp_path / "missing"), write_roots=(spool,))
    await pool.start()
    try:
        sandbox = pool.status().sandbox
        if sandbox is None or not sandbox.landlock:
            pytest.skip("this kernel has no Landlock")
        assert await pool.call(FaultyJob("read_file", 0, str(given / "file")), timeout_s=10) == 5
        assert await pool.call(FaultyJob("read_file", 0, str(spool / "file")), timeout_s=10) == 5
        assert await pool.call(FaultyJob("write_file", 1 << 16, str(spool / "new")), timeout_s=10) == 1 << 16
        for act, path in (
            ("read_file", other / "file"),
            ("read_file", "/etc/passwd"),
            ("read_file", f"/proc/{os.getpid()}/environ"),
            ("write_file", given / "file"),
            ("write_file", other / "new"),
        ):
            with pytest.raises(JobFailed) as caught:
                await pool.call(FaultyJob(act, 1 << 16, str(path)), timeout_s=10)
            assert (act, str(path), caught.value.exception_type) == (act, str(path), "PermissionError")
    finally:
        await pool.aclose()


async def test_a_required_sandbox_that_is_missing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = make_pool()
    without = SandboxReport(seccomp=False, landlock=False, rlimits=True, audit=True)
    monkeypatch.setattr(type(pool._crew), "sandbox", property(lambda _: without, lambda *_: None), raising=False)
    with pytest.raises(SandboxMissing):
        await pool.start()
    assert pool.status().alive == 0
