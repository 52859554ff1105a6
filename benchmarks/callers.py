"""Callers who dawdle and callers who leave: 50 slow uploads of 40 MB at once, and how soon a native worker is free.

Run: python benchmarks/callers.py
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import httpx
import psutil
from service import EXAMPLES, PORT, URL, serve, serve_in, watched

UPLOADS = 50
UPLOAD_BYTES = 40_000_000
PIECE_BYTES = 256 * 1024
PAUSE_S = 0.5
"""Between two pieces: 0.5 MB/s for each caller, 80 s for all."""
GROWN_BYTES_MAX = 100_000_000
LEAVES = 5
FREE_WITHIN_S = 2.0
BOUNDARY = "line"


def begin(part_bytes: int) -> HTTPConnection:
    """Send the head of a form with one file, and of the file nothing yet."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'.encode()
    tail = len(f"\r\n--{BOUNDARY}--\r\n")
    connection = HTTPConnection("127.0.0.1", PORT, timeout=120)
    connection.putrequest("POST", "/v1/convert")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(head) + part_bytes + tail))
    connection.endheaders(head)
    return connection


def upload_slowly(_number: int) -> int:
    connection = begin(UPLOAD_BYTES)
    sent, piece = 0, b"\x01\x02\x03" * (PIECE_BYTES // 3 + 1)  # of no known type: decoders are not what is measured
    while sent < UPLOAD_BYTES:
        cut = piece[: min(PIECE_BYTES, UPLOAD_BYTES - sent)]
        connection.send(cut)
        sent += len(cut)
        time.sleep(PAUSE_S)
    connection.send(f"\r\n--{BOUNDARY}--\r\n".encode())
    status = connection.getresponse().status
    connection.close()
    return status


def measure_uploads(process: psutil.Process) -> bool:
    before = process.memory_info().rss
    served: list[float] = []
    with watched(process) as watch, ThreadPoolExecutor(UPLOADS) as callers:
        asked = [callers.submit(upload_slowly, number) for number in range(UPLOADS)]
        with httpx.Client(timeout=300) as client:
            while not all(each.done() for each in asked):
                began = time.perf_counter()
                client.post(f"{URL}/v1/convert", files={"file": ("a.txt", b"hello there")}).raise_for_status()
                served.append(time.perf_counter() - began)
                time.sleep(0.5)
        statuses = sorted({each.result() for each in asked})
    grown = watch.parent_peak - before
    print(
        f"{UPLOADS} uploads of {UPLOAD_BYTES // 10**6} MB by slow callers: answers {statuses}; the service grew by "
        f"{grown / 1e6:.0f} MB, bar {GROWN_BYTES_MAX / 1e6:.0f}; {len(served)} others served meanwhile, median "
        f"{statistics.median(served) * 1000:.0f} ms, slowest {max(served) * 1000:.0f} ms"
    )
    return grown <= GROWN_BYTES_MAX


def measure_stall() -> bool:
    stall = {"IRONLEAF_FILES__LIMITS__UPLOAD_STALL_S_MAX": "2"}
    with tempfile.TemporaryDirectory() as directory, serve_in(Path(directory), **stall):
        connection = begin(UPLOAD_BYTES)
        connection.send(b"some")
        began = time.perf_counter()
        answer = connection.getresponse()
        took = time.perf_counter() - began
        spools = (Path(directory) / "spool").rglob("*")
        left = [path for path in spools if path.is_file() and path.suffix != ".lock"]
    print(f"an upload that stalls, limit 2 s: {answer.status} after {took:.1f} s; files left {len(left)}")
    return answer.status == httpx.codes.REQUEST_TIMEOUT and not left


def measure_leaving(process: psutil.Process) -> bool:
    """Leave while pages are recognised; see when the worker that did it is gone."""
    times = [leave_once(process) for _ in range(LEAVES)]
    print(
        f"a caller leaves: its native worker is free after {max(times):.2f} s at most, median "
        f"{statistics.median(times):.2f} s, bar {FREE_WITHIN_S:.0f} s"
    )
    return max(times) <= FREE_WITHIN_S


def leave_once(process: psutil.Process) -> float:
    wait_for(lambda: not busy(process), 60)
    data = (EXAMPLES / "scanned.pdf").read_bytes()
    connection = begin(len(data))
    connection.send(data + f"\r\n--{BOUNDARY}--\r\n".encode())
    wait_for(lambda: bool(busy(process)), 60)
    at_work = busy(process)
    connection.close()
    began = time.perf_counter()
    wait_for(lambda: not at_work & busy(process), 30)
    return time.perf_counter() - began


def busy(process: psutil.Process) -> set[int]:
    """Return the processes below the service that use a core now."""
    before = cpu_times(process)
    time.sleep(0.1)
    return {pid for pid, used in cpu_times(process).items() if pid in before and used - before[pid] >= 0.02}


def cpu_times(process: psutil.Process) -> dict[int, float]:
    times: dict[int, float] = {}
    for child in process.children(recursive=True):
        try:
            used = child.cpu_times()
        except psutil.Error:
            continue
        times[child.pid] = used.user + used.system
    return times


def wait_for(holds: object, seconds: float) -> None:
    ends = time.perf_counter() + seconds
    while not holds():  # type: ignore[operator]
        if time.perf_counter() > ends:
            sys.exit("nothing happened")
        threading.Event().wait(0.01)


def main() -> None:
    with serve() as process:
        held = [measure_leaving(process), measure_uploads(process)]
    held.append(measure_stall())
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
