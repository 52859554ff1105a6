"""What locking the decoders away costs: the same pages in this process, in a worker, and in a worker without locks.

Run: python benchmarks/sandbox.py
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ironleaf.application.worker_entry import make_decoding_worker
from ironleaf.document import ImageEncoding, RenderSpec
from ironleaf.foundation.clock import SystemClock
from ironleaf.foundation.processes import ProcessLimits, WorkerPool, WorkerSpec
from ironleaf.foundation.processes import worker as worker_module
from ironleaf.services.files.formats.base import DecodeLimits, OpenRequest, PageJob, RenderJob

EXAMPLES = Path(__file__).parents[1] / "examples"
ROUNDS = 30
SPEC = RenderSpec(encoding=ImageEncoding.RAW_RGB, pixels_max=12_000_000)
CASES = (("born_digital.pdf", "pdf"), ("scanned.pdf", "pdf"), ("receipt.jpg", "jpeg"), ("chinese.png", "png"))


def make_jobs(home: Path, name: str, kind: str) -> tuple[PageJob, RenderJob]:
    path = home / name
    path.write_bytes((EXAMPLES / name).read_bytes())
    request = OpenRequest(path=path, format=kind)
    return PageJob(file=request, number=1), RenderJob(file=request, number=1, spec=SPEC, target=home / "page.npy")


async def time_pages(call: Callable[[Any], Awaitable[Any]], jobs: tuple[Any, ...]) -> list[float]:
    times: list[float] = []
    for _ in range(ROUNDS + 3):
        began = time.perf_counter()
        for job in jobs:
            await call(job)
        times.append((time.perf_counter() - began) * 1000)
    return times[3:]


async def start_pool(home: Path) -> WorkerPool[Any, Any]:
    limits = ProcessLimits(address_space_bytes=3 * 1024**3)
    spec = WorkerSpec(name="decode", factory=make_decoding_worker, settings=DecodeLimits(), write_roots=(home,))
    pool: WorkerPool[Any, Any] = WorkerPool(spec, size=1, limits=limits, clock=SystemClock())
    await pool.start()
    return pool


def make_unlocked_worker(limits: DecodeLimits) -> Any:
    """Return a worker's handler after telling its process to leave the system calls alone."""
    worker_module.deny_system_calls = lambda: False
    worker_module.refuse_in_interpreter = lambda: False
    return make_decoding_worker(limits)


async def start_unlocked_pool() -> WorkerPool[Any, Any]:
    limits = ProcessLimits(address_space_bytes=3 * 1024**3)
    spec = WorkerSpec(name="decode", factory=make_unlocked_worker, settings=DecodeLimits())
    pool: WorkerPool[Any, Any] = WorkerPool(spec, size=1, limits=limits, clock=SystemClock())
    await pool.start()
    return pool


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        here = make_decoding_worker(DecodeLimits())
        locked, unlocked = await start_pool(home), await start_unlocked_pool()
        print(f"locked: {locked.status().sandbox}")
        print(f"unlocked: {unlocked.status().sandbox}")

        async def call_here(job: Any) -> Any:
            return here(job)

        async def call_locked(job: Any) -> Any:
            return await locked.call(job, timeout_s=60)

        async def call_unlocked(job: Any) -> Any:
            return await unlocked.call(job, timeout_s=60)

        for name, kind in CASES:
            jobs = make_jobs(home, name, kind)
            inside = statistics.median(await time_pages(call_here, jobs))
            free = statistics.median(await time_pages(call_unlocked, jobs))
            bound = statistics.median(await time_pages(call_locked, jobs))
            print(
                f"{name:18} a page: in this process {inside:6.1f} ms, in a worker {free:6.1f}, in a locked worker "
                f"{bound:6.1f}; the locks x{bound / free:.2f}, all of it x{bound / inside:.2f}"
            )
        await locked.aclose()
        await unlocked.aclose()


if __name__ == "__main__":
    asyncio.run(main())
