"""No worker outlives the process that it works for."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest

from ironleaf.foundation.clock import SystemClock

pytestmark = pytest.mark.slow
PARENT = """
import asyncio, sys
from ironleaf.faults.handlers import FaultyJob, FaultySettings, make_faulty_handler
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.processes import ProcessLimits, WorkerPool, WorkerSpec

async def main():
    spec = WorkerSpec("faulty", make_faulty_handler, FaultySettings())
    pool = WorkerPool(spec, size=3, limits=ProcessLimits(), clock=SystemClock())
    await pool.start()
    calls = [asyncio.ensure_future(pool.call(FaultyJob("spin"), timeout_s=50)) for _ in range(2)]
    while pool.status().busy < 2:
        await asyncio.sleep(0)
    print("busy", flush=True)
    if sys.argv[1] == "stay":
        await asyncio.wait(calls)

asyncio.run(main())
"""


def start_parent(what: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, what], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def survivors(processes: list[psutil.Process], *, after_s: float) -> list[psutil.Process]:
    """Return those that still run ``after_s`` seconds from now, at once if none does."""
    clock = SystemClock()
    ends_at_s = clock.monotonic() + after_s
    while (alive := [process for process in processes if runs(process)]) and clock.monotonic() < ends_at_s:
        psutil.wait_procs(alive, timeout=0.02)
    return alive


def runs(process: psutil.Process) -> bool:
    try:
        # A dead orphan stays a zombie until the system's first process looks after it.
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_kill_9_of_the_parent_takes_busy_and_idle_workers_and_the_fork_server_along() -> None:
    with start_parent("stay") as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "busy\n"
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) >= 4, "three workers and the fork server"
        parent.send_signal(signal.SIGKILL)
        assert survivors(family, after_s=2) == []


def test_a_terminal_signal_to_the_group_does_not_end_a_worker() -> None:
    with start_parent("stay") as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "busy\n"
        family = psutil.Process(parent.pid).children(recursive=True)
        workers = [process for process in family if process.parent() not in (None, psutil.Process(parent.pid))]
        assert len(workers) == 3
        for worker in workers:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                worker.send_signal(number)
        assert len(survivors(workers, after_s=0.3)) == 3
        parent.kill()


def test_a_parent_that_forgets_to_close_its_pool_still_ends() -> None:
    with start_parent("leave") as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "busy\n"
        family = psutil.Process(parent.pid).children(recursive=True)
        parent.wait(timeout=10)
        assert survivors(family, after_s=2) == []
