"""The service as a process: memory during a large upload, answers while a page is read, the whole tree's peak.

Run: python benchmarks/service.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
UPLOAD_BYTES = 45_000_000
PORT = int(os.environ.get("BENCH_PORT", "8971"))
URL = f"http://127.0.0.1:{PORT}"
LIVEZ_PAUSE_S = 0.02
READY_S = 60
STOP_S = 40


@contextmanager
def serve(**settings: str) -> Iterator[psutil.Process]:
    """Start the service in a directory of its own; stop it at the end."""
    with tempfile.TemporaryDirectory() as home, serve_in(Path(home), **settings) as process:
        yield process


@contextmanager
def serve_in(home: Path, **settings: str) -> Iterator[psutil.Process]:
    """Start the service in a directory that is kept; stop it at the end."""
    environ = {
        **os.environ,
        "XDG_STATE_HOME": str(home),
        "IRONLEAF_LOGS__DIRECTORY": str(home),
        "IRONLEAF_FILES__SPOOL_DIRECTORY": str(home / "spool"),
        **settings,
    }
    command = [sys.executable, "-m", "ironleaf", "serve", "--port", str(PORT)]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environ, cwd=home, stderr=subprocess.DEVNULL)
    try:
        wait_ready(process)
        print(f"ready after {time.perf_counter() - began:.1f} s")
        yield psutil.Process(process.pid)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the service to end; end it, if it does not within its own grace."""
    process.terminate()
    try:
        process.wait(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        print("the service did not end when asked to, and was killed")
        process.kill()
        process.wait()


def wait_ready(process: subprocess.Popen[bytes]) -> None:
    for _ in range(READY_S * 10):
        try:
            if httpx.get(f"{URL}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None:
            sys.exit("the service did not start")
        time.sleep(0.1)
    sys.exit("the service did not become ready")


class Watch(threading.Thread):
    """Samples what one process, and its whole tree, hold."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self.process = process
        self.parent_peak = self.tree_peak = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.02):
            self.parent_peak = max(self.parent_peak, self.process.memory_info().rss)
            self.tree_peak = max(self.tree_peak, tree_bytes(self.process))


def tree_bytes(process: psutil.Process) -> int:
    """Return the proportional memory of a process and all below it: shared pages count once."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_full_info().pss
        except psutil.Error:
            continue
    return total


@contextmanager
def watched(process: psutil.Process) -> Iterator[Watch]:
    watch = Watch(process)
    watch.start()
    try:
        yield watch
    finally:
        watch.over.set()
        watch.join()


def measure_upload(process: psutil.Process) -> None:
    body = b"\xff\xd8\xff" + os.urandom(UPLOAD_BYTES)
    before = process.memory_info().rss
    with watched(process) as watch:
        answer = httpx.post(f"{URL}/v1/convert", files={"file": ("a.jpg", body)}, timeout=120)
    grown = (watch.parent_peak - before) / 1e6
    print(f"45 MB upload: {answer.json()['error']['reason']}; resident memory of the service grew by {grown:.1f} MB")


def measure_livez() -> None:
    times: list[float] = []
    reading = threading.Thread(target=convert, args=(EXAMPLES / "scanned.pdf",))
    reading.start()
    with httpx.Client(timeout=10) as client:
        while reading.is_alive():
            began = time.perf_counter()
            client.get(f"{URL}/livez")
            times.append((time.perf_counter() - began) * 1000)
            time.sleep(LIVEZ_PAUSE_S)
    times.sort()
    p99 = times[int(len(times) * 0.99) - 1]
    print(
        f"/livez while pages are read: median {statistics.median(times):.1f} ms, p99 {p99:.1f}, max {times[-1]:.1f} "
        f"({len(times)} calls)"
    )


def convert(path: Path) -> float:
    with path.open("rb") as file:
        began = time.perf_counter()
        answer = httpx.post(f"{URL}/v1/convert", files={"file": (path.name, file)}, timeout=300)
    if answer.status_code != httpx.codes.OK:
        sys.exit(answer.text)
    return time.perf_counter() - began


def measure_examples(process: psutil.Process) -> None:
    names = ("receipt.jpg", "two_columns.png", "chinese.png", "scanned.pdf", "born_digital.pdf")
    with watched(process) as watch:
        for name in names:
            print(f"{name:18} {convert(EXAMPLES / name):6.2f} s")
    print(f"peak of the whole process tree on the examples: {watch.tree_peak / 1e6:.0f} MB (proportional)")


def main() -> None:
    with serve() as process:
        measure_examples(process)
        measure_livez()
        measure_upload(process)


if __name__ == "__main__":
    main()
